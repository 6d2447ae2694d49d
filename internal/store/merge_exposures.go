// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

// exposurePair are two exposures that turned out to be one.
type exposurePair struct{ loser, survivor gyre.ID }

// settledPair is how both stood before, and the survivor after.
type settledPair struct {
	Loser  standing `json:"loser"`
	Before standing `json:"before"`
	After  standing `json:"after"`
}

// mergeOwner merges the exposures of the merge's two assets, or of its two
// weaknesses: those at the same place are made one, the others move. field is
// the column of the exposure that tells them apart.
func (j *journal) mergeOwner(ctx context.Context, field string) error {
	same := map[string]string{"asset": "weakness", "weakness": "asset"}[field]
	pairs, err := collect(ctx, j.tx.tx, func(s scanner) (p exposurePair, err error) {
		return p, s.Scan((*int64)(&p.loser), (*int64)(&p.survivor))
	}, "SELECT x.id, y.id FROM exposure x JOIN exposure y ON y."+field+" = $3 AND y."+same+" = x."+same+
		" AND y.place = x.place WHERE x.workspace = $1 AND x."+field+" = $2 ORDER BY x.id",
		int64(j.tx.ws), int64(j.m.From), int64(j.m.Into))
	if err != nil {
		return fmt.Errorf("find exposures that are one: %w", err)
	}
	if err := j.mergeExposures(ctx, pairs); err != nil {
		return err
	}
	rest, err := collect(ctx, j.tx.tx, scanID, "SELECT id FROM exposure WHERE workspace = $1 AND "+field+" = $2 ORDER BY id", int64(j.tx.ws), int64(j.m.From))
	if err != nil {
		return fmt.Errorf("find exposures to move: %w", err)
	}
	if _, err := j.move(ctx, "exposure", field, j.m.From, j.m.Into); err != nil {
		return err
	}
	for _, id := range rest {
		j.event("exposure", id, "moved", j.m.From.String(), j.m.Into.String())
	}
	return nil
}

