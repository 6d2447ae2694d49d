// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
)

const assetColumns = "id, workspace, kind, name, zone, criticality, owner, tags, attributes, pinned, first_seen, last_seen"

// pins are the fields that a person can set, by their bit.
var pins = []string{"criticality", "owner", "tags"}

func pinBits(fields []string) int64 {
	bits := int64(0)
	for i, p := range pins {
		if slices.Contains(fields, p) {
			bits |= 1 << i
		}
	}
	return bits
}

func pinned(bits int64) []string {
	var fields []string
	for i, p := range pins {
		if bits&(1<<i) != 0 {
			fields = append(fields, p)
		}
	}
	return fields
}

func scanAsset(s scanner) (a gyre.Asset, err error) {
	var crit, bits, first, last int64
	var kind, zone, tags, attributes string
	err = s.Scan((*int64)(&a.ID), (*int64)(&a.Workspace), &kind, &a.Name, &zone, &crit, &a.Owner, &tags, &attributes, &bits, &first, &last)
	if err != nil {
		return a, err
	}
	a.Kind, a.Zone, a.Criticality, a.Pinned = gyre.AssetKind(kind), gyre.Zone(zone), gyre.Criticality(crit), pinned(bits)
	a.FirstSeen, a.LastSeen = timeOf(first), timeOf(last)
	if tags != "" {
		a.Tags = strings.Split(tags, "\n")
	}
	return a, fromJSON(attributes, &a.Attributes)
}

// Asset reads one asset with its identifiers.
func (db *DB) Asset(ctx context.Context, ws, id gyre.ID) (gyre.Asset, error) {
	a, err := one(ctx, db.r, "asset", id, scanAsset, "SELECT "+assetColumns+" FROM asset WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
	if err != nil {
		return a, err
	}
	byAsset, err := identifiersOf(ctx, db.r, ws, []gyre.ID{id})
	a.Identifiers = byAsset[id]
	return a, err
}

// Assets reads assets by ID, with their identifiers. Unknown IDs are left out.
func (db *DB) Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Asset, error) {
	return assetsWithIdentifiers(ctx, db.judged(), ws, ids)
}

func assetsWithIdentifiers(ctx context.Context, q querier, ws gyre.ID, ids []gyre.ID) ([]gyre.Asset, error) {
	all, err := assetsByID(ctx, q, ws, ids)
	if err != nil {
		return nil, err
	}
	byAsset, err := identifiersOf(ctx, q, ws, ids)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Identifiers = byAsset[all[i].ID]
	}
	return all, nil
}

