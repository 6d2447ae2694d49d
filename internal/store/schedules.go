// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"time"

	"github.com/gyre-ctem/gyre"
)

const scheduleColumns = "id, workspace, name, next, body"

func scanSchedule(s scanner) (sc gyre.Schedule, err error) {
	var id, ws, next int64
	var name, body string
	if err = s.Scan(&id, &ws, &name, &next, &body); err != nil {
		return sc, err
	}
	err = fromJSON(body, &sc)
	sc.ID, sc.Workspace, sc.Name, sc.Next = gyre.ID(id), gyre.ID(ws), name, timeOf(next)
	return sc, err
}

// Schedules lists the schedules by name.
func (db *DB) Schedules(ctx context.Context, ws gyre.ID) ([]gyre.Schedule, error) {
	return collect(ctx, db.r, scanSchedule, "SELECT "+scheduleColumns+" FROM schedule WHERE workspace = $1 ORDER BY name", int64(ws))
}

// Schedule reads one schedule.
func (db *DB) Schedule(ctx context.Context, ws, id gyre.ID) (gyre.Schedule, error) {
	return schedule(ctx, db.r, ws, id)
}

func schedule(ctx context.Context, q querier, ws, id gyre.ID) (gyre.Schedule, error) {
	return one(ctx, q, "schedule", id, scanSchedule, "SELECT "+scheduleColumns+" FROM schedule WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
}

// DueSchedules lists schedules of all workspaces that are due, the longest overdue first.
func (db *DB) DueSchedules(ctx context.Context, now time.Time, limit int) ([]gyre.Schedule, error) {
	return collect(ctx, db.r, scanSchedule,
		"SELECT "+scheduleColumns+" FROM schedule WHERE next > 0 AND next <= $1 ORDER BY next, id LIMIT $2", micros(now), int64(limit))
}

// Schedule reads one schedule as it stands in the transaction.
func (tx *Tx) Schedule(ctx context.Context, id gyre.ID) (gyre.Schedule, error) {
	return schedule(ctx, tx.tx, tx.ws, id)
}

// AddSchedule stores a new schedule, gives it an ID, and returns how many there
// are now. A name that is taken is gyre.Conflict.
func (tx *Tx) AddSchedule(ctx context.Context, sc *gyre.Schedule) (n int, err error) {
	sc.ID, sc.Workspace, sc.Created = gyre.NewID(), tx.ws, tx.now
	body, err := jsonText(sc)
	if err != nil {
		return 0, err
	}
	_, err = tx.exec(ctx, "INSERT INTO schedule ("+scheduleColumns+") VALUES ($1,$2,$3,$4,$5)", int64(sc.ID), int64(tx.ws), sc.Name, micros(sc.Next), body)
	if err != nil {
		return 0, tx.scheduleError(err, sc.Name)
	}
	err = tx.tx.QueryRowContext(ctx, "SELECT count(*) FROM schedule WHERE workspace = $1", int64(tx.ws)).Scan(&n)
	return n, err
}

// SaveSchedule replaces a schedule.
func (tx *Tx) SaveSchedule(ctx context.Context, sc gyre.Schedule) error {
	body, err := jsonText(sc)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, "UPDATE schedule SET name = $3, next = $4, body = $5 WHERE workspace = $1 AND id = $2",
		int64(tx.ws), int64(sc.ID), sc.Name, micros(sc.Next), body)
	return tx.scheduleError(err, sc.Name)
}

func (tx *Tx) scheduleError(err error, name string) error {
	switch {
	case err == nil:
		return nil
	case tx.db.dialect.IsDuplicate(err):
		return gyre.FieldErrorf(gyre.Conflict, "name", "there is a schedule %q already", name)
	}
	return fmt.Errorf("store schedule %q: %w", name, err)
}

// DeleteSchedule removes a schedule; jobs that it asked for stay.
func (db *DB) DeleteSchedule(ctx context.Context, ws, id gyre.ID) error {
	return db.Write(ctx, ws, func(tx *Tx) error {
		n, err := tx.exec(ctx, "DELETE FROM schedule WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
		if err == nil && n == 0 {
			err = gyre.Errorf(gyre.NotFound, "no schedule %s", id)
		}
		return err
	})
}
