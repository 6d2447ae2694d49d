// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"time"

	"github.com/gyre-ctem/gyre"
)

const actionColumns = "id, workspace, name, title, state, owner, due, steps, exposures, assets, risk_removed, created, updated"

func scanAction(s scanner) (a gyre.Action, err error) {
	var state, steps string
	var due, exposures, assets, created, updated int64
	err = s.Scan((*int64)(&a.ID), (*int64)(&a.Workspace), &a.Key, &a.Title, &state, &a.Owner, &due, &steps, &exposures, &assets, &a.RiskRemoved, &created, &updated)
	if err != nil {
		return a, err
	}
	a.State, a.Due, a.Exposures, a.Assets = gyre.ActionState(state), timeOf(due), int(exposures), int(assets)
	a.Created, a.Updated = timeOf(created), timeOf(updated)
	return a, fromJSON(steps, &a.Steps)
}

// Actions exist from when the first exposure that they remove is stored, but
// nobody sees them before a plan has said what they are.
const isPlanned = "title <> ''"

// Action reads one action.
func (db *DB) Action(ctx context.Context, ws, id gyre.ID) (gyre.Action, error) {
	return one(ctx, db.r, "action", id, scanAction, "SELECT "+actionColumns+" FROM action WHERE workspace = $1 AND id = $2 AND "+isPlanned, int64(ws), int64(id))
}

// Actions lists actions by the risk that they remove, most first; states empty is every state.
func (db *DB) Actions(ctx context.Context, ws gyre.ID, states []gyre.ActionState, limit int) ([]gyre.Action, error) {
	all, err := collect(ctx, db.r, scanAction,
		"SELECT "+actionColumns+" FROM action WHERE workspace = $1 AND "+isPlanned+" ORDER BY risk_removed DESC, id", int64(ws))
	if err != nil {
		return nil, err
	}
	var out []gyre.Action
	for _, a := range all {
		if limit > 0 && len(out) == limit {
			break
		}
		if len(states) == 0 {
			out = append(out, a)
			continue
		}
		for _, s := range states {
			if a.State == s {
				out = append(out, a)
				break
			}
		}
	}
	return out, nil
}

