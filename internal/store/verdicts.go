// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

// AddVerdict stores what a validation found. It moves no state: a fixed
// exposure was closed by the run that looked at it.
func (db *DB) AddVerdict(ctx context.Context, ws gyre.ID, v gyre.Verdict) error {
	return db.Write(ctx, ws, func(tx *Tx) error {
		if v.ID == 0 {
			v.ID = gyre.NewID()
		}
		if v.At.IsZero() {
			v.At = tx.now
		}
		text, err := jsonText(v.Evidence)
		if err != nil {
			return err
		}
		n, err := tx.exec(ctx, `INSERT INTO verdict (id, workspace, exposure, run, method, outcome, evidence, actor, at)
			SELECT $1, workspace, id, $4, $5, $6, $7, $8, $9 FROM exposure WHERE workspace = $2 AND id = $3`,
			int64(v.ID), int64(ws), int64(v.Exposure), int64(v.Run), v.Method, string(v.Outcome), text, v.By, micros(v.At))
		if err != nil {
			return fmt.Errorf("add verdict: %w", err)
		}
		if n == 0 {
			return gyre.Errorf(gyre.NotFound, "no exposure %s", v.Exposure)
		}
		tx.Append(gyre.Event{
			Object: "exposure", ID: v.Exposure, Kind: "verdict", To: string(v.Outcome), Actor: v.By, Run: v.Run, Reason: v.Evidence.Summary, Details: text,
		})
		return nil
	})
}

// Verdicts lists the verdicts on an exposure, newest first.
func (db *DB) Verdicts(ctx context.Context, ws, exposure gyre.ID) ([]gyre.Verdict, error) {
	return collect(ctx, db.r, func(s scanner) (v gyre.Verdict, err error) {
		var outcome, text string
		var at int64
		if err = s.Scan((*int64)(&v.ID), (*int64)(&v.Exposure), (*int64)(&v.Run), &v.Method, &outcome, &text, &v.By, &at); err != nil {
			return v, err
		}
		v.Outcome, v.At = gyre.Outcome(outcome), timeOf(at)
		v.Evidence, err = evidenceOf(text)
		return v, err
	}, `SELECT id, exposure, run, method, outcome, evidence, actor, at FROM verdict
		WHERE exposure = $2 AND workspace = $1 ORDER BY id DESC`, int64(ws), int64(exposure))
}
