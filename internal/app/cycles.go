// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/cycle"
	"github.com/gyre-ctem/gyre/internal/projection"
	"github.com/gyre-ctem/gyre/internal/store"
)

// cycleStore is the store as the cycle engine needs it. What the engine writes
// down to be worked is queued in the same transaction.
type cycleStore struct {
	*store.DB
	app       *App
	projected *projection.Projection
}

func (s cycleStore) Tally(ctx context.Context, ws gyre.ID) (gyre.Tally, error) {
	return s.projected.Tally(ctx, ws)
}

func (s cycleStore) CreateCycle(ctx context.Context, ws gyre.ID, c gyre.Cycle) (gyre.Cycle, error) {
	err := s.Write(ctx, ws, func(tx *store.Tx) (err error) {
		if c, err = tx.CreateCycle(ctx, c); err != nil {
			return err
		}
		_, err = s.app.queueCycle(ctx, tx, c)
		return err
	})
	return c, err
}

func (s cycleStore) ReopenCycle(ctx context.Context, ws gyre.ID, c gyre.Cycle) error {
	return s.Write(ctx, ws, func(tx *store.Tx) error {
		if err := tx.UpdateCycle(ctx, c); err != nil {
			return err
		}
		_, err := s.app.queueCycle(ctx, tx, c)
		return err
	})
}

// cycles are the cycles of every process, not only of this one.
type cycles struct {
	*cycle.Engine
	app *App
}

// Cancel stops a cycle, whichever process works it, or none does yet.
func (c cycles) Cancel(ctx context.Context, ws, id gyre.ID) error {
	cy, err := c.app.db.Cycle(ctx, ws, id)
	if err != nil {
		return err
	}
	j, err := c.app.db.JobOfObject(ctx, ws, id)
	if err != nil {
		return err
	}
	if j == 0 || (cy.State != gyre.CycleRunning && cy.State != gyre.CycleInterrupted) {
		return gyre.Errorf(gyre.Conflict, "cycle %d is %s, not running", cy.Number, cy.State)
	}
	_, err = c.app.queue.Cancel(ctx, ws, j)
	return err
}

// watchEvery bounds how often a cycle is read for those who watch.
const watchEvery = 200 * time.Millisecond

// Watch tells of the progress of a workspace's cycles: the store says that
// something changed, in whichever process, and the latest cycle is read.
func (c cycles) Watch(ws gyre.ID) (<-chan gyre.Cycle, func()) {
	out := make(chan gyre.Cycle, 1)
	changes, unsubscribe := c.app.db.Subscribe(ws)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(out)
		var last gyre.Cycle
		for range changes {
			cy, err := c.app.db.LatestCycle(ctx, ws)
			if ctx.Err() != nil {
				return
			}
			if err != nil || sameCycle(cy, last) {
				continue
			}
			last = cy
			select {
			case <-out: // older, not taken
			default:
			}
			out <- cy
			select {
			case <-ctx.Done():
			case <-time.After(watchEvery):
			}
		}
	}()
	return out, func() {
		cancel()
		unsubscribe()
	}
}

// sameCycle says that there is nothing to tell between two readings of a cycle.
func sameCycle(a, b gyre.Cycle) bool {
	if a.ID != b.ID || a.State != b.State || len(a.Stages) != len(b.Stages) {
		return false
	}
	for i := range a.Stages {
		if a.Stages[i] != b.Stages[i] {
			return false
		}
	}
	return true
}
