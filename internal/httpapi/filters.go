// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/auth"
	"github.com/gyre-ctem/gyre/internal/expr"
)

// The kinds of rows that can be filtered.
const (
	exposureRows = "exposures"
	assetRows    = "assets"
)

func (s *server) registerFilters(api huma.API) {
	add(s, api, "list-filters", http.MethodGet, "/filters", "List saved filters", s.listFilters)
	add(s, api, "create-filter", http.MethodPost, "/filters", "Save a filter under a name", s.createFilter, status(http.StatusCreated))
	add(s, api, "delete-filter", http.MethodDelete, "/filters/{id}", "Delete a saved filter", s.deleteFilter)
	add(s, api, "get-filter-schema", http.MethodGet, "/filter-schema", "What a filter can be made of", s.getFilterSchema)
}

func (s *server) listFilters(ctx context.Context, _ *nothing) (*reply[FilterList], error) {
	all, err := s.Filters.Filters(ctx, workspace(ctx))
	return ok(FilterList{all}, err)
}

func (s *server) createFilter(ctx context.Context, in *with[FilterInput]) (*reply[gyre.SavedFilter], error) {
	f := gyre.SavedFilter{Name: in.Body.Name, For: in.Body.For, Filter: in.Body.Filter, Owner: auth.From(ctx).Account.ID}
	if f.For == "" {
		f.For = exposureRows
	}
	if err := s.CheckFilter(f.For, f.Filter); err != nil {
		return nil, inBody(err)
	}
	f, err := s.Filters.CreateFilter(ctx, workspace(ctx), f)
	note(ctx).object, note(ctx).details = f.ID.String(), f.Name
	return ok(f, inBody(err))
}

func (s *server) deleteFilter(ctx context.Context, in *ByID) (*nothing, error) {
	return nil, s.Filters.DeleteFilter(ctx, workspace(ctx), in.ID.ID)
}

func (s *server) getFilterSchema(_ context.Context, in *struct {
	For string `query:"for" enum:"exposures,assets" default:"exposures"`
},
) (*reply[expr.Description], error) {
	if in.For == assetRows {
		return ok(expr.AssetSchema.Describe(), nil)
	}
	return ok(expr.ExposureSchema.Describe(), nil)
}
