// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// MergeAsset makes the asset m.From one with m.Into: everything that the one has goes to
// the other, and it is gone from every list. Of what both have (a fact, a component, an
// exposure) the newer word stays; an exposure whose place nobody knew meets the one that
// says it. A journal keeps what that changed: UndoMerge.
// m.Reason, m.Actor and m.Run say why and who; the names and the rest are filled in.
func (tx *Tx) MergeAsset(ctx context.Context, m gyre.Merge) error {
	m.Object = gyre.MergedAsset
	both, err := assetsByID(ctx, tx.tx, tx.ws, []gyre.ID{m.From, m.Into})
	if err != nil {
		return err
	}
	var from, into *gyre.Asset
	for i := range both {
		switch both[i].ID {
		case m.From:
			from = &both[i]
		case m.Into:
			into = &both[i]
		}
	}
	if from == nil || into == nil {
		return gyre.Errorf(gyre.NotFound, "merge of assets %s and %s: one of them is not there", m.From, m.Into)
	}
	m.FromName, m.IntoName = from.Name, into.Name
	j, err := tx.beginMerge(ctx, m)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return j.mergeOwner(ctx, "asset") },
		j.keepClaims, j.mergeSeen, j.mergeRelations,
		func(ctx context.Context) error { return j.joinAssets(ctx, from, into) },
		func(ctx context.Context) error {
			return j.drop(ctx, "asset", "workspace = $1 AND id = $2", int64(tx.ws), int64(m.From))
		},
		j.flush,
		func(context.Context) error {
			// What this transaction has read of them is not so any more.
			clear(tx.stored)
			clear(tx.said)
			clear(tx.assetSeen)
			return nil
		},
		j.meet, j.flush,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("merge asset %s into %s: %w", m.From, m.Into, err)
		}
	}
	j.event("asset", m.From, "merged", from.Name, m.Into.String())
	j.event("asset", m.Into, "merged_in", m.From.String(), from.Name)
	return nil
}

// keepClaims notes what the asset that stays was known by before.
func (j *journal) keepClaims(ctx context.Context) error {
	claims, err := j.tx.claimsOf(ctx, j.m.Into)
	if err != nil {
		return fmt.Errorf("read claims: %w", err)
	}
	body, err := jsonText(claims)
	if err == nil {
		j.note(journalItem{kind: "claim", op: opKept, object: j.m.Into, body: body})
	}
	return err
}

// mergeSeen moves what was seen on the asset, and who saw it.
func (j *journal) mergeSeen(ctx context.Context) error {
	args := []any{int64(j.tx.ws), int64(j.m.From), int64(j.m.Into)}
	for _, t := range []struct{ table, same string }{
		{"fact", "y.aspect = fact.aspect AND y.locus = fact.locus AND y.source = fact.source"},
		{"component", "y.source = component.source AND y.location = component.location AND y.purl = component.purl"},
	} {
		older := "workspace = $1 AND asset = $3 AND EXISTS (SELECT 1 FROM " + t.table + " y WHERE y.asset = $2 AND " + t.same + " AND y.last_seen > " + t.table + ".last_seen)"
		twice := "workspace = $1 AND asset = $2 AND EXISTS (SELECT 1 FROM " + t.table + " y WHERE y.asset = $3 AND " + t.same + ")"
		for _, where := range []string{older, twice} {
			if err := j.drop(ctx, t.table, where, args...); err != nil {
				return err
			}
		}
	}
	for _, t := range []struct{ table, same string }{{"run_asset", "y.run = run_asset.run"}, {"asset_scope", "y.workspace = asset_scope.workspace AND y.scope = asset_scope.scope"}} {
		if err := j.drop(ctx, t.table, "workspace = $1 AND asset = $2 AND EXISTS (SELECT 1 FROM "+t.table+" y WHERE y.asset = $3 AND "+t.same+")", args...); err != nil {
			return err
		}
	}
	for _, table := range []string{"fact", "component", "coverage", "identifier", "run_asset", "asset_scope", "claim"} {
		if _, err := j.move(ctx, table, "asset", j.m.From, j.m.Into); err != nil {
			return err
		}
	}
	return nil
}

