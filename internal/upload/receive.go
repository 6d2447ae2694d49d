// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package upload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/gyre-ctem/gyre"
)

// chunkSize is the size of a piece before it is compressed. It bounds what an
// upload takes of memory, and how long it keeps a writer of the database.
const chunkSize = 1 << 20

// codec is shared: its one-shot calls are safe for concurrent use.
var codec = sync.OnceValues(func() (*zstd.Encoder, *zstd.Decoder) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(chunkSize))
	if err != nil {
		panic(err) // the options are constant
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(2*chunkSize))
	if err != nil {
		panic(err)
	}
	return enc, dec
})

// Input is a report that is handed in.
type Input struct {
	Name, Format, Asset, Address string
	Zone                         gyre.Zone
	By                           string
	// Key makes a repeat of the request this one; hashed, "" for none.
	Key string
	// Again imports what was imported before.
	Again bool
	// Size is the size of the body, -1 when it is not known.
	Size int64
	Body io.Reader
}

// Receive keeps a report. What it returns is waiting to be processed; or it is
// an earlier upload: of the same key (replayed), or (marked as a duplicate) of the same
// content with the same parameters. Nothing is kept of a body that breaks off or is too large.
func (s *Stage) Receive(ctx context.Context, ws gyre.ID, in Input) (_ gyre.Upload, replayed bool, err error) {
	u, replayed, err := s.open(ctx, ws, in)
	if err != nil {
		return u, false, err
	}
	if replayed {
		if u.Name != in.Name || u.Zone != in.Zone || u.Asset != in.Asset || u.Address != in.Address || (in.Size >= 0 && u.Size != in.Size) {
			return u, false, gyre.FieldErrorf(gyre.Conflict, "header.Idempotency-Key", "the key was used for another request")
		}
		return u, true, nil
	}
	mine := u
	defer func() {
		if err != nil {
			s.drop(ctx, mine)
		}
	}()
	size, digest, err := s.keep(ctx, u, in)
	if err != nil {
		return u, false, err
	}
	u, err = s.Store.FinishUpload(ctx, ws, u.ID, size, digest, request(digest, in), s.Parsers, in.Again)
	return u, false, err
}

// open makes room for an upload.
func (s *Stage) open(ctx context.Context, ws gyre.ID, in Input) (_ gyre.Upload, found bool, err error) {
	if in.Size > s.MaxSize {
		return gyre.Upload{}, false, s.tooLarge(in.Name)
	}
	if err := s.room(max(in.Size, 0)); err != nil {
		return gyre.Upload{}, false, err
	}
	return s.Store.CreateUpload(ctx, ws, gyre.Upload{
		ID: gyre.NewID(), Name: in.Name, Format: in.Format, Zone: in.Zone, Asset: in.Asset, Address: in.Address, Actor: in.By, Key: in.Key,
	}, s.MaxOpen)
}

// drop removes what was kept of an upload that came to nothing. The caller may have gone.
func (s *Stage) drop(ctx context.Context, u gyre.Upload) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := s.Store.DropUpload(ctx, u.Workspace, u.ID); err != nil {
		s.Log.Warn("remove a broken upload; the hourly sweep will", "upload", u.ID, "error", err)
	}
}

// request is what makes two uploads the same: content and parameters.
func request(digest string, in Input) string {
	text, _ := json.Marshal([]string{digest, in.Name, in.Format, string(in.Zone), in.Asset, in.Address}) // strings only: it cannot fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (s *Stage) tooLarge(name string) error {
	return gyre.FieldErrorf(gyre.TooLarge, name, "a report may have %d bytes at most (setting upload-size)", s.MaxSize)
}

// room refuses what the disk has no room for, before it is full. Reports pack to a tenth or
// so, what they bring is about as large as they are.
func (s *Stage) room(size int64) error {
	if s.Free == nil {
		return nil
	}
	free, err := s.Free()
	if err != nil {
		s.Log.Warn("ask how much of the disk is free", "error", err)
		return nil
	}
	if free-size < s.Reserve {
		return gyre.Errorf(gyre.Unavailable, "the disk has %d MiB left, %d MiB stay free (setting disk-reserve) and the report has %d MiB: make room, then try again",
			free>>20, s.Reserve>>20, size>>20)
	}
	return nil
}

// keep stores a body piece by piece and returns its size and digest.
func (s *Stage) keep(ctx context.Context, u gyre.Upload, in Input) (size int64, digest string, err error) {
	enc, _ := codec()
	sum := sha256.New()
	piece, packed := make([]byte, chunkSize), make([]byte, 0, chunkSize)
	for seq := 0; ; seq++ {
		n, err := io.ReadFull(in.Body, piece)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, "", err
		}
		last := err != nil
		if n > 0 {
			if size += int64(n); size > s.MaxSize {
				return 0, "", s.tooLarge(in.Name)
			}
			if seq%64 == 63 {
				if err := s.room(0); err != nil {
					return 0, "", err
				}
			}
			_, _ = sum.Write(piece[:n])
			packed = enc.EncodeAll(piece[:n], packed[:0])
			if err := s.Store.AddChunk(ctx, u.Workspace, u.ID, seq, packed, size); err != nil {
				return 0, "", err
			}
		}
		if last {
			break
		}
	}
	if size == 0 {
		return 0, "", gyre.FieldErrorf(gyre.Invalid, in.Name, "the file is empty")
	}
	return size, hex.EncodeToString(sum.Sum(nil)), nil
}

// reader reads the content of an upload.
type reader struct {
	ctx   context.Context
	store Store
	u     gyre.Upload
	seq   int
	read  int64
	buf   []byte
	left  *bytes.Reader
	at    func(read int64)
	// err is what kept the content from being read, which is no fault of the content's.
	err error
}

func newReader(ctx context.Context, store Store, u gyre.Upload, at func(read int64)) *reader {
	return &reader{ctx: ctx, store: store, u: u, left: bytes.NewReader(nil), at: at}
}

func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.left.Len() == 0 {
		if r.read >= r.u.Size {
			return 0, io.EOF
		}
		if r.err = r.next(); r.err != nil {
			return 0, r.err
		}
	}
	return r.left.Read(p)
}

func (r *reader) next() error {
	_, dec := codec()
	packed, err := r.store.Chunk(r.ctx, r.u.Workspace, r.u.ID, r.seq)
	if err != nil {
		return fmt.Errorf("read piece %d of upload: %w", r.seq, err)
	}
	if r.buf, err = dec.DecodeAll(packed, r.buf[:0]); err != nil {
		return fmt.Errorf("unpack piece %d of upload %s: %w", r.seq, r.u.ID, err)
	}
	if len(r.buf) == 0 || len(r.buf) > chunkSize {
		return gyre.Errorf(gyre.Internal, "piece %d of upload %s has %d bytes", r.seq, r.u.ID, len(r.buf))
	}
	r.seq++
	r.read += int64(len(r.buf))
	r.left.Reset(r.buf)
	r.at(r.read)
	return nil
}
