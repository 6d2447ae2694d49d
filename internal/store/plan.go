// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/gyre-ctem/gyre"
)

// ActionDraft is an action as the plan has it now, with the exposures that it removes.
type ActionDraft struct {
	gyre.Action
	Removes []gyre.ID
}

// PlanPart is a part of a plan: some actions as they are to be, and those of
// which nothing is left.
type PlanPart struct {
	Drafts []ActionDraft
	Empty  []gyre.ID
	// Mark is how far the plan has come when this part is stored; "" says nothing.
	Mark string
	// Stood is how all exposures of the drafts stood at the event Seq, or later; it spares
	// reading them again when no exposure has changed since. nil: nobody has read them.
	Stood []Standing
	Seq   int64
}

// Standing is what a plan needs to know of an exposure as it is stored.
type Standing struct {
	Exposure, Action gyre.ID
	State            gyre.State
}

// planMark is the setting that keeps the mark.
const planMark = "plan.mark"

// PlanMark is the mark of the newest plan that was stored whole.
func (db *DB) PlanMark(ctx context.Context, ws gyre.ID) (string, error) {
	return db.Setting(ctx, ws, planMark)
}

// SavePlan makes the workspace's actions those of a plan, all of them; see SavePlanPart.
func (db *DB) SavePlan(ctx context.Context, ws gyre.ID, drafts []ActionDraft) (int, error) {
	actions, err := db.ActionKeys(ctx, ws)
	if err != nil {
		return 0, err
	}
	part := PlanPart{Drafts: drafts}
	for _, d := range drafts {
		delete(actions, d.Key)
	}
	part.Empty = slices.Sorted(maps.Values(actions))
	if err := db.SavePlanPart(ctx, ws, part); err != nil {
		return 0, err
	}
	return db.PlannedActions(ctx, ws)
}

// SavePlanPart stores a part of a plan: known keys keep their ID, owner and due
// date, and their state, but one that was called done and removes exposures which are
// still open is open again. An action that nothing is left of becomes verified;
// dismissed ones stay so.
func (db *DB) SavePlanPart(ctx context.Context, ws gyre.ID, part PlanPart) error {
	return db.Write(ctx, ws, func(tx *Tx) error {
		known, err := tx.actionsOf(ctx, part)
		if err != nil {
			return fmt.Errorf("read actions: %w", err)
		}
		stand, err := tx.standingOf(ctx, part)
		if err != nil {
			return err
		}
		var save []gyre.Action
		want := map[gyre.ID]gyre.ID{} // exposure → action
		for _, d := range part.Drafts {
			standing := false
			for _, e := range d.Removes {
				standing = standing || stand[e].State != gyre.StateFixClaimed
			}
			was, isKnown := known[d.Key]
			a := tx.planned(known, d.Action, standing)
			if !isKnown || !samePlan(was, a) {
				save = append(save, a)
			}
			for _, e := range d.Removes {
				want[e] = a.ID
			}
		}
		empty := make(map[gyre.ID]bool, len(part.Empty))
		for _, id := range part.Empty {
			empty[id] = true
		}
		for _, a := range slices.SortedFunc(maps.Values(known), func(a, b gyre.Action) int { return cmp.Compare(a.ID, b.ID) }) {
			if !empty[a.ID] || a.Exposures == 0 && (a.State == gyre.ActionVerified || a.State == gyre.ActionDismissed) {
				continue
			}
			save = append(save, tx.emptied(a))
		}
		if err := tx.saveActions(ctx, save); err != nil {
			return err
		}
		if err := tx.linkActions(ctx, stand, want); err != nil || part.Mark == "" {
			return err
		}
		_, err = tx.exec(ctx, setSetting, int64(ws), planMark, part.Mark)
		return err
	})
}

// samePlan says that storing b over a would change nothing but its time.
func samePlan(a, b gyre.Action) bool {
	return a.State == b.State && a.Title == b.Title && a.Exposures == b.Exposures && a.Assets == b.Assets && a.RiskRemoved == b.RiskRemoved &&
		slices.EqualFunc(a.Steps, b.Steps, func(x, y gyre.Step) bool {
			return x.Platform == y.Platform && x.Text == y.Text && x.Config == y.Config && slices.Equal(x.Commands, y.Commands) && slices.Equal(x.Assets, y.Assets)
		})
}