// mergeExposures makes the loser of each pair one with its survivor: nothing
// that either had is lost. No exposure is in two pairs.
func (j *journal) mergeExposures(ctx context.Context, pairs []exposurePair) error {
	if len(pairs) == 0 {
		return nil
	}
	var losers, both []gyre.ID
	for _, p := range pairs {
		losers = append(losers, p.loser)
		both = append(both, p.loser, p.survivor)
	}
	noteSources, err := j.tx.noteSources(ctx, both)
	if err != nil {
		return err
	}
	stand, err := j.tx.standings(ctx, both)
	if err != nil {
		return err
	}
	if err := j.imageLosers(ctx, pairs, losers); err != nil {
		return err
	}
	var settled []exposurePair
	for _, p := range pairs {
		s := settledPair{Loser: stand[p.loser], Before: stand[p.survivor]}
		s.After = settle(s.Before, s.Loser)
		body, err := jsonText(s)
		if err != nil {
			return err
		}
		j.note(journalItem{kind: "exposure", op: opSettled, object: p.survivor, other: p.loser, body: body})
		stand[p.survivor] = s.After
		settled = append(settled, p)
		j.settleEvents(p, s)
	}
	if err := j.flush(ctx); err != nil { // what follows joins the pairs
		return err
	}
	if err := j.moveTwins(ctx); err != nil {
		return err
	}
	if err := noteSources(ctx); err != nil {
		return err
	}
	err = inChunks(losers, idArg, []any{int64(j.tx.ws)}, func(in string, args []any) error {
		_, err := j.tx.exec(ctx, "DELETE FROM exposure WHERE workspace = $1 AND id IN "+in, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("remove merged exposures: %w", err)
	}
	return j.tx.setStandings(ctx, settled, stand)
}

// imageLosers notes the rows that will go, each with its survivor.
func (j *journal) imageLosers(ctx context.Context, pairs []exposurePair, losers []gyre.ID) error {
	into := make(map[gyre.ID]gyre.ID, len(pairs))
	for _, p := range pairs {
		into[p.loser] = p.survivor
	}
	err := inChunks(losers, idArg, []any{int64(j.tx.ws)}, func(in string, args []any) error {
		rows, err := j.tx.rows(ctx, "SELECT * FROM exposure WHERE workspace = $1 AND id IN "+in+" ORDER BY id", args...)
		if err != nil {
			return err
		}
		for _, row := range rows {
			body, err := jsonText(row)
			if err != nil {
				return err
			}
			id, _ := row["id"].(int64)
			j.note(journalItem{kind: "exposure", op: opRemoved, object: gyre.ID(id), other: into[gyre.ID(id)], body: body})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read exposures to merge: %w", err)
	}
	return nil
}

// pairsOf is the part of a statement that names the pairs of a merge, p.
const pairsOf = "merge_item p WHERE p.workspace = $1 AND p.merge = $2 AND p.kind = 'exposure' AND p.op = 'removed'"

// moveTwins gives what hangs on the losers to the survivors. Of two words of
// one source the newer one stays; of one change that moved both, the survivor's part.
func (j *journal) moveTwins(ctx context.Context) error {
	args := []any{int64(j.tx.ws), int64(j.m.ID)}
	for _, d := range []struct{ table, where string }{
		{"observation", `workspace = $1 AND exposure IN (SELECT p.other_id FROM ` + pairsOf + `) AND EXISTS (SELECT 1 FROM observation l
			WHERE l.source = observation.source AND l.at > observation.at
			AND l.exposure = (SELECT p.object_id FROM ` + pairsOf + ` AND p.other_id = observation.exposure))`},
		{"observation", `workspace = $1 AND exposure IN (SELECT p.object_id FROM ` + pairsOf + `) AND EXISTS (SELECT 1 FROM observation s
			WHERE s.source = observation.source
			AND s.exposure = (SELECT p.other_id FROM ` + pairsOf + ` AND p.object_id = observation.exposure))`},
		{"change_item", `workspace = $1 AND exposure IN (SELECT p.object_id FROM ` + pairsOf + `) AND EXISTS (SELECT 1 FROM change_item s
			WHERE s.change = change_item.change
			AND s.exposure = (SELECT p.other_id FROM ` + pairsOf + ` AND p.object_id = change_item.exposure))`},
	} {
		if err := j.drop(ctx, d.table, d.where, args...); err != nil {
			return err
		}
	}
	for _, m := range []struct{ table, field, key string }{
		{"observation", "exposure", "source"}, {"verdict", "exposure", "id"}, {"event", "object_id", "seq"}, {"change_item", "exposure", "change"},
	} {
		if err := j.moveTwin(ctx, m.table, m.field, m.key); err != nil {
			return err
		}
	}
	return j.flush(ctx)
}

// moveTwin gives rows of one table to the survivors.
func (j *journal) moveTwin(ctx context.Context, table, field, key string) error {
	rows, err := j.tx.rows(ctx, "SELECT p.object_id, p.other_id, t."+key+" FROM "+table+" t, "+pairsOf+
		" AND p.object_id = t."+field+" AND t.workspace = $1 ORDER BY p.object_id, t."+key, int64(j.tx.ws), int64(j.m.ID))
	if err != nil {
		return fmt.Errorf("read %s of merged exposures: %w", table, err)
	}
	for at := 0; at < len(rows); {
		end := at
		for end < len(rows) && rows[end]["object_id"] == rows[at]["object_id"] {
			end++
		}
		from, _ := rows[at]["object_id"].(int64)
		into, _ := rows[at]["other_id"].(int64)
		if err := j.noteMoved(table, field, gyre.ID(from), gyre.ID(into), keyLists(rows[at:end], []string{key})); err != nil {
			return err
		}
		at = end
	}
	if len(rows) == 0 {
		return nil
	}
	_, err = j.tx.exec(ctx, "UPDATE "+table+" SET "+field+" = p.other_id FROM "+pairsOf+" AND p.object_id = "+table+"."+field+" AND "+table+".workspace = $1",
		int64(j.tx.ws), int64(j.m.ID))
	if err != nil {
		return fmt.Errorf("move %s of merged exposures: %w", table, err)
	}
	return nil
}

// standings reads how exposures stand.
func (tx *Tx) standings(ctx context.Context, ids []gyre.ID) (map[gyre.ID]standing, error) {
	all, err := exposuresByID(ctx, tx.tx, tx.ws, ids)
	if err != nil {
		return nil, err
	}
	exceptions, err := exceptionsOf(ctx, tx.tx, tx.ws, ids)
	if err != nil {
		return nil, err
	}
	actions := map[gyre.ID]gyre.ID{}
	err = inChunks(ids, idArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		return each(ctx, tx.tx, "SELECT id, action FROM exposure WHERE workspace = $1 AND id IN "+in, args, func(s scanner) error {
			var id, action gyre.ID
			err := s.Scan((*int64)(&id), (*int64)(&action))
			actions[id] = action
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read actions of exposures: %w", err)
	}
	out := make(map[gyre.ID]standing, len(all))
	for _, e := range all {
		s := standing{
			State: e.State, Since: e.StateSince, Fixed: e.FixedAt, Severity: e.Severity, Credentialed: e.Credentialed, Remedy: e.Remedy,
			First: e.FirstSeen, Last: e.LastSeen, Action: actions[e.ID],
		}
		if x, ok := exceptions[e.ID]; ok {
			s.Exception = &x
		}
		out[e.ID] = s
	}
	return out, nil
}

// setStandings stores how the survivors stand, and ends the exceptions of the losers.
func (tx *Tx) setStandings(ctx context.Context, pairs []exposurePair, stand map[gyre.ID]standing) error {
	var gone []move
	var exceptions []gyre.Exception
	ids := make([]gyre.ID, len(pairs))
	for i, p := range pairs {
		ids[i] = p.survivor
	}
	was, err := tx.standings(ctx, ids)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		s := stand[p.survivor]
		if err := tx.noteStanding(p.survivor, was[p.survivor], s); err != nil {
			return err
		}
		gone = append(gone, move{e: gyre.Exposure{ID: p.survivor}}, move{e: gyre.Exposure{ID: p.loser}})
		if s.Exception != nil {
			x := *s.Exception
			x.Exposure = p.survivor
			exceptions = append(exceptions, x)
		}
		if err := tx.setStanding(ctx, p.survivor, s); err != nil {
			return err
		}
	}
	if err := tx.dropExceptions(ctx, gone); err != nil {
		return err
	}
	return tx.addExceptions(ctx, exceptions)
}

func (tx *Tx) setStanding(ctx context.Context, id gyre.ID, s standing) error {
	remedy, err := jsonText(s.Remedy)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE exposure SET state = $3, state_since = $4, fixed_at = $5, severity = $6, credentialed = $7, remedy = $8,
		first_seen = $9, last_seen = $10, action = $11 WHERE workspace = $1 AND id = $2`, int64(tx.ws), int64(id), string(s.State), micros(s.Since),
		micros(s.Fixed), int64(s.Severity), s.Credentialed, remedy, micros(s.First), micros(s.Last), int64(s.Action))
	if err != nil {
		return fmt.Errorf("settle exposure %s: %w", id, err)
	}
	return nil
}

// settleEvents tells of a pair in the history of both.
func (j *journal) settleEvents(p exposurePair, s settledPair) {
	if s.Loser.Action != 0 { // its row, which would say so, is gone
		j.event("exposure", p.loser, "action", s.Loser.Action.String(), gyre.ID(0).String())
	}
	j.event("exposure", p.loser, "merged", "", p.survivor.String())
	j.event("exposure", p.survivor, "merged_in", p.loser.String(), "")
	j.standingEvents(p.survivor, s.Before, s.After)
}

// standingEvents tells what differs of how an exposure stands.
func (j *journal) standingEvents(id gyre.ID, before, after standing) {
	tell := func(kind, from, to string) {
		if from != to {
			j.event("exposure", id, kind, from, to)
		}
	}
	tell("state", string(before.State), string(after.State))
	tell("severity", before.Severity.String(), after.Severity.String())
	tell("credentialed", fmt.Sprint(before.Credentialed), fmt.Sprint(after.Credentialed))
	tell("remedy", before.Remedy.Fixed, after.Remedy.Fixed)
	tell("action", before.Action.String(), after.Action.String())
	note := func(field string, from, to any) { j.tx.changed("exposure", id, field, from, to) }
	note("state", string(before.State), string(after.State))
	note("state_since", micros(before.Since), micros(after.Since))
	note("fixed_at", micros(before.Fixed), micros(after.Fixed))
	note("severity", int64(before.Severity), int64(after.Severity))
	note("credentialed", before.Credentialed, after.Credentialed)
	note("first_seen", micros(before.First), micros(after.First))
	if before.Remedy != after.Remedy {
		from, _ := json.Marshal(before.Remedy) // of strings: it cannot fail
		to, _ := json.Marshal(after.Remedy)
		note("remedy", json.RawMessage(from), json.RawMessage(to))
	}
}

// event appends one of the merge.
func (j *journal) event(object string, id gyre.ID, kind, from, to string) {
	j.tx.Append(gyre.Event{
		Object: object, ID: id, Kind: kind, From: from, To: to, Actor: j.m.Actor, Run: j.m.Run, Reason: j.m.Reason, Details: `{"merge":"` + j.m.ID.String() + `"}`,
	})
}
