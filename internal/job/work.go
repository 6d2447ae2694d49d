// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
)

// never is longer than any process lives: who is gone, this package finds out
// itself, and River's own rescuer, which only looks at the age of an attempt,
// must not hand out what a living process works.
const never = 50 * 365 * 24 * time.Hour

// How long jobs that are over are kept.
const (
	keepDone   = 7 * 24 * time.Hour
	keepFailed = 60 * 24 * time.Hour
)

// fetchCooldown is how long a process rests between two looks at a queue when it is told of new jobs.
const fetchCooldown = 20 * time.Millisecond

// hand is the River client that works jobs under one name of this process.
type hand struct {
	client *river.Client[*sql.Tx]
	closer func()
	cancel context.CancelFunc
}

// work starts working what the plan says, if it says anything. It holds no lock
// while it waits for the database, because a transaction may wait for the lock.
func (q *Queue) work(ctx context.Context) error {
	q.mu.Lock()
	self, queues := q.self.ID, q.plan.queues
	idle := len(queues) == 0 || q.closed || q.hand != nil
	q.mu.Unlock()
	if idle {
		return nil
	}
	h, err := q.open(ctx, self, queues)
	if err != nil {
		return err
	}
	q.mu.Lock()
	late := q.closed
	if !late {
		q.hand = h
	}
	q.mu.Unlock()
	if late {
		h.stop(ctx)
	}
	return nil
}

// startLocal starts, once, working what this process itself asks for. The caller
// holds the lock and may be in a transaction, which starting would wait for.
func (q *Queue) startLocal(ctx context.Context) {
	if q.plan.queues != nil {
		return
	}
	parallel := 0
	for _, k := range q.kinds {
		parallel += k.Parallel
	}
	q.plan.queues = map[string]river.QueueConfig{localQueue + q.self.ID.String(): {MaxWorkers: parallel}}
	ctx = context.WithoutCancel(ctx)
	q.wg.Go(func() {
		if err := q.work(ctx); err != nil {
			q.opt.Log.Error("start working jobs", "error", err)
		}
	})
}

func (q *Queue) open(ctx context.Context, self gyre.ID, queues map[string]river.QueueConfig) (*hand, error) {
	driver, closer, err := q.opt.DB.River(ctx, self)
	if err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	for _, k := range q.kinds {
		river.AddWorkerArgs(workers, envelope{kind: k.Name}, &runner{q: q, kind: k, self: self})
	}
	poll := time.Second
	if q.opt.DB.Engine() == store.SQLite {
		poll = 3 * time.Second // each poll waits for the only writer
	}
	client, err := river.NewClient(driver, &river.Config{
		ID: self.String(), Queues: queues, Workers: workers, Logger: quiet(q.opt.Log), FetchCooldown: fetchCooldown,
		JobTimeout: -1, RescueStuckJobsAfter: never, FetchPollInterval: poll, JobStuckThreshold: time.Hour,
		CompletedJobRetentionPeriod: keepDone, CancelledJobRetentionPeriod: keepDone, DiscardedJobRetentionPeriod: keepFailed,
	})
	if err != nil {
		closer()
		return nil, fmt.Errorf("open queue: %w", err)
	}
	// Ending this context would end the client before its jobs had a moment to say how they ended.
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if err := client.Start(run); err != nil {
		cancel()
		closer()
		return nil, fmt.Errorf("start queue: %w", err)
	}
	return &hand{client, closer, cancel}, nil
}

func (h *hand) stop(ctx context.Context) {
	_ = h.client.StopAndCancel(ctx) // what does not end in time is rescued by others
	h.cancel()
	h.closer()
}

// runner works the jobs of one kind. It implements river.Worker.
type runner struct {
	river.WorkerDefaults[envelope]
	q    *Queue
	kind Kind
	self gyre.ID
}

// Timeout implements river.Worker.
func (r *runner) Timeout(*river.Job[envelope]) time.Duration {
	if r.kind.Timeout == 0 {
		return -1
	}
	return r.kind.Timeout
}

