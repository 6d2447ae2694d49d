// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

const runColumns = "id, workspace, cycle, scope, source, target, status, started, ended, body, tool"

// runBody is the part of a run that no query asks for.
type runBody struct {
	Via      string         `json:"via,omitempty"`
	Until    int64          `json:"until,omitempty"`
	Counts   gyre.RunCounts `json:"counts"`
	Problems []gyre.Problem `json:"problems,omitempty"`
	Limits   []string       `json:"limits,omitempty"`
}

func scanRun(s scanner) (r gyre.Run, err error) {
	var started, ended int64
	var status, text string
	var body runBody
	err = s.Scan((*int64)(&r.ID), (*int64)(&r.Workspace), (*int64)(&r.Cycle), (*int64)(&r.Scope), &r.Source, &r.Target, &status, &started, &ended, &text, &r.Tool)
	if err != nil {
		return r, err
	}
	err = fromJSON(text, &body)
	r.Status, r.Started, r.Ended = gyre.RunStatus(status), timeOf(started), timeOf(ended)
	r.Via, r.Until, r.Counts, r.Problems, r.Limits = body.Via, timeOf(body.Until), body.Counts, body.Problems, body.Limits
	return r, err
}

func runArgs(ws gyre.ID, r gyre.Run) ([]any, error) {
	body, err := jsonText(runBody{Via: r.Via, Until: micros(r.Until), Counts: r.Counts, Problems: r.Problems, Limits: r.Limits})
	return []any{
		int64(r.ID), int64(ws), int64(r.Cycle), int64(r.Scope), r.Source, r.Target, string(r.Status),
		micros(r.Started), micros(r.Ended), body, r.Tool,
	}, err
}

// Run reads one run.
func (db *DB) Run(ctx context.Context, ws, id gyre.ID) (gyre.Run, error) {
	return one(ctx, db.r, "run", id, scanRun, "SELECT "+runColumns+" FROM run WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
}

// RunsOfCycle lists the runs of a cycle in order; cycle 0 is runs outside any cycle.
func (db *DB) RunsOfCycle(ctx context.Context, ws, cycle gyre.ID) ([]gyre.Run, error) {
	return collect(ctx, db.r, scanRun, "SELECT "+runColumns+" FROM run WHERE workspace = $1 AND cycle = $2 ORDER BY id", int64(ws), int64(cycle))
}

// Runs lists the newest runs, newest first, of every cycle and none.
func (db *DB) Runs(ctx context.Context, ws, before gyre.ID, limit int) ([]gyre.Run, error) {
	if before == 0 {
		before = maxID
	}
	return collect(ctx, db.r, scanRun,
		"SELECT "+runColumns+" FROM run WHERE workspace = $1 AND id < $2 ORDER BY id DESC LIMIT $3", int64(ws), int64(before), limit)
}

// maxID is greater than every ID.
const maxID = gyre.ID(1<<63 - 1)

// SaveRun stores a run, new or known, as it stands.
func (tx *Tx) SaveRun(ctx context.Context, r gyre.Run) error {
	args, err := runArgs(tx.ws, r)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, "INSERT INTO run ("+runColumns+`, worker) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)
		ON CONFLICT (id) DO UPDATE SET status = excluded.status, ended = excluded.ended, body = excluded.body, worker = excluded.worker
		WHERE run.workspace = excluded.workspace`, append(args, int64(tx.db.Process()))...)
	if err != nil {
		return fmt.Errorf("save run %s: %w", r.ID, err)
	}
	return nil
}

// Run reads one run in the transaction.
func (tx *Tx) Run(ctx context.Context, id gyre.ID) (gyre.Run, error) {
	return one(ctx, tx.tx, "run", id, scanRun, "SELECT "+runColumns+" FROM run WHERE workspace = $1 AND id = $2", int64(tx.ws), int64(id))
}

// SaveRun stores a run, new or known, as it stands.
func (db *DB) SaveRun(ctx context.Context, ws gyre.ID, r gyre.Run) error {
	return db.Write(ctx, ws, func(tx *Tx) error { return tx.SaveRun(ctx, r) })
}

// InterruptRuns marks the running runs and cycles of every workspace whose
// process is gone as interrupted: those of processes that are not in the table of
// workers, but for the runs of uploads, which go on where they were. On PostgreSQL a cycle whose job another process will take over goes on.
func (db *DB) InterruptRuns(ctx context.Context) (runs, cycles int, err error) {
	all, err := db.Workspaces(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, ws := range all {
		err := db.Write(ctx, ws.ID, func(tx *Tx) error {
			n, err := tx.exec(ctx, `UPDATE run SET status = 'interrupted', ended = $2 WHERE workspace = $1 AND status = 'running' AND worker NOT IN (SELECT id FROM worker)
				AND NOT EXISTS (SELECT 1 FROM upload u WHERE u.workspace = $1 AND u.ended = 0 AND u.run = run.id)`, int64(ws.ID), micros(tx.now))
			if err != nil {
				return fmt.Errorf("interrupt runs: %w", err)
			}
			runs += int(n)
			m, err := tx.interruptCycles(ctx)
			cycles += m
			return err
		})
		if err != nil {
			return runs, cycles, err
		}
	}
	return runs, cycles, nil
}
