// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/cycle"
	"github.com/gyre-ctem/gyre/internal/discover"
	"github.com/gyre-ctem/gyre/internal/job"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/plugin"
)

// The kinds of jobs.
const (
	kindCycle    = "cycle"    // a turn of the loop
	kindDiscover = "discover" // one source on one target of a cycle, in the target's zone
	kindRetest   = "retest"   // looking at the place of one exposure again
	kindImport   = "import"   // taking a report in that was uploaded
	kindSync     = "sync"     // fetching intelligence
	kindMatch    = "match"    // holding known software against new advisories
	kindScore    = "score"    // recording changes of bands, and the plan
)

// The arguments of jobs.
type (
	cycleArgs    struct{ Cycle gyre.ID }
	discoverArgs struct {
		Cycle, Scope   gyre.ID
		Source, Target string
	}
	retestArgs struct {
		Exposure gyre.ID
		By       string
	}
	importArgs struct{ Upload gyre.ID }
	syncArgs   struct{ Feed string }
	matchArgs  struct{ Before time.Time }
	noArgs     struct{}
)

// kinds are the kinds of work. What a person asks for again while it runs is
// done again, because the running job may be about to end: it does not stand for the new one. Each is written to be begun again: a process may
// be killed at any moment, and another one takes its job over.
func (a *App) kinds() []job.Kind {
	return []job.Kind{
		{Name: kindCycle, Attempts: 3, Parallel: 4, Waiting: 20, Once: job.WhileWaiting, Work: a.workCycle, Dropped: a.dropCycle},
		{Name: kindDiscover, Attempts: 2, Parallel: 8, Waiting: 20_000, Once: job.WhileAlive, Zoned: true, Work: a.workDiscover},
		{Name: kindRetest, Attempts: 3, Parallel: 8, Waiting: 5000, Once: job.WhileWaiting, Zoned: true, Timeout: time.Hour, Work: a.workRetest},
		{Name: kindImport, Attempts: 20, Parallel: 2, Waiting: 1000, Once: job.WhileWaiting, Work: a.workImport, Dropped: a.dropImport},
		{Name: kindSync, Attempts: 3, Parallel: 1, Waiting: 20, Once: job.WhileAlive, Timeout: time.Hour, Work: a.workSync},
		{Name: kindMatch, Attempts: 5, Parallel: 1, Waiting: 20, Once: job.WhileWaiting, Follows: true, Work: a.workMatch},
		{Name: kindScore, Attempts: 5, Parallel: 1, Waiting: 20, Once: job.WhileWaiting, Follows: true, Work: a.workScore},
	}
}

// workCycle goes on with a cycle from where its books say it stands.
func (a *App) workCycle(ctx context.Context, t *job.Task) (any, error) {
	args, err := job.Decode[cycleArgs](t)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	defer context.AfterFunc(ctx, func() {
		if errors.Is(context.Cause(ctx), job.ErrCancelled) {
			stop(cycle.ErrCancelled)
		} else {
			stop(cycle.ErrShutdown)
		}
	})()
	return nil, a.engine.Work(work, t.Workspace, args.Cycle, func(c gyre.Cycle) {
		for i, s := range c.Stages {
			if s.State == "running" {
				t.Progress(i, len(c.Stages), string(s.Stage)+" "+s.Note)
			}
		}
	})
}

// dropCycle closes the books of a cycle that was cancelled before anybody began it.
func (a *App) dropCycle(ctx context.Context, j gyre.Job) error {
	c, err := a.db.Cycle(ctx, j.Workspace, j.Object)
	if err != nil {
		return err
	}
	if c.State != gyre.CycleRunning && c.State != gyre.CycleInterrupted {
		return nil
	}
	c.State, c.Ended = gyre.CycleCancelled, time.Now()
	return a.db.UpdateCycle(ctx, j.Workspace, c)
}

