// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
)

func (s *server) registerJobs(api huma.API) {
	add(s, api, "list-jobs", http.MethodGet, "/jobs", "List jobs, newest first", s.listJobs)
	add(s, api, "add-job", http.MethodPost, "/jobs", "Ask for a job and do not wait for it", s.addJob, status(http.StatusAccepted))
	add(s, api, "get-job", http.MethodGet, "/jobs/{id}", "A job, how far it is and why it failed", s.getJob)
	add(s, api, "cancel-job", http.MethodPost, "/jobs/{id}/cancel", "Stop a job", s.cancelJob, status(http.StatusAccepted))
	add(s, api, "retry-job", http.MethodPost, "/jobs/{id}/retry", "Run a job again that failed for good or was cancelled", s.retryJob, status(http.StatusAccepted))
	add(s, api, "list-workers", http.MethodGet, "/workers", "The processes that share the database, and what they work", s.listWorkers)
}

func (s *server) listJobs(ctx context.Context, in *struct {
	PageQuery
	State []gyre.JobState `query:"state" maxItems:"7" doc:"Only jobs in these states, separated by commas"`
	Kind  string          `query:"kind" maxLength:"40" doc:"Only jobs of this kind"`
},
) (*reply[JobList], error) {
	items, next, err := pageOf(in.PageQuery, func(before gyre.ID, limit int) ([]gyre.Job, error) {
		return s.Jobs.List(ctx, workspace(ctx), in.State, in.Kind, before, limit)
	}, func(j gyre.Job) gyre.ID { return j.ID })
	return ok(JobList{items, next}, err)
}

func (s *server) addJob(ctx context.Context, in *with[gyre.JobInput]) (*reply[gyre.Job], error) {
	j, err := s.Jobs.Add(ctx, workspace(ctx), in.Body, actor(ctx))
	note(ctx).object, note(ctx).details = j.ID.String(), in.Body.Kind
	return ok(j, inBody(err))
}

func (s *server) getJob(ctx context.Context, in *ByID) (*reply[gyre.Job], error) {
	return ok(s.Jobs.Get(ctx, workspace(ctx), in.ID.ID))
}

func (s *server) cancelJob(ctx context.Context, in *ByID) (*reply[gyre.Job], error) {
	return ok(s.Jobs.Cancel(ctx, workspace(ctx), in.ID.ID))
}

func (s *server) retryJob(ctx context.Context, in *ByID) (*reply[gyre.Job], error) {
	return ok(s.Jobs.Retry(ctx, workspace(ctx), in.ID.ID))
}

func (s *server) listWorkers(ctx context.Context, _ *nothing) (*reply[WorkerList], error) {
	all, err := s.Jobs.Workers(ctx)
	return ok(WorkerList{all}, err)
}

// JobList is one page of jobs.
type JobList struct {
	Items []gyre.Job `json:"items"`
	Next  string     `json:"next,omitempty" doc:"Cursor of the next page; empty on the last"`
}

// WorkerList is the processes that share the database.
type WorkerList struct {
	Items []gyre.Worker `json:"items"`
}
