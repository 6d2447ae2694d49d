// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Tx is one write transaction in one workspace. Writers of one workspace take
// turns: it begins by locking the workspace's row, so what it reads is what it
// changes, and events get their numbers in the order in which they become visible.
// Not safe for concurrent use.
type Tx struct {
	tx     *txn
	db     *DB
	ws     gyre.ID
	now    time.Time
	at     time.Time // of its events: now, but never before an earlier event
	seq    int64     // of the newest event
	events []gyre.Event
	wake   bool // tell subscribers after the commit
	actor  string
	run    gyre.ID

	// What the events will say, see changes.go and seen.go.
	changes map[objectID][]fieldChange
	seen    map[string]map[gyre.ID]int64 // by object: when it was seen before
	// What was read in this transaction, so that it need not be read again.
	stored    map[gyre.ID]gyre.Exposure
	assetSeen map[gyre.ID]int64
	said      map[gyre.ID]map[string]word
	created   map[objectID]bool // of the first sorted events
	sorted    int
}

// Write runs fn in one transaction. Events that fn appends are numbered and
// stored with it, and subscribers are told after the commit.
func (db *DB) Write(ctx context.Context, ws gyre.ID, fn func(*Tx) error) error {
	return db.full(db.write(ctx, ws, fn))
}

func (db *DB) write(ctx context.Context, ws gyre.ID, fn func(*Tx) error) error {
	sqlTx, err := db.begin(ctx)
	if err != nil {
		return err
	}
	defer sqlTx.close()
	if err := db.held(ctx, sqlTx.Tx); err != nil {
		return err
	}
	tx, seq, err := db.turn(ctx, sqlTx, ws, fn)
	if err != nil {
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if tx.wake {
		db.hub.notify(ws, seq)
	}
	db.firstStatistics(ctx, len(tx.events))
	return nil
}

// turn takes the workspace's turn in a transaction, runs fn and stores what it has to tell.
func (db *DB) turn(ctx context.Context, sqlTx *txn, ws gyre.ID, fn func(*Tx) error) (*Tx, int64, error) {
	tx := &Tx{tx: sqlTx, db: db, ws: ws, actor: "system"}
	var seq, at int64
	err := sqlTx.QueryRowContext(ctx, "UPDATE workspace SET seq = seq WHERE id = $1 RETURNING seq, at", int64(ws)).Scan(&seq, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, gyre.Errorf(gyre.NotFound, "no workspace %s", ws)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("lock workspace: %w", err)
	}
	tx.seq = seq
	// Now that it is this transaction's turn: events are in the order of time too.
	tx.now = db.now().UTC().Truncate(time.Microsecond)
	tx.at = tx.now
	if last := timeOf(at); tx.at.Before(last) {
		tx.at = last
	}
	if err := fn(tx); err != nil {
		return nil, 0, err
	}
	seq, err = tx.flush(ctx, seq)
	return tx, seq, err
}

// By says who is behind the changes that nobody appends an event for.
func (tx *Tx) By(actor string, run gyre.ID) { tx.actor, tx.run = actor, run }

// full says in words that there was no room for something.
func (db *DB) full(err error) error {
	if err == nil || !db.dialect.IsFull(err) {
		return err
	}
	return gyre.Errorf(gyre.Unavailable, "the disk of the database is full, so this was not stored: make room, then try again (%w)", err)
}

// Now is the time of the transaction.
func (tx *Tx) Now() time.Time { return tx.now }

func (tx *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := tx.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// exec runs one statement outside a workspace's turn: for rows that have no events.
func (db *DB) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := db.w.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// querier is what reads: the pool of readers, or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// scanner is sql.Row or sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// each runs a query and calls fn for every row.
func each(ctx context.Context, q querier, query string, args []any, fn func(scanner) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// collect gathers the rows of a query.
func collect[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	var out []T
	err := each(ctx, q, query, args, func(s scanner) error {
		v, err := scan(s)
		if err == nil {
			out = append(out, v)
		}
		return err
	})
	return out, err
}

// one reads the only row of a query; what is missing is gyre.NotFound.
func one[T any](ctx context.Context, q querier, what string, id any, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	v, err := scan(q.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return v, gyre.Errorf(gyre.NotFound, "no %s %v", what, id)
	}
	if err != nil {
		return v, fmt.Errorf("read %s %v: %w", what, id, err)
	}
	return v, nil
}

// idsPerQuery bounds IN lists.
const idsPerQuery = 500

// list writes "($k,$k+1,…)" for n values after k-1 earlier ones.
func list(k, n int) string {
	var b strings.Builder
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(k + i))
	}
	b.WriteByte(')')
	return b.String()
}

// inChunks calls fn with parts of keys and, as arguments, first followed by the
// part. Its last key comes as often as makes the length a power of two: of few lengths
// there are few texts, which stay prepared.
func inChunks[T any](keys []T, arg func(T) any, first []any, fn func(in string, args []any) error) error {
	for from := 0; from < len(keys); from += idsPerQuery {
		part := keys[from:min(from+idsPerQuery, len(keys))]
		args := append(make([]any, 0, len(first)+min(2*len(part), idsPerQuery)), first...)
		for _, k := range part {
			args = append(args, arg(k))
		}
		length := min(1<<bits.Len(uint(len(part)-1)), idsPerQuery)
		for n := len(part); n < length; n++ {
			args = append(args, args[len(args)-1])
		}
		if err := fn(list(len(first)+1, length), args); err != nil {
			return err
		}
	}
	return nil
}

func idArg(id gyre.ID) any { return int64(id) }

func stringArg(s string) any { return s }