// workDiscover is one run of a cycle, for the process that works the cycle.
func (a *App) workDiscover(ctx context.Context, t *job.Task) (any, error) {
	args, err := job.Decode[discoverArgs](t)
	if err != nil {
		return nil, err
	}
	// An earlier attempt may have ended the run and not come to say so.
	runs, err := a.db.RunsOfCycle(ctx, t.Workspace, args.Cycle)
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		if r.Scope == args.Scope && r.Source == args.Source && r.Target == args.Target && (r.Status == gyre.RunSucceeded || r.Status == gyre.RunPartial) {
			return r, nil
		}
	}
	sc, err := a.db.Scope(ctx, t.Workspace, args.Scope)
	if err != nil {
		return nil, err
	}
	j, ok := a.discover.JobFor(sc, args.Source, args.Target)
	if !ok {
		return nil, gyre.Errorf(gyre.NotFound, "scope %q has no target %q any more", sc.Name, args.Target)
	}
	return a.discover.Run(ctx, t.Workspace, args.Cycle, j, nil, t.Progress)
}

// elsewhere runs one piece of discovery in a process that sits in the target's
// zone, if any does, and waits for it.
func (a *App) elsewhere(ctx context.Context, ws, cycleID gyre.ID, j discover.Job, progress plugin.Progress) (run gyre.Run, done bool, err error) {
	if j.Target.Zone == "" || a.queue.Has(j.Target.Zone) {
		return run, false, nil
	}
	if declared, err := a.queue.Declared(ctx, j.Target.Zone); err != nil || !declared {
		return run, false, err
	}
	args := discoverArgs{Cycle: cycleID, Scope: j.Scope.ID, Source: j.SourceName(), Target: discover.TargetKey(j.Target)}
	added, err := a.queue.Add(ctx, ws, job.Request{
		Kind: kindDiscover, Zone: j.Target.Zone, Actor: "cycle", Object: cycleID, Args: args,
		Name: fmt.Sprintf("%s %s %s %s", args.Cycle, args.Scope, args.Source, args.Target),
	})
	if err != nil {
		return run, true, err
	}
	_, err = a.queue.Follow(ctx, ws, added.ID, &run, func(j gyre.Job) {
		if progress != nil {
			progress(j.Done, j.Total, j.Note)
		}
	})
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), cycle.ErrCancelled) {
		_, _ = a.queue.Cancel(context.WithoutCancel(ctx), ws, added.ID)
	}
	return run, true, err
}

// workRetest looks again. The verdict carries the number of its job, so that an
// attempt whose process died between the two does not judge twice.
func (a *App) workRetest(ctx context.Context, t *job.Task) (any, error) {
	args, err := job.Decode[retestArgs](t)
	if err != nil {
		return nil, err
	}
	known, err := a.db.Verdicts(ctx, t.Workspace, args.Exposure)
	if err != nil {
		return nil, err
	}
	for _, v := range known {
		if v.ID == t.ID {
			return v, a.replan(ctx, t.Workspace)
		}
	}
	v, err := a.validate.ValidateAs(ctx, t.ID, t.Workspace, args.Exposure, args.By)
	if err != nil {
		return nil, err
	}
	return v, a.replan(ctx, t.Workspace)
}

func (a *App) replan(ctx context.Context, ws gyre.ID) error {
	_, err := a.plan.Plan(ctx, ws)
	return err
}

