// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/klauspost/compress/zstd"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
)

// Verify reads a whole backup and says what it holds; gyre.Invalid when it is
// not whole, or not as it was written.
func Verify(ctx context.Context, in io.Reader) (Summary, error) {
	return read(ctx, in, func(Header) error { return nil }, func(store.Table, [][]any) error { return nil })
}

// bad is what is wrong with a file.
func bad(format string, args ...any) error {
	return gyre.FieldErrorf(gyre.Invalid, "backup", format, args...)
}

// read calls begin with the header and rows with the rows of each table, block by
// block. What rows gets may be half of a broken file: only the end says that it was whole.
func read(ctx context.Context, in io.Reader, begin func(Header) error, rows func(store.Table, [][]any) error) (Summary, error) {
	z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return Summary{}, bad("cannot be read: %v", err)
	}
	defer z.Close()
	r := &reader{ctx: ctx, in: bufio.NewReaderSize(z, 64<<10), begin: begin, rows: rows}
	if err := r.read(); err != nil {
		if ctx.Err() != nil {
			return Summary{}, ctx.Err()
		}
		return Summary{}, err
	}
	return r.sum, nil
}

type reader struct {
	ctx   context.Context
	in    *bufio.Reader
	begin func(Header) error
	rows  func(store.Table, [][]any) error
	sum   Summary
	buf   []byte
}

// next reads a record.
func (r *reader) next() (kind byte, payload []byte, err error) {
	if err := r.ctx.Err(); err != nil {
		return 0, nil, err
	}
	if kind, err = r.in.ReadByte(); err != nil {
		return 0, nil, broken(err)
	}
	size, err := binary.ReadUvarint(r.in)
	if err != nil {
		return 0, nil, broken(err)
	}
	if size > maxRecord {
		return 0, nil, bad("a record of %d bytes", size)
	}
	// Grown as it is read, so that memory follows what there is and not what is said.
	r.buf = r.buf[:0]
	for left := int(size); left > 0; { // #nosec G115 -- at most maxRecord
		from, part := len(r.buf), min(left, 1<<20)
		r.buf = append(r.buf, make([]byte, part)...)
		if _, err := io.ReadFull(r.in, r.buf[from:]); err != nil {
			return 0, nil, broken(err)
		}
		left -= part
	}
	return kind, r.buf, nil
}

func broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return bad("ends before its end: it was cut short")
	}
	return bad("cannot be read: %v", err)
}

func (r *reader) read() error {
	kind, payload, err := r.next()
	if err != nil {
		return err
	}
	if kind != recordHeader {
		return bad("does not begin with a header: it is no backup of Gyre")
	}
	if err := r.header(payload); err != nil {
		return err
	}
	if err := r.begin(r.sum.Header); err != nil {
		return err
	}
	for _, t := range r.sum.Header.Tables {
		if err := r.table(t); err != nil {
			return err
		}
	}
	kind, payload, err = r.next()
	if err != nil {
		return err
	}
	var end trailer
	if kind != recordTrailer || json.Unmarshal(payload, &end) != nil {
		return bad("holds something else where its end should be")
	}
	r.sum.SHA256 = total(r.sum.Sections)
	if end != (trailer{Tables: len(r.sum.Sections), Rows: r.sum.Rows, SHA256: r.sum.SHA256}) {
		return bad("is not what was written: the sums over all of it differ")
	}
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		return bad("goes on after its end")
	}
	return nil
}

var name = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

func (r *reader) header(payload []byte) error {
	h := &r.sum.Header
	if err := json.Unmarshal(payload, h); err != nil {
		return bad("has a header that cannot be read: %v", err)
	}
	switch {
	case h.Format != format:
		return bad("has format %d; this program knows %d", h.Format, format)
	case h.Schema < 1 || len(h.Tables) == 0 || len(h.Tables) > maxTables:
		return bad("has a header that says schema %d and %d tables", h.Schema, len(h.Tables))
	}
	for i, t := range h.Tables {
		if !name.MatchString(t.Name) || i > 0 && t.Name <= h.Tables[i-1].Name || len(t.Columns) == 0 || len(t.Columns) > maxColumns {
			return bad("has a table %.40q that cannot be one", t.Name)
		}
		for _, c := range t.Columns {
			if !name.MatchString(c.Name) {
				return bad("has a column %.40q that cannot be one", c.Name)
			}
		}
	}
	return nil
}

// rowsAtOnce bounds what is handed on at once, whatever a record holds.
const rowsAtOnce = 5000

