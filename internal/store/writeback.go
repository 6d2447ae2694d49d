// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"os"
	"time"
)

// SQLite appends what is written to a log, and writes that back into the database
// when it has grown long: an import touches the same pages again and again. By itself it
// does so within the commit that finds the log too long, which then takes many times as
// long as others, while everybody waits for it. Here it happens beside the writers.

const (
	// logLength is how many bytes of log are written back at a time.
	logLength = 32 << 20
	// logPages is when a commit writes the log back itself after all.
	logPages = "32000"
	// writeBackPause is how long the log is left alone when it could not begin anew,
	// because somebody still reads what is in it.
	writeBackPause = 200 * time.Millisecond
)

// writeBack writes the log of a SQLite database back.
type writeBack struct {
	log  string  // its file
	own  *sql.DB // a connection for it
	wake chan struct{}
}

func newWriteBack(path string, own *sql.DB) *writeBack {
	own.SetMaxOpenConns(1)
	return &writeBack{log: path + "-wal", own: own, wake: make(chan struct{}, 1)}
}

// committed is told of each commit; nil is another engine's.
func (b *writeBack) committed() {
	if b == nil {
		return
	}
	if st, err := os.Stat(b.log); err != nil || st.Size() < logLength {
		return
	}
	select {
	case b.wake <- struct{}{}:
	default: // it is at it
	}
}

// run writes back until the context ends. What fails is tried again after one of
// the next commits, and from logPages on one of them does it itself, and fails if it must.
func (b *writeBack) run(ctx context.Context, writer *sql.DB) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		}
		// Beside the writers, and again what they have written meanwhile; what little is
		// left in their turn: with nothing left to write back, the log begins anew.
		for _, db := range []*sql.DB{b.own, b.own, writer} {
			var busy, frames, written int
			_ = db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &frames, &written)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(writeBackPause):
		}
	}
}