// emptied is an action of which nothing is left.
func (tx *Tx) emptied(a gyre.Action) gyre.Action {
	was := a
	a.Exposures, a.Assets, a.RiskRemoved, a.Updated = 0, 0, 0, tx.now
	if a.State != gyre.ActionDismissed && a.State != gyre.ActionVerified {
		tx.Append(gyre.Event{
			Object: "action", ID: a.ID, Kind: "state", From: string(a.State), To: string(gyre.ActionVerified), Actor: "system",
			Reason: "every exposure that it removes is closed",
		})
		a.State = gyre.ActionVerified
	}
	tx.noteAction(was, a)
	return a
}

// actionsOf reads the stored actions that a part is about, by key.
func (tx *Tx) actionsOf(ctx context.Context, part PlanPart) (map[string]gyre.Action, error) {
	known := make(map[string]gyre.Action, len(part.Drafts)+len(part.Empty))
	read := func(query string, args []any) error {
		return each(ctx, tx.tx, query, args, func(s scanner) error {
			a, err := scanAction(s)
			known[a.Key] = a
			return err
		})
	}
	keys := make([]string, len(part.Drafts))
	for i := range part.Drafts {
		keys[i] = part.Drafts[i].Key
	}
	err := inChunks(keys, stringArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		return read("SELECT "+actionColumns+" FROM action WHERE workspace = $1 AND name IN "+in, args)
	})
	if err != nil {
		return nil, err
	}
	return known, inChunks(part.Empty, idArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		return read("SELECT "+actionColumns+" FROM action WHERE workspace = $1 AND id IN "+in, args)
	})
}