// mergeRelations moves the edges of the asset; one between the two is none any more.
func (j *journal) mergeRelations(ctx context.Context) error {
	for _, where := range []string{
		"(from_asset = $2 AND to_asset IN ($2, $3)) OR (from_asset = $3 AND to_asset = $2)",
		"from_asset = $2 AND EXISTS (SELECT 1 FROM relation y WHERE y.from_asset = $3 AND y.to_asset = relation.to_asset AND y.type = relation.type)",
		"to_asset = $2 AND EXISTS (SELECT 1 FROM relation y WHERE y.to_asset = $3 AND y.from_asset = relation.from_asset AND y.type = relation.type)",
	} {
		if err := j.drop(ctx, "relation", "workspace = $1 AND ("+where+")", int64(j.tx.ws), int64(j.m.From), int64(j.m.Into)); err != nil {
			return err
		}
	}
	for _, end := range []string{"from_asset", "to_asset"} {
		if _, err := j.move(ctx, "relation", end, j.m.From, j.m.Into); err != nil {
			return err
		}
	}
	return nil
}

// joinAssets gives the asset that stays what only the other's row says: what a
// person has set, which beats what sources said, and what is missing.
func (j *journal) joinAssets(ctx context.Context, from, into *gyre.Asset) error {
	out := *into
	own := func(field string) bool { return slices.Contains(into.Pinned, field) }
	his := func(field string) bool { return slices.Contains(from.Pinned, field) && !own(field) }
	if his("criticality") || (!own("criticality") && from.Criticality > into.Criticality) {
		out.Criticality = from.Criticality
	}
	if his("owner") || (!own("owner") && into.Owner == "") {
		out.Owner = from.Owner
	}
	if his("tags") {
		out.Tags = from.Tags
	} else if !own("tags") {
		out.Tags = CleanTags(append(slices.Clone(into.Tags), from.Tags...))
	}
	out.Attributes = map[string]string{}
	for _, a := range []*gyre.Asset{from, into} {
		for k, v := range a.Attributes {
			out.Attributes[k] = v
		}
	}
	if out.Zone == "" {
		out.Zone = from.Zone
	}
	if _, err := netip.ParseAddr(into.Name); err == nil {
		if _, err := netip.ParseAddr(from.Name); err != nil {
			out.Name = from.Name // a name says more than an address
		}
	}
	if from.FirstSeen.Before(out.FirstSeen) {
		out.FirstSeen = from.FirstSeen
	}
	if from.LastSeen.After(out.LastSeen) {
		out.LastSeen = from.LastSeen
	}
	attributes, err := jsonText(out.Attributes)
	if err != nil {
		return err
	}
	set := map[string]any{
		"name": out.Name, "criticality": int64(out.Criticality), "owner": out.Owner, "tags": strings.Join(out.Tags, "\n"), "zone": string(out.Zone),
		"attributes": attributes, "pinned": pinBits(append(slices.Clone(from.Pinned), into.Pinned...)),
		"first_seen": micros(out.FirstSeen), "last_seen": micros(out.LastSeen),
	}
	if len(into.Attributes) == len(out.Attributes) {
		delete(set, "attributes")
	}
	note := func(field string, before, after any) { j.tx.changed("asset", into.ID, field, before, after) }
	note("name", into.Name, out.Name)
	note("criticality", int64(into.Criticality), int64(out.Criticality))
	note("owner", into.Owner, out.Owner)
	note("tags", into.Tags, out.Tags)
	note("zone", string(into.Zone), string(out.Zone))
	note("first_seen", micros(into.FirstSeen), micros(out.FirstSeen))
	return j.change(ctx, "asset", into.ID, set)
}
