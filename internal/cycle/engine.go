// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package cycle turns the loop: it runs the stages over a workspace's scopes,
// one cycle at a time, and keeps the cycle's books (what it started with, what
// it ended with, how long each stage took).
//
// Each stage is an interface that this package declares; internal/app wires
// them. Everything the engine knows is in the store at every moment, so a
// killed process leaves an interrupted cycle that Resume continues: finished
// runs are not run again.
package cycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Store keeps cycles.
type Store interface {
	CreateCycle(ctx context.Context, ws gyre.ID, c gyre.Cycle) (gyre.Cycle, error) // assigns Number; gyre.Conflict while another one runs
	UpdateCycle(ctx context.Context, ws gyre.ID, c gyre.Cycle) error
	ReopenCycle(ctx context.Context, ws gyre.ID, c gyre.Cycle) error // UpdateCycle of one that is to be worked on
	Cycle(ctx context.Context, ws, id gyre.ID) (gyre.Cycle, error)
	Scopes(ctx context.Context, ws gyre.ID) ([]gyre.Scope, error)
	RunsOfCycle(ctx context.Context, ws, cycle gyre.ID) ([]gyre.Run, error)
	ExpireExceptions(ctx context.Context, ws gyre.ID, now time.Time) (int, error)
	Tally(ctx context.Context, ws gyre.ID) (gyre.Tally, error)
}

// Job is one piece of discovery.
type Job interface {
	SourceName() string
	TargetName() string
	ScopeID() gyre.ID
}

// Discoverer is the discover stage.
type Discoverer interface {
	Jobs(scopes []gyre.Scope) []Job
	Run(ctx context.Context, ws, cycle gyre.ID, j Job, progress plugin.Progress) (gyre.Run, error)
}

// Identifier is the identify stage: it judges what one run learned.
type Identifier interface {
	Identify(ctx context.Context, ws gyre.ID, run gyre.Run) (gyre.Run, error)
	// Reconsider holds software last seen before a time against the intelligence
	// of now and returns how many new exposures that brought to light.
	Reconsider(ctx context.Context, ws, cycle gyre.ID, before time.Time) (int, error)
}

// Prioritizer is the prioritize stage: it records changes of risk bands.
type Prioritizer interface {
	Prioritize(ctx context.Context, ws gyre.ID) (changed int, err error)
}

// Remediator is the remediate stage: it groups exposures into actions.
type Remediator interface {
	Plan(ctx context.Context, ws gyre.ID) (actions int, err error)
}

// Validator is the validate stage: it retests what people claim to have fixed.
type Validator interface {
	ValidateClaims(ctx context.Context, ws gyre.ID, progress plugin.Progress) (fixed, standing int, err error)
}

// IntelSync fetches intelligence that has become old; failures are in the feeds' status.
type IntelSync func(ctx context.Context, progress plugin.Progress)

// Engine runs cycles.
type Engine struct {
	Store       Store
	Discover    Discoverer
	Identify    Identifier
	Prioritize  Prioritizer
	Remediate   Remediator
	Validate    Validator
	SyncIntel   IntelSync
	Log         *slog.Logger
	Now         func() time.Time
	Parallelism int // runs at once; 0 is 4
	// Queued: Start and Resume only write a cycle down. The store has it worked by
	// whoever calls Work, in this process or another one.
	Queued bool

	mu       sync.Mutex
	running  map[gyre.ID]context.CancelCauseFunc // by cycle
	wg       sync.WaitGroup
	closed   bool
	watchers map[chan gyre.Cycle]gyre.ID // workspace of each
}

// Why the context of a cycle ended: what was cancelled stays so, and what a
// shutdown interrupted is resumed.
var (
	ErrCancelled = errors.New("cancelled")
	ErrShutdown  = errors.New("the server is shutting down")
)

// Start creates a cycle over the named scopes (none: all) and runs it in the
// background. It is gyre.Conflict while another cycle of the workspace runs and
// gyre.Invalid when there is no scope.
func (e *Engine) Start(ctx context.Context, ws gyre.ID, scopes []gyre.ID, trigger string) (gyre.Cycle, error) {
	c, err := e.Prepare(ctx, ws, scopes, trigger)
	if err != nil {
		return gyre.Cycle{}, err
	}
	c, err = e.Store.CreateCycle(ctx, ws, c)
	if err != nil {
		return gyre.Cycle{}, err
	}
	return c, e.launch(ctx, ws, c)
}

// Prepare is a cycle that is not in the store yet: for who stores it with other things.
func (e *Engine) Prepare(ctx context.Context, ws gyre.ID, scopes []gyre.ID, trigger string) (gyre.Cycle, error) {
	if _, err := e.scopes(ctx, ws, scopes); err != nil {
		return gyre.Cycle{}, err
	}
	c := gyre.Cycle{
		ID: gyre.NewID(), Workspace: ws, State: gyre.CycleRunning, Scopes: scopes, Trigger: trigger, Started: e.Now(),
	}
	for _, s := range gyre.Stages {
		c.Stages = append(c.Stages, gyre.CycleStage{Stage: s, State: stageWaiting})
	}
	before, err := e.Store.Tally(ctx, ws)
	if err != nil {
		return gyre.Cycle{}, fmt.Errorf("tally before cycle: %w", err)
	}
	c.Before = before
	return c, nil
}

