// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

// Append adds an event. Seq is given at the end of the transaction; At defaults
// to the transaction's time.
func (tx *Tx) Append(e gyre.Event) {
	if e.At.IsZero() {
		e.At = tx.at
	}
	tx.events = append(tx.events, e)
}

// Events are those appended so far.
func (tx *Tx) Events() []gyre.Event { return tx.events }

// Seq is the number of the workspace's newest event: once the transaction is
// committed, with its own.
func (tx *Tx) Seq() int64 { return tx.seq }

const eventColumns = "seq, at, object, object_id, kind, from_value, to_value, actor, run, reason, details, changes"

// flush stores what the transaction has to tell: its events and its sightings.
func (tx *Tx) flush(ctx context.Context, seq int64) (int64, error) {
	if err := tx.attachChanges(); err != nil {
		return seq, err
	}
	if err := tx.flushSightings(ctx); err != nil {
		return seq, err
	}
	return tx.flushEvents(ctx, seq)
}

// flushEvents numbers and stores the events and returns the last number.
func (tx *Tx) flushEvents(ctx context.Context, seq int64) (int64, error) {
	if len(tx.events) == 0 {
		return seq, tx.notifyOthers(ctx, seq)
	}
	for i := range tx.events {
		seq++
		tx.events[i].Seq = seq
	}
	tx.seq = seq
	err := insert(ctx, tx.tx, "INSERT INTO event (workspace, "+eventColumns+")", "", 13, len(tx.events), func(i int, a []any) []any {
		e := &tx.events[i]
		return append(a, int64(tx.ws), e.Seq, micros(e.At), e.Object, int64(e.ID), e.Kind, e.From, e.To, e.Actor, int64(e.Run), e.Reason, e.Details, e.Changes)
	})
	if err != nil {
		return seq, fmt.Errorf("store events: %w", err)
	}
	if _, err := tx.exec(ctx, "UPDATE workspace SET seq = $2, at = $3 WHERE id = $1", int64(tx.ws), seq, micros(tx.at)); err != nil {
		return seq, fmt.Errorf("store event number: %w", err)
	}
	tx.wake = true
	return seq, tx.notifyOthers(ctx, seq)
}

func (tx *Tx) notifyOthers(ctx context.Context, seq int64) error {
	q := tx.db.dialect.Notify
	if q == "" || !tx.wake {
		return nil
	}
	if _, err := tx.exec(ctx, q, fmt.Sprintf("%d:%d", int64(tx.ws), seq)); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

func scanEvent(s scanner) (e gyre.Event, err error) {
	var at, id, run int64
	err = s.Scan(&e.Seq, &at, &e.Object, &id, &e.Kind, &e.From, &e.To, &e.Actor, &run, &e.Reason, &e.Details, &e.Changes)
	e.At, e.ID, e.Run = timeOf(at), gyre.ID(id), gyre.ID(run)
	return e, err
}

// EventsSince lists at most limit events after seq, in order.
func (db *DB) EventsSince(ctx context.Context, ws gyre.ID, seq int64, limit int) ([]gyre.Event, error) {
	return collect(ctx, db.r, scanEvent,
		"SELECT "+eventColumns+" FROM event WHERE workspace = $1 AND seq > $2 ORDER BY seq LIMIT $3", int64(ws), seq, limit)
}

// EventsOf lists the newest at most limit events of one object, newest first.
func (db *DB) EventsOf(ctx context.Context, ws, object gyre.ID, limit int) ([]gyre.Event, error) {
	return collect(ctx, db.r, scanEvent,
		"SELECT "+eventColumns+" FROM event WHERE object_id = $2 AND workspace = $1 ORDER BY seq DESC LIMIT $3", int64(ws), int64(object), limit)
}

// HistoryOf lists the newest events of one object before a number, newest
// first; 0 is all of them.
func (db *DB) HistoryOf(ctx context.Context, ws, object gyre.ID, before int64, limit int) ([]gyre.Event, error) {
	if before <= 0 {
		before = int64(maxID)
	}
	return collect(ctx, db.r, scanEvent,
		"SELECT "+eventColumns+" FROM event WHERE object_id = $2 AND workspace = $1 AND seq < $3 ORDER BY seq DESC LIMIT $4",
		int64(ws), int64(object), before, limit)
}

// EventsOfRun lists the events of one run after seq, in order.
func (db *DB) EventsOfRun(ctx context.Context, ws, run gyre.ID, seq int64, limit int) ([]gyre.Event, error) {
	return collect(ctx, db.r, scanEvent,
		"SELECT "+eventColumns+" FROM event WHERE workspace = $1 AND run = $2 AND seq > $3 ORDER BY seq LIMIT $4",
		int64(ws), int64(run), seq, limit)
}

// EventsBetween lists the events of one kind of object from a time until before
// another, in microseconds, after seq, in order. Events are in the order of time, so that
// it need not look at those before and after.
func (db *DB) EventsBetween(ctx context.Context, ws gyre.ID, object string, from, to, after int64, limit int) ([]gyre.Event, error) {
	last, err := db.Seq(ctx, ws)
	if err != nil {
		return nil, err
	}
	low, err := lastUpTo(ctx, db.r, ws, from-1, 0, last)
	if err != nil {
		return nil, fmt.Errorf("find first event: %w", err)
	}
	high, err := lastUpTo(ctx, db.r, ws, to-1, low, last)
	if err != nil {
		return nil, fmt.Errorf("find last event: %w", err)
	}
	return collect(ctx, db.r, scanEvent,
		"SELECT "+eventColumns+" FROM event WHERE workspace = $1 AND object = $2 AND seq > $3 AND seq <= $4 ORDER BY seq LIMIT $5",
		int64(ws), object, max(low, after), high, limit)
}

// Seq is the number of the workspace's newest event.
func (db *DB) Seq(ctx context.Context, ws gyre.ID) (int64, error) {
	return one(ctx, db.r, "workspace", ws, func(s scanner) (seq int64, err error) { return seq, s.Scan(&seq) },
		"SELECT seq FROM workspace WHERE id = $1", int64(ws))
}
