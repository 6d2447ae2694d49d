// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"

	"modernc.org/sqlite"
)

// To SQLite "$1" is a name, looked up in a list for each parameter of a statement:
// a chunk of rows has hundreds, and the look-ups took a fifth of an import's
// time. So this driver hands SQLite "?" instead where that means the same.

const sqliteDriver = "gyre-sqlite"

func init() { sql.Register(sqliteDriver, unnamedDriver{&sqlite.Driver{}}) }

type unnamedDriver struct{ driver.Driver }

// Open implements driver.Driver.
func (d unnamedDriver) Open(name string) (driver.Conn, error) {
	c, err := d.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	full, ok := c.(sqliteConn)
	if !ok {
		_ = c.Close()
		return nil, fmt.Errorf("the SQLite driver's %T lacks methods", c)
	}
	return &unnamedConn{sqliteConn: full, kept: map[string]*keptStmt{}}, nil
}

// sqliteConn is what database/sql uses of the driver's connections.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type unnamedConn struct {
	sqliteConn
	// kept are statements by their text, prepared: reading the text of fifty
	// rows' parameters takes longer than storing a row. A statement is in use by
	// one result at a time; meanwhile the same text is prepared anew.
	kept map[string]*keptStmt
	uses int64
}

// Prepare implements driver.Conn.
func (c *unnamedConn) Prepare(query string) (driver.Stmt, error) {
	return c.sqliteConn.Prepare(unnamed(query))
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *unnamedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.sqliteConn.PrepareContext(ctx, unnamed(query))
}

// ExecContext implements driver.ExecerContext.
func (c *unnamedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	st, err := c.keep(ctx, query)
	if st == nil || err != nil {
		return c.sqliteConn.ExecContext(ctx, unnamed(query), args)
	}
	return st.ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *unnamedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	st, err := c.keep(ctx, query)
	if st == nil || err != nil {
		return c.sqliteConn.QueryContext(ctx, unnamed(query), args)
	}
	rows, err := st.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	st.busy = true
	return &keptRows{Rows: rows, st: st}, nil
}

// Close implements driver.Conn.
func (c *unnamedConn) Close() error {
	for _, st := range c.kept {
		_ = st.Close()
	}
	c.kept = nil
	return c.sqliteConn.Close()
}

// maxKept bounds what a connection keeps. Texts differ by the number of their
// parameters, so there are more texts than queries.
const maxKept = 128

type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type keptStmt struct {
	sqliteStmt
	busy bool
	used int64
}

// keptRows gives its statement back when it is closed.
type keptRows struct {
	driver.Rows
	st *keptStmt
}

// Close implements driver.Rows.
func (r *keptRows) Close() error {
	err := r.Rows.Close()
	r.st.busy = false
	return err
}

// keep returns the prepared statement of a query; nil when it is in use, or no
// single statement that can be prepared.
func (c *unnamedConn) keep(ctx context.Context, query string) (*keptStmt, error) {
	c.uses++
	if st := c.kept[query]; st != nil {
		if st.busy {
			return nil, nil
		}
		st.used = c.uses
		return st, nil
	}
	if !keepable(query) {
		return nil, nil
	}
	got, err := c.sqliteConn.PrepareContext(ctx, unnamed(query))
	if err != nil {
		return nil, err
	}
	full, ok := got.(sqliteStmt)
	if !ok {
		return nil, got.Close()
	}
	if len(c.kept) >= maxKept {
		c.forget()
	}
	st := &keptStmt{sqliteStmt: full, used: c.uses}
	c.kept[query] = st
	return st, nil
}

// keepable says that a text is one statement that comes again: what begins as
// these do. Migrations and pragmas are not.
func keepable(query string) bool {
	for _, verb := range []string{"SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "} {
		if strings.HasPrefix(query, verb) {
			return !strings.Contains(query, ";")
		}
	}
	return false
}

// forget closes the statement that was used least recently.
func (c *unnamedConn) forget() {
	oldest := ""
	for q, st := range c.kept {
		if !st.busy && (oldest == "" || st.used < c.kept[oldest].used) {
			oldest = q
		}
	}
	if st := c.kept[oldest]; st != nil {
		_ = st.Close()
		delete(c.kept, oldest)
	}
}

// unnamed writes "?" for "$1", "$2" … when they come in that order, each once;
// any other query, and one that quotes a "$", it leaves as it is.
func unnamed(query string) string {
	at := strings.IndexByte(query, '$')
	if at < 0 {
		return query
	}
	var b strings.Builder
	b.Grow(len(query))
	rest, n := query, 0
	for ; at >= 0; at = strings.IndexByte(rest, '$') {
		end := at + 1
		for end < len(rest) && '0' <= rest[end] && rest[end] <= '9' {
			end++
		}
		n++
		// A quotation mark that is open, or a comment: not worth telling apart.
		if rest[at+1:end] != strconv.Itoa(n) || strings.Count(rest[:at], "'")%2 != 0 || strings.ContainsAny(rest[:at], "\"`") || strings.Contains(rest[:at], "--") {
			return query
		}
		b.WriteString(rest[:at])
		b.WriteByte('?')
		rest = rest[end:]
	}
	b.WriteString(rest)
	return b.String()
}
