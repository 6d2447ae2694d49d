// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
)

func (s *server) registerAssets(api huma.API) {
	add(s, api, "list-assets", http.MethodGet, "/assets", "List assets", s.listAssets)
	add(s, api, "get-asset", http.MethodGet, "/assets/{id}", "Everything about one asset", s.getAsset)
	add(s, api, "patch-asset", http.MethodPatch, "/assets/{id}", "Say how critical an asset is, whose, and what its tags are", s.patchAsset)
	add(s, api, "list-components", http.MethodGet, "/assets/{id}/components", "List the software on an asset", s.listComponents)
}

func (s *server) listAssets(ctx context.Context, in *struct{ Query }) (*reply[AssetPage], error) {
	past, at, err := s.past(ctx, in.AsOfQuery)
	if err != nil {
		return nil, err
	}
	if past != nil {
		rows, info, err := past.Assets(in.list())
		info.AsOf = at
		return ok(AssetPage{rows, info}, err)
	}
	rows, info, err := s.Lists.Assets(ctx, workspace(ctx), in.list())
	return ok(AssetPage{rows, info}, err)
}

func (s *server) getAsset(ctx context.Context, in *struct {
	ByID
	AsOfQuery
},
) (*reply[AssetDetail], error) {
	at, err := s.asOf("as_of", in.AsOf)
	if err != nil {
		return nil, err
	}
	ws, id := workspace(ctx), in.ID.ID
	if !at.IsZero() {
		return s.assetDetailThen(ctx, id, at)
	}
	var d AssetDetail
	if d.Asset, err = s.Assets.Asset(ctx, ws, id); err != nil {
		return nil, err
	}
	if d.Scopes, err = s.scopesOf(ctx, ws, id); err != nil {
		return nil, err
	}
	facts, err := s.Assets.Facts(ctx, ws, id)
	if err != nil {
		return nil, err
	}
	for _, f := range facts {
		d.Facts = append(d.Facts, FactRow{f.Aspect, f.Locus, f.Credentialed, f.Data})
	}
	rows, err := s.Lists.AssetRows(ctx, ws, []gyre.ID{id})
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		d.Exposures = AssetExposures{r.Exposures, r.Risk, r.MaxBand}
	}
	if d.Components, err = s.Assets.CountComponents(ctx, ws, id); err != nil {
		return nil, err
	}
	d.Relations, err = s.relations(ctx, ws, id)
	return ok(d, err)
}

func (s *server) scopesOf(ctx context.Context, ws, asset gyre.ID) ([]ScopeName, error) {
	of, err := s.Assets.ScopesOfAssets(ctx, ws, []gyre.ID{asset})
	if err != nil {
		return nil, err
	}
	scopes, err := s.Scopes.Scopes(ctx, ws)
	if err != nil {
		return nil, err
	}
	var out []ScopeName
	for _, sc := range scopes {
		if slices.Contains(of[asset], sc.ID) {
			out = append(out, ScopeName{sc.ID, sc.Name})
		}
	}
	return out, nil
}

func (s *server) relations(ctx context.Context, ws, asset gyre.ID) ([]RelationRow, error) {
	rels, err := s.Assets.Relations(ctx, ws, asset)
	if err != nil || len(rels) == 0 {
		return nil, err
	}
	var ids []gyre.ID
	for _, r := range rels {
		ids = append(ids, r.From, r.To)
	}
	slices.Sort(ids)
	ends, err := s.Assets.Assets(ctx, ws, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	names := map[gyre.ID]gyre.AssetName{}
	for _, a := range ends {
		names[a.ID] = gyre.AssetName{ID: a.ID, Name: a.Name, Kind: a.Kind, Zone: a.Zone}
	}
	out := make([]RelationRow, len(rels))
	for i, r := range rels {
		out[i] = RelationRow{names[r.From], names[r.To], r.Type, r.LastSeen}
	}
	return out, nil
}

func (s *server) patchAsset(ctx context.Context, in *struct {
	ByID
	Body gyre.AssetPatch
},
) (*reply[gyre.Asset], error) {
	return ok(s.Assets.PatchAsset(ctx, workspace(ctx), in.ID.ID, actor(ctx), in.Body))
}

func (s *server) listComponents(ctx context.Context, in *struct {
	ByID
	PageQuery
},
) (*reply[ComponentPage], error) {
	ws := workspace(ctx)
	if _, err := s.Assets.Asset(ctx, ws, in.ID.ID); err != nil {
		return nil, err
	}
	items, next, err := pageOf(in.PageQuery, func(after gyre.ID, limit int) ([]gyre.Component, error) {
		return s.Assets.Components(ctx, ws, in.ID.ID, after, limit)
	}, func(c gyre.Component) gyre.ID { return c.ID })
	if err != nil {
		return nil, err
	}
	total, err := s.Assets.CountComponents(ctx, ws, in.ID.ID)
	return ok(ComponentPage{items, total, next}, err)
}
