// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

const exposureColumns = "id, workspace, asset, weakness, place, locus, aspect, class, severity, state, state_since, credentialed, remedy, first_seen, last_seen, fixed_at"

func scanExposure(s scanner) (gyre.Exposure, error) {
	return scanExposureWith(s, func(text string) (r gyre.Remedy, err error) { return r, fromJSON(text, &r) })
}

// exposureScanner is scanExposure for many exposures.
func exposureScanner() func(scanner) (gyre.Exposure, error) {
	remedyOf := remedyReader()
	return func(s scanner) (gyre.Exposure, error) { return scanExposureWith(s, remedyOf) }
}

func scanExposureWith(s scanner, remedyOf func(string) (gyre.Remedy, error)) (e gyre.Exposure, err error) {
	var aspect, class, state, remedy string
	var severity, since, first, last, fixed int64
	err = s.Scan((*int64)(&e.ID), (*int64)(&e.Workspace), (*int64)(&e.Asset), (*int64)(&e.Weakness), &e.Place, &e.Locus, &aspect, &class,
		&severity, &state, &since, &e.Credentialed, &remedy, &first, &last, &fixed)
	if err != nil {
		return e, err
	}
	e.Aspect, e.Class, e.Severity, e.State = gyre.Aspect(aspect), gyre.Class(class), gyre.Severity(severity), gyre.State(state)
	e.StateSince, e.FirstSeen, e.LastSeen, e.FixedAt = timeOf(since), timeOf(first), timeOf(last), timeOf(fixed)
	e.Remedy, err = remedyOf(remedy)
	return e, err
}

// wideExposure is scanExposure of a row of exposureColumns.
func wideExposure(r wideRow, remedyOf func(string) (gyre.Remedy, error)) (gyre.Exposure, error) {
	remedy, err := remedyOf(r.word(12))
	return gyre.Exposure{
		ID: gyre.ID(r.int(0)), Workspace: gyre.ID(r.int(1)), Asset: gyre.ID(r.int(2)), Weakness: gyre.ID(r.int(3)), Place: r.text(4), Locus: r.text(5),
		Aspect: gyre.Aspect(r.word(6)), Class: gyre.Class(r.word(7)), Severity: gyre.Severity(r.int(8)), State: gyre.State(r.word(9)),
		StateSince: timeOf(r.int(10)), Credentialed: r.bool(11), Remedy: remedy,
		FirstSeen: timeOf(r.int(13)), LastSeen: timeOf(r.int(14)), FixedAt: timeOf(r.int(15)),
	}, err
}

// maxRemedies bounds what a remedyReader keeps.
const maxRemedies = 1000

// remedyReader reads remedies from JSON. The same few are stored with many exposures,
// and reading one takes as long as all else of its row.
func remedyReader() func(string) (gyre.Remedy, error) {
	known := map[string]gyre.Remedy{}
	return func(text string) (gyre.Remedy, error) {
		r, ok := known[text]
		if ok {
			return r, nil
		}
		err := fromJSON(text, &r)
		if err == nil && len(known) < maxRemedies {
			known[text] = r
		}
		return r, err
	}
}