// standingOf says how the exposures of a part stand now.
func (tx *Tx) standingOf(ctx context.Context, part PlanPart) (map[gyre.ID]Standing, error) {
	stand := make(map[gyre.ID]Standing, len(part.Stood))
	if part.Stood != nil {
		newer, err := collect(ctx, tx.tx, scanID, "SELECT object_id FROM event WHERE workspace = $1 AND seq > $2 AND object = 'exposure' LIMIT 1", int64(tx.ws), part.Seq)
		if err != nil {
			return nil, fmt.Errorf("read newer events: %w", err)
		}
		if len(newer) == 0 {
			for _, s := range part.Stood {
				stand[s.Exposure] = s
			}
			return stand, nil
		}
	}
	var ids []gyre.ID
	for _, d := range part.Drafts {
		ids = append(ids, d.Removes...)
	}
	err := eachKey(tx.tx, ids, func(g given) error {
		query, args := tx.lookup(g, "id", "e.id, e.action, e.state", "exposure", "e.id = w.id")
		return each(ctx, tx.tx, query, args, func(s scanner) error {
			var e Standing
			err := s.Scan((*int64)(&e.Exposure), (*int64)(&e.Action), (*string)(&e.State))
			stand[e.Exposure] = e
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read actions of exposures: %w", err)
	}
	return stand, nil
}

// linkActions makes exposures point at their action. Closed ones keep theirs,
// so that an action shows what it has removed.
func (tx *Tx) linkActions(ctx context.Context, stand map[gyre.ID]Standing, want map[gyre.ID]gyre.ID) error {
	type link struct{ exposure, action gyre.ID }
	var moved []link
	for id, e := range stand {
		if to, planned := want[id]; planned && to != e.Action {
			moved = append(moved, link{id, to})
		}
	}
	slices.SortFunc(moved, func(a, b link) int { return cmp.Compare(a.exposure, b.exposure) })
	for _, l := range moved {
		from, to := stand[l.exposure].Action.String(), l.action.String()
		tx.Append(gyre.Event{Object: "exposure", ID: l.exposure, Kind: "action", From: from, To: to, Actor: "system"})
		tx.changed("exposure", l.exposure, "action", from, to)
	}
	err := eachGiven(tx.tx, 2, len(moved), func(i int, args []any) []any {
		return append(args, int64(moved[i].exposure), int64(moved[i].action))
	}, func(g given) error {
		_, err := tx.exec(ctx, "WITH want(id, action) AS ("+g.text+") UPDATE exposure SET action = want.action FROM want WHERE exposure.id = want.id AND exposure.workspace = $"+
			strconv.Itoa(len(g.args)+1), append(g.args, int64(tx.ws))...)
		return err
	})
	if err != nil {
		return fmt.Errorf("link exposures to actions: %w", err)
	}
	return nil
}

const planned = "SELECT id, asset, weakness, action, state, aspect, locus, remedy FROM exposure WHERE "

// EachPlanRow calls fn with what a plan needs to know of exposures: where they lie,
// their state, remedy and action. It reads those of ids that exist, or all that are active
// when ids is nil.
func (db *DB) EachPlanRow(ctx context.Context, ws gyre.ID, ids []gyre.ID, fn func(e gyre.Exposure, action gyre.ID) error) error {
	row := planRowReader(ws, fn)
	if ids == nil {
		return db.eachWide(ctx, planned+"workspace = $1 AND state IN "+activeStates+" ORDER BY id", []any{int64(ws)}, row)
	}
	return inChunks(ids, idArg, []any{int64(ws)}, func(in string, args []any) error {
		return db.eachWide(ctx, planned+"workspace = $1 AND id IN "+in, args, row)
	})
}

// EachMember is EachPlanRow for the active exposures of actions. The "+" keeps SQLite
// from reading the whole workspace by its index.
func (db *DB) EachMember(ctx context.Context, ws gyre.ID, actions []gyre.ID, fn func(e gyre.Exposure, action gyre.ID) error) error {
	row := planRowReader(ws, fn)
	return inChunks(actions, idArg, []any{int64(ws)}, func(in string, args []any) error {
		return db.eachWide(ctx, planned+"+workspace = $1 AND state IN "+activeStates+" AND action <> 0 AND action IN "+in, args, row)
	})
}

func planRowReader(ws gyre.ID, fn func(e gyre.Exposure, action gyre.ID) error) func(wideRow) error {
	remedyOf := remedyReader()
	return func(r wideRow) error {
		remedy, err := remedyOf(r.text(7))
		if err != nil {
			return err
		}
		return fn(gyre.Exposure{
			ID: gyre.ID(r.int(0)), Workspace: ws, Asset: gyre.ID(r.int(1)), Weakness: gyre.ID(r.int(2)), State: gyre.State(r.word(4)),
			Aspect: gyre.Aspect(r.word(5)), Locus: r.text(6), Remedy: remedy,
		}, gyre.ID(r.int(3)))
	}
}

// activeStates are those of gyre.State.Active.
const activeStates = "('open', 'triaged', 'in_remediation', 'fix_claimed')"

// Members counts the exposures of actions, closed ones too.
func (db *DB) Members(ctx context.Context, actions []gyre.ID) (map[gyre.ID]int, error) {
	n := make(map[gyre.ID]int, len(actions))
	return n, inChunks(actions, idArg, nil, func(in string, args []any) error {
		return each(ctx, db.r, "SELECT action, COUNT(*) FROM exposure WHERE action <> 0 AND action IN "+in+" GROUP BY action", args, func(s scanner) error {
			var action gyre.ID
			var members int
			err := s.Scan((*int64)(&action), &members)
			n[action] = members
			return err
		})
	})
}

// ActionKeys lists the actions of a workspace by their key.
func (db *DB) ActionKeys(ctx context.Context, ws gyre.ID) (map[string]gyre.ID, error) {
	keys := map[string]gyre.ID{}
	return keys, each(ctx, db.r, "SELECT id, name FROM action WHERE workspace = $1", []any{int64(ws)}, func(s scanner) error {
		var id gyre.ID
		var key string
		err := s.Scan((*int64)(&id), &key)
		keys[key] = id
		return err
	})
}

// PlannedActions counts the actions that have work left.
func (db *DB) PlannedActions(ctx context.Context, ws gyre.ID) (int, error) {
	var n int
	err := db.r.QueryRowContext(ctx, "SELECT COUNT(*) FROM action WHERE workspace = $1 AND exposures > 0", int64(ws)).Scan(&n)
	return n, err
}

// PlanChanges reads what happened after the event from, up to the event to, and
// may make a plan other than it was: everything, when nobody can say what it was; exposures
// that changed, or whose asset or weakness did, of which some may be gone; those of them
// that stand for others now or moved; and the actions that somebody moved, or which new
// exposures were stored as parts of.
func (db *DB) PlanChanges(ctx context.Context, ws gyre.ID, from, to int64) (everything bool, exposures, moved, actions []gyre.ID, err error) {
	changed, other, acted := map[gyre.ID]bool{}, map[gyre.ID]bool{}, map[gyre.ID]bool{}
	owners := map[string]map[gyre.ID]bool{"asset": {}, "weakness": {}}
	// What the plan itself does to exposures and actions is no news to it, nor who
	// sees exposures.
	err = each(ctx, db.r, `SELECT DISTINCT object, object_id, kind FROM event WHERE workspace = $1 AND seq > $2 AND seq <= $3
		AND NOT (object = 'exposure' AND kind IN ('created', 'action', 'band', 'source', 'credentialed', 'first_seen')) AND object <> 'run'
		AND NOT (object = 'action' AND actor = 'system')`,
		[]any{int64(ws), from, to}, func(s scanner) error {
			var object, kind string
			var id gyre.ID
			if err := s.Scan(&object, (*int64)(&id), &kind); err != nil {
				return err
			}
			switch object {
			case "exposure":
				changed[id] = true
				if kind == "merged" || kind == "moved" || kind == "split" {
					other[id] = true
				}
			case "asset", "weakness":
				if kind != "created" { // else its exposures are new too
					owners[object][id] = true
				}
			case "action":
				acted[id] = true
			case "intel", "scope":
				everything = true
			}
			return nil
		})
	if err != nil || everything {
		return everything, nil, nil, nil, err
	}
	if err := db.created(ctx, ws, from, to, changed, acted); err != nil {
		return false, nil, nil, nil, fmt.Errorf("find actions of new exposures: %w", err)
	}
	for column, ids := range owners {
		err := inChunks(slices.Collect(maps.Keys(ids)), idArg, []any{int64(ws)}, func(in string, args []any) error {
			return each(ctx, db.r, "SELECT id FROM exposure WHERE workspace = $1 AND state IN "+activeStates+" AND "+column+" IN "+in, args, func(s scanner) error {
				id, err := scanID(s)
				changed[id] = true
				return err
			})
		})
		if err != nil {
			return false, nil, nil, nil, fmt.Errorf("find exposures of changed %ss: %w", column, err)
		}
	}
	return false, slices.Sorted(maps.Keys(changed)), slices.Sorted(maps.Keys(other)), slices.Sorted(maps.Keys(acted)), nil
}

// created notes the exposures that were created after the event from, up to the
// event to: few actions remove many of them, so those that have theirs are not listed. IDs
// ascend in time, so they are read as they lie, with some that others made meanwhile.
func (db *DB) created(ctx context.Context, ws gyre.ID, from, to int64, changed, acted map[gyre.ID]bool) error {
	first, err := collect(ctx, db.r, scanID, `SELECT COALESCE(MIN(object_id), 0) FROM event
		WHERE workspace = $1 AND seq > $2 AND seq <= $3 AND object = 'exposure' AND kind = 'created'`, int64(ws), from, to)
	if err != nil || first[0] == 0 {
		return err
	}
	return each(ctx, db.r, `SELECT DISTINCT CASE WHEN action <> 0 AND state IN `+activeStates+` THEN 0 ELSE id END, action
		FROM exposure WHERE `+db.dialect.NoIndex+`workspace = $1 AND id >= $2`, []any{int64(ws), int64(first[0])}, func(s scanner) error {
		var id, action gyre.ID
		err := s.Scan((*int64)(&id), (*int64)(&action))
		if id != 0 {
			changed[id] = true
		}
		if action != 0 {
			acted[action] = true
		}
		return err
	})
}

// FormerActions are the actions in which exposures ever were: of those that
// moved or are gone the row does not say, but the events do.
func (db *DB) FormerActions(ctx context.Context, ws gyre.ID, exposures []gyre.ID) ([]gyre.ID, error) {
	actions := map[gyre.ID]bool{}
	err := inChunks(exposures, idArg, []any{int64(ws)}, func(in string, args []any) error {
		return each(ctx, db.r, "SELECT from_value, to_value FROM event WHERE workspace = $1 AND kind = 'action' AND object_id IN "+in, args, func(s scanner) error {
			var from, to string
			if err := s.Scan(&from, &to); err != nil {
				return err
			}
			for _, text := range []string{from, to} {
				id, err := gyre.ParseID(text)
				if err != nil {
					return err
				}
				if id != 0 {
					actions[id] = true
				}
			}
			return nil
		})
	})
	return slices.Sorted(maps.Keys(actions)), err
}
