// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

const reviewColumns = "r.id, r.workspace, r.claim, c.asset, a.name, r.created, r.updated, r.state, r.candidates, r.suggestion, r.why, r.answer, r.chosen, r.actor, r.merge"

const reviewRows = " FROM review r JOIN claim c ON c.id = r.claim JOIN asset a ON a.id = c.asset WHERE r.workspace = $1"

func scanReview(s scanner) (r gyre.Review, err error) {
	var created, updated int64
	var candidates string
	err = s.Scan((*int64)(&r.ID), (*int64)(&r.Workspace), (*int64)(&r.Claim), (*int64)(&r.Asset), &r.AssetName, &created, &updated, &r.State,
		&candidates, (*int64)(&r.Suggestion), &r.Why, &r.Answer, (*int64)(&r.Chosen), &r.Actor, (*int64)(&r.Merge))
	if err != nil {
		return r, err
	}
	r.Created, r.Updated = timeOf(created), timeOf(updated)
	return r, fromJSON(candidates, &r.Candidates)
}

// SaveReviews asks persons about claims. What was asked already is asked again
// only if there is something new to say; what was answered is not.
func (tx *Tx) SaveReviews(ctx context.Context, all []gyre.Review) error {
	for i := range all {
		r := &all[i]
		candidates, err := jsonText(r.Candidates)
		if err != nil {
			return err
		}
		n, err := tx.exec(ctx, `INSERT INTO review (id, workspace, claim, created, updated, state, candidates, suggestion, why, answer, chosen, actor, rule, merge)
			VALUES ($1,$2,$3,$4,$5,'open',$6,$7,$8,'',0,'',0,0) ON CONFLICT (workspace, claim) DO UPDATE SET updated = excluded.updated, state = 'open',
			candidates = excluded.candidates, suggestion = excluded.suggestion, why = excluded.why
			WHERE review.state = 'moot' OR (review.state = 'open' AND review.candidates <> excluded.candidates)`,
			int64(gyre.NewID()), int64(tx.ws), int64(r.Claim), micros(tx.now), micros(tx.now), candidates, int64(r.Suggestion), r.Why)
		if err != nil {
			return fmt.Errorf("save review: %w", err)
		}
		if n > 0 {
			tx.Append(gyre.Event{Object: "asset", ID: r.Asset, Kind: "review", Actor: tx.actor, Run: tx.run, Reason: r.Why})
		}
	}
	return nil
}

// SettleReviews closes the open reviews of claims, which something else has
// settled, but for those that are still in doubt.
func (tx *Tx) SettleReviews(ctx context.Context, claims []gyre.ID, except map[gyre.ID]bool) error {
	var settled []gyre.ID
	err := inChunks(claims, idArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		open, err := collect(ctx, tx.tx, scanID, "SELECT claim FROM review WHERE workspace = $1 AND state = 'open' AND claim IN "+in, args...)
		for _, id := range open {
			if !except[id] {
				settled = append(settled, id)
			}
		}
		return err
	})
	if err == nil {
		err = inChunks(settled, idArg, []any{micros(tx.now), int64(tx.ws)}, func(in string, args []any) error {
			_, err := tx.exec(ctx, "UPDATE review SET state = 'moot', updated = $1 WHERE workspace = $2 AND claim IN "+in, args...)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("settle reviews: %w", err)
	}
	return nil
}

// Reviews lists reviews after an ID, oldest first; state empty is every state.
func (db *DB) Reviews(ctx context.Context, ws gyre.ID, state string, after gyre.ID, limit int) ([]gyre.Review, error) {
	return collect(ctx, db.r, scanReview, "SELECT "+reviewColumns+reviewRows+" AND r.id > $2 AND ($3 = '' OR r.state = $4) ORDER BY r.id LIMIT $5",
		int64(ws), int64(after), state, state, limit)
}

// Review reads one review.
func (db *DB) Review(ctx context.Context, ws, id gyre.ID) (gyre.Review, error) {
	return one(ctx, db.r, "review", id, scanReview, "SELECT "+reviewColumns+reviewRows+" AND r.id = $2", int64(ws), int64(id))
}
