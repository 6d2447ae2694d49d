// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/job"
	"github.com/gyre-ctem/gyre/internal/store"
)

// checkSchedule says what is wrong with what a schedule asks for.
func (a *App) checkSchedule(ctx context.Context, s gyre.Schedule) error {
	switch s.Kind {
	case kindCycle:
		if s.Feed != "" {
			return gyre.FieldErrorf(gyre.Invalid, "feed", "a cycle has scopes, no feed")
		}
		for _, id := range s.Scopes {
			if _, err := a.db.Scope(ctx, s.Workspace, id); err != nil {
				return err
			}
		}
		return nil
	case kindSync:
		if len(s.Scopes) > 0 {
			return gyre.FieldErrorf(gyre.Invalid, "scopes", "a sync has a feed, no scopes")
		}
		return a.checkFeed(ctx, s.Feed)
	}
	return gyre.FieldErrorf(gyre.Invalid, "kind", "%q is none of cycle, sync", s.Kind)
}

// prepareSchedule returns what adds the job of a schedule; for a cycle, its books with it.
func (a *App) prepareSchedule(ctx context.Context, s gyre.Schedule) (job.AddFunc, error) {
	if err := a.checkSchedule(ctx, s); err != nil { // its scopes may be gone by now
		return nil, err
	}
	actor := "schedule " + s.Name
	if s.Kind == kindSync {
		return func(ctx context.Context, tx *store.Tx) (gyre.ID, error) {
			j, err := a.queue.AddTx(ctx, tx, syncOf(s.Feed, actor))
			return j.ID, err
		}, nil
	}
	c, err := a.engine.Prepare(ctx, s.Workspace, s.Scopes, actor)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *store.Tx) (gyre.ID, error) {
		c, err := tx.CreateCycle(ctx, c)
		if err != nil {
			return 0, err
		}
		return a.queueCycle(ctx, tx, c)
	}, nil
}
