// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package audit keeps who did what to what, when and from where, in a table that
// is only ever appended to.
//
// internal/httpapi writes a line for every request that could change something,
// also for those that were refused.
//
// A line that cannot be written does not undo or fail the change: by then it has
// happened, and saying otherwise would make people do it twice. The store's event
// log, written in the same transaction as the change, still says who did what; the
// caller puts the line into the process's log as an error, and Failures counts it,
// so that an alert can be set on it.
package audit

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Store is an append-only table.
type Store interface {
	AppendAudit(ctx context.Context, ws gyre.ID, e gyre.AuditEntry) error
	// Audit lists at most limit entries older than the entry before (0: the newest), newest first.
	Audit(ctx context.Context, ws, before gyre.ID, limit int) ([]gyre.AuditEntry, error)
}

// writeTimeout bounds how long a request waits for its line.
const writeTimeout = 10 * time.Second

// maxDetails bounds what a caller can make the log hold, in bytes.
const maxDetails = 1000

// Log is the audit log. Safe for concurrent use.
type Log struct {
	store    Store
	failures atomic.Int64
}

// New returns the log that a store keeps.
func New(s Store) *Log { return &Log{store: s} }

// Record appends a line; ID and At are given by the log. It does not stop when
// ctx ends: who goes away before the answer still did it.
func (l *Log) Record(ctx context.Context, ws gyre.ID, e gyre.AuditEntry) error {
	e.ID, e.At = gyre.NewID(), time.Now().UTC()
	e.Actor, e.Object, e.Details = clip(e.Actor), clip(e.Object), clip(e.Details)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	err := l.store.AppendAudit(ctx, ws, e)
	if err != nil {
		l.failures.Add(1)
	}
	return err
}

// List lists the log, newest first, before an entry (0: from the newest).
func (l *Log) List(ctx context.Context, ws, before gyre.ID, limit int) ([]gyre.AuditEntry, error) {
	return l.store.Audit(ctx, ws, before, limit)
}

// Failures is how many lines could not be stored since the process started.
func (l *Log) Failures() int64 { return l.failures.Load() }

// clip shortens text and keeps it valid and on one line.
func clip(s string) string {
	if len(s) > maxDetails {
		s = s[:maxDetails] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}
