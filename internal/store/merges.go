// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/gyre-ctem/gyre"
)

const mergeColumns = "id, workspace, at, object, from_id, into_id, from_name, into_name, reason, actor, run, undone, undone_by"

func scanMerge(s scanner) (m gyre.Merge, err error) {
	var at, undone int64
	err = s.Scan((*int64)(&m.ID), (*int64)(&m.Workspace), &at, &m.Object, (*int64)(&m.From), (*int64)(&m.Into), &m.FromName, &m.IntoName,
		&m.Reason, &m.Actor, (*int64)(&m.Run), &undone, &m.UndoneBy)
	m.At, m.Undone = timeOf(at), timeOf(undone)
	return m, err
}

// Merge reads one merge.
func (db *DB) Merge(ctx context.Context, ws, id gyre.ID) (gyre.Merge, error) {
	return one(ctx, db.r, "merge", id, scanMerge, "SELECT "+mergeColumns+" FROM merge WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
}

// Merges lists merges before an ID, newest first; before 0 begins with the newest.
func (db *DB) Merges(ctx context.Context, ws, before gyre.ID, limit int) ([]gyre.Merge, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	return collect(ctx, db.r, scanMerge, "SELECT "+mergeColumns+" FROM merge WHERE workspace = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
		int64(ws), int64(before), limit)
}

// MergesOf lists the merges that an asset or a weakness has been in, newest first.
func (db *DB) MergesOf(ctx context.Context, ws, object gyre.ID) ([]gyre.Merge, error) {
	return collect(ctx, db.r, scanMerge, "SELECT "+mergeColumns+" FROM merge WHERE workspace = $1 AND (from_id = $2 OR into_id = $2) ORDER BY id DESC",
		int64(ws), int64(object))
}

// MergedInto says what has become of objects that were merged into others, however
// many times. Objects that are still themselves are left out.
func (tx *Tx) MergedInto(ctx context.Context, ids []gyre.ID) (map[gyre.ID]gyre.ID, error) {
	return mergedInto(ctx, tx.tx, tx.ws, ids)
}

func mergedInto(ctx context.Context, q querier, ws gyre.ID, ids []gyre.ID) (map[gyre.ID]gyre.ID, error) {
	out := map[gyre.ID]gyre.ID{}
	at := make(map[gyre.ID][]gyre.ID, len(ids)) // where → who asked
	for _, id := range ids {
		at[id] = append(at[id], id)
	}
	for len(ids) > 0 {
		next := map[gyre.ID][]gyre.ID{}
		err := inChunks(ids, idArg, []any{int64(ws)}, func(in string, args []any) error {
			return each(ctx, q, "SELECT from_id, into_id FROM merge WHERE workspace = $1 AND undone = 0 AND object <> 'split' AND from_id IN "+in, args, func(s scanner) error {
				var from, into gyre.ID
				err := s.Scan((*int64)(&from), (*int64)(&into))
				for _, id := range at[from] {
					out[id] = into
				}
				next[into] = append(next[into], at[from]...)
				return err
			})
		})
		if err != nil {
			return nil, fmt.Errorf("follow merges: %w", err)
		}
		ids, at = ids[:0:0], next
		for id := range next {
			ids = append(ids, id)
		}
	}
	return out, nil
}

// keepApart ends what had made the two assets of a merge one and rules that they are
// two: what each was known by before. What was claimed since is thought through
// when it is claimed again.
func (tx *Tx) keepApart(ctx context.Context, m gyre.Merge, kept []gyre.ID, actor string) error {
	_, err := tx.exec(ctx, "UPDATE identity_rule SET ended = $3, ended_by = $4 WHERE workspace = $1 AND merge = $2 AND ended = 0",
		int64(tx.ws), int64(m.ID), micros(tx.now), actor)
	if err != nil {
		return fmt.Errorf("end rule: %w", err)
	}
	theirs, err := tx.claimsOf(ctx, m.From)
	if err != nil {
		return err
	}
	now, err := tx.claimsOf(ctx, m.Into)
	if err != nil {
		return err
	}
	var ours, since []gyre.ID
	for _, id := range now {
		if slices.Contains(kept, id) {
			ours = append(ours, id)
		} else {
			since = append(since, id)
		}
	}
	if err := tx.SetContested(ctx, since, true); err != nil {
		return err
	}
	_, err = tx.addRule(ctx, ruleApart, m.ID, actor, "merge "+m.ID.String()+" was undone", [2][]gyre.ID{theirs, ours})
	return err
}

const (
	ruleApart = gyre.RuleApart
	ruleSame  = gyre.RuleSame
)

func (tx *Tx) claimsOf(ctx context.Context, asset gyre.ID) ([]gyre.ID, error) {
	return collect(ctx, tx.tx, scanID, "SELECT id FROM claim WHERE workspace = $1 AND asset = $2 ORDER BY id", int64(tx.ws), int64(asset))
}

// addRule stores what a person has ruled of claims: those of both sides are
// one asset (same), or those of the one are not those of the other (apart).
func (tx *Tx) addRule(ctx context.Context, kind string, merge gyre.ID, actor, reason string, sides [2][]gyre.ID) (gyre.ID, error) {
	if len(sides[0]) == 0 || len(sides[1]) == 0 {
		return 0, nil // nobody has sighted one of them: nothing will make them one again
	}
	id := gyre.NewID()
	_, err := tx.exec(ctx, "INSERT INTO identity_rule (id, workspace, kind, at, actor, reason, merge, ended, ended_by) VALUES ($1,$2,$3,$4,$5,$6,$7,0,'')",
		int64(id), int64(tx.ws), kind, micros(tx.now), actor, reason, int64(merge))
	if err != nil {
		return 0, fmt.Errorf("store rule: %w", err)
	}
	for side, claims := range sides {
		err := insert(ctx, tx.tx, "INSERT INTO identity_rule_side (rule, claim, side, workspace)", "ON CONFLICT (rule, claim) DO NOTHING", 4, len(claims),
			func(i int, a []any) []any { return append(a, int64(id), int64(claims[i]), int64(side), int64(tx.ws)) })
		if err != nil {
			return 0, fmt.Errorf("store rule: %w", err)
		}
	}
	return id, nil
}
