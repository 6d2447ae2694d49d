// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"time"

	"github.com/gyre-ctem/gyre"
)

// What a run's end needs: what lies within its coverage and was not seen again.
// These find candidates by asset, aspect, credentials and time, in one query each;
// whether a locus and a weakness are covered is ingest's to say.

// LaterRuns lists the runs that succeeded, began to look after a run did, and
// covered something of the assets that it touched; the earliest first.
func (tx *Tx) LaterRuns(ctx context.Context, run gyre.Run) ([]gyre.Run, error) {
	return collect(ctx, tx.tx, scanRun, "SELECT "+runColumns+` FROM run WHERE workspace = $1 AND started > $2 AND status = 'succeeded' AND EXISTS
		(SELECT 1 FROM run_asset ra JOIN coverage c ON c.run = run.id AND c.asset = ra.asset WHERE ra.run = $3) ORDER BY started, id`,
		int64(tx.ws), micros(run.Started), int64(run.ID))
}

// within narrows a query to the assets that a run touched; $N is that run, 0 for none.
func within(asset, n string) string {
	return " AND (CAST(" + n + " AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM run_asset ra WHERE ra.run = " + n + " AND ra.asset = " + asset + "))"
}

// EachUnseenFact calls fn with the facts of the run's source on assets and
// aspects that it covered unjudged, last seen before it started, and each coverage that
// applies. With another run, only on the assets that this one touched.
func (tx *Tx) EachUnseenFact(ctx context.Context, run gyre.Run, of gyre.ID, fn func(f gyre.Fact, c gyre.Coverage) error) error {
	return each(ctx, tx.tx, "SELECT "+factColumns+`, c.asset, c.aspect, c.judged, c.credentialed, c.body
		FROM coverage c JOIN fact f ON f.asset = c.asset AND f.aspect = c.aspect
		WHERE c.workspace = $1 AND c.run = $2 AND NOT c.judged AND f.source = $3 AND f.last_seen < $4 AND (c.credentialed OR NOT f.credentialed)`+within("c.asset", "$5")+`
		ORDER BY f.asset, f.aspect, f.locus`,
		[]any{int64(tx.ws), int64(run.ID), run.Source, micros(run.Started), int64(of)}, func(s scanner) error {
			f, err := scanFact(window{s, 0, 5})
			if err != nil {
				return err
			}
			c, err := scanCoverage(window{s, 5, 0})
			if err != nil {
				return err
			}
			return fn(f, c)
		})
}

// DeleteFacts removes facts of a source.
func (tx *Tx) DeleteFacts(ctx context.Context, source string, facts []gyre.Fact) error {
	for _, f := range facts {
		_, err := tx.exec(ctx, "DELETE FROM fact WHERE asset = $1 AND aspect = $2 AND locus = $3 AND source = $4 AND workspace = $5",
			int64(AssetOf(f.Asset)), string(f.Aspect), f.Locus, source, int64(tx.ws))
		if err != nil {
			return fmt.Errorf("expire facts: %w", err)
		}
	}
	return nil
}

// EachUnseenComponent is EachUnseenFact for components, which the aspect
// "package" covers, without those that another tool was the last to list.
func (tx *Tx) EachUnseenComponent(ctx context.Context, run gyre.Run, of gyre.ID, fn func(cp gyre.Component, c gyre.Coverage) error) error {
	return each(ctx, tx.tx, "SELECT "+componentColumns+`, v.asset, v.aspect, v.judged, v.credentialed, v.body
		FROM coverage v JOIN component c ON c.asset = v.asset
		WHERE v.workspace = $1 AND v.run = $2 AND NOT v.judged AND v.aspect = $5 AND c.source = $3 AND c.last_seen < $4`+within("v.asset", "$6")+`
			AND ($7 = '' OR NOT EXISTS (SELECT 1 FROM run r WHERE r.workspace = $1 AND r.started = c.last_seen AND r.source = $3
				AND r.tool <> '' AND r.tool <> $7 AND EXISTS (SELECT 1 FROM run_asset ra WHERE ra.run = r.id AND ra.asset = c.asset)))
		ORDER BY c.id`,
		[]any{int64(tx.ws), int64(run.ID), run.Source, micros(run.Started), string(gyre.AspectPackage), int64(of), run.Tool}, func(s scanner) error {
			cp, err := scanComponent(window{s, 0, 5})
			if err != nil {
				return err
			}
			c, err := scanCoverage(window{s, 10, 0})
			if err != nil {
				return err
			}
			return fn(cp, c)
		})
}