// Exposure reads one exposure.
func (db *DB) Exposure(ctx context.Context, ws, id gyre.ID) (gyre.Exposure, error) {
	return one(ctx, db.r, "exposure", id, scanExposure, "SELECT "+exposureColumns+" FROM exposure WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
}

// Exposures reads exposures by ID. Unknown IDs are left out.
func (db *DB) Exposures(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Exposure, error) {
	return exposuresByID(ctx, db.r, ws, ids)
}

func exposuresByID(ctx context.Context, q querier, ws gyre.ID, ids []gyre.ID) ([]gyre.Exposure, error) {
	out, scan := make([]gyre.Exposure, 0, len(ids)), exposureScanner()
	err := inChunks(ids, idArg, []any{int64(ws)}, func(in string, args []any) error {
		return each(ctx, q, "SELECT "+exposureColumns+" FROM exposure WHERE workspace = $1 AND id IN "+in, args, func(s scanner) error {
			e, err := scan(s)
			out = append(out, e)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read exposures: %w", err)
	}
	return out, nil
}

// ExposuresOfAsset lists the exposures of an asset, fixed ones too.
func (db *DB) ExposuresOfAsset(ctx context.Context, ws, asset gyre.ID) ([]gyre.Exposure, error) {
	return collect(ctx, db.r, scanExposure,
		"SELECT "+exposureColumns+" FROM exposure WHERE workspace = $1 AND asset = $2 ORDER BY id", int64(ws), int64(asset))
}

// ExposuresOfAction lists the exposures that an action removes, closed ones too.
func (db *DB) ExposuresOfAction(ctx context.Context, ws, action gyre.ID) ([]gyre.Exposure, error) {
	return collect(ctx, db.r, scanExposure,
		"SELECT "+exposureColumns+" FROM exposure WHERE workspace = $1 AND action = $2 AND action <> 0 ORDER BY id", int64(ws), int64(action))
}

// EachExposure calls fn for every exposure, by ID.
func (db *DB) EachExposure(ctx context.Context, ws gyre.ID, fn func(gyre.Exposure) error) error {
	return each(ctx, db.r, "SELECT "+exposureColumns+" FROM exposure WHERE workspace = $1 ORDER BY id", []any{int64(ws)}, func(s scanner) error {
		e, err := scanExposure(s)
		if err != nil {
			return err
		}
		return fn(e)
	})
}

// EachActiveExposure calls fn for every exposure whose risk counts, by ID.
func (db *DB) EachActiveExposure(ctx context.Context, ws gyre.ID, fn func(gyre.Exposure) error) error {
	return db.EachExposure(ctx, ws, func(e gyre.Exposure) error {
		if !e.State.Active() {
			return nil
		}
		return fn(e)
	})
}

// Claimed lists the exposures that somebody says are fixed.
func (db *DB) Claimed(ctx context.Context, ws gyre.ID) ([]gyre.ID, error) {
	return collect(ctx, db.r, scanID, "SELECT id FROM exposure WHERE workspace = $1 AND state = 'fix_claimed' ORDER BY id", int64(ws))
}

func scanID(s scanner) (id gyre.ID, err error) { return id, s.Scan((*int64)(&id)) }

// ActionOf is the action that removes an exposure, 0 for none.
func (db *DB) ActionOf(ctx context.Context, ws, exposure gyre.ID) (gyre.ID, error) {
	return one(ctx, db.r, "exposure", exposure, scanID, "SELECT action FROM exposure WHERE workspace = $1 AND id = $2", int64(ws), int64(exposure))
}

// Observations lists each source's latest sighting of an exposure, newest first.
func (db *DB) Observations(ctx context.Context, ws, exposure gyre.ID) ([]gyre.Observation, error) {
	return collect(ctx, db.r, func(s scanner) (o gyre.Observation, err error) {
		var at int64
		var text string
		var severity int64
		if err = s.Scan((*int64)(&o.ID), (*int64)(&o.Exposure), (*int64)(&o.Run), &o.Source, &o.Seen, &at, &text, &o.Weakness, &o.Locus, &severity); err != nil {
			return o, err
		}
		o.At, o.Severity = timeOf(at), gyre.Severity(severity)
		o.Evidence, err = evidenceOf(text)
		return o, err
	}, "SELECT id, exposure, run, source, seen, at, evidence, weakness, locus, severity FROM observation WHERE exposure = $2 AND workspace = $1 ORDER BY at DESC, source",
		int64(ws), int64(exposure))
}

func evidenceOf(text string) (e gyre.Evidence, err error) {
	if err = fromJSON(text, &e); err != nil {
		return e, err
	}
	for k, v := range e.Data {
		if f, ok := v.(float64); ok && f == float64(int64(f)) {
			e.Data[k] = int64(f)
		}
	}
	return e, nil
}