// NextRetry implements river.Worker.
func (r *runner) NextRetry(j *river.Job[envelope]) time.Time {
	return time.Now().Add(backOff(j.Attempt))
}

// Work implements river.Worker.
func (r *runner) Work(ctx context.Context, j *river.Job[envelope]) error {
	// The work learns why it is to end in this package's words, not in River's.
	parent := ctx
	ctx, cancel := context.WithCancelCause(store.Held(context.WithoutCancel(parent), r.self))
	defer cancel(nil)
	defer context.AfterFunc(parent, func() { cancel(whyEnded(parent)) })()

	t := &Task{ID: gyre.ID(j.ID), Workspace: j.Args.Workspace, Kind: r.kind.Name, Attempt: j.Attempt, Again: j.Attempt > 1 || rescues(j.JobRow) > 0, args: j.Args.Args, q: r.q}
	stop := t.keepProgress(ctx)
	result, err := r.kind.Work(ctx, t)
	stop()
	if err == nil && result != nil {
		err = r.keep(ctx, t, result)
	}
	log := r.q.opt.Log.With("job", t.ID, "kind", t.Kind, "attempt", j.Attempt)
	var wait later
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), ErrCancelled):
		return river.JobCancel(ErrCancelled)
	case errors.Is(context.Cause(ctx), ErrStopping):
		return context.Canceled // River puts it back as it was
	case errors.As(err, &wait):
		return river.JobSnooze(wait.wait)
	case permanent(err):
		j.MaxAttempts = j.Attempt // which makes it a dead letter
		failure := &gyre.Error{Code: gyre.ErrorCode(err), Message: err.Error()}
		if e, ok := errors.AsType[*gyre.Error](err); ok {
			failure.Message, failure.Field = e.Message, e.Field
		}
		if err := r.keep(ctx, t, map[string]any{"Failure": failure}); err != nil {
			log.Warn("keep why a job failed", "error", err)
		}
	}
	if j.Attempt >= j.MaxAttempts {
		log.Error("job failed for good; 'gyre job retry' runs it again", "error", err)
	} else {
		log.Warn("job failed and will be tried again", "error", err)
	}
	return err
}

func (r *runner) keep(ctx context.Context, t *Task, result any) error {
	b, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("encode result of job: %w", err)
	}
	return r.q.opt.DB.SaveJobResult(ctx, t.Workspace, t.ID, string(b))
}

// whyEnded translates why River ended a context.
func whyEnded(ctx context.Context) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, rivertype.ErrJobCancelledRemotely):
		return ErrCancelled
	case errors.Is(cause, context.DeadlineExceeded):
		return gyre.Errorf(gyre.Unavailable, "took longer than a job of its kind may")
	}
	return ErrStopping
}

// Task is a job in the hand of its work.
type Task struct {
	ID, Workspace gyre.ID
	Kind          string
	Attempt       int
	Again         bool // an earlier attempt, or a process that is gone, may have done part of it
	args          json.RawMessage
	q             *Queue

	mu          sync.Mutex
	changed     bool
	done, total int
	note        string
}

// progressEvery bounds how often progress is written.
const progressEvery = 500 * time.Millisecond

// Progress says how far the work is. It is a plugin.Progress: cheap, and it never waits.
func (t *Task) Progress(done, total int, note string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done, t.total, t.note, t.changed = done, total, note, true
}

func (t *Task) keepProgress(ctx context.Context) (stop func()) {
	ended, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				t.saveProgress(context.WithoutCancel(ctx))
				return
			case <-tick.C:
				t.saveProgress(ctx)
			}
		}
	}()
	return func() {
		close(ended)
		<-finished
	}
}

func (t *Task) saveProgress(ctx context.Context) {
	t.mu.Lock()
	changed, done, total, note := t.changed, t.done, t.total, t.note
	t.changed = false
	t.mu.Unlock()
	if !changed {
		return
	}
	if err := t.q.opt.DB.SaveProgress(ctx, t.ID, done, total, note); err != nil && ctx.Err() == nil {
		t.q.opt.Log.Warn("save progress of job", "job", t.ID, "error", err)
	}
}
