// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

const cycleColumns = "id, workspace, number, state, started, ended, body"

func scanCycle(s scanner) (c gyre.Cycle, err error) {
	var id, ws, number, started, ended int64
	var state, body string
	if err = s.Scan(&id, &ws, &number, &state, &started, &ended, &body); err != nil {
		return c, err
	}
	err = fromJSON(body, &c)
	c.ID, c.Workspace, c.Number, c.State = gyre.ID(id), gyre.ID(ws), int(number), gyre.CycleState(state)
	c.Started, c.Ended = timeOf(started), timeOf(ended)
	return c, err
}

// CreateCycle stores a new cycle and gives it the next Number and, unless it
// has one, an ID. It is gyre.Conflict while another cycle of the workspace runs.
func (db *DB) CreateCycle(ctx context.Context, ws gyre.ID, c gyre.Cycle) (gyre.Cycle, error) {
	err := db.Write(ctx, ws, func(tx *Tx) (err error) {
		c, err = tx.CreateCycle(ctx, c)
		return err
	})
	return c, err
}

// CreateCycle stores a new cycle in the transaction. Until a process updates it
// the cycle waits for one: it is nobody's.
func (tx *Tx) CreateCycle(ctx context.Context, c gyre.Cycle) (gyre.Cycle, error) {
	if c.ID == 0 {
		c.ID = gyre.NewID()
	}
	c.Workspace = tx.ws
	var last int64
	if err := tx.tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(number), 0) FROM cycle WHERE workspace = $1", int64(tx.ws)).Scan(&last); err != nil {
		return c, fmt.Errorf("number cycle: %w", err)
	}
	c.Number = int(last) + 1
	body, err := jsonText(c)
	if err != nil {
		return c, err
	}
	_, err = tx.exec(ctx, "INSERT INTO cycle ("+cycleColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7)",
		int64(c.ID), int64(tx.ws), int64(c.Number), string(c.State), micros(c.Started), micros(c.Ended), body)
	if tx.db.dialect.IsDuplicate(err) {
		return c, gyre.Errorf(gyre.Conflict, "a cycle is running already")
	}
	if err != nil {
		return c, fmt.Errorf("store cycle: %w", err)
	}
	tx.Append(gyre.Event{Object: "cycle", ID: c.ID, Kind: "created", To: string(c.State), Actor: c.Trigger})
	return c, nil
}

// UpdateCycle stores a cycle as it stands, its stages included. Only a change
// of its state is an event of the history, but every update wakes subscribers,
// so that progress can be shown.
func (db *DB) UpdateCycle(ctx context.Context, ws gyre.ID, c gyre.Cycle) error {
	return db.Write(ctx, ws, func(tx *Tx) error { return tx.UpdateCycle(ctx, c) })
}

// ReopenCycle is UpdateCycle of a cycle that is to be worked on again.
func (db *DB) ReopenCycle(ctx context.Context, ws gyre.ID, c gyre.Cycle) error {
	return db.UpdateCycle(ctx, ws, c)
}

// UpdateCycle stores a cycle as it stands in the transaction.
func (tx *Tx) UpdateCycle(ctx context.Context, c gyre.Cycle) error {
	old, err := one(ctx, tx.tx, "cycle", c.ID, scanCycle,
		"SELECT "+cycleColumns+" FROM cycle WHERE workspace = $1 AND id = $2", int64(tx.ws), int64(c.ID))
	if err != nil {
		return err
	}
	tx.wake = true
	return tx.saveCycle(ctx, old, c)
}

func (tx *Tx) saveCycle(ctx context.Context, old, c gyre.Cycle) error {
	c.Number = old.Number
	body, err := jsonText(c)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, "UPDATE cycle SET state = $3, ended = $4, body = $5, started = $6, worker = $7 WHERE workspace = $1 AND id = $2",
		int64(tx.ws), int64(c.ID), string(c.State), micros(c.Ended), body, micros(c.Started), int64(tx.db.Process()))
	if tx.db.dialect.IsDuplicate(err) {
		return gyre.Errorf(gyre.Conflict, "another cycle is running")
	}
	if err != nil {
		return fmt.Errorf("update cycle %d: %w", c.Number, err)
	}
	if old.State != c.State {
		tx.Append(gyre.Event{Object: "cycle", ID: c.ID, Kind: "state", From: string(old.State), To: string(c.State), Actor: "system", Reason: c.Error})
	}
	return nil
}

// Cycle reads one cycle.
func (db *DB) Cycle(ctx context.Context, ws, id gyre.ID) (gyre.Cycle, error) {
	return one(ctx, db.r, "cycle", id, scanCycle, "SELECT "+cycleColumns+" FROM cycle WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
}

// CycleByNumber reads one cycle by its number.
func (db *DB) CycleByNumber(ctx context.Context, ws gyre.ID, number int) (gyre.Cycle, error) {
	return one(ctx, db.r, "cycle", number, scanCycle, "SELECT "+cycleColumns+" FROM cycle WHERE workspace = $1 AND number = $2", int64(ws), int64(number))
}

// Cycles lists the newest cycles, newest first.
func (db *DB) Cycles(ctx context.Context, ws gyre.ID, limit int) ([]gyre.Cycle, error) {
	return collect(ctx, db.r, scanCycle, "SELECT "+cycleColumns+" FROM cycle WHERE workspace = $1 ORDER BY number DESC LIMIT $2", int64(ws), limit)
}

// LatestCycle reads the newest cycle; gyre.NotFound when there was none yet.
func (db *DB) LatestCycle(ctx context.Context, ws gyre.ID) (gyre.Cycle, error) {
	all, err := db.Cycles(ctx, ws, 1)
	if err != nil {
		return gyre.Cycle{}, err
	}
	if len(all) == 0 {
		return gyre.Cycle{}, gyre.Errorf(gyre.NotFound, "there was no cycle yet")
	}
	return all[0], nil
}

func (tx *Tx) interruptCycles(ctx context.Context) (int, error) {
	query := "SELECT " + cycleColumns + " FROM cycle WHERE workspace = $1 AND state = 'running' AND worker NOT IN (SELECT id FROM worker)"
	if tx.db.dialect.Engine == Postgres {
		query += " AND NOT EXISTS (SELECT 1 FROM job JOIN river_job ON river_job.id = job.id WHERE job.object = cycle.id AND " + jobAlive + ")"
	}
	all, err := collect(ctx, tx.tx, scanCycle, query, int64(tx.ws))
	if err != nil {
		return 0, fmt.Errorf("find interrupted cycles: %w", err)
	}
	for _, old := range all {
		c := old
		c.State, c.Ended = gyre.CycleInterrupted, tx.now
		c.Stages = append([]gyre.CycleStage(nil), old.Stages...)
		for i := range c.Stages {
			if c.Stages[i].State == "running" {
				c.Stages[i].State, c.Stages[i].Ended = "cancelled", tx.now
			}
		}
		if err := tx.saveCycle(ctx, old, c); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}
