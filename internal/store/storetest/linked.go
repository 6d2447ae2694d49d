// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
)

// testLinked: exposures that are stored as parts of actions stay there when these
// are planned, and until then nobody sees the actions.
func testLinked(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	var ids []gyre.ID
	exposure := func() gyre.Exposure {
		e := gyre.Exposure{ID: gyre.NewID(), Asset: gyre.NewID(), Weakness: 1, Severity: gyre.SeverityHigh, State: gyre.StateOpen, FirstSeen: at, LastSeen: at}
		ids = append(ids, e.ID)
		return e
	}
	var keys map[string]gyre.ID
	ok(t, db.Write(ctx, ws, func(tx *store.Tx) (err error) {
		if keys, err = tx.ActionsOfKeys(ctx, []string{"text/a", "text/b"}); err != nil {
			return err
		}
		again, err := tx.ActionsOfKeys(ctx, []string{"text/b"})
		same(t, "the same in the transaction", again, map[string]gyre.ID{"text/b": keys["text/b"]})
		if err != nil {
			return err
		}
		all := []gyre.Exposure{exposure(), exposure(), exposure()}
		for _, e := range all {
			tx.Append(gyre.Event{Object: "exposure", ID: e.ID, Kind: "created"})
		}
		return tx.AddExposures(ctx, all, []gyre.ID{keys["text/a"], keys["text/b"], 0})
	}))
	ok(t, db.Write(ctx, ws, func(tx *store.Tx) error {
		again, err := tx.ActionsOfKeys(ctx, []string{"text/a", "text/b"})
		same(t, "the same later", again, keys)
		return err
	}))
	_, err := db.Action(ctx, ws, keys["text/a"])
	code(t, err, gyre.NotFound)
	all, err := db.Actions(ctx, ws, nil, 0)
	ok(t, err)
	same(t, "nobody sees them", len(all), 0)

	seq, err := db.Seq(ctx, ws)
	ok(t, err)
	everything, changed, _, acted, err := db.PlanChanges(ctx, ws, 0, seq)
	ok(t, err)
	same(t, "everything", everything, false)
	same(t, "what has no action is read", changed, ids[2:])
	same(t, "for what has, the action is", acted, []gyre.ID{keys["text/a"], keys["text/b"]})

	draft := store.ActionDraft{Action: gyre.Action{Key: "text/a", Title: "A", Exposures: 1, Assets: 1}, Removes: ids[:1]}
	stood := []store.Standing{{Exposure: ids[0], Action: keys["text/a"], State: gyre.StateOpen}}
	ok(t, db.SavePlanPart(ctx, ws, store.PlanPart{Drafts: []store.ActionDraft{draft}, Stood: stood, Seq: seq}))
	a, err := db.Action(ctx, ws, keys["text/a"])
	ok(t, err)
	same(t, "planned", []any{a.Title, a.State}, []any{"A", gyre.ActionOpen})
	same(t, "it stays there", must(db.ActionOf(ctx, ws, ids[0])), a.ID)
	events, err := db.EventsOf(ctx, ws, ids[0], 10)
	ok(t, err)
	same(t, "no news of it", len(events), 1)

	// What was read of exposures is worth nothing once one of them has changed.
	done := gyre.ActionDone
	_, err = db.PatchAction(ctx, ws, a.ID, "ann", gyre.ActionPatch{State: &done})
	ok(t, err)
	ok(t, db.SavePlanPart(ctx, ws, store.PlanPart{Drafts: []store.ActionDraft{draft}, Stood: stood, Seq: seq}))
	a, err = db.Action(ctx, ws, a.ID)
	ok(t, err)
	same(t, "done, and all of it claimed", a.State, gyre.ActionDone)
}
