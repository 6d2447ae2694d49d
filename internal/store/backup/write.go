// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
)

// Progress tells how far it is: tables done of all, and the rows of the one in hand.
type Progress func(table string, done, total int, rows int64)

// Write writes the database as it is now.
func Write(ctx context.Context, db *store.DB, version string, out io.Writer, progress Progress) (Summary, error) {
	var sum Summary
	z, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return sum, fmt.Errorf("compress backup: %w", err)
	}
	err = db.Snapshot(ctx, func(s *store.Snapshot) error {
		w := &writer{out: z, progress: progress, sum: Summary{Header: Header{
			Format: format, Schema: s.Schema(), Engine: db.Engine(), Version: version, Created: time.Now().UTC().Truncate(time.Second), Tables: s.Tables(),
		}}}
		err := w.write(ctx, s)
		sum = w.sum
		return err
	})
	if cerr := z.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return sum, fmt.Errorf("write backup: %w", err)
	}
	return sum, nil
}

type writer struct {
	out      io.Writer
	progress Progress
	sum      Summary
	block    []byte
	record   []byte
}

func (w *writer) write(ctx context.Context, s *store.Snapshot) error {
	if err := w.json(recordHeader, w.sum.Header); err != nil {
		return err
	}
	for i, t := range s.Tables() {
		if err := w.table(ctx, s, t, i); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	w.sum.SHA256 = total(w.sum.Sections)
	return w.json(recordTrailer, trailer{Tables: len(w.sum.Sections), Rows: w.sum.Rows, SHA256: w.sum.SHA256})
}

func (w *writer) table(ctx context.Context, s *store.Snapshot, t store.Table, i int) error {
	sec := newSection(t.Name)
	flush := func() error {
		if len(w.block) == 0 {
			return nil
		}
		err := w.put(recordRows, w.block)
		w.block = w.block[:0]
		w.progress(t.Name, i, len(w.sum.Header.Tables), sec.rows)
		return err
	}
	w.progress(t.Name, i, len(w.sum.Header.Tables), 0)
	err := s.Rows(ctx, t, func(values []any) (err error) {
		from := len(w.block)
		if w.block, err = appendRow(w.block, values); err != nil {
			return err
		}
		if len(w.block) > maxRecord {
			return gyre.Errorf(gyre.TooLarge, "a row of more than %d bytes", maxRecord-blockSize)
		}
		sec.add(w.block[from:])
		if len(w.block) < blockSize {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return err
	}
	done := sec.end()
	w.sum.Sections = append(w.sum.Sections, done)
	w.sum.Rows += done.Rows
	return w.json(recordTable, done)
}

func (w *writer) json(kind byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.put(kind, b)
}

func (w *writer) put(kind byte, payload []byte) error {
	w.record = binary.AppendUvarint(append(w.record[:0], kind), uint64(len(payload)))
	if _, err := w.out.Write(w.record); err != nil {
		return err
	}
	_, err := w.out.Write(payload)
	return err
}

// section counts and sums the rows of a table.
type section struct {
	name string
	rows int64
	sum  hash.Hash
}

func newSection(table string) section { return section{name: table, sum: sha256.New()} }

func (s *section) add(row []byte) {
	s.rows++
	_, _ = s.sum.Write(row)
}

func (s *section) end() Section {
	return Section{Table: s.name, Rows: s.rows, SHA256: hex.EncodeToString(s.sum.Sum(nil))}
}

// total is the sum over all sections, in their order.
func total(all []Section) string {
	h := sha256.New()
	for _, s := range all {
		_, _ = fmt.Fprintf(h, "%s %d %s\n", s.Table, s.Rows, s.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}
