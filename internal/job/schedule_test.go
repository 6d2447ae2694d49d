// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package job_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/job"
	"github.com/gyre-ctem/gyre/internal/store"
)

func (w *world) schedules(q *job.Queue, kind string) *job.Schedules {
	return &job.Schedules{
		Queue: q, DB: w.db, Log: slog.New(slog.DiscardHandler),
		Prepare: func(_ context.Context, s gyre.Schedule) (job.AddFunc, error) {
			return func(ctx context.Context, tx *store.Tx) (gyre.ID, error) {
				j, err := q.AddTx(ctx, tx, job.Request{Kind: kind, Actor: "schedule " + s.Name})
				return j.ID, err
			}, nil
		},
	}
}

func (w *world) count(kind string) int {
	w.Helper()
	all, err := w.queue.List(w.Context(), w.ws, nil, kind, 0, 100)
	w.ok(err)
	return len(all)
}

// TestScheduleFiresOnce: two queues on one database that look at once, again and again.
func TestScheduleFiresOnce(t *testing.T) {
	each(t, func(w *world) {
		one, two := w.schedules(w.queue, "each"), w.schedules(w.join(), "each")
		sc, err := one.Create(w.Context(), w.ws, gyre.ScheduleInput{Name: "s", Kind: "sync", When: "1h"}, "test")
		w.ok(err)
		one.Fire(w.Context(), sc.Next.Add(-time.Second))
		if n := w.count("each"); n != 0 {
			w.Fatalf("%d jobs before it was due", n)
		}
		now := sc.Next
		for round := 1; round <= 5; round++ {
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() { one.Fire(w.Context(), now) })
				wg.Go(func() { two.Fire(w.Context(), now) })
			}
			wg.Wait()
			if n := w.count("each"); n != round {
				w.Fatalf("%d jobs after %d times", n, round)
			}
			now = now.Add(time.Hour)
		}
		// Ten times pass while nobody looks.
		now = now.Add(10*time.Hour + time.Minute)
		one.Fire(w.Context(), now)
		two.Fire(w.Context(), now)
		got, err := one.Schedule(w.Context(), w.ws, sc.ID)
		w.ok(err)
		if n := w.count("each"); n != 6 || !got.Next.After(now) || got.Next.Sub(sc.Next)%time.Hour != 0 || got.LastJob == 0 || got.Problem != "" {
			w.Errorf("%d jobs: %+v", n, got)
		}
	})
}

func TestSchedulePauseAndChange(t *testing.T) {
	each(t, func(w *world) {
		s := w.schedules(w.queue, "each")
		sc, err := s.Create(w.Context(), w.ws, gyre.ScheduleInput{Name: "s", Kind: "sync", When: "0 3 * * *"}, "test")
		w.ok(err)
		yes, no, bad := true, false, "61 * * * *"
		paused, err := s.Patch(w.Context(), w.ws, sc.ID, gyre.SchedulePatch{Paused: &yes})
		w.ok(err)
		if !paused.Paused || !paused.Next.IsZero() {
			w.Errorf("%+v", paused)
		}
		s.Fire(w.Context(), sc.Next.Add(time.Hour))
		if n := w.count("each"); n != 0 {
			w.Errorf("%d jobs of a paused schedule", n)
		}
		resumed, err := s.Patch(w.Context(), w.ws, sc.ID, gyre.SchedulePatch{Paused: &no})
		w.ok(err)
		if !resumed.Next.After(time.Now()) || resumed.Next.Hour() != 3 {
			w.Errorf("%+v", resumed)
		}
		if _, err := s.Patch(w.Context(), w.ws, sc.ID, gyre.SchedulePatch{When: &bad}); gyre.ErrorCode(err) != gyre.Invalid {
			w.Errorf("a bad time: %v", err)
		}
		if _, err := s.Create(w.Context(), w.ws, gyre.ScheduleInput{Name: "s", Kind: "sync", When: "1h"}, "test"); gyre.ErrorCode(err) != gyre.Conflict {
			w.Errorf("a name twice: %v", err)
		}
		w.ok(s.Delete(w.Context(), w.ws, sc.ID))
		if err := s.Delete(w.Context(), w.ws, sc.ID); gyre.ErrorCode(err) != gyre.NotFound {
			w.Errorf("deleted twice: %v", err)
		}
	})
}

// TestScheduleProblem: a full queue is told, and the next time is the next chance.
func TestScheduleProblem(t *testing.T) {
	each(t, func(w *world) {
		block := make(chan struct{})
		w.when("few", func(context.Context, *job.Task) (any, error) { <-block; return nil, nil })
		free := sync.OnceFunc(func() { close(block) })
		defer free()
		w.ok(w.queue.Serve(w.Context(), 1, nil, nil)) // so what is held up waits
		ids := []gyre.Job{w.add("few", "")}
		w.until(ids[0].ID, gyre.JobRunning)
		for {
			j, err := w.queue.Add(w.Context(), w.ws, job.Request{Kind: "few"})
			if gyre.ErrorCode(err) == gyre.Unavailable {
				break
			}
			w.ok(err)
			ids = append(ids, j)
		}
		before := w.count("few")
		s := w.schedules(w.queue, "few")
		sc, err := s.Create(w.Context(), w.ws, gyre.ScheduleInput{Name: "s", Kind: "sync", When: "1h"}, "test")
		w.ok(err)
		s.Fire(w.Context(), sc.Next)
		got, err := s.Schedule(w.Context(), w.ws, sc.ID)
		w.ok(err)
		if !strings.Contains(got.Problem, "waiting already") || !got.Next.Equal(sc.Next.Add(time.Hour)) || w.count("few") != before {
			w.Errorf("%+v, %d jobs of %d", got, w.count("few"), before)
		}
		free()
		for _, j := range ids {
			w.until(j.ID, gyre.JobDone)
		}
		s.Fire(w.Context(), got.Next)
		if got, err = s.Schedule(w.Context(), w.ws, sc.ID); err != nil || got.Problem != "" || got.LastJob == 0 {
			w.Errorf("%+v %v", got, err)
		}
	})
}

func TestParseWhen(t *testing.T) {
	for text, reason := range map[string]string{
		"1s": "at least", "9000h": "at most", "daily": "neither a span", "@every 1s": "2 fields", "@daily": "neither a span",
		"* * * *": "4 fields", "* 25 * * *": `hour "25"`, "* * * * mon-xyz": `weekday "mon-xyz"`, "*/0 * * * *": `minute "*/0"`,
		"0 0 30 2 *": "never comes", "TZ=Asia/Tokyo 0 3 * * *": "6 fields", "TZ=UTC 3 * * *": "time zone",
	} {
		_, err := job.ParseWhen(text)
		if gyre.ErrorCode(err) != gyre.Invalid || !strings.Contains(err.Error(), reason) || !strings.Contains(err.Error(), "when") {
			t.Errorf("%q: %v; %q was expected", text, err, reason)
		}
	}
	at := time.Date(2026, 3, 6, 18, 30, 0, 0, time.UTC) // a Friday
	when, err := job.ParseWhen("0 8-18 * * mon-fri")
	if err != nil {
		t.Fatal(err)
	}
	if got := when.Next(time.Time{}, at); !got.Equal(time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("next is %v", got)
	}
}
