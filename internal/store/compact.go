// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"time"

	"github.com/gyre-ctem/gyre"
)

// compactRows bounds a transaction of the compaction, so that it holds nobody up.
const compactRows = 2000

// Compact removes what an old run leaves and nobody will ask for again: what it
// covered and which assets it touched, of runs that began before coverage; and the data
// of the evidence, not its summary, of exposures that were fixed before evidence.
// Events, rows of the estate and what sightings overwrote stay, so every list, every
// look back and every later closing is as it would be without. A zero time keeps all.
//
// A run behind components that still stand is kept whole: new advisories are held
// against it. A report that comes in dated before coverage is held against younger runs only.
//
// Each step is a transaction of its own; one that is cut short goes on the next
// time. dry only counts.
func (db *DB) Compact(ctx context.Context, ws gyre.ID, coverage, evidence time.Time, dry bool) (out gyre.Compacted, err error) {
	if !coverage.IsZero() {
		if err := db.compactRuns(ctx, ws, coverage, dry, &out); err != nil {
			return out, fmt.Errorf("compact runs: %w", err)
		}
	}
	if !evidence.IsZero() {
		if err := db.compactEvidence(ctx, ws, evidence, dry, &out); err != nil {
			return out, fmt.Errorf("compact evidence: %w", err)
		}
	}
	return out, nil
}

func (db *DB) compactRuns(ctx context.Context, ws gyre.ID, before time.Time, dry bool, out *gyre.Compacted) error {
	behind, err := db.RunsBehindComponents(ctx, ws, db.now().Add(100*365*24*time.Hour))
	if err != nil {
		return err
	}
	needed := make(map[gyre.ID]bool, len(behind))
	for _, r := range behind {
		needed[r.ID] = true
	}
	old, err := collect(ctx, db.r, scanID, `SELECT id FROM run WHERE workspace = $1 AND started < $2 AND ended > 0 AND ended < $2 AND status <> 'running'
		AND NOT EXISTS (SELECT 1 FROM run_ref f WHERE f.run = run.id)
		AND (EXISTS (SELECT 1 FROM run_asset a WHERE a.run = run.id) OR EXISTS (SELECT 1 FROM coverage c WHERE c.workspace = $1 AND c.run = run.id)) ORDER BY id`,
		int64(ws), micros(before))
	if err != nil {
		return err
	}
	for _, id := range old {
		if needed[id] {
			continue
		}
		out.Runs++
		for _, t := range []struct {
			table, key string
			count      *int
		}{{"coverage", "id", &out.Coverage}, {"run_asset", "asset", &out.RunAssets}} {
			if err := db.compactRun(ctx, ws, id, t.table, t.key, dry, t.count); err != nil {
				return err
			}
		}
	}
	return nil
}

// compactRun removes the rows of one run from a table, or counts them.
func (db *DB) compactRun(ctx context.Context, ws, run gyre.ID, table, key string, dry bool, count *int) error {
	where := table + " WHERE workspace = $1 AND run = $2"
	if dry {
		var n int
		err := db.r.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+where, int64(ws), int64(run)).Scan(&n)
		*count += n
		return err
	}
	for {
		var n int64
		err := db.Write(ctx, ws, func(tx *Tx) (err error) {
			n, err = tx.exec(ctx, "DELETE FROM "+where+" AND "+key+" IN (SELECT "+key+" FROM "+where+" ORDER BY "+key+" LIMIT $3)",
				int64(ws), int64(run), int64(compactRows))
			return err
		})
		*count += int(n)
		if err != nil || n < compactRows {
			return err
		}
	}
}

// compactEvidence keeps the summaries of the evidence of what was fixed long ago.
func (db *DB) compactEvidence(ctx context.Context, ws gyre.ID, before time.Time, dry bool, out *gyre.Compacted) error {
	type row struct {
		exposure gyre.ID
		source   string
		text     string
	}
	last := gyre.ID(0)
	for {
		// Whole exposures at a time: what is over the bound is read again.
		rows, err := collect(ctx, db.r, func(s scanner) (r row, err error) {
			return r, s.Scan((*int64)(&r.exposure), &r.source, &r.text)
		}, `SELECT o.exposure, o.source, o.evidence FROM observation o JOIN exposure e ON e.id = o.exposure
			WHERE e.workspace = $1 AND o.workspace = $1 AND e.id > $2 AND e.state = 'fixed' AND e.fixed_at > 0 AND e.fixed_at < $3 AND o.evidence LIKE '%"data":%'
			ORDER BY o.exposure, o.source LIMIT $4`, int64(ws), int64(last), micros(before), int64(compactRows))
		if err != nil {
			return err
		}
		more := len(rows) == compactRows
		if more {
			end := len(rows)
			for end > 0 && rows[end-1].exposure == rows[len(rows)-1].exposure {
				end--
			}
			if end > 0 {
				rows = rows[:end]
			}
		}
		if len(rows) == 0 {
			return nil
		}
		last = rows[len(rows)-1].exposure
		var texts []string
		for _, r := range rows {
			e, err := evidenceOf(r.text)
			if err != nil {
				return err
			}
			text, err := jsonText(gyre.Evidence{Summary: e.Summary})
			if err != nil {
				return err
			}
			texts = append(texts, text)
			if len(text) < len(r.text) {
				out.Evidence++
				out.Bytes += int64(len(r.text) - len(text))
			}
		}
		if !dry {
			err := db.Write(ctx, ws, func(tx *Tx) error {
				for i, r := range rows {
					// It may have been seen again meanwhile, with evidence of its own.
					_, err := tx.exec(ctx, `UPDATE observation SET evidence = $4 WHERE workspace = $1 AND exposure = $2 AND source = $3 AND evidence = $5`,
						int64(ws), int64(r.exposure), r.source, texts[i], r.text)
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}