// ActionsOfKeys finds the actions with the keys, and makes those that are missing.
func (tx *Tx) ActionsOfKeys(ctx context.Context, keys []string) (map[string]gyre.ID, error) {
	found := make(map[string]gyre.ID, len(keys))
	err := inChunks(keys, stringArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		return each(ctx, tx.tx, "SELECT id, name FROM action WHERE workspace = $1 AND name IN "+in, args, func(s scanner) error {
			var id gyre.ID
			var key string
			err := s.Scan((*int64)(&id), &key)
			found[key] = id
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read actions: %w", err)
	}
	var fresh []gyre.Action
	for _, key := range keys {
		if found[key] == 0 {
			a := tx.newAction(gyre.Action{Key: key})
			fresh, found[key] = append(fresh, a), a.ID
		}
	}
	return found, tx.saveActions(ctx, fresh)
}

// newAction is a draft as an action of its own. It tells of it.
func (tx *Tx) newAction(draft gyre.Action) gyre.Action {
	draft.ID, draft.State, draft.Created, draft.Updated = gyre.NewID(), gyre.ActionOpen, tx.now, tx.now
	tx.Append(gyre.Event{Object: "action", ID: draft.ID, Kind: "created", To: draft.Key, Actor: "system"})
	return draft
}

// planned is the action to store for a draft. standing: it removes exposures
// that nobody claims to be fixed.
func (tx *Tx) planned(known map[string]gyre.Action, draft gyre.Action, standing bool) gyre.Action {
	a, ok := known[draft.Key]
	if !ok {
		return tx.newAction(draft)
	}
	was := a
	if a.State == gyre.ActionVerified || (a.State == gyre.ActionDone && standing) {
		tx.Append(gyre.Event{
			Object: "action", ID: a.ID, Kind: "state", From: string(a.State), To: string(gyre.ActionOpen), Actor: "system",
			Reason: "there are exposures that it removes and nobody claims to be fixed",
		})
		a.State = gyre.ActionOpen
	}
	a.Title, a.Steps, a.Exposures, a.Assets, a.RiskRemoved, a.Updated = draft.Title, draft.Steps, draft.Exposures, draft.Assets, draft.RiskRemoved, tx.now
	tx.noteAction(was, a)
	return a
}

// noteAction notes what becomes of an action. What it removes follows from its
// exposures at every plan, and says so only when the numbers moved.
func (tx *Tx) noteAction(was, is gyre.Action) {
	note := func(field string, from, to any) { tx.changed("action", is.ID, field, from, to) }
	note("state", string(was.State), string(is.State))
	note("title", was.Title, is.Title)
	note("owner", was.Owner, is.Owner)
	note("due", micros(was.Due), micros(is.Due))
	note("exposures", int64(was.Exposures), int64(is.Exposures))
	note("assets", int64(was.Assets), int64(is.Assets))
	note("risk_removed", was.RiskRemoved, is.RiskRemoved)
}

func (tx *Tx) saveActions(ctx context.Context, all []gyre.Action) error {
	steps := make([]string, len(all))
	for i := range all {
		var err error
		if steps[i], err = jsonText(all[i].Steps); err != nil {
			return err
		}
	}
	err := insert(ctx, tx.tx, "INSERT INTO action ("+actionColumns+")",
		`ON CONFLICT (id) DO UPDATE SET title = excluded.title, state = excluded.state, steps = excluded.steps, exposures = excluded.exposures,
			assets = excluded.assets, risk_removed = excluded.risk_removed, updated = excluded.updated WHERE action.workspace = excluded.workspace`,
		13, len(all), func(i int, args []any) []any {
			a := &all[i]
			return append(args, int64(a.ID), int64(tx.ws), a.Key, a.Title, string(a.State), a.Owner, micros(a.Due), steps[i],
				int64(a.Exposures), int64(a.Assets), a.RiskRemoved, micros(a.Created), micros(a.Updated))
		})
	if err != nil {
		return fmt.Errorf("save actions: %w", err)
	}
	return nil
}

// PatchAction changes an action. Setting it done claims its exposures fixed;
// setting it in progress moves them into remediation. Verified is reached by evidence only.
func (db *DB) PatchAction(ctx context.Context, ws, id gyre.ID, actor string, p gyre.ActionPatch) (gyre.Action, error) {
	var a gyre.Action
	err := db.Write(ctx, ws, func(tx *Tx) error {
		var err error
		a, err = one(ctx, tx.tx, "action", id, scanAction, "SELECT "+actionColumns+" FROM action WHERE workspace = $1 AND id = $2 AND "+isPlanned, int64(ws), int64(id))
		if err != nil {
			return err
		}
		tx.By(actor, 0)
		was := a
		event := func(kind, from, to string) {
			if from != to {
				tx.Append(gyre.Event{Object: "action", ID: id, Kind: kind, From: from, To: to, Actor: actor})
			}
		}
		if p.State != nil && *p.State != a.State {
			switch *p.State {
			case gyre.ActionOpen, gyre.ActionInProgress, gyre.ActionDone, gyre.ActionDismissed:
			default:
				return gyre.FieldErrorf(gyre.Invalid, "state", "%q is not a state that a person can set", *p.State)
			}
			if err := tx.followAction(ctx, id, *p.State, actor); err != nil {
				return err
			}
			event("state", string(a.State), string(*p.State))
			a.State = *p.State
		}
		if p.Owner != nil {
			event("owner", a.Owner, *p.Owner)
			a.Owner = *p.Owner
		}
		if p.Due != nil {
			event("due", dateText(a.Due), dateText(*p.Due))
			a.Due = *p.Due
		}
		a.Updated = tx.now
		tx.noteAction(was, a)
		_, err = tx.exec(ctx, "UPDATE action SET state = $3, owner = $4, due = $5, updated = $6 WHERE workspace = $1 AND id = $2",
			int64(ws), int64(id), string(a.State), a.Owner, micros(a.Due), micros(a.Updated))
		return err
	})
	return a, err
}

func dateText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// followAction moves an action's active exposures along with it.
func (tx *Tx) followAction(ctx context.Context, action gyre.ID, state gyre.ActionState, actor string) error {
	to := map[gyre.ActionState]gyre.State{
		gyre.ActionInProgress: gyre.StateInRemediation, gyre.ActionDone: gyre.StateFixClaimed,
	}[state]
	if to == "" {
		return nil
	}
	all, err := collect(ctx, tx.tx, scanExposure,
		"SELECT "+exposureColumns+" FROM exposure WHERE workspace = $1 AND action = $2 AND action <> 0", int64(tx.ws), int64(action))
	if err != nil {
		return fmt.Errorf("read exposures of action: %w", err)
	}
	var moves []move
	for _, e := range all {
		if e.State.Active() && e.State != to {
			moves = append(moves, move{e: e, to: to})
		}
	}
	return tx.moveStates(ctx, moves, gyre.Event{Actor: actor, Reason: "with its action"})
}
