// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gyre-ctem/gyre"
)

// SetStates moves exposures to a state that a person may set, as one change
// that can be undone. Those that cannot be moved are left alone and listed with
// the reason. ends is when an acceptance or a false positive ends, and required for them.
func (db *DB) SetStates(ctx context.Context, ws gyre.ID, ids []gyre.ID, to gyre.State, actor, reason string, ends time.Time) (gyre.Change, error) {
	needsEnd := to == gyre.StateAccepted || to == gyre.StateFalsePositive
	switch {
	case !gyre.StateOpen.SetByPerson(to) && to != gyre.StateOpen:
		return gyre.Change{}, gyre.FieldErrorf(gyre.Invalid, "state", "%q is not a state that a person can set", to)
	case needsEnd && reason == "":
		return gyre.Change{}, gyre.FieldErrorf(gyre.Invalid, "reason", "%s needs a reason", to)
	case needsEnd && !ends.After(db.now()):
		return gyre.Change{}, gyre.FieldErrorf(gyre.Invalid, "ends", "%s needs an end in the future", to)
	}
	ch := gyre.Change{ID: gyre.NewID(), Actor: actor, Summary: string(to)}
	err := db.Write(ctx, ws, func(tx *Tx) error {
		ch.At = tx.now
		all, err := exposuresByID(ctx, tx.tx, ws, ids)
		if err != nil {
			return err
		}
		found := make(map[gyre.ID]bool, len(all))
		var moves []move
		for _, e := range all {
			if found[e.ID] {
				continue
			}
			found[e.ID] = true
			if !e.State.SetByPerson(to) {
				ch.Skipped = append(ch.Skipped, gyre.Skip{ID: e.ID, Reason: fmt.Sprintf("it is %s", e.State)})
				continue
			}
			moves = append(moves, move{e: e, to: to})
		}
		for _, id := range ids {
			if !found[id] {
				ch.Skipped = append(ch.Skipped, gyre.Skip{ID: id, Reason: "not found"})
				found[id] = true
			}
		}
		ch.Changed = len(moves)
		if len(moves) == 0 {
			return nil
		}
		if err := tx.recordChange(ctx, ch, moves); err != nil {
			return err
		}
		var exceptions []gyre.Exception
		if needsEnd {
			for _, m := range moves {
				exceptions = append(exceptions, gyre.Exception{
					ID: gyre.NewID(), Exposure: m.e.ID, State: to, Reason: reason, By: actor, Created: tx.now, Ends: ends,
				})
			}
		}
		if err := tx.dropExceptions(ctx, moves); err != nil {
			return err
		}
		if err := tx.addExceptions(ctx, exceptions); err != nil {
			return err
		}
		return tx.moveStates(ctx, moves, gyre.Event{Actor: actor, Reason: reason})
	})
	return ch, err
}

// move is one exposure on its way to another state.
type move struct {
	e  gyre.Exposure
	to gyre.State
}

// moveStates changes states and appends an event for each, made from e.
func (tx *Tx) moveStates(ctx context.Context, moves []move, e gyre.Event) error {
	return tx.moveStatesAt(ctx, moves, e, tx.now)
}

func (tx *Tx) moveStatesAt(ctx context.Context, moves []move, e gyre.Event, when time.Time) error {
	byState := map[gyre.State][]gyre.ID{}
	var order []gyre.State
	for _, m := range moves {
		if byState[m.to] == nil {
			order = append(order, m.to)
		}
		byState[m.to] = append(byState[m.to], m.e.ID)
		ev := e
		ev.Object, ev.ID, ev.Kind, ev.From, ev.To = "exposure", m.e.ID, "state", string(m.e.State), string(m.to)
		var err error
		if ev.Changes, err = tx.moved(m, when); err != nil {
			return err
		}
		tx.Append(ev)
	}
	for _, to := range order {
		fixed := fixedAt(to, when)
		err := inChunks(byState[to], idArg, []any{int64(tx.ws), string(to), micros(when), fixed}, func(in string, args []any) error {
			_, err := tx.exec(ctx, "UPDATE exposure SET state = $2, state_since = $3, fixed_at = $4 WHERE workspace = $1 AND id IN "+in, args...)
			return err
		})
		if err != nil {
			return fmt.Errorf("set state %s: %w", to, err)
		}
	}
	return nil
}

