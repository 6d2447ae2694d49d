// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Claims are what sources said of who is who. internal/ingest works out from
// them which assets there are, and keeps here what it came to.

const claimColumns = "id, asset, family, source, digest, first_seen, last_seen, contested"

func scanClaim(s scanner) (c gyre.Claim, err error) {
	var first, last int64
	err = s.Scan((*int64)(&c.ID), (*int64)(&c.Asset), &c.Family, &c.Source, &c.Digest, &first, &last, &c.Contested)
	c.FirstSeen, c.LastSeen = timeOf(first), timeOf(last)
	return c, err
}

// FindClaims finds the claims of a source by their digests, without identifiers.
func (tx *Tx) FindClaims(ctx context.Context, source string, digests []string) ([]gyre.Claim, error) {
	var out []gyre.Claim
	err := inChunks(digests, stringArg, []any{int64(tx.ws), source}, func(in string, args []any) error {
		part, err := collect(ctx, tx.tx, scanClaim, "SELECT "+claimColumns+" FROM claim WHERE workspace = $1 AND source = $2 AND digest IN "+in+" ORDER BY id", args...)
		out = append(out, part...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find claims: %w", err)
	}
	return out, nil
}

// ClaimsSharing lists the claims of a family that hold one of the identifiers.
func (tx *Tx) ClaimsSharing(ctx context.Context, family string, ids []gyre.Identifier) ([]gyre.ID, error) {
	want := make(map[gyre.Identifier]bool, len(ids))
	values := map[gyre.IdentifierType][]string{}
	for _, i := range ids {
		if want[i] {
			continue
		}
		want[i] = true
		values[i.Type] = append(values[i.Type], i.Value)
	}
	found := map[gyre.ID]bool{}
	for typ, vals := range values {
		err := inChunks(vals, stringArg, []any{int64(tx.ws), family, string(typ)}, func(in string, args []any) error {
			return each(ctx, tx.tx, "SELECT claim, value, zone FROM claim_identifier WHERE workspace = $1 AND family = $2 AND type = $3 AND value IN "+in, args, func(s scanner) error {
				var id gyre.ID
				i := gyre.Identifier{Type: typ}
				err := s.Scan((*int64)(&id), &i.Value, (*string)(&i.Zone))
				if want[i] {
					found[id] = true
				}
				return err
			})
		})
		if err != nil {
			return nil, fmt.Errorf("find claims by identifier: %w", err)
		}
	}
	out := make([]gyre.ID, 0, len(found))
	for id := range found {
		out = append(out, id)
	}
	slices.Sort(out)
	return out, nil
}

// Claims reads claims with their identifiers: those of ids, and all of the
// assets.
func (tx *Tx) Claims(ctx context.Context, ids, assets []gyre.ID) ([]gyre.Claim, error) {
	return claimsBy(ctx, tx.tx, tx.ws, ids, assets)
}

func claimsBy(ctx context.Context, q querier, ws gyre.ID, ids, assets []gyre.ID) ([]gyre.Claim, error) {
	at := map[gyre.ID]int{}
	var out []gyre.Claim
	for _, by := range []struct {
		column string
		ids    []gyre.ID
	}{{"id", ids}, {"asset", assets}} {
		err := inChunks(by.ids, idArg, []any{int64(ws)}, func(in string, args []any) error {
			return each(ctx, q, "SELECT "+claimColumns+" FROM claim WHERE workspace = $1 AND "+by.column+" IN "+in, args, func(s scanner) error {
				c, err := scanClaim(s)
				if _, twice := at[c.ID]; !twice {
					at[c.ID] = len(out)
					out = append(out, c)
				}
				return err
			})
		})
		if err != nil {
			return nil, fmt.Errorf("read claims: %w", err)
		}
	}
	all := make([]gyre.ID, len(out))
	for i := range out {
		all[i] = out[i].ID
	}
	err := inChunks(all, idArg, []any{int64(ws)}, func(in string, args []any) error {
		return each(ctx, q, "SELECT claim, type, value, zone FROM claim_identifier WHERE workspace = $1 AND claim IN "+in, args, func(s scanner) error {
			id, i, err := scanIdentifier(s)
			c := &out[at[id]]
			c.Identifiers = append(c.Identifiers, i)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read identifiers of claims: %w", err)
	}
	for i := range out {
		slices.SortFunc(out[i].Identifiers, compareIdentifiers)
	}
	slices.SortFunc(out, func(a, b gyre.Claim) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

func compareIdentifiers(a, b gyre.Identifier) int {
	return cmp.Or(b.Type.Strength()-a.Type.Strength(), strings.Compare(a.Value, b.Value), strings.Compare(string(a.Zone), string(b.Zone)))
}

// ClaimsOf lists the claims that an asset is known by.
func (db *DB) ClaimsOf(ctx context.Context, ws, asset gyre.ID) ([]gyre.Claim, error) {
	return claimsBy(ctx, db.r, ws, nil, []gyre.ID{asset})
}

// SaveClaims stores new claims.
func (tx *Tx) SaveClaims(ctx context.Context, all []gyre.Claim) error {
	err := insert(ctx, tx.tx, "INSERT INTO claim (workspace, "+claimColumns+")", "", 9, len(all), func(i int, a []any) []any {
		c := &all[i]
		return append(a, int64(tx.ws), int64(c.ID), int64(c.Asset), c.Family, c.Source, c.Digest, micros(c.FirstSeen), micros(c.LastSeen), c.Contested)
	})
	if err != nil {
		return fmt.Errorf("save claims: %w", err)
	}
	type row struct{ claim, n int }
	var rows []row
	for i := range all {
		for n := range all[i].Identifiers {
			rows = append(rows, row{i, n})
		}
	}
	err = insert(ctx, tx.tx, "INSERT INTO claim_identifier (claim, type, value, zone, workspace, family)", "ON CONFLICT (claim, type, value, zone) DO NOTHING",
		6, len(rows), func(i int, a []any) []any {
			c := &all[rows[i].claim]
			id := c.Identifiers[rows[i].n]
			return append(a, int64(c.ID), string(id.Type), id.Value, string(id.Zone), int64(tx.ws), c.Family)
		})
	if err != nil {
		return fmt.Errorf("save identifiers of claims: %w", err)
	}
	return nil
}

// TouchClaims notes that claims were made (again) at a time.
func (tx *Tx) TouchClaims(ctx context.Context, ids []gyre.ID, seen time.Time) error {
	at := micros(seen)
	for _, q := range []string{
		"UPDATE claim SET last_seen = $1 WHERE workspace = $2 AND last_seen < $3 AND id IN ",
		"UPDATE claim SET first_seen = $1 WHERE workspace = $2 AND first_seen > $3 AND id IN ",
	} {
		err := inChunks(ids, idArg, []any{at, int64(tx.ws), at}, func(in string, args []any) error {
			_, err := tx.exec(ctx, q+in, args...)
			return err
		})
		if err != nil {
			return fmt.Errorf("note claims as made: %w", err)
		}
	}
	return nil
}

// SetContested notes which claims have to be thought through when they are made again.
func (tx *Tx) SetContested(ctx context.Context, ids []gyre.ID, contested bool) error {
	err := inChunks(ids, idArg, []any{contested, int64(tx.ws)}, func(in string, args []any) error {
		_, err := tx.exec(ctx, "UPDATE claim SET contested = $1 WHERE workspace = $2 AND id IN "+in, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("note contested claims: %w", err)
	}
	return nil
}

// RulesOf lists the rules that speak of any of the claims.
func (tx *Tx) RulesOf(ctx context.Context, claims []gyre.ID) ([]gyre.IdentityRule, error) {
	return rulesOf(ctx, tx.tx, tx.ws, claims)
}

// RulesOf lists the rules that speak of any of the claims.
func (db *DB) RulesOf(ctx context.Context, ws gyre.ID, claims []gyre.ID) ([]gyre.IdentityRule, error) {
	return rulesOf(ctx, db.r, ws, claims)
}

func rulesOf(ctx context.Context, q querier, ws gyre.ID, claims []gyre.ID) ([]gyre.IdentityRule, error) {
	found := map[gyre.ID]bool{}
	err := inChunks(claims, idArg, []any{int64(ws)}, func(in string, args []any) error {
		return each(ctx, q, "SELECT rule FROM identity_rule_side WHERE workspace = $1 AND claim IN "+in, args, func(s scanner) error {
			id, err := scanID(s)
			found[id] = true
			return err
		})
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	ids := make([]gyre.ID, 0, len(found))
	for id := range found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	at := map[gyre.ID]int{}
	var out []gyre.IdentityRule
	err = inChunks(ids, idArg, []any{int64(ws)}, func(in string, args []any) error {
		err := each(ctx, q, "SELECT id, kind, at, actor, reason FROM identity_rule WHERE workspace = $1 AND ended = 0 AND id IN "+in+" ORDER BY id", args, func(s scanner) error {
			var r gyre.IdentityRule
			var when int64
			err := s.Scan((*int64)(&r.ID), &r.Kind, &when, &r.Actor, &r.Reason)
			r.At = timeOf(when)
			at[r.ID] = len(out)
			out = append(out, r)
			return err
		})
		if err != nil {
			return err
		}
		return each(ctx, q, "SELECT rule, claim, side FROM identity_rule_side WHERE workspace = $1 AND rule IN "+in+" ORDER BY rule, claim", args, func(s scanner) error {
			var rule, claim gyre.ID
			var side int64
			err := s.Scan((*int64)(&rule), (*int64)(&claim), &side)
			if i, standing := at[rule]; standing && err == nil {
				out[i].Sides[side&1] = append(out[i].Sides[side&1], claim)
			}
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return out, nil
}

// AssetMergesSince lists the merges of assets after one, oldest first, that others
// than a run made and that stand: what the run knows under an old ID is another asset now. With
// them are those of the run itself that were undone.
func (tx *Tx) AssetMergesSince(ctx context.Context, after, run gyre.ID) ([]gyre.Merge, error) {
	return collect(ctx, tx.tx, scanMerge, "SELECT "+mergeColumns+` FROM merge WHERE workspace = $1 AND id > $2 AND object = 'asset'
		AND ((run <> $3 AND undone = 0) OR (run = $3 AND undone <> 0)) ORDER BY id`, int64(tx.ws), int64(after), int64(run))
}

// AssetMergesOf lists the merges of assets after one that a run made itself and that stand.
func (tx *Tx) AssetMergesOf(ctx context.Context, after, run gyre.ID) ([]gyre.Merge, error) {
	return collect(ctx, tx.tx, scanMerge, "SELECT "+mergeColumns+` FROM merge WHERE workspace = $1 AND id > $2 AND object = 'asset'
		AND run = $3 AND undone = 0 ORDER BY id`, int64(tx.ws), int64(after), int64(run))
}
