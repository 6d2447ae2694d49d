// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/gyre-ctem/gyre"
)

// mergedExposure is the object of a merge of two exposures alone: their assets
// and weaknesses were one before.
const mergedExposure = "exposure"

// MergeWeakness makes the weakness m.From one with m.Into, together with their
// exposures. Its row stays, out of sight, under its own name. UndoMerge takes it back.
func (tx *Tx) MergeWeakness(ctx context.Context, m gyre.Merge) error {
	m.Object = gyre.MergedWeakness
	j, err := tx.beginMerge(ctx, m)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return j.mergeOwner(ctx, "weakness") },
		func(ctx context.Context) error {
			_, err := j.move(ctx, "weakness_alias", "weakness", m.From, m.Into)
			return err
		},
		func(ctx context.Context) error {
			return j.change(ctx, "weakness", m.From, map[string]any{"merged_into": int64(m.Into)})
		},
		j.flush,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("merge weakness %q into %q: %w", m.FromName, m.IntoName, err)
		}
	}
	tx.stored, tx.said = nil, nil // read before the merge
	j.event("weakness", m.From, "merged", m.FromName, m.Into.String())
	j.event("weakness", m.Into, "merged_in", m.From.String(), m.FromName)
	return nil
}

// UnmergeWeakness makes a weakness that was merged into another one itself
// again. Where later merges build on that one, only what hangs on its names can
// follow (MoveNamed).
func (tx *Tx) UnmergeWeakness(ctx context.Context, id gyre.ID, actor string) error {
	merges, err := collect(ctx, tx.tx, scanMerge, "SELECT "+mergeColumns+` FROM merge WHERE workspace = $1 AND object = $2 AND from_id = $3 AND undone = 0
		ORDER BY id DESC`, int64(tx.ws), gyre.MergedWeakness, int64(id))
	if err != nil {
		return fmt.Errorf("find merge of weakness %s: %w", id, err)
	}
	for i := range merges {
		switch err := tx.undoMerge(ctx, &merges[i], actor); gyre.ErrorCode(err) {
		case "":
		case gyre.Conflict:
			_, err = tx.exec(ctx, "UPDATE merge SET undone = $3, undone_by = $4 WHERE workspace = $1 AND id = $2", int64(tx.ws), int64(merges[i].ID), micros(tx.now), actor)
			if err != nil {
				return fmt.Errorf("end merge: %w", err)
			}
		default:
			return err
		}
	}
	if _, err := tx.exec(ctx, "UPDATE weakness SET merged_into = 0 WHERE workspace = $1 AND id = $2", int64(tx.ws), int64(id)); err != nil {
		return fmt.Errorf("bring weakness %s back: %w", id, err)
	}
	return nil
}

// namedExposure is an exposure with the sources that call its weakness by one of
// the names in question, and whether there are others.
type namedExposure struct {
	e       gyre.Exposure
	sources []string
	others  bool
}

