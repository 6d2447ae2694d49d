// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"time"

	"github.com/gyre-ctem/gyre"
)

const exceptionColumns = "id, exposure, state, reason, actor, created, ends"

func scanException(s scanner) (x gyre.Exception, err error) {
	var state string
	var created, ends int64
	err = s.Scan((*int64)(&x.ID), (*int64)(&x.Exposure), &state, &x.Reason, &x.By, &created, &ends)
	x.State, x.Created, x.Ends = gyre.State(state), timeOf(created), timeOf(ends)
	return x, err
}

// Exception reads the exception of an exposure; gyre.NotFound when it has none.
func (db *DB) Exception(ctx context.Context, ws, exposure gyre.ID) (gyre.Exception, error) {
	return one(ctx, db.r, "exception of exposure", exposure, scanException,
		"SELECT "+exceptionColumns+" FROM exception WHERE workspace = $1 AND exposure = $2", int64(ws), int64(exposure))
}

// Exceptions lists the exceptions of a workspace by their end.
func (db *DB) Exceptions(ctx context.Context, ws gyre.ID) ([]gyre.Exception, error) {
	return collect(ctx, db.r, scanException,
		"SELECT "+exceptionColumns+" FROM exception WHERE workspace = $1 ORDER BY ends, id", int64(ws))
}

func exceptionsOf(ctx context.Context, q querier, ws gyre.ID, exposures []gyre.ID) (map[gyre.ID]gyre.Exception, error) {
	out := map[gyre.ID]gyre.Exception{}
	err := inChunks(exposures, idArg, []any{int64(ws)}, func(in string, args []any) error {
		return each(ctx, q, "SELECT "+exceptionColumns+" FROM exception WHERE workspace = $1 AND exposure IN "+in, args, func(s scanner) error {
			x, err := scanException(s)
			out[x.Exposure] = x
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read exceptions: %w", err)
	}
	return out, nil
}

func (tx *Tx) addExceptions(ctx context.Context, all []gyre.Exception) error {
	err := insert(ctx, tx.tx, "INSERT INTO exception (workspace, "+exceptionColumns+")", "", 8, len(all), func(i int, a []any) []any {
		x := &all[i]
		return append(a, int64(tx.ws), int64(x.ID), int64(x.Exposure), string(x.State), x.Reason, x.By, micros(x.Created), micros(x.Ends))
	})
	if err != nil {
		return fmt.Errorf("add exceptions: %w", err)
	}
	return nil
}

func (tx *Tx) dropExceptions(ctx context.Context, moves []move) error {
	ids := make([]gyre.ID, len(moves))
	for i, m := range moves {
		ids[i] = m.e.ID
	}
	err := inChunks(ids, idArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		_, err := tx.exec(ctx, "DELETE FROM exception WHERE workspace = $1 AND exposure IN "+in, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("end exceptions: %w", err)
	}
	return nil
}

// ExpireExceptions ends the exceptions whose time has come; their exposures are
// open again. It returns how many.
func (db *DB) ExpireExceptions(ctx context.Context, ws gyre.ID, now time.Time) (int, error) {
	n := 0
	err := db.Write(ctx, ws, func(tx *Tx) error {
		over, err := collect(ctx, tx.tx, scanException,
			"SELECT "+exceptionColumns+" FROM exception WHERE workspace = $1 AND ends <= $2", int64(ws), micros(now))
		if err != nil || len(over) == 0 {
			return err
		}
		ids := make([]gyre.ID, len(over))
		for i, x := range over {
			ids[i] = x.Exposure
		}
		all, err := exposuresByID(ctx, tx.tx, ws, ids)
		if err != nil {
			return err
		}
		var ended, reopened []move
		for _, e := range all {
			m := move{e: e, to: gyre.StateOpen}
			ended = append(ended, m)
			if e.State == gyre.StateAccepted || e.State == gyre.StateFalsePositive {
				reopened = append(reopened, m)
			}
		}
		n = len(reopened)
		if err := tx.dropExceptions(ctx, ended); err != nil {
			return err
		}
		return tx.moveStates(ctx, reopened, gyre.Event{Actor: "system", Reason: "the exception has ended"})
	})
	return n, err
}
