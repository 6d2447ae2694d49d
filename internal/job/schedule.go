// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
)

const (
	maxSchedules = 200 // of a workspace
	duePerTick   = 100
)

// Schedules asks for jobs when they are due. Every process that serves looks;
// whoever comes first moves the schedule on and adds the job in one transaction,
// so each time brings one job, and times that passed while nobody ran bring one together.
type Schedules struct {
	Queue *Queue
	DB    *store.DB
	Log   *slog.Logger
	// Check says what is wrong with a schedule beyond when it is due; nil: nothing.
	Check func(ctx context.Context, s gyre.Schedule) error
	// Prepare looks up what the job of a schedule needs and returns what adds it.
	Prepare func(ctx context.Context, s gyre.Schedule) (AddFunc, error)
}

// AddFunc adds a job in a transaction.
type AddFunc func(ctx context.Context, tx *store.Tx) (gyre.ID, error)

// Schedules lists the schedules of a workspace by name.
func (s *Schedules) Schedules(ctx context.Context, ws gyre.ID) ([]gyre.Schedule, error) {
	return s.DB.Schedules(ctx, ws)
}

// Schedule reads one.
func (s *Schedules) Schedule(ctx context.Context, ws, id gyre.ID) (gyre.Schedule, error) {
	return s.DB.Schedule(ctx, ws, id)
}

// Create stores a new schedule.
func (s *Schedules) Create(ctx context.Context, ws gyre.ID, in gyre.ScheduleInput, actor string) (gyre.Schedule, error) {
	sc := gyre.Schedule{
		Workspace: ws, Name: strings.TrimSpace(in.Name), Kind: in.Kind, When: in.When,
		Scopes: in.Scopes, Feed: in.Feed, Paused: in.Paused, Actor: actor,
	}
	when, err := ParseWhen(sc.When)
	if err != nil {
		return sc, err
	}
	if sc.Name == "" {
		return sc, gyre.FieldErrorf(gyre.Invalid, "name", "a schedule needs a name")
	}
	if s.Check != nil {
		if err := s.Check(ctx, sc); err != nil {
			return sc, err
		}
	}
	err = s.DB.Write(ctx, ws, func(tx *store.Tx) error {
		if !sc.Paused {
			sc.Next = when.Next(time.Time{}, tx.Now())
		}
		n, err := tx.AddSchedule(ctx, &sc)
		if err == nil && n > maxSchedules {
			err = gyre.Errorf(gyre.Conflict, "there are %d schedules already; remove one first", maxSchedules)
		}
		return err
	})
	return sc, err
}

// Patch changes a schedule. One that is resumed, or gets another time, is next
// due as if it were new: what was missed in a pause is not made up for.
func (s *Schedules) Patch(ctx context.Context, ws, id gyre.ID, p gyre.SchedulePatch) (sc gyre.Schedule, err error) {
	err = s.DB.Write(ctx, ws, func(tx *store.Tx) error {
		if sc, err = tx.Schedule(ctx, id); err != nil {
			return err
		}
		before := sc
		if p.Name != nil {
			sc.Name = strings.TrimSpace(*p.Name)
		}
		if p.When != nil {
			sc.When = *p.When
		}
		if p.Paused != nil {
			sc.Paused = *p.Paused
		}
		if sc.Name == "" {
			return gyre.FieldErrorf(gyre.Invalid, "name", "a schedule needs a name")
		}
		when, err := ParseWhen(sc.When)
		if err != nil {
			return err
		}
		switch {
		case sc.Paused:
			sc.Next = time.Time{}
		case before.Paused || before.When != sc.When:
			sc.Next = when.Next(time.Time{}, tx.Now())
		}
		return tx.SaveSchedule(ctx, sc)
	})
	return sc, err
}

// Delete removes a schedule; jobs that it asked for stay.
func (s *Schedules) Delete(ctx context.Context, ws, id gyre.ID) error {
	return s.DB.DeleteSchedule(ctx, ws, id)
}

// Fire asks for what is due.
func (s *Schedules) Fire(ctx context.Context, now time.Time) {
	due, err := s.DB.DueSchedules(ctx, now, duePerTick)
	if err != nil {
		s.warn(ctx, "look for schedules that are due", err)
		return
	}
	for _, sc := range due {
		if err := s.fire(ctx, sc, now); err != nil {
			s.warn(ctx, "schedule "+sc.Name, err)
		}
	}
}

func (s *Schedules) warn(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		s.Log.Warn(what, "error", err)
	}
}

// fire adds the job of one schedule. When that cannot be, nothing of the attempt
// stays but why, with the schedule moved on: it says so until a later time brings a job.
func (s *Schedules) fire(ctx context.Context, sc gyre.Schedule, now time.Time) error {
	add, problem := s.Prepare(ctx, sc)
	if problem == nil {
		problem = s.moveOn(ctx, sc, now, func(tx *store.Tx, sc *gyre.Schedule) (err error) {
			sc.Problem = ""
			sc.LastJob, err = add(ctx, tx)
			return err
		})
	}
	if problem == nil || ctx.Err() != nil {
		return nil
	}
	s.warn(ctx, "schedule "+sc.Name+" brought no job", problem)
	return s.moveOn(ctx, sc, now, func(_ *store.Tx, sc *gyre.Schedule) error {
		sc.Problem = problem.Error()
		return nil
	})
}

// moveOn makes a schedule due next time, together with what fn does, unless
// somebody else did it first, or paused, changed or removed it.
func (s *Schedules) moveOn(ctx context.Context, seen gyre.Schedule, now time.Time, fn func(*store.Tx, *gyre.Schedule) error) error {
	return s.DB.Write(ctx, seen.Workspace, func(tx *store.Tx) error {
		sc, err := tx.Schedule(ctx, seen.ID)
		if gyre.ErrorCode(err) == gyre.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if sc.Paused || !sc.Next.Equal(seen.Next) || sc.When != seen.When {
			return nil
		}
		when, err := ParseWhen(sc.When)
		if err != nil {
			return err
		}
		sc.Last, sc.Next = sc.Next, when.Next(sc.Next, now)
		if err := fn(tx, &sc); err != nil {
			return err
		}
		return tx.SaveSchedule(ctx, sc)
	})
}