// Resume continues an interrupted, failed or cancelled cycle: stages start
// again, but runs that ended well are not run again.
func (e *Engine) Resume(ctx context.Context, ws, id gyre.ID) (gyre.Cycle, error) {
	c, err := e.Store.Cycle(ctx, ws, id)
	if err != nil {
		return c, err
	}
	switch c.State {
	case gyre.CycleRunning, gyre.CycleFinished:
		return c, gyre.Errorf(gyre.Conflict, "cycle %d is %s; only an interrupted, failed or cancelled one can be resumed", c.Number, c.State)
	}
	if _, err := e.scopes(ctx, ws, c.Scopes); err != nil {
		return c, err
	}
	reopen(&c)
	if err := e.Store.ReopenCycle(ctx, ws, c); err != nil {
		return c, err
	}
	return c, e.launch(ctx, ws, c)
}

// reopen makes the stages that are not done wait again.
func reopen(c *gyre.Cycle) {
	c.State, c.Error, c.Ended = gyre.CycleRunning, "", time.Time{}
	for i := range c.Stages {
		if c.Stages[i].State != stageDone {
			c.Stages[i] = gyre.CycleStage{Stage: c.Stages[i].Stage, State: stageWaiting}
		}
	}
}

// Work works a cycle to its end: a new one, or one that another process left
// anywhere. A cycle that is over already is none of its business. When ctx ends,
// its cause says whether the cycle is cancelled (ErrCancelled) or interrupted. An
// error says that the cycle is not over.
func (e *Engine) Work(ctx context.Context, ws, id gyre.ID, tell func(gyre.Cycle)) error {
	c, err := e.Store.Cycle(ctx, ws, id)
	if err != nil {
		return err
	}
	if c.State == gyre.CycleFinished || c.State == gyre.CycleCancelled {
		return nil
	}
	reopen(&c)
	if err := e.Store.UpdateCycle(ctx, ws, c); err != nil {
		return err
	}
	return e.run(ctx, ws, c, tell)
}

// Cancel stops a running cycle; the cycle ends within two seconds.
func (e *Engine) Cancel(ctx context.Context, ws, id gyre.ID) error {
	c, err := e.Store.Cycle(ctx, ws, id)
	if err != nil {
		return err
	}
	e.mu.Lock()
	stop := e.running[c.ID]
	e.mu.Unlock()
	if stop == nil {
		return gyre.Errorf(gyre.Conflict, "cycle %d is %s, not running here", c.Number, c.State)
	}
	stop(ErrCancelled)
	return nil
}

// Close stops running cycles, leaving them interrupted, and waits for them.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	for _, stop := range e.running {
		stop(ErrShutdown)
	}
	e.mu.Unlock()
	e.wg.Wait()
}

// Watch tells of the progress of a workspace's cycles. A cycle that nobody took
// is replaced by its newer state. The returned function ends it.
func (e *Engine) Watch(ws gyre.ID) (<-chan gyre.Cycle, func()) {
	ch := make(chan gyre.Cycle, 1)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.watchers == nil {
		e.watchers = map[chan gyre.Cycle]gyre.ID{}
	}
	e.watchers[ch] = ws
	return ch, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.watchers, ch)
	}
}

func (e *Engine) tell(ws gyre.ID, c gyre.Cycle) {
	c.Stages = slices.Clone(c.Stages)
	e.mu.Lock()
	defer e.mu.Unlock()
	for ch, of := range e.watchers {
		if of != ws {
			continue
		}
		select {
		case <-ch: // older, not taken
		default:
		}
		ch <- c
	}
}

func (e *Engine) launch(ctx context.Context, ws gyre.ID, c gyre.Cycle) error {
	if e.Queued {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		// It is in the store already, and would hold up the next one.
		c.State, c.Error, c.Ended = gyre.CycleInterrupted, ErrShutdown.Error(), e.Now()
		if err := e.Store.UpdateCycle(ctx, ws, c); err != nil {
			return fmt.Errorf("interrupt cycle: %w", err)
		}
		return gyre.Errorf(gyre.Unavailable, "%w", ErrShutdown)
	}
	if e.running == nil {
		e.running = map[gyre.ID]context.CancelCauseFunc{}
	}
	ctx, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	e.running[c.ID] = stop
	e.wg.Go(func() {
		defer func() {
			e.mu.Lock()
			delete(e.running, c.ID)
			e.mu.Unlock()
			stop(nil)
		}()
		_ = e.run(ctx, ws, c, nil) // the books say it
	})
	return nil
}

func (e *Engine) scopes(ctx context.Context, ws gyre.ID, want []gyre.ID) ([]gyre.Scope, error) {
	all, err := e.Store.Scopes(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("list scopes: %w", err)
	}
	if len(all) == 0 {
		return nil, gyre.Errorf(gyre.Invalid, "there is no scope yet: add one with 'gyre scope add', or on the Scopes page")
	}
	if len(want) == 0 {
		return all, nil
	}
	var picked []gyre.Scope
	for _, id := range want {
		found := false
		for _, s := range all {
			if s.ID == id {
				picked, found = append(picked, s), true
			}
		}
		if !found {
			return nil, gyre.Errorf(gyre.NotFound, "there is no scope %s", id)
		}
	}
	return picked, nil
}
