// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

// The states of River's jobs that are not over, and those that no process has in hand.
const (
	jobAlive   = "river_job.state IN ('available', 'pending', 'retryable', 'running', 'scheduled')"
	jobWaiting = "river_job.state IN ('available', 'pending', 'retryable', 'scheduled')"
)

const jobColumns = "job.id, job.workspace, job.kind, job.name, job.zone, job.actor, job.object, job.created, job.done, job.total, job.note"

func scanJob(s scanner) (j gyre.Job, err error) {
	var created, done, total int64
	err = s.Scan((*int64)(&j.ID), (*int64)(&j.Workspace), &j.Kind, &j.Name, (*string)(&j.Zone), &j.Actor, (*int64)(&j.Object), &created, &done, &total, &j.Note)
	j.Created, j.Done, j.Total = timeOf(created), int(done), int(total)
	return j, err
}

// AddJob stores what River does not know of a job that was just added to it.
func (tx *Tx) AddJob(ctx context.Context, j gyre.Job) error {
	_, err := tx.exec(ctx, `INSERT INTO job (id, workspace, kind, name, zone, actor, object, created, done, total, note, result)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,0,0,'','')`,
		int64(j.ID), int64(tx.ws), j.Kind, j.Name, string(j.Zone), j.Actor, int64(j.Object), micros(tx.now))
	if err != nil {
		return fmt.Errorf("store job: %w", err)
	}
	return nil
}

// JobOf finds the newest job of a kind and name that waits or, if running may
// count, runs. One that waits is locked: no worker begins it before this
// transaction ends, so it will see what the transaction wrote.
func (tx *Tx) JobOf(ctx context.Context, kind, name string, running bool) (gyre.ID, error) {
	states := jobWaiting
	if running {
		states = jobAlive
	}
	var id int64
	err := tx.tx.QueryRowContext(ctx, `UPDATE river_job SET priority = priority WHERE `+states+` AND id = (
			SELECT MAX(job.id) FROM job JOIN river_job ON river_job.id = job.id
			WHERE job.workspace = $1 AND job.kind = $2 AND job.name = $3 AND `+states+`) RETURNING id`,
		int64(tx.ws), kind, name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("find job: %w", err)
	}
	return gyre.ID(id), nil
}

// WaitingJobs counts the jobs of a kind that no process has in hand.
func (tx *Tx) WaitingJobs(ctx context.Context, kind string) (n int, err error) {
	err = tx.tx.QueryRowContext(ctx, "SELECT count(*) FROM job JOIN river_job ON river_job.id = job.id WHERE job.workspace = $1 AND job.kind = $2 AND "+jobWaiting,
		int64(tx.ws), kind).Scan(&n)
	return n, err
}

// Job reads what the store knows of one job.
func (db *DB) Job(ctx context.Context, ws, id gyre.ID) (gyre.Job, error) {
	return one(ctx, db.r, "job", id, scanJob, "SELECT "+jobColumns+" FROM job WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
}

// JobOfObject finds the newest job that works on an object and is not over; 0 for none.
func (db *DB) JobOfObject(ctx context.Context, ws, object gyre.ID) (gyre.ID, error) {
	all, err := collect(ctx, db.r, func(s scanner) (id gyre.ID, err error) { return id, s.Scan((*int64)(&id)) },
		"SELECT job.id FROM job JOIN river_job ON river_job.id = job.id WHERE job.workspace = $1 AND job.object = $2 AND "+jobAlive+" ORDER BY job.id DESC LIMIT 1",
		int64(ws), int64(object))
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[0], nil
}

// Jobs lists the newest jobs, newest first, in the given states of River and of
// the given kind; none of either is all.
func (db *DB) Jobs(ctx context.Context, ws gyre.ID, states []string, kind string, before gyre.ID, limit int) ([]gyre.Job, error) {
	if before == 0 {
		before = maxID
	}
	query := "SELECT " + jobColumns + " FROM job JOIN river_job ON river_job.id = job.id WHERE job.workspace = $1 AND job.id < $2"
	args := []any{int64(ws), int64(before)}
	if kind != "" {
		args = append(args, kind)
		query += fmt.Sprintf(" AND job.kind = $%d", len(args))
	}
	if len(states) > 0 {
		query += " AND CAST(river_job.state AS TEXT) IN " + list(len(args)+1, len(states))
		for _, s := range states {
			args = append(args, s)
		}
	}
	args = append(args, limit)
	return collect(ctx, db.r, scanJob, query+fmt.Sprintf(" ORDER BY job.id DESC LIMIT $%d", len(args)), args...)
}

// SaveProgress stores how far a job is; it is no event of the history.
func (db *DB) SaveProgress(ctx context.Context, id gyre.ID, done, total int, note string) error {
	_, err := db.exec(ctx, "UPDATE job SET done = $2, total = $3, note = $4 WHERE id = $1", int64(id), int64(done), int64(total), note)
	return err
}

// SaveJobResult stores what a job came to, as JSON.
func (db *DB) SaveJobResult(ctx context.Context, ws, id gyre.ID, result string) error {
	return db.Write(ctx, ws, func(tx *Tx) error {
		_, err := tx.exec(ctx, "UPDATE job SET result = $3 WHERE workspace = $1 AND id = $2", int64(ws), int64(id), result)
		return err
	})
}

// JobResult reads what a job came to; "" when it has come to nothing yet.
func (db *DB) JobResult(ctx context.Context, ws, id gyre.ID) (string, error) {
	return one(ctx, db.r, "job", id, func(s scanner) (r string, err error) { return r, s.Scan(&r) },
		"SELECT result FROM job WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
}

// JobTotal counts the jobs of one kind in one state of River.
type JobTotal struct {
	Workspace gyre.ID
	Kind      string
	Queue     string
	State     string
	Count     int
	Oldest    time.Time // when the first of them was added
}

// JobTotals counts the jobs of all workspaces that are not over, and the dead letters.
func (db *DB) JobTotals(ctx context.Context) ([]JobTotal, error) {
	return collect(ctx, db.r, func(s scanner) (t JobTotal, err error) {
		var oldest int64
		err = s.Scan((*int64)(&t.Workspace), &t.Kind, &t.Queue, &t.State, &t.Count, &oldest)
		t.Oldest = timeOf(oldest)
		return t, err
	}, `SELECT job.workspace, job.kind, river_job.queue, CAST(river_job.state AS TEXT), count(*), min(job.created)
		FROM job JOIN river_job ON river_job.id = job.id
		WHERE river_job.state NOT IN ('completed', 'cancelled')
		GROUP BY job.workspace, job.kind, river_job.queue, CAST(river_job.state AS TEXT)`)
}

// SweepJobs removes what is left of jobs that River has forgotten.
func (db *DB) SweepJobs(ctx context.Context) error {
	_, err := db.exec(ctx, "DELETE FROM job WHERE NOT EXISTS (SELECT 1 FROM river_job WHERE river_job.id = job.id)")
	return err
}

// LocalQueues lists the queues with the given beginning that hold jobs which are not over.
func LocalQueues(ctx context.Context, tx *sql.Tx, prefix string) ([]string, error) {
	var out []string
	err := each(ctx, tx, "SELECT DISTINCT queue FROM river_job WHERE "+jobAlive, nil, func(s scanner) error {
		var q string
		err := s.Scan(&q)
		if strings.HasPrefix(q, prefix) {
			out = append(out, q)
		}
		return err
	})
	return out, err
}
