// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
)

func (s *server) registerRuns(api huma.API) {
	add(s, api, "list-runs", http.MethodGet, "/runs", "List runs, newest first", s.listRuns)
	add(s, api, "get-run", http.MethodGet, "/runs/{id}", "A run", s.getRun)
}

func (s *server) listRuns(ctx context.Context, in *struct {
	PageQuery
	Cycle pathID `query:"cycle" doc:"Only the runs of this cycle, oldest first"`
},
) (*reply[RunList], error) {
	if in.Cycle.ID != 0 {
		all, err := s.History.RunsOfCycle(ctx, workspace(ctx), in.Cycle.ID)
		return ok(RunList{Items: all}, err)
	}
	items, next, err := pageOf(in.PageQuery, func(before gyre.ID, limit int) ([]gyre.Run, error) {
		return s.History.Runs(ctx, workspace(ctx), before, limit)
	}, func(r gyre.Run) gyre.ID { return r.ID })
	return ok(RunList{items, next}, err)
}

func (s *server) getRun(ctx context.Context, in *ByID) (*reply[gyre.Run], error) {
	return ok(s.History.Run(ctx, workspace(ctx), in.ID.ID))
}
