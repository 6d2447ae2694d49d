// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gyre-ctem/gyre"
)

// txn is a transaction that knows its engine, because many rows at once are
// written in the engine's own way.
type txn struct {
	*sql.Tx
	dialect *Dialect
	conn    *sql.Conn // that the transaction is on
	back    *writeBack
}

// begin begins a write transaction; end it with Commit or close.
func (db *DB) begin(ctx context.Context) (*txn, error) {
	conn, err := db.w.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin transaction: %w", err)
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("begin transaction: %w", err)
	}
	return &txn{Tx: tx, dialect: db.dialect, conn: conn, back: db.back}, nil
}

// Commit ends the transaction.
func (tx *txn) Commit() error {
	err := tx.Tx.Commit()
	if err == nil {
		tx.back.committed()
	}
	return err
}

// raw runs fn on the driver's connection. A context that ended has rolled the
// transaction back, and what database/sql would refuse then would be stored outside of
// it; while fn runs, nothing is rolled back.
func (tx *txn) raw(ctx context.Context, fn func(conn any) error) error {
	return tx.conn.Raw(func(conn any) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return fn(conn)
	})
}

// close rolls back what was not committed and gives the connection back.
func (tx *txn) close() {
	_ = tx.Rollback()
	_ = tx.conn.Close()
}

// rowsOf hands out the values of row i, appended to args.
type rowsOf func(i int, args []any) []any

// insert runs "head VALUES (…),(…) tail" over n rows, as the engine does it best.
// head is "INSERT INTO table (columns)". With a tail that says DO UPDATE, no row may be
// there twice. Without a tail nothing may be there already.
func insert(ctx context.Context, tx *txn, head, tail string, width, n int, row rowsOf) error {
	if n == 0 {
		return nil
	}
	return tx.dialect.Insert(ctx, tx, head, tail, width, n, row)
}

// Statements take at most this many rows: more rows do not make them faster
// (measured on both engines), and the texts repeat, so that they stay prepared.
const chunkRows = 50

// insertValues inserts in statements of chunkRows rows, and what is left in a few
// smaller ones of sizes that come again: a text that nobody has prepared costs as much as
// storing a row of each of its parameters.
func insertValues(ctx context.Context, tx *txn, head, tail string, width, n int, row rowsOf) error {
	args := make([]any, 0, min(n, chunkRows)*width)
	named := make([]driver.NamedValue, 0, cap(args))
	return tx.raw(ctx, func(c any) error {
		// Past database/sql, which would look at each value once more.
		conn, ok := c.(driver.ExecerContext)
		if !ok {
			return fmt.Errorf("%T executes nothing", c)
		}
		query, size := "", 0
		for from := 0; from < n; from += size {
			if rows := repeatedSize(n - from); rows != size {
				query, size = head+" VALUES "+placeholders(rows, width)+" "+tail, rows
			}
			args, named = args[:0], named[:0]
			for i := from; i < from+size; i++ {
				args = row(i, args)
			}
			for i, v := range args {
				named = append(named, driver.NamedValue{Ordinal: i + 1, Value: v})
			}
			if _, err := conn.ExecContext(ctx, query, named); err != nil {
				return err
			}
		}
		return nil
	})
}

// repeatedSize is how many of n rows the next statement takes: chunkRows, or the
// greatest power of two.
func repeatedSize(n int) int {
	if n >= chunkRows {
		return chunkRows
	}
	return 1 << (bits.Len(uint(n)) - 1) // #nosec G115 -- below chunkRows
}

const (
	// copyRows is from when on COPY is worth its round trip.
	copyRows = 50
	// arrayRows bounds the arrays of one statement, and with them memory.
	arrayRows = 2000
)

// insertArrays inserts the PostgreSQL way: rows that cannot be there already by
// COPY; others out of one array for each column, which is one short text whatever
// the number of rows: nothing to parse, nothing to plan.
func insertArrays(ctx context.Context, tx *txn, head, tail string, width, n int, row rowsOf) error {
	if tail == "" && n >= copyRows {
		return copyIn(ctx, tx, head, n, row)
	}
	args := make([]any, 0, width)
	for from := 0; from < n; from += arrayRows {
		to := min(from+arrayRows, n)
		columns := make([]column, width)
		for i := from; i < to; i++ {
			args = row(i, args[:0])
			for c := range columns {
				if !columns[c].add(args[c], to-from) {
					return insertValues(ctx, tx, head, tail, width, n, row) // a kind that has no array
				}
			}
		}
		text, values := unnest(columns)
		if _, err := tx.ExecContext(ctx, head+" "+text+" "+tail, values...); err != nil {
			return err
		}
	}
	return nil
}

// given are rows that a statement works on, for "WITH want(columns) AS (text)".
// Their parameters are the first of the statement.
type given struct {
	text string
	args []any
}

// givenParameters may be in any statement, however few rows they make.
const givenParameters = 600

// givenValueRows are as many rows as the parameters make, and of what is left a
// power of two, so that the texts come again.
func givenValueRows(width, n int) int {
	most := max(chunkRows, givenParameters/width)
	if n >= most {
		return most
	}
	return 1 << (bits.Len(uint(n)) - 1) // #nosec G115 -- below most
}

