// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

// Process is the worker that this process is, 0 for none.
func (db *DB) Process() gyre.ID { return gyre.ID(db.process.Load()) }

// AddWorker writes this process into the table of workers; runs and cycles are
// its from now on.
func (db *DB) AddWorker(ctx context.Context, w gyre.Worker) error {
	queues, err := jsonText(w.Queues)
	if err != nil {
		return err
	}
	zones, err := jsonText(w.Zones)
	if err != nil {
		return err
	}
	_, err = db.exec(ctx, "INSERT INTO worker (id, host, pid, version, queues, zones, started, seen, beat) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,1)",
		int64(w.ID), w.Host, int64(w.PID), w.Version, queues, zones, micros(w.Started), micros(w.Started))
	if err != nil {
		return fmt.Errorf("register process: %w", err)
	}
	db.process.Store(int64(w.ID))
	return nil
}

// Beat says that a worker is there. False: it was taken for gone.
func (db *DB) Beat(ctx context.Context, worker gyre.ID) (bool, error) {
	n, err := db.exec(ctx, "UPDATE worker SET beat = beat + 1, seen = $2 WHERE id = $1", int64(worker), micros(db.now()))
	return n > 0, err
}

// Beats is the number of the newest beat of each worker. Whoever sees one that
// does not change for long takes it for gone; so no clocks are compared.
func (db *DB) Beats(ctx context.Context) (map[gyre.ID]int64, error) {
	beats := map[gyre.ID]int64{}
	err := each(ctx, db.r, "SELECT id, beat FROM worker", nil, func(s scanner) error {
		var id, beat int64
		err := s.Scan(&id, &beat)
		beats[gyre.ID(id)] = beat
		return err
	})
	return beats, err
}

// Workers lists the processes, oldest first.
func (db *DB) Workers(ctx context.Context) ([]gyre.Worker, error) {
	return collect(ctx, db.r, func(s scanner) (w gyre.Worker, err error) {
		var queues, zones string
		var started, seen int64
		if err = s.Scan((*int64)(&w.ID), &w.Host, &w.PID, &w.Version, &queues, &zones, &started, &seen); err != nil {
			return w, err
		}
		w.Started, w.Seen = timeOf(started), timeOf(seen)
		if err = fromJSON(queues, &w.Queues); err == nil {
			err = fromJSON(zones, &w.Zones)
		}
		return w, err
	}, "SELECT id, host, pid, version, queues, zones, started, seen FROM worker ORDER BY id")
}

// RemoveWorker strikes a worker out, if it did not beat since. It waits for
// transactions that the worker has under way: afterwards it commits no more.
func RemoveWorker(ctx context.Context, tx *sql.Tx, worker gyre.ID, beat int64) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM worker WHERE id = $1 AND beat = $2", int64(worker), beat)
	return err
}

// LiveWorkers lists the ids of workers.
func LiveWorkers(ctx context.Context, tx *sql.Tx) (map[gyre.ID]bool, error) {
	live := map[gyre.ID]bool{}
	err := each(ctx, tx, "SELECT id FROM worker", nil, func(s scanner) error {
		var id int64
		err := s.Scan(&id)
		live[gyre.ID(id)] = true
		return err
	})
	return live, err
}

// Leave strikes this process out: it ends in good order.
func (db *DB) Leave(ctx context.Context, worker gyre.ID) error {
	_, err := db.exec(ctx, "DELETE FROM worker WHERE id = $1", int64(worker))
	return err
}

// LeaveAll strikes every process out: on SQLite the one that opens is the only one.
func (db *DB) LeaveAll(ctx context.Context) error {
	_, err := db.exec(ctx, "DELETE FROM worker")
	return err
}

// Alone runs fn in a transaction while no other one of this kind runs, in any process.
func (db *DB) Alone(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := db.w.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if q := db.dialect.Alone; q != "" {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("wait for other processes: %w", err)
		}
	}
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

type heldKey struct{}

// Held marks a context as work of a worker: what is written under it is refused
// once that worker was taken for gone, because by then another one does the work.
// The check and the effect are one transaction.
func Held(ctx context.Context, worker gyre.ID) context.Context {
	return context.WithValue(ctx, heldKey{}, worker)
}

// held comes before the workspace's turn: who strikes a worker out takes the
// worker first and workspaces then, and would wait for us as we for it.
func (db *DB) held(ctx context.Context, tx *sql.Tx) error {
	worker, marked := ctx.Value(heldKey{}).(gyre.ID)
	if !marked || db.dialect.Held == "" {
		return nil
	}
	var n int
	if err := tx.QueryRowContext(ctx, db.dialect.Held, int64(worker)).Scan(&n); err != nil {
		return fmt.Errorf("look whether work was taken over: %w", err)
	}
	if n == 0 {
		return errTakenOver
	}
	return nil
}

var errTakenOver = gyre.Errorf(gyre.Conflict, "this process was silent for too long, and another one has taken its work over")