// fixedAt is what the column holds of an exposure that comes to a state.
func fixedAt(to gyre.State, when time.Time) int64 {
	if to == gyre.StateFixed {
		return micros(when)
	}
	return 0
}

func (tx *Tx) recordChange(ctx context.Context, ch gyre.Change, moves []move) error {
	_, err := tx.exec(ctx, "INSERT INTO change (id, workspace, at, actor, summary, undone) VALUES ($1,$2,$3,$4,$5,0)",
		int64(ch.ID), int64(tx.ws), micros(ch.At), ch.Actor, ch.Summary)
	if err != nil {
		return fmt.Errorf("record change: %w", err)
	}
	ids := make([]gyre.ID, len(moves))
	for i, m := range moves {
		ids[i] = m.e.ID
	}
	before, err := exceptionsOf(ctx, tx.tx, tx.ws, ids)
	if err != nil {
		return err
	}
	texts := make([]string, len(moves))
	for i, m := range moves {
		if x, ok := before[m.e.ID]; ok {
			if texts[i], err = jsonText(x); err != nil {
				return err
			}
		}
	}
	err = insert(ctx, tx.tx, "INSERT INTO change_item (change, exposure, workspace, from_state, to_state, exception)", "", 6, len(moves),
		func(i int, a []any) []any {
			return append(a, int64(ch.ID), int64(moves[i].e.ID), int64(tx.ws), string(moves[i].e.State), string(moves[i].to), texts[i])
		})
	if err != nil {
		return fmt.Errorf("record change: %w", err)
	}
	return nil
}

// UndoChange moves the exposures of a change back, where they are still as the
// change left them. A change can be undone once.
func (db *DB) UndoChange(ctx context.Context, ws, id gyre.ID, actor string) (gyre.Change, error) {
	var ch gyre.Change
	err := db.Write(ctx, ws, func(tx *Tx) error {
		var err error
		ch, err = one(ctx, tx.tx, "change", id, func(s scanner) (c gyre.Change, err error) {
			var at, undone int64
			err = s.Scan((*int64)(&c.ID), &at, &c.Actor, &c.Summary, &undone)
			c.At, c.Undone = timeOf(at), timeOf(undone)
			return c, err
		}, "SELECT id, at, actor, summary, undone FROM change WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
		if err != nil {
			return err
		}
		if !ch.Undone.IsZero() {
			return gyre.Errorf(gyre.Conflict, "the change was undone already")
		}
		type item struct {
			exposure  gyre.ID
			from, to  gyre.State
			exception string
		}
		items, err := collect(ctx, tx.tx, func(s scanner) (i item, err error) {
			var from, to string
			err = s.Scan((*int64)(&i.exposure), &from, &to, &i.exception)
			i.from, i.to = gyre.State(from), gyre.State(to)
			return i, err
		}, "SELECT exposure, from_state, to_state, exception FROM change_item WHERE workspace = $1 AND change = $2 ORDER BY exposure", int64(ws), int64(id))
		if err != nil {
			return fmt.Errorf("read change: %w", err)
		}
		ids := make([]gyre.ID, len(items))
		for i := range items {
			ids[i] = items[i].exposure
		}
		all, err := exposuresByID(ctx, tx.tx, ws, ids)
		if err != nil {
			return err
		}
		now := make(map[gyre.ID]gyre.Exposure, len(all))
		for _, e := range all {
			now[e.ID] = e
		}
		var moves []move
		var exceptions []gyre.Exception
		for _, i := range items {
			e, there := now[i.exposure]
			if !there || e.State != i.to {
				ch.Skipped = append(ch.Skipped, gyre.Skip{ID: i.exposure, Reason: "it has changed since"})
				continue
			}
			moves = append(moves, move{e: e, to: i.from})
			if i.exception != "" {
				var x gyre.Exception
				if err := fromJSON(i.exception, &x); err != nil {
					return err
				}
				exceptions = append(exceptions, x)
			}
		}
		ch.Changed, ch.Undone = len(moves), tx.now
		if err := tx.dropExceptions(ctx, moves); err != nil {
			return err
		}
		if err := tx.addExceptions(ctx, exceptions); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "UPDATE change SET undone = $3 WHERE workspace = $1 AND id = $2", int64(ws), int64(id), micros(tx.now)); err != nil {
			return err
		}
		return tx.moveStates(ctx, moves, gyre.Event{Actor: actor, Reason: "undone"})
	})
	return ch, err
}