func givenArrayRows(_, n int) int { return min(n, arrayRows) }

// eachGiven calls fn with all rows, as many at a time as one statement takes well.
func eachGiven(tx *txn, width, n int, row rowsOf, fn func(given) error) error {
	for from, rows := 0, 0; from < n; from += rows {
		rows = tx.dialect.GivenRows(width, n-from)
		g, err := tx.dialect.Given(width, rows, func(i int, args []any) []any { return row(from+i, args) })
		if err == nil {
			err = fn(g)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// eachKey is eachGiven for IDs.
func eachKey(tx *txn, ids []gyre.ID, fn func(given) error) error {
	return eachGiven(tx, 1, len(ids), func(i int, args []any) []any { return append(args, int64(ids[i])) }, fn)
}

// lookup selects columns of "e", the rows of a table that have the condition with
// rows "w" of want, and belong to the workspace.
func (tx *Tx) lookup(g given, want, columns, table, condition string) (query string, args []any) {
	condition += " AND e.workspace = $" + strconv.Itoa(len(g.args)+1)
	return "WITH want(" + want + ") AS (" + g.text + ") SELECT " + columns + " " + fmt.Sprintf(tx.tx.dialect.Lookup, table+" e", condition), append(g.args, int64(tx.ws))
}

// givenValues is for SQLite.
func givenValues(width, n int, row rowsOf) (given, error) {
	args := make([]any, 0, n*width+1)
	for i := range n {
		args = row(i, args)
	}
	return given{"VALUES " + placeholders(n, width), args}, nil
}

// givenArrays is for PostgreSQL: the text does not depend on the number of rows.
func givenArrays(width, n int, row rowsOf) (given, error) {
	columns := make([]column, width)
	args := make([]any, 0, width)
	for i := range n {
		args = row(i, args[:0])
		for c := range columns {
			if !columns[c].add(args[c], n) {
				return given{}, fmt.Errorf("a %T cannot be given to a statement here", args[c])
			}
		}
	}
	text, values := unnest(columns)
	return given{text, values}, nil
}

// unnest makes rows of columns.
func unnest(columns []column) (text string, values []any) {
	var q strings.Builder
	q.WriteString("SELECT * FROM unnest(")
	for c := range columns {
		if c > 0 {
			q.WriteByte(',')
		}
		q.WriteString("$" + strconv.Itoa(c+1) + "::" + columns[c].typ)
		values = append(values, columns[c].values())
	}
	q.WriteByte(')')
	return q.String(), values
}

// column is the array of one column.
type column struct {
	typ    string
	ints   []int64
	texts  []string
	bools  []bool
	floats []float64
}

// add appends a value; false when it is of another kind than those before, or of none.
func (c *column) add(v any, n int) bool {
	switch v := v.(type) {
	case int64:
		if c.typ == "" {
			c.typ, c.ints = "bigint[]", make([]int64, 0, n)
		}
		c.ints = append(c.ints, v)
		return c.typ == "bigint[]"
	case string:
		if c.typ == "" {
			c.typ, c.texts = "text[]", make([]string, 0, n)
		}
		c.texts = append(c.texts, v)
		return c.typ == "text[]"
	case bool:
		if c.typ == "" {
			c.typ, c.bools = "boolean[]", make([]bool, 0, n)
		}
		c.bools = append(c.bools, v)
		return c.typ == "boolean[]"
	case float64:
		if c.typ == "" {
			c.typ, c.floats = "double precision[]", make([]float64, 0, n)
		}
		c.floats = append(c.floats, v)
		return c.typ == "double precision[]"
	}
	return false
}

func (c *column) values() any {
	switch c.typ {
	case "bigint[]":
		return c.ints
	case "text[]":
		return c.texts
	case "boolean[]":
		return c.bools
	}
	return c.floats
}

// copyIn streams rows into a table in the transaction.
func copyIn(ctx context.Context, tx *txn, head string, n int, row rowsOf) error {
	table, columns, ok := strings.Cut(strings.TrimPrefix(head, "INSERT INTO "), " (")
	if !ok {
		return fmt.Errorf("%q is no insert", head)
	}
	names := strings.Split(strings.TrimSuffix(columns, ")"), ", ")
	var args []any
	rows := pgx.CopyFromSlice(n, func(i int) ([]any, error) {
		args = row(i, args[:0])
		return args, nil
	})
	return tx.raw(ctx, func(c any) error {
		conn, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("%T is no connection to PostgreSQL", c)
		}
		_, err := conn.Conn().CopyFrom(ctx, pgx.Identifier{table}, names, rows)
		return err
	})
}

// placeholders writes "($1,$2),($3,$4)".
func placeholders(rows, width int) string {
	key := [2]int{rows, width}
	if text, ok := placeholderTexts.Load(key); ok {
		return text.(string) //nolint:forcetypeassert // nothing else is stored
	}
	var b strings.Builder
	b.Grow(rows * width * 6)
	n := 0
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for c := range width {
			if c > 0 {
				b.WriteByte(',')
			}
			n++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
		}
		b.WriteByte(')')
	}
	placeholderTexts.Store(key, b.String())
	return b.String()
}

// placeholderTexts are the few hundred that there are: chunkRows times the widths of the tables.
var placeholderTexts sync.Map
