// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/gyre-ctem/gyre"
)

// What persons say of who is who.

// PreviewMerge says what merging one asset into another would do.
func (db *DB) PreviewMerge(ctx context.Context, ws, from, into gyre.ID) (gyre.MergePreview, error) {
	var p gyre.MergePreview
	if from == into {
		return p, gyre.Errorf(gyre.Invalid, "an asset cannot be merged into itself")
	}
	a, err := db.Asset(ctx, ws, from)
	if err != nil {
		return p, err
	}
	b, err := db.Asset(ctx, ws, into)
	if err != nil {
		return p, err
	}
	p.From = gyre.AssetName{ID: a.ID, Name: a.Name, Kind: a.Kind, Zone: a.Zone}
	p.Into = gyre.AssetName{ID: b.ID, Name: b.Name, Kind: b.Kind, Zone: b.Zone}
	for _, i := range a.Identifiers {
		theirs := slices.ContainsFunc(b.Identifiers, func(j gyre.Identifier) bool { return j.Type == i.Type })
		if theirs && i.Type.Strength() >= gyre.IDMAC.Strength() && !slices.Contains(b.Identifiers, i) {
			p.Conflicts = append(p.Conflicts, string(i.Type)+" "+i.Value+" is not known of "+b.Name+", which has another")
		}
	}
	if Family(a.Kind) != Family(b.Kind) {
		p.Conflicts = append(p.Conflicts, fmt.Sprintf("one is a %s, the other a %s", a.Kind, b.Kind))
	}
	_, err = one(ctx, db.r, "asset", from, func(s scanner) (struct{}, error) {
		return struct{}{}, s.Scan(&p.Same, &p.Moved, &p.Components, &p.Facts)
	}, `SELECT (SELECT COUNT(*) FROM exposure v WHERE v.workspace = $1 AND v.asset = $3 AND EXISTS (SELECT 1 FROM exposure e
			WHERE e.asset = $2 AND e.weakness = v.weakness AND (e.place = v.place OR e.aspect = v.aspect AND `+sameThing+`))),
		(SELECT COUNT(*) FROM exposure WHERE workspace = $4 AND asset = $5), (SELECT COUNT(*) FROM component WHERE workspace = $6 AND asset = $7),
		(SELECT COUNT(*) FROM fact WHERE workspace = $8 AND asset = $9)`,
		int64(ws), int64(into), int64(from), int64(ws), int64(from), int64(ws), int64(from), int64(ws), int64(from))
	p.Moved -= p.Same
	return p, err
}

// MergeAssets makes two assets one because a person says so, whatever sources
// say: until somebody undoes it they stay one.
func (db *DB) MergeAssets(ctx context.Context, ws, from, into gyre.ID, actor, reason string) (gyre.Merge, error) {
	m := gyre.Merge{From: from, Into: into, Actor: actor, Reason: reason}
	err := db.Write(ctx, ws, func(tx *Tx) error {
		m.ID = gyre.NewID() // now that it has its turn: runs ask for merges since they began
		return tx.mergeByPerson(ctx, m)
	})
	if err != nil {
		return m, err
	}
	return db.Merge(ctx, ws, m.ID)
}

func (tx *Tx) mergeByPerson(ctx context.Context, m gyre.Merge) error {
	var sides [2][]gyre.ID
	var err error
	for i, asset := range []gyre.ID{m.From, m.Into} {
		if sides[i], err = tx.claimsOf(ctx, asset); err != nil {
			return err
		}
	}
	if err := tx.endApart(ctx, sides, m.Actor); err != nil {
		return err
	}
	if err := tx.MergeAsset(ctx, m); err != nil {
		return err
	}
	_, err = tx.addRule(ctx, ruleSame, m.ID, m.Actor, m.Reason, sides)
	return err
}

// endApart ends the rules that keep claims of two assets apart.
func (tx *Tx) endApart(ctx context.Context, sides [2][]gyre.ID, actor string) error {
	rules, err := tx.RulesOf(ctx, append(slices.Clone(sides[0]), sides[1]...))
	if err != nil {
		return err
	}
	has := func(all, some []gyre.ID) bool {
		return slices.ContainsFunc(some, func(id gyre.ID) bool { return slices.Contains(all, id) })
	}
	for _, r := range rules {
		across := has(sides[0], r.Sides[0]) && has(sides[1], r.Sides[1]) || has(sides[0], r.Sides[1]) && has(sides[1], r.Sides[0])
		if r.Kind == gyre.RuleApart && across {
			if err := tx.endRule(ctx, r.ID, actor); err != nil {
				return err
			}
		}
	}
	return nil
}

func (tx *Tx) endRule(ctx context.Context, rule gyre.ID, actor string) error {
	_, err := tx.exec(ctx, "UPDATE identity_rule SET ended = $3, ended_by = $4 WHERE workspace = $1 AND id = $2 AND ended = 0",
		int64(tx.ws), int64(rule), micros(tx.now), actor)
	if err != nil {
		return fmt.Errorf("end rule: %w", err)
	}
	return nil
}

