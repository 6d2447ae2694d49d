// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
)

// maxRows bounds lists that are part of an object.
const maxRows = 1000

func (s *server) registerActions(api huma.API) {
	add(s, api, "list-actions", http.MethodGet, "/actions", "List actions", s.listActions)
	add(s, api, "get-action", http.MethodGet, "/actions/{id}", "An action with what it removes", s.getAction)
	add(s, api, "patch-action", http.MethodPatch, "/actions/{id}", "Say how an action stands, whose it is, and when it is due", s.patchAction)
}

func (s *server) listActions(ctx context.Context, in *struct {
	State []gyre.ActionState `query:"state" maxItems:"5" doc:"Comma-separated; empty: every state"`
	Sort  string             `query:"sort" enum:"-risk_removed,-exposures,due,title,-updated" default:"-risk_removed"`
	Limit int                `query:"limit" minimum:"1" maximum:"10000" default:"1000"`
	AsOfQuery
},
) (*reply[ActionList], error) {
	at, err := s.asOf("as_of", in.AsOf)
	if err != nil {
		return nil, err
	}
	if !at.IsZero() {
		return s.actionsThen(ctx, at, in.State, in.Sort, in.Limit)
	}
	all, err := s.Actions.Actions(ctx, workspace(ctx), in.State, 0)
	if err != nil {
		return nil, err
	}
	sortActions(all, in.Sort)
	return ok(ActionList{Items: all[:min(len(all), in.Limit)], Total: len(all)}, nil)
}

// sortActions keeps the order of risk removed among equals.
func sortActions(all []gyre.Action, by string) {
	slices.SortStableFunc(all, func(a, b gyre.Action) int {
		switch by {
		case "-exposures":
			return b.Exposures - a.Exposures
		case "due":
			return noneLast(a.Due).Compare(noneLast(b.Due))
		case "title":
			return cmp.Compare(a.Title, b.Title)
		case "-updated":
			return b.Updated.Compare(a.Updated)
		}
		return cmp.Compare(b.RiskRemoved, a.RiskRemoved)
	})
}

func noneLast(t time.Time) time.Time {
	if t.IsZero() {
		return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return t
}

func (s *server) getAction(ctx context.Context, in *struct {
	ByID
	AsOfQuery
},
) (*reply[ActionDetail], error) {
	at, err := s.asOf("as_of", in.AsOf)
	if err != nil {
		return nil, err
	}
	if !at.IsZero() {
		return s.actionThen(ctx, in.ID.ID, at)
	}
	ws := workspace(ctx)
	a, err := s.Actions.Action(ctx, ws, in.ID.ID)
	if err != nil {
		return nil, err
	}
	exposures, err := s.Actions.ExposuresOfAction(ctx, ws, a.ID)
	if err != nil {
		return nil, err
	}
	exposures = exposures[:min(len(exposures), maxRows)]
	ids := make([]gyre.ID, len(exposures))
	for i, e := range exposures {
		ids[i] = e.ID
	}
	rows, err := s.Lists.ExposureRows(ctx, ws, ids)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, func(a, b gyre.ExposureRow) int { return cmp.Compare(b.Risk, a.Risk) })
	books, err := s.runbooksOf(ctx, ws, rows)
	return ok(ActionDetail{Action: a, Exposures: rows, Runbook: books}, err)
}

// runbooksOf fills the runbooks in for the active exposures of an action.
func (s *server) runbooksOf(ctx context.Context, ws gyre.ID, rows []gyre.ExposureRow) ([]string, error) {
	var ids []gyre.ID
	for _, r := range rows {
		ids = append(ids, r.Asset.ID)
	}
	slices.Sort(ids)
	assets, err := s.Assets.Assets(ctx, ws, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	byID := map[gyre.ID]gyre.Asset{}
	for _, a := range assets {
		byID[a.ID] = a
	}
	var places []place
	for _, r := range rows {
		if a, known := byID[r.Asset.ID]; known && r.State.Active() {
			places = append(places, place{a, r.Weakness, r.Locus})
		}
	}
	books, err := s.runbooks(ctx, ws, places...)
	return books[:min(len(books), 100)], err
}

func (s *server) patchAction(ctx context.Context, in *struct {
	ByID
	Body gyre.ActionPatch
},
) (*reply[gyre.Action], error) {
	if in.Body.State != nil && *in.Body.State == gyre.ActionVerified {
		return nil, gyre.FieldErrorf(gyre.Invalid, "body.state", "verified needs evidence: set it done, then validate its exposures")
	}
	return ok(s.Actions.PatchAction(ctx, workspace(ctx), in.ID.ID, actor(ctx), in.Body))
}
