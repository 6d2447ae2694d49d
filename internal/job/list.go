// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/gyre-ctem/gyre"
)

// Get reads one job.
func (q *Queue) Get(ctx context.Context, ws, id gyre.ID) (gyre.Job, error) {
	j, err := q.opt.DB.Job(ctx, ws, id)
	if err != nil {
		return j, err
	}
	all, err := q.fill(ctx, []gyre.Job{j})
	if err != nil {
		return j, err
	}
	if len(all) == 0 {
		return j, gyre.Errorf(gyre.NotFound, "job %s is over and no longer kept", id)
	}
	return all[0], nil
}

// List lists jobs, newest first: those in the given states and of the given
// kind, none of either is all; and only such as are older than before, unless that is 0.
func (q *Queue) List(ctx context.Context, ws gyre.ID, states []gyre.JobState, kind string, before gyre.ID, limit int) ([]gyre.Job, error) {
	for _, s := range states {
		if !slices.Contains(gyre.JobStates, s) {
			return nil, gyre.FieldErrorf(gyre.Invalid, "state", "%q is none of %v", s, gyre.JobStates)
		}
	}
	all, err := q.opt.DB.Jobs(ctx, ws, riverStates(states), kind, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return q.fill(ctx, all)
}

// fill adds what River knows of jobs, and leaves out what River has forgotten.
func (q *Queue) fill(ctx context.Context, all []gyre.Job) ([]gyre.Job, error) {
	if len(all) == 0 {
		return nil, nil
	}
	ids := make([]int64, len(all))
	for i, j := range all {
		ids[i] = int64(j.ID)
	}
	res, err := q.client.JobList(ctx, river.NewJobListParams().IDs(ids...).First(len(ids)))
	if err != nil {
		return nil, fmt.Errorf("read jobs of the queue: %w", err)
	}
	rows := map[int64]*rivertype.JobRow{}
	for _, r := range res.Jobs {
		rows[r.ID] = r
	}
	kept := all[:0]
	for _, j := range all {
		if r := rows[int64(j.ID)]; r != nil {
			complete(&j, r)
			kept = append(kept, j)
		}
	}
	return kept, nil
}

// complete adds to a job what River knows of it.
func complete(j *gyre.Job, r *rivertype.JobRow) {
	j.State, j.Queue, j.Attempt, j.Attempts = stateOf(r.State), r.Queue, r.Attempt, r.MaxAttempts
	j.Worker, j.Rescued = workerOf(r), rescues(r)
	if r.AttemptedAt != nil {
		j.Started = r.AttemptedAt.UTC()
	}
	if r.FinalizedAt != nil {
		j.Ended = r.FinalizedAt.UTC()
	}
	if !j.State.Ended() && j.State != gyre.JobRunning {
		j.Next = r.ScheduledAt.UTC()
	}
	j.Errors = nil
	for _, e := range r.Errors {
		j.Errors = append(j.Errors, gyre.JobError{At: e.At.UTC(), Attempt: e.Attempt, Text: e.Error})
	}
}

// Cancel stops a job: one that waits at once, one that runs as soon as its work
// notices. It is gyre.Conflict when the job is over.
func (q *Queue) Cancel(ctx context.Context, ws, id gyre.ID) (gyre.Job, error) {
	j, err := q.Get(ctx, ws, id)
	if err != nil {
		return j, err
	}
	if j.State.Ended() {
		return j, gyre.Errorf(gyre.Conflict, "job %s is %s", id, j.State)
	}
	r, err := q.client.JobCancel(ctx, int64(id))
	if err != nil {
		return j, notFound(err, id)
	}
	before := j.State
	complete(&j, r)
	if dropped := q.kinds[j.Kind].Dropped; dropped != nil && j.State == gyre.JobCancelled && before != gyre.JobRunning {
		return j, dropped(ctx, j)
	}
	return j, nil
}

// Retry runs a dead letter or a cancelled job again, or one that waits for its
// next attempt right now.
func (q *Queue) Retry(ctx context.Context, ws, id gyre.ID) (gyre.Job, error) {
	j, err := q.Get(ctx, ws, id)
	if err != nil {
		return j, err
	}
	switch j.State {
	case gyre.JobFailed, gyre.JobCancelled, gyre.JobRetrying, gyre.JobScheduled:
	default:
		return j, gyre.Errorf(gyre.Conflict, "job %s is %s; what failed or was cancelled can be run again", id, j.State)
	}
	r, err := q.client.JobRetry(ctx, int64(id))
	if err != nil {
		return j, notFound(err, id)
	}
	complete(&j, r)
	return j, nil
}

func notFound(err error, id gyre.ID) error {
	if errors.Is(err, rivertype.ErrNotFound) {
		return gyre.Errorf(gyre.NotFound, "job %s is over and no longer kept", id)
	}
	return err
}

// Wait is Follow without a follower.
func (q *Queue) Wait(ctx context.Context, ws, id gyre.ID, result any) (gyre.Job, error) {
	return q.Follow(ctx, ws, id, result, func(gyre.Job) {})
}

// Follow waits until a job is over and reads what it came to into result, which
// may be nil. A dead letter is the error that it died of, and a cancelled job an error too.
func (q *Queue) Follow(ctx context.Context, ws, id gyre.ID, result any, tell func(gyre.Job)) (gyre.Job, error) {
	wait := 20 * time.Millisecond
	for {
		j, err := q.Get(ctx, ws, id)
		if err != nil {
			return j, err
		}
		tell(j)
		switch j.State {
		case gyre.JobDone:
			if result == nil {
				return j, nil
			}
			text, err := q.opt.DB.JobResult(ctx, ws, id)
			if err == nil {
				err = json.Unmarshal([]byte(text), result)
			}
			return j, err
		case gyre.JobFailed:
			return j, q.died(ctx, j)
		case gyre.JobCancelled:
			return j, gyre.Errorf(gyre.Conflict, "job %s was cancelled", id)
		}
		select {
		case <-ctx.Done():
			return j, ctx.Err()
		case <-time.After(wait):
			wait = min(wait*2, 250*time.Millisecond)
		}
	}
}

// died is what a dead letter died of.
func (q *Queue) died(ctx context.Context, j gyre.Job) error {
	var of struct{ Failure *gyre.Error }
	if text, err := q.opt.DB.JobResult(ctx, j.Workspace, j.ID); err == nil && json.Unmarshal([]byte(text), &of) == nil && of.Failure != nil {
		return of.Failure
	}
	return gyre.Errorf(gyre.Unavailable, "job %s failed: %s", j.ID, lastError(j))
}

func lastError(j gyre.Job) string {
	if len(j.Errors) == 0 {
		return "it said nothing"
	}
	return j.Errors[len(j.Errors)-1].Text
}
