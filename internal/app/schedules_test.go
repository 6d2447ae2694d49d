// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// TestScheduledCycle: its books and its job come together, or neither does.
func TestScheduledCycle(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) { testScheduledCycle(t, storetest.URL(t, engine)) })
	}
}

func testScheduledCycle(t *testing.T, database string) {
	a := openOn(t, filepath.Join(t.TempDir(), "data"), "", database)
	ctx, ws := t.Context(), a.workspace.ID
	sc, err := a.db.CreateScope(ctx, ws, "test", gyre.Scope{Name: "s", Targets: []gyre.Target{{Root: t.TempDir()}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []gyre.ScheduleInput{
		{Name: "b", Kind: "cycle", When: "1h", Feed: "kev"},
		{Name: "b", Kind: "sync", When: "1h", Scopes: []gyre.ID{sc.ID}},
		{Name: "b", Kind: "match", When: "1h"},
	} {
		if _, err := a.schedules.Create(ctx, ws, bad, "test"); gyre.ErrorCode(err) != gyre.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	s, err := a.schedules.Create(ctx, ws, gyre.ScheduleInput{Name: "hourly", Kind: "cycle", When: "1h", Scopes: []gyre.ID{sc.ID}}, "test")
	if err != nil {
		t.Fatal(err)
	}
	fire := func(cycles int) gyre.Cycle {
		t.Helper()
		a.schedules.Fire(ctx, s.Next)
		before := s.Next
		if s, err = a.schedules.Schedule(ctx, ws, s.ID); err != nil || !s.Last.Equal(before) {
			t.Fatalf("%+v %v", s, err)
		}
		all, err := a.db.Cycles(ctx, ws, 10)
		if err != nil || len(all) != cycles {
			t.Fatalf("%d cycles, %d expected: %v; %+v", len(all), cycles, err, s)
		}
		return all[0]
	}
	c := fire(1)
	if c = a.ended(t, c); c.State != gyre.CycleFinished || c.Trigger != "schedule hourly" || s.Problem != "" {
		t.Errorf("%+v %+v", c, s)
	}
	if j, err := a.queue.Wait(ctx, ws, s.LastJob, nil); err != nil || j.Object != c.ID {
		t.Errorf("%+v %v", j, err)
	}
	// Another cycle is running: its books refuse a second one.
	other, err := a.db.CreateCycle(ctx, ws, gyre.Cycle{State: gyre.CycleRunning, Trigger: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if fire(2); !strings.Contains(s.Problem, "running already") {
		t.Errorf("%+v", s)
	}
	other.State = gyre.CycleCancelled
	if err := a.db.UpdateCycle(ctx, ws, other); err != nil {
		t.Fatal(err)
	}
	if a.ended(t, fire(3)); s.Problem != "" {
		t.Errorf("%+v", s)
	}
	if err := a.db.DeleteScope(ctx, ws, sc.ID, "test"); err != nil {
		t.Fatal(err)
	}
	if fire(3); !strings.Contains(s.Problem, "no scope") {
		t.Errorf("%+v", s)
	}
}

// TestScheduleOfTwoServers: of two installations on one database one asks, each time.
func TestScheduleOfTwoServers(t *testing.T) {
	url := storetest.URL(t, store.Postgres)
	a := openOn(t, filepath.Join(t.TempDir(), "a"), t.TempDir(), url)
	b := openOn(t, filepath.Join(t.TempDir(), "b"), t.TempDir(), url)
	ctx, ws := t.Context(), a.workspace.ID
	for _, app := range []*App{a, b} { // jobs wait, so that each time can be counted
		if err := app.queue.Serve(ctx, 0, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	s, err := a.schedules.Create(ctx, ws, gyre.ScheduleInput{Name: "feeds", Kind: "sync", When: "1h", Feed: "kev"}, "test")
	if err != nil {
		t.Fatal(err)
	}
	for round := 1; round <= 4; round++ {
		var wg sync.WaitGroup
		for _, app := range []*App{a, b, a, b} {
			wg.Go(func() { app.schedules.Fire(ctx, s.Next) })
		}
		wg.Wait()
		if s, err = b.schedules.Schedule(ctx, ws, s.ID); err != nil || s.Problem != "" || s.LastJob == 0 {
			t.Fatalf("%+v %v", s, err)
		}
		all, err := a.queue.List(ctx, ws, nil, kindSync, 0, 100)
		if err != nil || len(all) != round {
			t.Fatalf("%d jobs after %d times: %v", len(all), round, err)
		}
		if _, err := b.queue.Cancel(ctx, ws, s.LastJob); err != nil { // one that waits stands for the next
			t.Fatal(err)
		}
	}
}