// Reopen moves a claimed exposure back to open, with the reason in its history.
func (db *DB) Reopen(ctx context.Context, ws, exposure gyre.ID, actor, reason string) error {
	return db.Write(ctx, ws, func(tx *Tx) error {
		all, err := exposuresByID(ctx, tx.tx, ws, []gyre.ID{exposure})
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return gyre.Errorf(gyre.NotFound, "no exposure %s", exposure)
		}
		if all[0].State != gyre.StateFixClaimed {
			return nil
		}
		return tx.moveStates(ctx, []move{{e: all[0], to: gyre.StateOpen}}, gyre.Event{Actor: actor, Reason: reason})
	})
}

// BandChange is a change of the band of an exposure's risk, with the inputs that explain it.
type BandChange struct {
	Exposure gyre.ID
	From, To gyre.Band
	Details  string // JSON
}

// RecordBands stores the bands that exposures have come to and says how many it
// stored. A change from a band that is no longer the stored one is left out:
// somebody else scored meanwhile.
func (db *DB) RecordBands(ctx context.Context, ws gyre.ID, changes []BandChange) (recorded int, err error) {
	for part := range slices.Chunk(changes, 1000) {
		n := 0
		err := db.Write(ctx, ws, func(tx *Tx) (err error) {
			n, err = tx.recordBands(ctx, part)
			return err
		})
		if err != nil {
			return recorded, fmt.Errorf("record bands: %w", err)
		}
		recorded += n
	}
	return recorded, nil
}

func (tx *Tx) recordBands(ctx context.Context, changes []BandChange) (recorded int, err error) {
	stored := make(map[gyre.ID]gyre.Band, len(changes))
	exposure := func(c BandChange) any { return int64(c.Exposure) }
	err = inChunks(changes, exposure, []any{int64(tx.ws)}, func(in string, args []any) error {
		return each(ctx, tx.tx, "SELECT id, band FROM exposure WHERE workspace = $1 AND id IN "+in, args, func(s scanner) error {
			var id int64
			var band string
			err := s.Scan(&id, &band)
			stored[gyre.ID(id)] = gyre.Band(band)
			return err
		})
	})
	if err != nil {
		return 0, err
	}
	byBand := map[gyre.Band][]gyre.ID{}
	for _, c := range changes {
		if was, known := stored[c.Exposure]; !known || was != c.From || was == c.To {
			continue
		}
		recorded++
		byBand[c.To] = append(byBand[c.To], c.Exposure)
		tx.Append(gyre.Event{
			Object: "exposure", ID: c.Exposure, Kind: "band", From: string(c.From), To: string(c.To), Actor: "system", Details: c.Details,
		})
		tx.changed("exposure", c.Exposure, "band", string(c.From), string(c.To))
	}
	for band, ids := range byBand {
		err := inChunks(ids, idArg, []any{int64(tx.ws), string(band)}, func(in string, args []any) error {
			_, err := tx.exec(ctx, "UPDATE exposure SET band = $2 WHERE workspace = $1 AND id IN "+in, args...)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return recorded, nil
}
