// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// UndoMerge takes a merge back: what was gone is there again under its own ID, with
// its history and its triage, and what came from it goes back to it. Where a person
// has decided something since, both keep that. Two assets that were taken apart stay apart:
// a rule says so to whatever is sighted next. A merge can be undone once, and
// not before later ones that build on it.
func (db *DB) UndoMerge(ctx context.Context, ws, id gyre.ID, actor string) (gyre.Merge, error) {
	var m gyre.Merge
	err := db.Write(ctx, ws, func(tx *Tx) error {
		var err error
		m, err = one(ctx, tx.tx, "merge", id, scanMerge, "SELECT "+mergeColumns+" FROM merge WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
		if err != nil {
			return err
		}
		return tx.undoMerge(ctx, &m, actor)
	})
	return m, err
}

func (tx *Tx) undoMerge(ctx context.Context, m *gyre.Merge, actor string) error {
	if !m.Undone.IsZero() {
		return gyre.Errorf(gyre.Conflict, "the merge was undone already")
	}
	if m.Object == "split" {
		return gyre.Errorf(gyre.Conflict, "this is a split: merge the two assets to take it back")
	}
	items, err := collect(ctx, tx.tx, func(s scanner) (i journalItem, err error) {
		return i, s.Scan(&i.seq, &i.kind, &i.op, &i.field, (*int64)(&i.object), (*int64)(&i.other), &i.body)
	}, "SELECT seq, kind, op, field, object_id, other_id, body FROM merge_item WHERE workspace = $1 AND merge = $2 ORDER BY seq DESC", int64(tx.ws), int64(m.ID))
	if err != nil {
		return fmt.Errorf("read journal of merge: %w", err)
	}
	u := &undoing{tx: tx, m: m, j: &journal{tx: tx, m: *m}}
	u.j.m.Actor, u.j.m.Run, u.j.m.Reason = actor, 0, "the merge was undone"
	if err := u.part(ctx, items); err != nil {
		return err
	}
	if err := u.mayUndo(ctx, items); err != nil {
		return err
	}
	var survivors []gyre.ID
	for _, i := range items {
		if i.op == opSettled {
			survivors = append(survivors, i.object)
		}
	}
	noteSources, err := tx.noteSources(ctx, survivors)
	if err != nil {
		return err
	}
	for _, i := range items {
		if err := u.restore(ctx, i); err != nil {
			return fmt.Errorf("undo merge %s: %w", m.ID, err)
		}
	}
	if err := noteSources(ctx); err != nil {
		return err
	}
	if err := u.unsettle(ctx); err != nil {
		return err
	}
	u.j.event(m.Object, m.From, "split", m.Into.String(), m.FromName)
	u.j.event(m.Object, m.Into, "split", m.FromName, m.From.String())
	if m.Object == gyre.MergedAsset {
		if err := tx.keepApart(ctx, *m, u.kept, actor); err != nil {
			return err
		}
	}
	m.Undone, m.UndoneBy = tx.now, actor
	_, err = tx.exec(ctx, "UPDATE merge SET undone = $3, undone_by = $4 WHERE workspace = $1 AND id = $2", int64(tx.ws), int64(m.ID), micros(tx.now), actor)
	if err != nil {
		return fmt.Errorf("note that merge is undone: %w", err)
	}
	return nil
}

type undoing struct {
	tx      *Tx
	m       *gyre.Merge
	j       *journal // for its events
	settled []journalItem
	kept    []gyre.ID // claims
}

// mayUndo refuses to pull a merge out from under a later one.
func (u *undoing) mayUndo(ctx context.Context, items []journalItem) error {
	later, err := collect(ctx, u.tx.tx, scanMerge, "SELECT "+mergeColumns+` FROM merge WHERE workspace = $1 AND object = $2 AND undone = 0
		AND id > $3 AND (from_id = $4 OR into_id = $4) ORDER BY id DESC`, int64(u.tx.ws), u.m.Object, int64(u.m.ID), int64(u.m.Into))
	if err != nil {
		return fmt.Errorf("read later merges: %w", err)
	}
	if len(later) > 0 {
		return buildsOn(later[0])
	}
	// The exposures that were made one may have been made one with others by a
	// merge of the other kind.
	survivors := map[gyre.ID]bool{}
	var ids []gyre.ID
	for _, i := range items {
		if i.op == opSettled {
			survivors[i.object] = true
			ids = append(ids, i.object)
		}
	}
	for _, field := range []string{"object_id", "other_id"} {
		err := inChunks(ids, idArg, []any{int64(u.tx.ws), int64(u.m.ID)}, func(in string, args []any) error {
			later, err := collect(ctx, u.tx.tx, scanMerge, "SELECT "+mergeColumns+` FROM merge WHERE workspace = $1 AND undone = 0 AND id > $2
				AND id IN (SELECT i.merge FROM merge_item i WHERE i.kind = 'exposure' AND i.op = 'settled' AND i.`+field+` IN `+in+`) ORDER BY id DESC`, args...)
			if err == nil && len(later) > 0 {
				err = buildsOn(later[0])
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	// Or have moved with one of the other kind, away from where the others belong.
	now, err := exposuresByID(ctx, u.tx.tx, u.tx.ws, ids)
	if err != nil {
		return err
	}
	at := make(map[gyre.ID]gyre.Exposure, len(now))
	for _, e := range now {
		at[e.ID] = e
	}
	for _, i := range items {
		if i.op != opRemoved || i.kind != "exposure" {
			continue
		}
		var was struct{ Asset, Weakness int64 }
		if err := json.Unmarshal([]byte(i.body), &was); err != nil {
			return fmt.Errorf("decode journal of merge: %w", err)
		}
		e, there := at[i.other]
		same, object, gone := e.Weakness == gyre.ID(was.Weakness), gyre.MergedWeakness, was.Weakness
		if u.m.Object == gyre.MergedWeakness {
			same, object, gone = e.Asset == gyre.ID(was.Asset), gyre.MergedAsset, was.Asset
		}
		if there && same {
			continue
		}
		m, err := one(ctx, u.tx.tx, "later merge of "+object, gyre.ID(gone), scanMerge,
			"SELECT "+mergeColumns+" FROM merge WHERE workspace = $1 AND object = $2 AND from_id = $3 AND undone = 0", int64(u.tx.ws), object, gone)
		if gyre.ErrorCode(err) == gyre.NotFound {
			return gyre.Errorf(gyre.Conflict, "exposure %s, which the merge left, has been moved since", i.other)
		}
		if err != nil {
			return err
		}
		return buildsOn(m)
	}
	return nil
}

func buildsOn(m gyre.Merge) error {
	return gyre.Errorf(gyre.Conflict, "a later merge builds on this one: undo %s first (%s %q into %q)", m.ID, m.Object, m.FromName, m.IntoName)
}

// restore takes back one entry of the journal. The entries come in reverse.
func (u *undoing) restore(ctx context.Context, i journalItem) error {
	switch i.op {
	case opSettled:
		u.settled = append(u.settled, i) // when all rows are there
		return nil
	case opMet:
		return nil // part has undone it
	case opKept:
		return fromJSON(i.body, &u.kept)
	case opRemoved:
		var row map[string]any
		if err := decodeRow(i.body, &row); err != nil {
			return err
		}
		return u.tx.insertRow(ctx, i.kind, row)
	case opChanged:
		return u.unchange(ctx, i)
	case opMoved:
		return u.moveBack(ctx, i)
	}
	return gyre.Errorf(gyre.Internal, "the journal holds %q, which nobody can undo", i.op)
}

// unchange sets the columns back that are still as the merge left them.
func (u *undoing) unchange(ctx context.Context, i journalItem) error {
	var c changedRow
	if err := decodeRow(i.body, &c); err != nil {
		return err
	}
	rows, err := u.tx.rows(ctx, "SELECT * FROM "+i.kind+" WHERE workspace = $1 AND id = $2", int64(u.tx.ws), int64(i.object))
	if err != nil || len(rows) == 0 {
		return err
	}
	set, was := map[string]any{}, map[string]any{}
	for col, v := range c.After {
		if rows[0][col] == numbers(v) {
			set[col], was[col] = numbers(c.Before[col]), rows[0][col]
		}
	}
	if err := u.tx.noteColumns(i.kind, i.object, was, set); err != nil {
		return err
	}
	return u.tx.setColumns(ctx, i.kind, i.object, set)
}

// moveBack gives rows back to their first owner, those that still are the other's.
func (u *undoing) moveBack(ctx context.Context, i journalItem) error {
	var keys [][]any
	if err := decodeRow(i.body, &keys); err != nil {
		return err
	}
	cols := rowKeys[i.kind+"."+i.field]
	if i.kind == "exposure" {
		if err := u.tellMoved(ctx, i, keys); err != nil {
			return err
		}
	}
	update := "UPDATE " + i.kind + " SET " + i.field + " = $2 WHERE workspace = $1 AND " + i.field + " = $3 AND "
	first := []any{int64(u.tx.ws), int64(i.object), int64(i.other)}
	if len(cols) == 1 {
		return inChunks(keys, func(k []any) any { return numbers(k[0]) }, first, func(in string, args []any) error {
			_, err := u.tx.exec(ctx, update+cols[0]+" IN "+in, args...)
			return err
		})
	}
	var b strings.Builder
	for n, c := range cols {
		if n > 0 {
			b.WriteString(" AND ")
		}
		fmt.Fprintf(&b, "%s = $%d", c, n+4)
	}
	for _, k := range keys {
		args := first
		for _, v := range k {
			args = append(args[:len(args):len(args)], numbers(v))
		}
		if _, err := u.tx.exec(ctx, update+b.String(), args...); err != nil {
			return err
		}
	}
	return nil
}

// tellMoved tells of exposures that go back with their asset or weakness.
func (u *undoing) tellMoved(ctx context.Context, i journalItem, keys [][]any) error {
	return inChunks(keys, func(k []any) any { return numbers(k[0]) }, []any{int64(u.tx.ws), int64(i.other)}, func(in string, args []any) error {
		ids, err := collect(ctx, u.tx.tx, scanID, "SELECT id FROM exposure WHERE workspace = $1 AND "+i.field+" = $2 AND id IN "+in+" ORDER BY id", args...)
		for _, id := range ids {
			u.j.event("exposure", id, "moved", i.other.String(), i.object.String())
		}
		return err
	})
}

// unsettle says how the two exposures of each pair stand now that they are two
// again. What nobody has touched since stands as it did before. What a person
// has decided since holds for both. What a run has found since holds for the one
// that was there: it is what it looked at.
func (u *undoing) unsettle(ctx context.Context) error {
	if len(u.settled) == 0 {
		return nil
	}
	var ids []gyre.ID
	for _, i := range u.settled {
		ids = append(ids, i.object, i.other)
	}
	now, err := u.tx.standings(ctx, ids)
	if err != nil {
		return err
	}
	movers, err := u.tx.lastMovers(ctx, ids)
	if err != nil {
		return err
	}
	stand := map[gyre.ID]standing{}
	var pairs []exposurePair
	for _, i := range u.settled {
		var p settledPair
		if err := fromJSON(i.body, &p); err != nil {
			return err
		}
		survivor, loser := apart(p, now[i.object], movers[i.object])
		if loser.Exception != nil && survivor.Exception != nil && loser.Exception.ID == survivor.Exception.ID {
			x := *loser.Exception
			x.ID = gyre.NewID()
			loser.Exception = &x
		}
		stand[i.object], stand[i.other] = survivor, loser
		// Each of the two is a survivor now: nothing is lost with the other half of its pair.
		pairs = append(pairs, exposurePair{survivor: i.object}, exposurePair{survivor: i.other})
		u.j.event("exposure", i.other, "split", i.object.String(), "")
		u.j.event("exposure", i.object, "split", "", i.other.String())
		u.j.standingEvents(i.object, now[i.object], survivor)
		u.j.standingEvents(i.other, p.Loser, loser)
	}
	return u.tx.setStandings(ctx, pairs, stand)
}

// apart is how two exposures stand that were one. mover is who moved the one
// last.
func apart(p settledPair, now standing, mover string) (survivor, loser standing) {
	survivor, loser = p.Before, p.Loser
	if now.State != p.After.State || !now.Since.Equal(p.After.Since) || exceptionID(now) != exceptionID(p.After) {
		survivor.State, survivor.Since, survivor.Fixed, survivor.Exception = now.State, now.Since, now.Fixed, now.Exception
		if !strings.HasPrefix(mover, "run:") {
			loser.State, loser.Since, loser.Fixed, loser.Exception = now.State, now.Since, now.Fixed, now.Exception
		}
	}
	if now.Severity != p.After.Severity {
		survivor.Severity = now.Severity
	}
	if now.Credentialed != p.After.Credentialed {
		survivor.Credentialed = now.Credentialed
	}
	if now.Remedy != p.After.Remedy {
		survivor.Remedy = now.Remedy
	}
	if !now.First.Equal(p.After.First) {
		survivor.First = now.First
	}
	if !now.Last.Equal(p.After.Last) {
		survivor.Last = now.Last
	}
	if now.Action != p.After.Action {
		survivor.Action = now.Action
	}
	return survivor, loser
}

func exceptionID(s standing) gyre.ID {
	if s.Exception == nil {
		return 0
	}
	return s.Exception.ID
}

// lastMovers says who moved the state of exposures last.
func (tx *Tx) lastMovers(ctx context.Context, ids []gyre.ID) (map[gyre.ID]string, error) {
	out := map[gyre.ID]string{}
	err := inChunks(ids, idArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		return each(ctx, tx.tx, "SELECT object_id, actor FROM event WHERE workspace = $1 AND kind = 'state' AND object_id IN "+in+" ORDER BY seq", args, func(s scanner) error {
			var id gyre.ID
			var actor string
			err := s.Scan((*int64)(&id), &actor)
			out[id] = actor
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read who moved exposures: %w", err)
	}
	return out, nil
}