func (r *reader) table(t store.Table) error {
	sec := newSection(t.Name)
	for {
		kind, payload, err := r.next()
		if err != nil {
			return err
		}
		switch kind {
		case recordRows:
			if err := r.block(t, &sec, payload); err != nil {
				return err
			}
		case recordTable:
			var said Section
			if err := json.Unmarshal(payload, &said); err != nil {
				return bad("has an end of table %s that cannot be read", t.Name)
			}
			if done := sec.end(); done != said {
				return bad("is not what was written: table %s has %d rows and another sum than the %d rows that it says", t.Name, done.Rows, said.Rows)
			}
			r.sum.Sections = append(r.sum.Sections, said)
			r.sum.Rows += said.Rows
			return nil
		default:
			return bad("holds something else among the rows of table %s", t.Name)
		}
	}
}

func (r *reader) block(t store.Table, sec *section, b []byte) error {
	var rows [][]any
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := r.rows(t, rows)
		rows = rows[:0]
		return err
	}
	for len(b) > 0 {
		values, rest, ok := rowOf(b, t.Columns)
		if !ok {
			return bad("holds a row of table %s that cannot be read", t.Name)
		}
		sec.add(b[:len(b)-len(rest)])
		b = rest
		if rows = append(rows, values); len(rows) == rowsAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// Restore verifies a backup and makes a database of it at dsn, of either engine. It
// reads the file twice, so in must be at its beginning. The old database is kept where
// Restore says, if there was one and it may be replaced.
func Restore(ctx context.Context, in io.ReadSeeker, dsn string, replace bool, progress Progress) (sum Summary, kept string, err error) {
	if sum, err = Verify(ctx, in); err != nil {
		return sum, "", err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return sum, "", gyre.FieldErrorf(gyre.Unavailable, "backup", "cannot be read again: %v", err)
	}
	kept, err = store.Restore(ctx, dsn, sum.Header.Schema, replace, func(f *store.Filling) error {
		l := &loader{ctx: ctx, to: f, progress: progress, of: len(sum.Header.Tables)}
		again, err := read(ctx, in, l.begin, l.rows)
		if err != nil {
			return err
		}
		if again.SHA256 != sum.SHA256 {
			return bad("has changed while it was read")
		}
		return f.Commit(ctx, func(s *store.Snapshot) error { return same(ctx, s, sum) })
	})
	if err != nil {
		return sum, "", fmt.Errorf("restore backup: %w", err)
	}
	return sum, kept, nil
}

type loader struct {
	ctx      context.Context
	to       *store.Filling
	progress Progress
	of, done int
	table    string
	count    int64
}

// begin holds the tables of the file against those that its schema has.
func (l *loader) begin(h Header) error {
	have, err := l.to.Tables(l.ctx)
	if err != nil {
		return err
	}
	if len(have) != len(h.Tables) {
		return bad("has %d tables; schema %d has %d", len(h.Tables), h.Schema, len(have))
	}
	for i, t := range h.Tables {
		if t.Name != have[i].Name || len(t.Columns) != len(have[i].Columns) {
			return bad("has a table %s that schema %d does not have, or not like this", t.Name, h.Schema)
		}
		for j, c := range t.Columns {
			if c != have[i].Columns[j] {
				return bad("has a column %s.%s that schema %d does not have, or not like this", t.Name, c.Name, h.Schema)
			}
		}
	}
	return nil
}

func (l *loader) rows(t store.Table, rows [][]any) error {
	if t.Name != l.table {
		if l.table != "" {
			l.done++
		}
		l.table, l.count = t.Name, 0
	}
	l.count += int64(len(rows))
	l.progress(t.Name, l.done, l.of, l.count)
	return l.to.Insert(l.ctx, t, rows)
}

// same says whether a database holds what a backup holds, row by row.
func same(ctx context.Context, s *store.Snapshot, want Summary) error {
	var row []byte
	for i, t := range s.Tables() {
		sec := newSection(t.Name)
		err := s.Rows(ctx, t, func(values []any) (err error) {
			if row, err = appendRow(row[:0], values); err == nil {
				sec.add(row)
			}
			return err
		})
		if err != nil {
			return err
		}
		if got := sec.end(); i >= len(want.Sections) || got != want.Sections[i] {
			return gyre.Errorf(gyre.Internal, "table %s was restored with %d rows that are not those of the backup", t.Name, got.Rows)
		}
	}
	return nil
}
