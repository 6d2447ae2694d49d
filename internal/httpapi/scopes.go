// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
)

func (s *server) registerScopes(api huma.API) {
	add(s, api, "list-scopes", http.MethodGet, "/scopes", "List scopes", s.listScopes)
	add(s, api, "create-scope", http.MethodPost, "/scopes", "Add a scope", s.createScope, status(http.StatusCreated))
	add(s, api, "get-scope", http.MethodGet, "/scopes/{id}", "A scope", s.getScope)
	add(s, api, "replace-scope", http.MethodPut, "/scopes/{id}", "Replace a scope", s.replaceScope)
	add(s, api, "delete-scope", http.MethodDelete, "/scopes/{id}", "Delete a scope; what its runs found stays", s.deleteScope)
}

func (s *server) listScopes(ctx context.Context, _ *nothing) (*reply[ScopeList], error) {
	all, err := s.Scopes.Scopes(ctx, workspace(ctx))
	return ok(ScopeList{all}, err)
}

func (s *server) getScope(ctx context.Context, in *ByID) (*reply[gyre.Scope], error) {
	return ok(s.Scopes.Scope(ctx, workspace(ctx), in.ID.ID))
}

func (s *server) createScope(ctx context.Context, in *with[ScopeInput]) (*reply[gyre.Scope], error) {
	if err := s.CheckScope(gyre.Scope(in.Body)); err != nil {
		return nil, inBody(err)
	}
	sc, err := s.Scopes.CreateScope(ctx, workspace(ctx), actor(ctx), gyre.Scope(in.Body))
	note(ctx).object, note(ctx).details = sc.ID.String(), in.Body.Name
	return ok(sc, inBody(err))
}

func (s *server) replaceScope(ctx context.Context, in *struct {
	ByID
	Body ScopeInput
},
) (*reply[gyre.Scope], error) {
	if err := s.CheckScope(gyre.Scope(in.Body)); err != nil {
		return nil, inBody(err)
	}
	sc := gyre.Scope(in.Body)
	sc.ID = in.ID.ID
	note(ctx).details = sc.Name
	sc, err := s.Scopes.UpdateScope(ctx, workspace(ctx), actor(ctx), sc)
	return ok(sc, inBody(err))
}

func (s *server) deleteScope(ctx context.Context, in *ByID) (*nothing, error) {
	return nil, s.Scopes.DeleteScope(ctx, workspace(ctx), in.ID.ID, actor(ctx))
}