// HasNamed says whether any source calls a weakness by one of the names.
func (tx *Tx) HasNamed(ctx context.Context, weakness gyre.ID, names []string) (bool, error) {
	found := false
	err := inChunks(names, stringArg, []any{int64(tx.ws), int64(weakness)}, func(in string, args []any) error {
		ids, err := collect(ctx, tx.tx, scanID, `SELECT o.exposure FROM exposure e JOIN observation o ON o.exposure = e.id
			WHERE e.workspace = $1 AND e.weakness = $2 AND o.weakness IN `+in+` LIMIT 1`, args...)
		found = found || len(ids) > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for names of weakness %s: %w", weakness, err)
	}
	return found, nil
}

// MoveNamed gives what sources called by one of the names, while it was taken
// for m.From, to the weakness m.Into: whole exposures where all of their sources
// do, else those sources' words. Triage is kept on both. m says why and who.
func (tx *Tx) MoveNamed(ctx context.Context, m gyre.Merge, names []string) error {
	all, err := tx.named(ctx, m.From, names)
	if err != nil || len(all) == 0 {
		return err
	}
	var assets, weaknesses []gyre.ID
	var places []string
	for i := range all {
		assets, weaknesses, places = append(assets, all[i].e.Asset), append(weaknesses, m.Into), append(places, all[i].e.Place)
	}
	there, err := tx.FindExposures(ctx, assets, weaknesses, places)
	if err != nil {
		return err
	}
	type spot struct {
		asset gyre.ID
		place string
	}
	at := map[spot]gyre.ID{}
	for i := range there {
		at[spot{there[i].Asset, there[i].Place}] = there[i].ID
	}
	for i := range all {
		x, m := &all[i], m
		twin := at[spot{x.e.Asset, x.e.Place}]
		switch {
		case twin == 0 && !x.others:
			err = tx.moveWhole(ctx, m, x.e.ID)
		case !x.others:
			m.ID, m.From, m.Into = 0, x.e.ID, twin
			err = tx.MergeExposure(ctx, m)
		default:
			err = tx.moveWords(ctx, m, x, twin)
		}
		if err != nil {
			return fmt.Errorf("move exposure %s from %q to %q: %w", x.e.ID, m.FromName, m.IntoName, err)
		}
	}
	tx.stored, tx.said = nil, nil
	return nil
}

func (tx *Tx) named(ctx context.Context, weakness gyre.ID, names []string) ([]namedExposure, error) {
	in := make(map[string]bool, len(names))
	for _, n := range names {
		in[n] = true
	}
	by := map[gyre.ID]*namedExposure{}
	err := each(ctx, tx.tx, `SELECT o.exposure, o.source, o.weakness FROM exposure e JOIN observation o ON o.exposure = e.id
		WHERE e.workspace = $1 AND e.weakness = $2 ORDER BY o.exposure, o.source`, []any{int64(tx.ws), int64(weakness)}, func(s scanner) error {
		var id gyre.ID
		var source, name string
		if err := s.Scan((*int64)(&id), &source, &name); err != nil {
			return err
		}
		if by[id] == nil {
			by[id] = &namedExposure{}
		}
		if in[name] {
			by[id].sources = append(by[id].sources, source)
		} else {
			by[id].others = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read names of exposures: %w", err)
	}
	var ids []gyre.ID
	for id, x := range by {
		if len(x.sources) > 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	exposures, err := exposuresByID(ctx, tx.tx, tx.ws, ids)
	if err != nil {
		return nil, err
	}
	out := make([]namedExposure, 0, len(exposures))
	for _, e := range exposures {
		x := by[e.ID]
		x.e = e
		out = append(out, *x)
	}
	return out, nil
}

func (tx *Tx) moveWhole(ctx context.Context, m gyre.Merge, id gyre.ID) error {
	if _, err := tx.exec(ctx, "UPDATE exposure SET weakness = $3 WHERE workspace = $1 AND id = $2", int64(tx.ws), int64(id), int64(m.Into)); err != nil {
		return err
	}
	tx.Append(gyre.Event{Object: "exposure", ID: id, Kind: "moved", From: m.From.String(), To: m.Into.String(), Actor: m.Actor, Run: m.Run, Reason: m.Reason})
	return nil
}

// MergeExposure makes the exposure m.From one with m.Into, with a journal.
func (tx *Tx) MergeExposure(ctx context.Context, m gyre.Merge) error {
	m.Object = mergedExposure
	j, err := tx.beginMerge(ctx, m)
	if err != nil {
		return err
	}
	if err := j.mergeExposures(ctx, []exposurePair{{loser: m.From, survivor: m.Into}}); err != nil {
		return fmt.Errorf("merge exposure %s into %s: %w", m.From, m.Into, err)
	}
	tx.stored, tx.said = nil, nil // read before the merge
	return j.flush(ctx)
}

// ExposuresOfWeakness lists the exposures of a weakness, by ID.
func (tx *Tx) ExposuresOfWeakness(ctx context.Context, weakness gyre.ID) ([]gyre.Exposure, error) {
	all, err := collect(ctx, tx.tx, scanExposure, "SELECT "+exposureColumns+" FROM exposure WHERE workspace = $1 AND weakness = $2 ORDER BY id", int64(tx.ws), int64(weakness))
	if err != nil {
		return nil, fmt.Errorf("read exposures of weakness: %w", err)
	}
	return all, nil
}

// moveWords gives some sources' words on an exposure to its twin of the other
// weakness, which stands as it does when it has to be made.
func (tx *Tx) moveWords(ctx context.Context, m gyre.Merge, x *namedExposure, twin gyre.ID) error {
	e := x.e
	if twin == 0 {
		e.ID, e.Weakness = gyre.NewID(), m.Into
		twin = e.ID
		tx.Append(gyre.Event{Object: "exposure", ID: twin, Kind: "created", To: string(e.State), Actor: m.Actor, Run: m.Run, Reason: m.Reason})
		if err := tx.AddExposures(ctx, []gyre.Exposure{e}, nil); err != nil {
			return err
		}
		exceptions, err := exceptionsOf(ctx, tx.tx, tx.ws, []gyre.ID{x.e.ID})
		if err != nil {
			return err
		}
		if was, ok := exceptions[x.e.ID]; ok {
			was.ID, was.Exposure = gyre.NewID(), twin
			if err := tx.addExceptions(ctx, []gyre.Exception{was}); err != nil {
				return err
			}
		}
	}
	both := []gyre.ID{x.e.ID, twin}
	before, err := tx.seenNow(ctx, both)
	if err != nil {
		return err
	}
	err = inChunks(x.sources, stringArg, []any{int64(tx.ws), int64(x.e.ID), int64(twin)}, func(in string, args []any) error {
		// Of two words of one source on the twin the newer one stays.
		for _, q := range []string{
			`DELETE FROM observation WHERE workspace = $1 AND exposure = $3 AND source IN ` + in + ` AND EXISTS (SELECT 1 FROM observation o
				WHERE o.exposure = $2 AND o.source = observation.source AND o.at >= observation.at)`,
			`DELETE FROM observation WHERE workspace = $1 AND exposure = $2 AND source IN ` + in + ` AND EXISTS (SELECT 1 FROM observation o
				WHERE o.exposure = $3 AND o.source = observation.source)`,
			`UPDATE observation SET exposure = $3 WHERE workspace = $1 AND exposure = $2 AND source IN ` + in,
		} {
			if _, err := tx.exec(ctx, q, args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	after, err := tx.seenNow(ctx, both)
	if err != nil {
		return err
	}
	for i, id := range both {
		tx.changed("exposure", id, "sources", before[i], after[i])
	}
	tx.Append(gyre.Event{Object: "exposure", ID: x.e.ID, Kind: "split", To: twin.String(), Actor: m.Actor, Run: m.Run, Reason: m.Reason})
	return nil
}

// seenNow lists who sees each exposure, read anew.
func (tx *Tx) seenNow(ctx context.Context, ids []gyre.ID) ([][]string, error) {
	for _, id := range ids {
		delete(tx.said, id)
	}
	if err := tx.readSaid(ctx, ids); err != nil {
		return nil, err
	}
	out := make([][]string, len(ids))
	for i, id := range ids {
		out[i] = seenBy(tx.said[id])
	}
	return out, nil
}
