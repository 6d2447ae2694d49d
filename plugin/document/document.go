// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package document reads JSON and XML that strangers wrote, as a stream: one
// element at a time, with limits on depth and size, in memory that does not grow
// with the file, and with errors that name the file, the place and the reason.
//
// Importers and feeds import it, and so may anyone. It knows no format and
// nothing of the estate. Invariants:
//   - a document deeper than MaxDepth, a text longer than MaxText or a value
//     that is decoded whole and longer than MaxValue ends with gyre.TooLarge;
//   - a document that is broken or cut short ends with gyre.Invalid;
//   - reading stops with the context's error soon after it is over.
package document

import (
	"context"
	"errors"
	"io"
	"math"

	"github.com/gyre-ctem/gyre"
)

// The limits. Real reports stay far below; the largest texts seen are code
// flows and base64 of screenshots.
const (
	MaxDepth = 256
	MaxText  = 4 << 20  // bytes of one string, attribute list, character data, comment
	MaxValue = 16 << 20 // bytes of one value that is decoded whole
)

// ErrShape says that one value is sound JSON, but not what was asked for. The
// stream stands behind it and can go on: report a problem and take the next.
var ErrShape = errors.New("unexpected shape")

// budget is a reader that stops with the context, and after a number of bytes
// that can be set anew for each token or value.
type budget struct {
	ctx   context.Context
	r     io.Reader
	n     int64 // bytes handed out
	limit int64 // n may not pass this
	what  string
	err   error // sticks

	broken error // what the reader below failed with
}

func newBudget(ctx context.Context, r io.Reader) *budget {
	return &budget{ctx: ctx, r: r, limit: math.MaxInt64}
}

func (b *budget) allow(n int64, what string) { b.limit, b.what = b.n+n, what }
func (b *budget) allowAll()                  { b.limit = math.MaxInt64 }

// errTooLong is turned into a gyre.TooLarge error with a place by whoever knows it.
var errTooLong = errors.New("too long")

func (b *budget) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.err = b.ctx.Err(); b.err != nil {
		return 0, b.err
	}
	left := b.limit - b.n
	if left <= 0 {
		b.err = errTooLong
		return 0, b.err
	}
	if int64(len(p)) > left {
		p = p[:left]
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		b.broken = err
	}
	return n, err
}

// skipBOM drops a UTF-8 byte order mark, and names encodings that are not read.
func skipBOM(name string, head []byte) (skip int, err error) {
	switch {
	case len(head) >= 3 && head[0] == 0xEF && head[1] == 0xBB && head[2] == 0xBF:
		return 3, nil
	case len(head) >= 2 && (head[0] == 0xFF && head[1] == 0xFE || head[0] == 0xFE && head[1] == 0xFF):
		return 0, gyre.FieldErrorf(gyre.Invalid, name, "is UTF-16; save it as UTF-8")
	}
	return 0, nil
}

// ReadAll reads a document that can only be understood whole. More than limit
// bytes are gyre.TooLarge.
func ReadAll(ctx context.Context, name string, r io.Reader, limit int64) ([]byte, error) {
	b := newBudget(ctx, r)
	text, err := io.ReadAll(io.LimitReader(b, limit+1))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		if e, ok := errors.AsType[*gyre.Error](err); ok {
			return nil, e
		}
		return nil, gyre.FieldErrorf(gyre.Unavailable, name, "cannot be read: %v", err)
	case int64(len(text)) > limit:
		return nil, gyre.FieldErrorf(gyre.TooLarge, name, "is larger than %d MiB", limit>>20)
	}
	skip, err := skipBOM(name, text)
	return text[skip:], err
}
