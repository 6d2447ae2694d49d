// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cycle

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// States of a stage.
const (
	stageWaiting   = "waiting"
	stageRunning   = "running"
	stageDone      = "done"
	stageFailed    = "failed"
	stageCancelled = "cancelled"
)

// identifySource is the Source of runs that judge another run, whose ID is their Target.
const identifySource = "identify"

// saveEvery bounds how often progress inside a stage is written.
const saveEvery = 250 * time.Millisecond

// turn is one cycle while it runs.
type turn struct {
	*Engine
	ws   gyre.ID
	also func(gyre.Cycle) // is told what watchers are told; may be nil

	mu    sync.Mutex
	c     gyre.Cycle
	saved time.Time
}

func (e *Engine) run(ctx context.Context, ws gyre.ID, c gyre.Cycle, also func(gyre.Cycle)) error {
	t := &turn{Engine: e, ws: ws, c: c, also: also}
	log := e.Log.With("cycle", c.Number)
	log.Info("cycle started", "trigger", c.Trigger)
	err := t.stages(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	// The books are closed also when the cycle was stopped.
	ctx = context.WithoutCancel(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.c.State, t.c.Error = endState(err)
	t.c.Ended = e.Now()
	if after, tallyErr := e.Store.Tally(ctx, ws); tallyErr == nil {
		t.c.After = after
	} else {
		log.Error("tally after cycle", "error", tallyErr)
	}
	if runs, runsErr := e.Store.RunsOfCycle(ctx, ws, c.ID); runsErr == nil {
		t.c.Created, t.c.Reopened, t.c.Closed = 0, 0, 0
		for _, r := range runs {
			t.c.Created += r.Counts.Created
			t.c.Reopened += r.Counts.Reopened
			t.c.Closed += r.Counts.Closed
		}
	} else {
		log.Error("count runs of cycle", "error", runsErr)
	}
	if closeErr := e.Store.UpdateCycle(ctx, ws, t.c); closeErr != nil {
		log.Error("close cycle", "error", closeErr)
		return errors.Join(err, closeErr)
	}
	e.tell(ws, t.c)
	if t.c.Error != "" {
		log = log.With("error", t.c.Error)
	}
	log.Info("cycle ended", "state", t.c.State, "risk_before", math.Round(t.c.Before.Risk), "risk_after", math.Round(t.c.After.Risk),
		"created", t.c.Created, "closed", t.c.Closed, "reopened", t.c.Reopened, "took", t.c.Ended.Sub(t.c.Started).Round(time.Millisecond))
	return err
}

func endState(err error) (gyre.CycleState, string) {
	switch {
	case err == nil:
		return gyre.CycleFinished, ""
	case errors.Is(err, ErrCancelled):
		return gyre.CycleCancelled, ""
	case errors.Is(err, ErrShutdown):
		return gyre.CycleInterrupted, ErrShutdown.Error()
	}
	return gyre.CycleFailed, err.Error()
}

func (t *turn) stages(ctx context.Context) error {
	if _, err := t.Store.ExpireExceptions(ctx, t.ws, t.Now()); err != nil {
		return fmt.Errorf("expire exceptions: %w", err)
	}
	work := map[gyre.Stage]func(context.Context, plugin.Progress) (string, error){
		gyre.StageDiscover:   t.discover,
		gyre.StageIdentify:   t.identify,
		gyre.StagePrioritize: t.prioritize,
		gyre.StageRemediate:  t.remediate,
		gyre.StageValidate:   t.validate,
	}
	for i, stage := range gyre.Stages {
		if t.c.Stages[i].State == stageDone {
			continue // resumed
		}
		if err := t.stage(ctx, i, work[stage]); err != nil {
			return fmt.Errorf("%s: %w", stage, err)
		}
	}
	return nil
}

func (t *turn) stage(ctx context.Context, i int, work func(context.Context, plugin.Progress) (string, error)) error {
	t.update(ctx, true, func(c *gyre.Cycle) { c.Stages[i].State, c.Stages[i].Started = stageRunning, t.Now() })
	note, err := work(ctx, func(done, total int, note string) {
		t.update(ctx, false, func(c *gyre.Cycle) {
			s := &c.Stages[i]
			s.Done, s.Total, s.Note = done, total, note
		})
	})
	t.update(context.WithoutCancel(ctx), true, func(c *gyre.Cycle) {
		s := &c.Stages[i]
		s.Ended, s.State, s.Note = t.Now(), stageDone, note
		switch {
		case ctx.Err() != nil:
			s.State = stageCancelled
		case err != nil:
			s.State, s.Note = stageFailed, err.Error()
		}
	})
	return err
}

func (t *turn) update(ctx context.Context, now bool, change func(*gyre.Cycle)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.c)
	if !now && time.Since(t.saved) < saveEvery {
		return
	}
	t.saved = time.Now()
	t.tell(t.ws, t.c)
	if t.also != nil {
		t.also(t.c)
	}
	if err := t.Store.UpdateCycle(ctx, t.ws, t.c); err != nil && ctx.Err() == nil {
		t.Log.Warn("save progress of cycle", "cycle", t.c.Number, "error", err)
	}
}

func (t *turn) discover(ctx context.Context, progress plugin.Progress) (string, error) {
	scopes, err := t.scopes(ctx, t.ws, t.c.Scopes)
	if err != nil {
		return "", err
	}
	jobs := t.Discover.Jobs(scopes)
	finished, err := t.finishedRuns(ctx)
	if err != nil {
		return "", err
	}
	var mu sync.Mutex
	done, failed, notes := 0, 0, map[int]string{}
	tell := func(i int, note string) {
		mu.Lock()
		defer mu.Unlock()
		notes[i] = note
		progress(done, len(jobs), note)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(t.parallelism())
	for i, j := range jobs {
		if finished[runKey{j.ScopeID(), j.SourceName(), j.TargetName()}] {
			mu.Lock() // earlier ones are running already
			done++
			mu.Unlock()
			continue
		}
		g.Go(func() error {
			name := j.SourceName() + " " + j.TargetName()
			tell(i, name)
			run, err := t.Discover.Run(gctx, t.ws, t.c.ID, j, func(d, total int, note string) {
				if total > 0 {
					note = fmt.Sprintf("%s: %d of %d %s", name, d, total, note)
				} else {
					note = name + ": " + note
				}
				tell(i, note)
			})
			mu.Lock()
			done++
			if run.Status != gyre.RunSucceeded {
				failed++
			}
			mu.Unlock()
			tell(i, name)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	if failed > 0 {
		return fmt.Sprintf("%s, %d of them not complete", count(len(jobs), "run"), failed), nil
	}
	return count(len(jobs), "run"), nil
}

type runKey struct {
	scope          gyre.ID
	source, target string
}

// finishedRuns lists the discover runs of this cycle that need not run again.
func (t *turn) finishedRuns(ctx context.Context) (map[runKey]bool, error) {
	runs, err := t.Store.RunsOfCycle(ctx, t.ws, t.c.ID)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	finished := map[runKey]bool{}
	for _, r := range runs {
		if r.Status == gyre.RunSucceeded || r.Status == gyre.RunPartial {
			finished[runKey{r.Scope, r.Source, r.Target}] = true
		}
	}
	return finished, nil
}

func (t *turn) identify(ctx context.Context, progress plugin.Progress) (string, error) {
	// After discovery, because feeds fetch what the estate has components of.
	if t.SyncIntel != nil {
		t.SyncIntel(ctx, func(_, _ int, note string) { progress(0, 0, note) })
		if err := ctx.Err(); err != nil {
			return "", err
		}
	}
	runs, err := t.Store.RunsOfCycle(ctx, t.ws, t.c.ID)
	if err != nil {
		return "", fmt.Errorf("list runs: %w", err)
	}
	judged := map[string]bool{}
	var todo []gyre.Run
	for _, r := range runs {
		if r.Source == identifySource && r.Status == gyre.RunSucceeded {
			judged[r.Target] = true
		}
	}
	for _, r := range runs {
		learned := r.Status == gyre.RunSucceeded || r.Status == gyre.RunPartial || r.Status == gyre.RunFailed
		if r.Source != identifySource && learned && !judged[r.ID.String()] {
			todo = append(todo, r)
		}
	}
	findings := 0
	for i, r := range todo {
		progress(i, len(todo), r.Source+" "+r.Target)
		judgement, err := t.Identify.Identify(ctx, t.ws, r)
		if err != nil {
			return "", fmt.Errorf("judge run %s of %s: %w", r.ID, r.Source, err)
		}
		findings += judgement.Counts.Findings
	}
	// What this cycle did not look at may have come to be known as vulnerable.
	progress(len(todo), len(todo), "software that is known already")
	late, err := t.Identify.Reconsider(ctx, t.ws, t.c.ID, t.c.Started)
	if err != nil {
		return "", err
	}
	progress(len(todo), len(todo), "")
	return fmt.Sprintf("%d sightings of exposures", findings+late), nil
}

func (t *turn) prioritize(ctx context.Context, _ plugin.Progress) (string, error) {
	n, err := t.Prioritize.Prioritize(ctx, t.ws)
	return count(n, "exposure") + " changed band", err
}

func (t *turn) remediate(ctx context.Context, _ plugin.Progress) (string, error) {
	n, err := t.Remediate.Plan(ctx, t.ws)
	return count(n, "action"), err
}

func (t *turn) validate(ctx context.Context, progress plugin.Progress) (string, error) {
	fixed, standing, err := t.Validate.ValidateClaims(ctx, t.ws, progress)
	if err != nil {
		return "", err
	}
	if fixed+standing == 0 {
		return "no claimed fix to retest", nil
	}
	// What the retests closed changes what is left to do.
	if _, err := t.Remediate.Plan(ctx, t.ws); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d claimed fixes proven, %d not", fixed, standing), nil
}

func (e *Engine) parallelism() int {
	if e.Parallelism > 0 {
		return e.Parallelism
	}
	return 4
}

// count writes a number with its noun, in the plural but for one.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
