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
	return unnamedConn{full}, nil
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

type unnamedConn struct{ sqliteConn }

// Prepare implements driver.Conn.
func (c unnamedConn) Prepare(query string) (driver.Stmt, error) {
	return c.sqliteConn.Prepare(unnamed(query))
}

// PrepareContext implements driver.ConnPrepareContext.
func (c unnamedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.sqliteConn.PrepareContext(ctx, unnamed(query))
}

// ExecContext implements driver.ExecerContext.
func (c unnamedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.sqliteConn.ExecContext(ctx, unnamed(query), args)
}

// QueryContext implements driver.QueryerContext.
func (c unnamedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.sqliteConn.QueryContext(ctx, unnamed(query), args)
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