func assetsByID(ctx context.Context, q querier, ws gyre.ID, ids []gyre.ID) ([]gyre.Asset, error) {
	var out []gyre.Asset
	err := inChunks(ids, idArg, []any{int64(ws)}, func(in string, args []any) error {
		part, err := collect(ctx, q, scanAsset, "SELECT "+assetColumns+" FROM asset WHERE workspace = $1 AND id IN "+in, args...)
		out = append(out, part...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read assets: %w", err)
	}
	return out, nil
}

// EachAsset calls fn for every asset, by ID, without identifiers.
func (db *DB) EachAsset(ctx context.Context, ws gyre.ID, fn func(gyre.Asset) error) error {
	return each(ctx, db.r, "SELECT "+assetColumns+" FROM asset WHERE workspace = $1 ORDER BY id", []any{int64(ws)}, func(s scanner) error {
		a, err := scanAsset(s)
		if err != nil {
			return err
		}
		return fn(a)
	})
}

// EachIdentifier calls fn for every identifier of every asset of the workspace.
func (db *DB) EachIdentifier(ctx context.Context, ws gyre.ID, fn func(asset gyre.ID, i gyre.Identifier) error) error {
	return each(ctx, db.r, "SELECT asset, type, value, zone FROM identifier WHERE workspace = $1", []any{int64(ws)}, func(s scanner) error {
		asset, i, err := scanIdentifier(s)
		if err != nil {
			return err
		}
		return fn(asset, i)
	})
}

func scanIdentifier(s scanner) (asset gyre.ID, i gyre.Identifier, err error) {
	var typ, zone string
	err = s.Scan((*int64)(&asset), &typ, &i.Value, &zone)
	i.Type, i.Zone = gyre.IdentifierType(typ), gyre.Zone(zone)
	return asset, i, err
}

// identifiersOf reads the identifiers of assets, the strongest first.
func identifiersOf(ctx context.Context, q querier, ws gyre.ID, assets []gyre.ID) (map[gyre.ID][]gyre.Identifier, error) {
	out := make(map[gyre.ID][]gyre.Identifier, len(assets))
	err := inChunks(assets, idArg, []any{int64(ws)}, func(in string, args []any) error {
		return each(ctx, q, "SELECT asset, type, value, zone FROM identifier WHERE workspace = $1 AND asset IN "+in, args, func(s scanner) error {
			asset, i, err := scanIdentifier(s)
			out[asset] = append(out[asset], i)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read identifiers: %w", err)
	}
	for _, ids := range out {
		slices.SortFunc(ids, func(a, b gyre.Identifier) int {
			if d := b.Type.Strength() - a.Type.Strength(); d != 0 {
				return d
			}
			return strings.Compare(a.Value, b.Value)
		})
	}
	return out, nil
}

// PatchAsset changes what a person may set on an asset, and pins it.
func (db *DB) PatchAsset(ctx context.Context, ws, id gyre.ID, actor string, p gyre.AssetPatch) (gyre.Asset, error) {
	err := db.Write(ctx, ws, func(tx *Tx) error {
		a, err := one(ctx, tx.tx, "asset", id, scanAsset, "SELECT "+assetColumns+" FROM asset WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
		if err != nil {
			return err
		}
		tx.By(actor, 0)
		was := a
		if p.Criticality != nil {
			if *p.Criticality < gyre.CriticalityUnset || *p.Criticality > gyre.CriticalityCrown {
				return gyre.FieldErrorf(gyre.Invalid, "criticality", "%d is not 0 to 4", *p.Criticality)
			}
			a.Pinned = append(a.Pinned, "criticality")
			tx.assetEvent(a.ID, "criticality", strconv.Itoa(int(a.Criticality)), strconv.Itoa(int(*p.Criticality)), actor)
			a.Criticality = *p.Criticality
		}
		if p.Owner != nil {
			a.Pinned = append(a.Pinned, "owner")
			tx.assetEvent(a.ID, "owner", a.Owner, *p.Owner, actor)
			a.Owner = *p.Owner
		}
		if p.Tags != nil {
			a.Pinned = append(a.Pinned, "tags")
			tags := CleanTags(*p.Tags)
			tx.assetEvent(a.ID, "tags", strings.Join(a.Tags, " "), strings.Join(tags, " "), actor)
			a.Tags = tags
		}
		tx.changed("asset", id, "criticality", int64(was.Criticality), int64(a.Criticality))
		tx.changed("asset", id, "owner", was.Owner, a.Owner)
		tx.changed("asset", id, "tags", was.Tags, a.Tags)
		tx.changed("asset", id, "pinned", pinned(pinBits(was.Pinned)), pinned(pinBits(a.Pinned)))
		_, err = tx.exec(ctx, "UPDATE asset SET criticality = $3, owner = $4, tags = $5, pinned = $6 WHERE workspace = $1 AND id = $2",
			int64(ws), int64(id), int64(a.Criticality), a.Owner, strings.Join(a.Tags, "\n"), pinBits(a.Pinned))
		return err
	})
	if err != nil {
		return gyre.Asset{}, err
	}
	return db.Asset(ctx, ws, id)
}

func (tx *Tx) assetEvent(id gyre.ID, kind, from, to, actor string) {
	if from != to {
		tx.Append(gyre.Event{Object: "asset", ID: id, Kind: kind, From: from, To: to, Actor: actor})
	}
}

// CleanTags sorts tags and leaves out empty and double ones. A tag has no line breaks.
func CleanTags(tags []string) []string {
	var out []string
	for _, t := range tags {
		if t = strings.Join(strings.Fields(t), " "); t != "" {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Relations lists the edges that begin or end at an asset.
func (db *DB) Relations(ctx context.Context, ws, asset gyre.ID) ([]gyre.Relation, error) {
	return collect(ctx, db.r, func(s scanner) (r gyre.Relation, err error) {
		var last int64
		var typ string
		err = s.Scan((*int64)(&r.From), (*int64)(&r.To), &typ, &last)
		r.Type, r.LastSeen = gyre.RelationType(typ), timeOf(last)
		return r, err
	}, `SELECT from_asset, to_asset, type, last_seen FROM relation WHERE workspace = $1 AND (from_asset = $2 OR to_asset = $2)
		ORDER BY type, from_asset, to_asset`, int64(ws), int64(asset))
}

// EachAssetScope calls fn for every membership of an asset in a scope, deleted
// scopes included: how the estate was asks for them.
func (db *DB) EachAssetScope(ctx context.Context, ws gyre.ID, fn func(asset, scope gyre.ID) error) error {
	return each(ctx, db.r, "SELECT asset, scope FROM asset_scope WHERE workspace = $1", []any{int64(ws)}, func(s scanner) error {
		var asset, scope gyre.ID
		if err := s.Scan((*int64)(&asset), (*int64)(&scope)); err != nil {
			return err
		}
		return fn(asset, scope)
	})
}

// ScopesOfAssets lists the scopes whose runs saw each of the assets.
func (db *DB) ScopesOfAssets(ctx context.Context, ws gyre.ID, assets []gyre.ID) (map[gyre.ID][]gyre.ID, error) {
	out := map[gyre.ID][]gyre.ID{}
	err := inChunks(assets, idArg, []any{int64(ws)}, func(in string, args []any) error {
		return each(ctx, db.r, "SELECT m.asset, m.scope FROM asset_scope m JOIN scope s ON s.id = m.scope WHERE m.workspace = $1 AND m.asset IN "+in+" ORDER BY m.asset, m.scope", args, func(s scanner) error {
			var asset, scope gyre.ID
			err := s.Scan((*int64)(&asset), (*int64)(&scope))
			out[asset] = append(out[asset], scope)
			return err
		})
	})
	return out, err
}

// FindAsset finds the asset that has an identifier. Kinds that cannot be the
// same thing do not share identifiers; kind says whose is meant.
func (db *DB) FindAsset(ctx context.Context, ws gyre.ID, kind gyre.AssetKind, i gyre.Identifier) (gyre.Asset, error) {
	id, err := one(ctx, db.r, "asset with "+string(i.Type), i.Value, func(s scanner) (id gyre.ID, err error) { return id, s.Scan((*int64)(&id)) },
		"SELECT asset FROM identifier WHERE workspace = $1 AND family = $2 AND type = $3 AND value = $4 AND zone = $5",
		int64(ws), Family(kind), string(i.Type), i.Value, string(i.Zone))
	if err != nil {
		return gyre.Asset{}, err
	}
	return db.Asset(ctx, ws, id)
}

// Family groups the kinds that can be one and the same thing, so that their
// identifiers are matched: what one tool calls a device another calls a host.
// A domain and a web application may well share a name with a host and are not it.
func Family(kind gyre.AssetKind) string {
	switch kind {
	case "", gyre.Host, gyre.Device:
		return string(gyre.Host)
	}
	return string(kind)
}
