// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
)

// How much the overview shows.
const (
	overviewCycles  = 30
	overviewActions = 5
	maxPastCycles   = 10_000
)

// workingStates are the states of actions that somebody still has to do.
var workingStates = []gyre.ActionState{gyre.ActionOpen, gyre.ActionInProgress}

func (s *server) registerOverview(api huma.API) {
	add(s, api, "get-overview", http.MethodGet, "/overview", "The estate at a glance", s.getOverview)
	add(s, api, "examine", http.MethodGet, "/doctor", "Examine the installation", s.examine)
}

func (s *server) getOverview(ctx context.Context, in *struct{ AsOfQuery }) (*reply[Overview], error) {
	ws := workspace(ctx)
	past, at, err := s.past(ctx, in.AsOfQuery)
	if err != nil {
		return nil, err
	}
	if past != nil {
		return s.pastOverview(ctx, past, at)
	}
	var out Overview
	if out.Tally, err = s.Lists.Tally(ctx, ws); err != nil {
		return nil, err
	}
	cycles, err := s.History.Cycles(ctx, ws, overviewCycles)
	if err != nil {
		return nil, err
	}
	out.addCycles(cycles)
	if out.TopActions, err = s.Actions.Actions(ctx, ws, workingStates, overviewActions); err != nil {
		return nil, err
	}
	if out.Feeds, err = s.Feeds.Feeds(ctx); err != nil {
		return nil, err
	}
	runs, err := s.History.Runs(ctx, ws, 0, 1)
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		if out.Freshness = r.Ended; r.Ended.IsZero() {
			out.Freshness = r.Started
		}
	}
	return ok(out, nil)
}

// pastOverview is the overview at a moment: what was added up, and the cycles
// that had ended. What is to be done, and how feeds stand, is of today only.
func (s *server) pastOverview(ctx context.Context, past PastView, at time.Time) (*reply[Overview], error) {
	out := Overview{Tally: past.Tally(), AsOf: at}
	cycles, err := s.History.Cycles(ctx, workspace(ctx), maxPastCycles)
	if err != nil {
		return nil, err
	}
	cycles = slices.DeleteFunc(cycles, func(c gyre.Cycle) bool { return c.Ended.IsZero() || c.Ended.After(at) })
	out.addCycles(cycles[:min(len(cycles), overviewCycles)])
	return ok(out, nil)
}

// addCycles takes over what cycles (newest first) say.
func (o *Overview) addCycles(cycles []gyre.Cycle) {
	if len(cycles) > 0 {
		latest := cycles[0]
		o.Cycle, o.Previous = &latest, &latest.Before
		o.Changes = Changes{latest.Created, latest.Closed, latest.Reopened}
	}
	for _, c := range slices.Backward(cycles) {
		if c.State == gyre.CycleFinished {
			o.Cycles = append(o.Cycles, CyclePoint{c.ID, c.Number, c.Ended, c.After.Risk, c.After.Exposures})
		}
	}
}

func (s *server) examine(ctx context.Context, _ *nothing) (*reply[Examinations], error) {
	if s.Doctor == nil {
		return ok(Examinations{}, nil)
	}
	return ok(Examinations{s.Doctor.Examine(ctx, workspace(ctx))}, nil)
}