// AnswerReview settles a review: the claim is of the chosen asset, or of none
// of the candidates. chosen 0 is what the review suggests.
func (db *DB) AnswerReview(ctx context.Context, ws, id gyre.ID, answer string, chosen gyre.ID, actor string) (gyre.Review, error) {
	err := db.Write(ctx, ws, func(tx *Tx) error {
		r, err := one(ctx, tx.tx, "review", id, scanReview, "SELECT "+reviewColumns+reviewRows+" AND r.id = $2", int64(ws), int64(id))
		if err != nil {
			return err
		}
		if r.State != gyre.ReviewOpen {
			return gyre.Errorf(gyre.Conflict, "the review is %s", r.State)
		}
		var merge, rule gyre.ID
		switch answer {
		case gyre.AnswerSame:
			if chosen == 0 {
				chosen = r.Suggestion
			}
			gone, err := tx.MergedInto(ctx, []gyre.ID{chosen})
			if err != nil {
				return err
			}
			if into := gone[chosen]; into != 0 {
				chosen = into
			}
			merge = gyre.NewID()
			m := gyre.Merge{ID: merge, From: r.Asset, Into: chosen, Actor: actor, Reason: "review " + r.ID.String() + ": " + r.Why}
			if err := tx.mergeByPerson(ctx, m); err != nil {
				return err
			}
		case gyre.AnswerDifferent:
			chosen = 0
			if rule, err = tx.ruleApart(ctx, r, actor); err != nil {
				return err
			}
		default:
			return gyre.FieldErrorf(gyre.Invalid, "answer", "%q is neither same nor different", answer)
		}
		_, err = tx.exec(ctx, `UPDATE review SET state = 'answered', answer = $3, chosen = $4, actor = $5, rule = $6, merge = $7, updated = $8
			WHERE workspace = $1 AND id = $2`, int64(ws), int64(id), answer, int64(chosen), actor, int64(rule), int64(merge), micros(tx.now))
		return err
	})
	if err != nil {
		return gyre.Review{}, err
	}
	return db.Review(ctx, ws, id)
}

// ruleApart rules that what a review is of is none of its candidates.
func (tx *Tx) ruleApart(ctx context.Context, r gyre.Review, actor string) (gyre.ID, error) {
	var sides [2][]gyre.ID
	var err error
	if sides[0], err = tx.claimsOf(ctx, r.Asset); err != nil {
		return 0, err
	}
	for _, c := range r.Candidates {
		claims, err := tx.claimsOf(ctx, c.Asset)
		if err != nil {
			return 0, err
		}
		sides[1] = append(sides[1], claims...)
	}
	rule, err := tx.addRule(ctx, ruleApart, 0, actor, "review "+r.ID.String(), sides)
	tx.Append(gyre.Event{Object: "asset", ID: r.Asset, Kind: "review", To: gyre.AnswerDifferent, Actor: actor})
	return rule, err
}

// ReopenReview takes an answer back: what it merged is apart again, what it
// ruled holds no longer, and the question stands.
func (db *DB) ReopenReview(ctx context.Context, ws, id gyre.ID, actor string) (gyre.Review, error) {
	err := db.Write(ctx, ws, func(tx *Tx) error {
		r, err := one(ctx, tx.tx, "review", id, scanReview, "SELECT "+reviewColumns+reviewRows+" AND r.id = $2", int64(ws), int64(id))
		if err != nil {
			return err
		}
		if r.State != gyre.ReviewAnswered {
			return gyre.Errorf(gyre.Conflict, "the review is %s", r.State)
		}
		if r.Merge != 0 {
			m, err := one(ctx, tx.tx, "merge", r.Merge, scanMerge, "SELECT "+mergeColumns+" FROM merge WHERE workspace = $1 AND id = $2", int64(ws), int64(r.Merge))
			if err != nil {
				return err
			}
			if m.Undone.IsZero() {
				if err := tx.undoMerge(ctx, &m, actor); err != nil {
					return err
				}
			}
			// Undoing a merge rules that they are two; here nobody has said so.
			if _, err := tx.exec(ctx, "UPDATE identity_rule SET ended = $3, ended_by = $4 WHERE workspace = $1 AND merge = $2 AND ended = 0",
				int64(ws), int64(r.Merge), micros(tx.now), actor); err != nil {
				return fmt.Errorf("end rule: %w", err)
			}
		}
		rule, err := one(ctx, tx.tx, "review", id, scanID, "SELECT rule FROM review WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
		if err != nil {
			return err
		}
		if rule != 0 {
			if err := tx.endRule(ctx, rule, actor); err != nil {
				return err
			}
		}
		_, err = tx.exec(ctx, `UPDATE review SET state = 'open', answer = '', chosen = 0, actor = '', rule = 0, merge = 0, updated = $3
			WHERE workspace = $1 AND id = $2`, int64(ws), int64(id), micros(tx.now))
		tx.Append(gyre.Event{Object: "asset", ID: r.Asset, Kind: "review", From: r.Answer, Actor: actor})
		return err
	})
	if err != nil {
		return gyre.Review{}, err
	}
	return db.Review(ctx, ws, id)
}

// Identity says why an asset is one: who claims what of it, what persons have
// ruled, what was merged into it.
func (db *DB) Identity(ctx context.Context, ws, asset gyre.ID) (gyre.AssetIdentity, error) {
	var out gyre.AssetIdentity
	if _, err := db.Asset(ctx, ws, asset); err != nil {
		return out, err
	}
	var err error
	if out.Claims, err = db.ClaimsOf(ctx, ws, asset); err != nil {
		return out, err
	}
	ids := make([]gyre.ID, len(out.Claims))
	for i := range out.Claims {
		ids[i] = out.Claims[i].ID
	}
	if out.Rules, err = db.RulesOf(ctx, ws, ids); err != nil {
		return out, err
	}
	out.Merges, err = db.MergesOf(ctx, ws, asset)
	return out, err
}
