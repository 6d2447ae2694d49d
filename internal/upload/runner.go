// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package upload

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Runner processes uploads in this process, those of one workspace one after
// the other, and again, ever more slowly, when the database gives way. Make it with NewRunner.
type Runner struct {
	process func(ctx context.Context, ws, id gyre.ID) (gyre.Upload, error)
	log     *slog.Logger

	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup

	mu    sync.Mutex
	busy  map[gyre.ID]bool          // uploads; true: once more, it was started anew meanwhile
	turns map[gyre.ID]chan struct{} // by workspace
}

// NewRunner returns a runner that works until ctx ends or it is closed.
func NewRunner(ctx context.Context, process func(ctx context.Context, ws, id gyre.ID) (gyre.Upload, error), log *slog.Logger) *Runner {
	ctx, stop := context.WithCancel(ctx)
	return &Runner{process: process, log: log, ctx: ctx, stop: stop, busy: map[gyre.ID]bool{}, turns: map[gyre.ID]chan struct{}{}}
}

// Start processes an upload in the background, one after the other.
func (r *Runner) Start(ws, id gyre.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return
	}
	if _, busy := r.busy[id]; busy {
		r.busy[id] = true
		return
	}
	r.busy[id] = false
	turn := r.turns[ws]
	if turn == nil {
		turn = make(chan struct{}, 1)
		r.turns[ws] = turn
	}
	r.work.Go(func() {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-r.ctx.Done():
			return
		}
		for again := true; again; {
			r.run(ws, id)
			again = r.over(id)
		}
	})
}

// over ends the work on an upload, unless it was started anew meanwhile.
func (r *Runner) over(id gyre.ID) (again bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if again = r.busy[id] && r.ctx.Err() == nil; again {
		r.busy[id] = false
	} else {
		delete(r.busy, id)
	}
	return again
}

const (
	firstPause = time.Second
	lastPause  = time.Minute
)

func (r *Runner) run(ws, id gyre.ID) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		_, err := r.process(r.ctx, ws, id)
		if err == nil || r.ctx.Err() != nil || errors.Is(err, gyre.ErrUploadTaken) {
			return
		}
		r.log.Warn("an import stands still", "upload", id, "error", err, "again_in", pause)
		select {
		case <-time.After(pause):
		case <-r.ctx.Done():
			return
		}
	}
}

// Watch starts, now and from time to time until ctx ends, the uploads that open
// lists: those that wait, and those whose worker has died.
func (r *Runner) Watch(ctx context.Context, every time.Duration, open func(context.Context) ([]gyre.Upload, error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		all, err := open(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.Warn("look for waiting imports", "error", err)
		}
		for _, u := range all {
			r.Start(u.Workspace, u.ID)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Close stops the work and waits for it. What is not done can be processed again.
func (r *Runner) Close() {
	r.mu.Lock()
	r.stop()
	r.mu.Unlock()
	r.work.Wait()
}
