// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gyre-ctem/gyre"
)

// LineReader reads a text document line by line. Not safe for concurrent use.
type LineReader struct {
	name   string
	budget *budget
	r      *bufio.Reader
	n      int
	whole  bool
	start  error
}

// NewLineReader starts reading r, which is called name in errors.
func NewLineReader(ctx context.Context, name string, r io.Reader) *LineReader {
	l := &LineReader{name: name, budget: newBudget(ctx, r), whole: true}
	l.r = bufio.NewReaderSize(l.budget, 64<<10)
	head, err := l.r.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		l.start = l.fail(err)
	}
	skip, err := skipBOM(name, head)
	if err != nil {
		l.start = err
	}
	_, _ = l.r.Discard(skip) // it was just peeked at
	return l
}

// Next returns the next line without its end, valid until the next call, and
// io.EOF after the last one. A line longer than MaxText is gyre.TooLarge.
func (l *LineReader) Next() ([]byte, error) {
	if l.start != nil {
		return nil, l.start
	}
	line, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := append([]byte(nil), line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(long) > MaxText {
				return nil, gyre.FieldErrorf(gyre.TooLarge, l.at(l.n+1), "a line is longer than %d MiB", MaxText>>20)
			}
			line, err = l.r.ReadSlice('\n')
			long = append(long, line...)
		}
		line = long
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, l.fail(err)
	}
	if err != nil && len(line) == 0 {
		return nil, io.EOF
	}
	l.n++
	l.whole = err == nil
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line, nil
}

// Line is the number of the line that Next returned last.
func (l *LineReader) Line() int { return l.n }

// Whole says whether the last line had an end. A file that was cut short mostly has not.
func (l *LineReader) Whole() bool { return l.whole }

func (l *LineReader) at(line int) string { return fmt.Sprintf("%s:%d", l.name, line) }

func (l *LineReader) fail(err error) error {
	if ctxErr := l.budget.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	if e, ok := errors.AsType[*gyre.Error](err); ok {
		return e
	}
	return gyre.FieldErrorf(gyre.Unavailable, l.at(l.n+1), "cannot be read: %v", err)
}