// workSync fetches, and has what is new held against what is known.
func (a *App) workSync(ctx context.Context, t *job.Task) (any, error) {
	args, err := job.Decode[syncArgs](t)
	if err != nil {
		return nil, err
	}
	var names []string
	if args.Feed != "" {
		names = []string{args.Feed}
	}
	status, err := a.intel.SyncNow(ctx, t.Progress, names...)
	if err != nil {
		return nil, err
	}
	changed := t.Again // what an earlier attempt stored is nothing new to this one
	for _, s := range status {
		changed = changed || (s.Error == "" && !s.Unchanged && (args.Feed == "" || s.Name == args.Feed))
	}
	if !changed {
		return nil, nil
	}
	spaces, err := a.db.Workspaces(ctx)
	if err != nil {
		return nil, err
	}
	for _, ws := range spaces {
		if _, err := a.queue.Add(ctx, ws.ID, job.Request{Kind: kindMatch, Actor: "sync", Args: matchArgs{time.Now()}}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// workMatch finds what known software has come to be vulnerable to.
func (a *App) workMatch(ctx context.Context, t *job.Task) (any, error) {
	args, err := job.Decode[matchArgs](t)
	if err != nil {
		return nil, err
	}
	n, err := a.judge.Reconsider(ctx, t.Workspace, 0, args.Before)
	if err != nil {
		return nil, err
	}
	t.Progress(n, n, fmt.Sprintf("%d new exposures", n))
	_, err = a.queue.Add(ctx, t.Workspace, job.Request{Kind: kindScore, Actor: "match", Args: noArgs{}})
	return nil, err
}

// workScore records which exposures came to another band, and plans anew.
func (a *App) workScore(ctx context.Context, t *job.Task) (any, error) {
	n, err := a.engine.Prioritize.Prioritize(ctx, t.Workspace)
	if err != nil {
		return nil, err
	}
	t.Progress(n, n, fmt.Sprintf("%d changed band", n))
	return nil, a.replan(ctx, t.Workspace)
}

// await asks for a job and waits for what it comes to.
func (a *App) await(ctx context.Context, ws gyre.ID, r job.Request, result any) error {
	j, err := a.queue.Add(ctx, ws, r)
	if err != nil {
		return err
	}
	if err := a.queue.Worked(ctx, j.Queue); err != nil {
		return err
	}
	_, err = a.queue.Wait(ctx, ws, j.ID, result)
	return err
}

// addJob asks for a job as the API does.
func (a *App) addJob(ctx context.Context, ws gyre.ID, in gyre.JobInput, actor string) (gyre.Job, error) {
	switch in.Kind {
	case kindCycle:
		c, err := a.engine.Start(ctx, ws, in.Scopes, actor)
		if err != nil {
			return gyre.Job{}, err
		}
		id, err := a.db.JobOfObject(ctx, ws, c.ID)
		if err != nil {
			return gyre.Job{}, err
		}
		return a.queue.Get(ctx, ws, id)
	case kindRetest:
		r, err := a.retest(ctx, ws, in.Exposure, actor)
		if err != nil {
			return gyre.Job{}, err
		}
		return a.queue.Add(ctx, ws, r)
	case kindSync:
		if err := a.checkFeed(ctx, in.Feed); err != nil {
			return gyre.Job{}, err
		}
		return a.queue.Add(ctx, ws, syncOf(in.Feed, actor))
	case kindMatch:
		return a.queue.Add(ctx, ws, job.Request{Kind: kindMatch, Actor: actor, Args: matchArgs{time.Now()}})
	case kindScore:
		return a.queue.Add(ctx, ws, job.Request{Kind: kindScore, Actor: actor, Args: noArgs{}})
	}
	return gyre.Job{}, gyre.FieldErrorf(gyre.Invalid, "kind", "%q is none of cycle, retest, sync, match, score", in.Kind)
}

func syncOf(feed, actor string) job.Request {
	return job.Request{Kind: kindSync, Name: feed, Actor: actor, Args: syncArgs{feed}}
}

func (a *App) checkFeed(ctx context.Context, name string) error {
	if name == "" {
		return nil
	}
	all, err := a.intel.Status(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Name == name {
			return nil
		}
	}
	return gyre.Errorf(gyre.NotFound, "there is no feed %q", name)
}

// retest is the request to look at an exposure again, where its asset is.
func (a *App) retest(ctx context.Context, ws, exposure gyre.ID, by string) (job.Request, error) {
	e, err := a.db.Exposure(ctx, ws, exposure)
	if err != nil {
		return job.Request{}, err
	}
	asset, err := a.db.Asset(ctx, ws, e.Asset)
	if err != nil {
		return job.Request{}, fmt.Errorf("asset of exposure: %w", err)
	}
	return job.Request{
		Kind: kindRetest, Name: exposure.String(), Zone: asset.Zone, Actor: by, Object: exposure, Args: retestArgs{exposure, by},
	}, nil
}

// queueCycle asks for the job that works a cycle, in the transaction that writes the cycle down.
func (a *App) queueCycle(ctx context.Context, tx *store.Tx, c gyre.Cycle) (gyre.ID, error) {
	j, err := a.queue.AddTx(ctx, tx, job.Request{Kind: kindCycle, Name: c.ID.String(), Actor: c.Trigger, Object: c.ID, Args: cycleArgs{c.ID}})
	return j.ID, err
}

// jobsAPI is the queue as the API asks for it.
type jobsAPI struct {
	*job.Queue
	app *App
}

func (j jobsAPI) Add(ctx context.Context, ws gyre.ID, in gyre.JobInput, actor string) (gyre.Job, error) {
	return j.app.addJob(ctx, ws, in, actor)
}
