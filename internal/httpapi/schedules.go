// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
)

func (s *server) registerSchedules(api huma.API) {
	add(s, api, "list-schedules", http.MethodGet, "/schedules", "List what is done again and again", s.listSchedules)
	add(s, api, "create-schedule", http.MethodPost, "/schedules", "Have a cycle or a sync done again and again", s.createSchedule, status(http.StatusCreated))
	add(s, api, "get-schedule", http.MethodGet, "/schedules/{id}", "A schedule, and what became of its last time", s.getSchedule)
	add(s, api, "patch-schedule", http.MethodPatch, "/schedules/{id}", "Pause or resume a schedule, or give it another time", s.patchSchedule)
	add(s, api, "delete-schedule", http.MethodDelete, "/schedules/{id}", "Delete a schedule; jobs that it asked for stay", s.deleteSchedule)
}

func (s *server) listSchedules(ctx context.Context, _ *nothing) (*reply[ScheduleList], error) {
	all, err := s.Schedules.Schedules(ctx, workspace(ctx))
	return ok(ScheduleList{all}, err)
}

func (s *server) getSchedule(ctx context.Context, in *ByID) (*reply[gyre.Schedule], error) {
	return ok(s.Schedules.Schedule(ctx, workspace(ctx), in.ID.ID))
}

func (s *server) createSchedule(ctx context.Context, in *with[gyre.ScheduleInput]) (*reply[gyre.Schedule], error) {
	sc, err := s.Schedules.Create(ctx, workspace(ctx), in.Body, actor(ctx))
	note(ctx).details = in.Body.Name
	if err == nil {
		note(ctx).object = sc.ID.String()
	}
	return ok(sc, inBody(err))
}

func (s *server) patchSchedule(ctx context.Context, in *struct {
	ByID
	Body gyre.SchedulePatch
},
) (*reply[gyre.Schedule], error) {
	sc, err := s.Schedules.Patch(ctx, workspace(ctx), in.ID.ID, in.Body)
	note(ctx).details = sc.Name
	return ok(sc, inBody(err))
}

func (s *server) deleteSchedule(ctx context.Context, in *ByID) (*nothing, error) {
	return nil, s.Schedules.Delete(ctx, workspace(ctx), in.ID.ID)
}

// ScheduleList is the schedules by name.
type ScheduleList struct {
	Items []gyre.Schedule `json:"items"`
}