// DeleteComponents removes components.
func (tx *Tx) DeleteComponents(ctx context.Context, ids []gyre.ID) error {
	err := inChunks(ids, idArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		_, err := tx.exec(ctx, "DELETE FROM component WHERE workspace = $1 AND id IN "+in, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("expire components: %w", err)
	}
	return nil
}

// EachUnseenExposure calls fn with the exposures that stand (neither fixed nor
// false) on assets and aspects that the run covered judged, with credentials where they
// were seen with credentials, last seen before it started; known says that the run's
// source, and not another tool of it since, has seen it once; then its locus is as that source wrote it, as the coverage is.
// With another run, only on the assets that this one touched.
func (tx *Tx) EachUnseenExposure(ctx context.Context, run gyre.Run, of gyre.ID, fn func(e gyre.Exposure, c gyre.Coverage, known bool) error) error {
	// A coverage may list thousands of weaknesses and apply to as many exposures,
	// of which the caller keeps many: each is decoded once.
	decoded := map[gyre.ID]gyre.Coverage{}
	return each(ctx, tx.tx, `SELECT e.id, e.workspace, e.asset, e.weakness, e.place, COALESCE(NULLIF(o.locus, ''), e.locus), e.aspect, e.class, e.severity, e.state, e.state_since,
			e.credentialed, e.remedy, e.first_seen, e.last_seen, e.fixed_at, c.asset, c.aspect, c.judged, c.credentialed, c.body,
			o.id IS NOT NULL AND ($6 = '' OR COALESCE(r.tool, '') IN ('', $6)), c.id
		FROM coverage c JOIN exposure e ON e.asset = c.asset AND e.aspect = c.aspect
		LEFT JOIN observation o ON o.exposure = e.id AND o.source = $3
		LEFT JOIN run r ON r.id = o.run
		WHERE c.workspace = $1 AND c.run = $2 AND c.judged AND e.last_seen < $4 AND e.state NOT IN ('fixed', 'false_positive')
			AND (c.credentialed OR NOT e.credentialed)`+within("c.asset", "$5")+`
		ORDER BY e.id`,
		[]any{int64(tx.ws), int64(run.ID), run.Observer(), micros(run.Started), int64(of), run.Tool}, func(s scanner) error {
			e, err := scanExposure(window{s, 0, 7})
			if err != nil {
				return err
			}
			var known bool
			var id gyre.ID
			if err := (window{s, 21, 0}).Scan(&known, (*int64)(&id)); err != nil {
				return err
			}
			c, have := decoded[id]
			if !have {
				if c, err = scanCoverage(window{s, 16, 2}); err != nil {
					return err
				}
				decoded[id] = c
			}
			return fn(e, c, known)
		})
}

// CloseExposures moves exposures to fixed as of a time, with the event that e is
// made into for each; details explain each one. Exceptions of what is gone end.
func (tx *Tx) CloseExposures(ctx context.Context, all []gyre.Exposure, details []string, e gyre.Event, when time.Time) error {
	moves := make([]move, len(all))
	at := len(tx.events)
	for i := range all {
		moves[i] = move{e: all[i], to: gyre.StateFixed}
	}
	if err := tx.moveStatesAt(ctx, moves, e, when); err != nil {
		return err
	}
	for i := range details {
		tx.events[at+i].Details = details[i]
	}
	return tx.dropExceptions(ctx, moves)
}

// window shows a scan function its part of a row: before and after it are
// columns of others. A row may be scanned as often as one likes.
type window struct {
	s             scanner
	before, after int
}

// Scan implements scanner.
func (w window) Scan(dest ...any) error {
	all := make([]any, 0, w.before+len(dest)+w.after)
	for range w.before {
		all = append(all, skipped{})
	}
	all = append(all, dest...)
	for range w.after {
		all = append(all, skipped{})
	}
	return w.s.Scan(all...)
}

// skipped takes a column and forgets it.
type skipped struct{}

// Scan implements sql.Scanner.
func (skipped) Scan(any) error { return nil }
