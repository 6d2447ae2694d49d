// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// Reading a million rows through database/sql costs as much for conversions as
// for reading. What follows reads rows as the driver has them, on both engines.

// wideRow is a row whose columns are BIGINT, DOUBLE PRECISION, BOOLEAN or TEXT. It is valid until the next one.
type wideRow interface {
	int(column int) int64
	float(column int) float64
	bool(column int) bool
	text(column int) string
	// word is text that repeats: it is the same string each time.
	word(column int) string
}

// eachWide runs a query for many rows.
func (db *DB) eachWide(ctx context.Context, query string, args []any, fn func(wideRow) error) error {
	conn, err := db.r.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(c any) error { return db.dialect.Wide(ctx, c, query, args, fn) })
}

// eachWide is DB.eachWide within the transaction: fn cannot use it.
func (tx *Tx) eachWide(ctx context.Context, query string, args []any, fn func(wideRow) error) error {
	return tx.tx.raw(ctx, func(c any) error { return tx.tx.dialect.Wide(ctx, c, query, args, fn) })
}

// words keeps one string of each word. It stays small: once it is full, words are new each time.
type wordList map[string]string

const maxWordList = 4096

func (w wordList) keep(s string) string {
	if len(w) < maxWordList {
		w[s] = s
	}
	return s
}

// driverRow is a row of a database/sql driver.
type driverRow struct {
	values []driver.Value
	words  wordList
}

func (r *driverRow) int(column int) int64 {
	n, _ := r.values[column].(int64)
	return n
}

func (r *driverRow) float(column int) float64 {
	f, _ := r.values[column].(float64)
	return f
}

func (r *driverRow) bool(column int) bool {
	b, _ := r.values[column].(bool)
	return b || r.int(column) != 0
}

func (r *driverRow) text(column int) string {
	s, _ := r.values[column].(string)
	return s
}

func (r *driverRow) word(column int) string {
	s := r.text(column)
	if w, ok := r.words[s]; ok {
		return w
	}
	return r.words.keep(s)
}

func wideSQLite(ctx context.Context, c any, query string, args []any, fn func(wideRow) error) error {
	conn, ok := c.(driver.QueryerContext)
	if !ok {
		return fmt.Errorf("the SQLite driver's %T cannot query", c)
	}
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	rows, err := conn.QueryContext(ctx, query, named)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	row := &driverRow{values: make([]driver.Value, len(rows.Columns())), words: wordList{}}
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		switch err := rows.Next(row.values); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := fn(row); err != nil {
			return err
		}
	}
}

// pgRow is a row of PostgreSQL's protocol.
type pgRow struct {
	values [][]byte
	fields []bool // whether a column is in binary
	words  wordList
}

func (r *pgRow) int(column int) int64 {
	v := r.values[column]
	if r.fields[column] && len(v) == 8 {
		return int64(binary.BigEndian.Uint64(v)) // #nosec -- as it was sent
	}
	n, _ := strconv.ParseInt(string(v), 10, 64)
	return n
}

func (r *pgRow) float(column int) float64 {
	v := r.values[column]
	if r.fields[column] && len(v) == 8 {
		return math.Float64frombits(binary.BigEndian.Uint64(v))
	}
	f, _ := strconv.ParseFloat(string(v), 64)
	return f
}

func (r *pgRow) bool(column int) bool {
	v := r.values[column]
	return len(v) == 1 && (v[0] == 1 || v[0] == 't')
}

func (r *pgRow) text(column int) string { return string(r.values[column]) }

func (r *pgRow) word(column int) string {
	if w, ok := r.words[string(r.values[column])]; ok {
		return w
	}
	return r.words.keep(string(r.values[column]))
}

func widePostgres(ctx context.Context, c any, query string, args []any, fn func(wideRow) error) error {
	conn, ok := c.(*stdlib.Conn)
	if !ok {
		return fmt.Errorf("the PostgreSQL driver's %T is not known", c)
	}
	rows, err := conn.Conn().Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	row := &pgRow{words: wordList{}}
	for rows.Next() {
		if row.fields == nil {
			for _, f := range rows.FieldDescriptions() {
				if f.DataTypeOID != pgtype.Int8OID && f.DataTypeOID != pgtype.Float8OID && f.DataTypeOID != pgtype.BoolOID && f.DataTypeOID != pgtype.TextOID {
					return fmt.Errorf("column %s is not BIGINT, DOUBLE PRECISION, BOOLEAN or TEXT", f.Name)
				}
				row.fields = append(row.fields, f.Format == pgx.BinaryFormatCode)
			}
		}
		row.values = rows.RawValues()
		if err := fn(row); err != nil {
			return err
		}
	}
	return rows.Err()
}
