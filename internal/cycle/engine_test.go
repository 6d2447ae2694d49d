// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cycle_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// TestBooks: what a cycle starts with, what it changes and what it ends with add up.
func TestBooks(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) { testBooks(newWorld(t, engine)) })
	}
}

func testBooks(w *world) {
	last := gyre.Tally{}
	for i, step := range []struct {
		first, second               []int
		created, reopened, closed   int
		exposures, assets, bandSums int
	}{
		{nil, nil, 0, 0, 0, 0, 3, 0},
		{[]int{23, 24}, []int{23}, 3, 0, 0, 3, 3, 3},
		{[]int{23, 24}, []int{23}, 0, 0, 0, 3, 3, 3},
		{[]int{23}, nil, 0, 0, 2, 1, 3, 1},
		{[]int{23, 24, 25}, nil, 1, 1, 0, 3, 3, 3},
		{nil, []int{23}, 0, 1, 3, 1, 3, 1},
	} {
		w.eye.set("127.0.0.1", step.first...)
		w.eye.set("127.0.0.2", step.second...)
		c := w.turn()
		if c.State != gyre.CycleFinished || c.Number != i+1 {
			w.Fatalf("cycle %d: %+v", i, c)
		}
		if d := cmp.Diff(last, c.Before); i > 0 && d != "" {
			w.Errorf("cycle %d does not start where the one before ended:\n%s", i, d)
		}
		if c.Created != step.created || c.Reopened != step.reopened || c.Closed != step.closed {
			w.Errorf("cycle %d: %d created, %d reopened, %d closed; want %+v", i, c.Created, c.Reopened, c.Closed, step)
		}
		if c.Before.Exposures+c.Created+c.Reopened-c.Closed != c.After.Exposures || c.After.Exposures != step.exposures || c.After.Assets != step.assets {
			w.Errorf("cycle %d does not add up: %+v", i, c)
		}
		sum := 0
		for _, n := range c.After.Bands {
			sum += n
		}
		if sum != step.bandSums || (c.After.Risk > 0) != (step.exposures > 0) {
			w.Errorf("cycle %d: %d in bands, %.1f points of risk", i, sum, c.After.Risk)
		}
		for _, s := range c.Stages {
			if s.State != "done" || s.Started.IsZero() || s.Ended.Before(s.Started) {
				w.Errorf("cycle %d: stage %+v", i, s)
			}
		}
		last = c.After
	}
}

// TestBadRuns: a run that fails, hangs over or panics is that run's end, and not the cycle's.
func TestBadRuns(t *testing.T) {
	w := newWorld(t, store.SQLite)
	for _, at := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"} {
		w.eye.set(at, 23)
	}
	if c := w.turn(); c.Created != 3 {
		t.Fatalf("%d created", c.Created)
	}
	w.eye.set("127.0.0.1")
	w.eye.set("127.0.0.2")
	w.eye.set("127.0.0.3")
	w.eye.instead("127.0.0.1", func(context.Context) error { return errors.New("no route") })
	w.eye.instead("127.0.0.2", func(context.Context) error { panic("boom") })
	c := w.turn()
	want := map[string][]gyre.RunStatus{"127.0.0.1": {gyre.RunFailed}, "127.0.0.2": {gyre.RunFailed}, "127.0.0.3": {gyre.RunSucceeded}}
	if d := cmp.Diff(want, w.statuses(c)); d != "" {
		t.Errorf("runs (-want +got):\n%s", d)
	}
	if c.State != gyre.CycleFinished || c.Closed != 1 || c.After.Exposures != 2 {
		t.Errorf("the cycle: %s, %d closed, %d left", c.State, c.Closed, c.After.Exposures)
	}
	if note := c.Stages[0].Note; note != "3 runs, 2 of them not complete" {
		t.Errorf("the stage says %q", note)
	}
	runs, err := w.db.RunsOfCycle(t.Context(), w.ws, c.ID)
	w.ok(err)
	for _, r := range runs {
		if r.Target == "127.0.0.2" && (len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Reason, "boom")) {
			t.Errorf("the run that panicked says %+v", r.Problems)
		}
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t, store.SQLite)
	w.eye.set("127.0.0.1", 23)
	w.eye.set("127.0.0.2", 23)
	if c := w.turn(); c.Created != 2 {
		t.Fatalf("%d created", c.Created)
	}
	w.eye.set("127.0.0.2")
	w.eye.instead("127.0.0.2", silent)
	c := w.start()
	if _, err := w.engine.Start(t.Context(), w.ws, nil, "another"); gyre.ErrorCode(err) != gyre.Conflict {
		t.Errorf("a second cycle beside the first: %v", err)
	}
	w.waitFor("127.0.0.2", 2)
	for got := w.statuses(c); len(got) < 3 || got["127.0.0.1"][0] != gyre.RunSucceeded || got["127.0.0.3"][0] != gyre.RunSucceeded; got = w.statuses(c) {
		time.Sleep(2 * time.Millisecond)
	}
	asked := time.Now()
	w.ok(w.engine.Cancel(t.Context(), w.ws, c.ID))
	c = w.ended(c.ID)
	if took := time.Since(asked); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if c.State != gyre.CycleCancelled || c.Closed != 0 || c.After.Exposures != 2 || c.Stages[0].State != "cancelled" {
		t.Errorf("the cycle: %+v", c)
	}
	if got := w.statuses(c)["127.0.0.2"]; len(got) != 1 || got[0] != gyre.RunCancelled {
		t.Errorf("the run is %v", got)
	}
	if err := w.engine.Cancel(t.Context(), w.ws, c.ID); gyre.ErrorCode(err) != gyre.Conflict {
		t.Errorf("cancelled twice: %v", err)
	}

	// It goes on where it was, and runs that ended do not run again.
	w.eye.instead("127.0.0.2", nil)
	resumed, err := w.engine.Resume(t.Context(), w.ws, c.ID)
	w.ok(err)
	c = w.ended(resumed.ID)
	want := map[string][]gyre.RunStatus{"127.0.0.1": {gyre.RunSucceeded}, "127.0.0.2": {gyre.RunCancelled, gyre.RunSucceeded}, "127.0.0.3": {gyre.RunSucceeded}}
	if d := cmp.Diff(want, w.statuses(c)); d != "" {
		t.Errorf("runs (-want +got):\n%s", d)
	}
	if c.State != gyre.CycleFinished || c.Closed != 1 || c.After.Exposures != 1 {
		t.Errorf("the resumed cycle: %+v", c)
	}
}

// waitFor waits until a target was looked at so often.
func (w *world) waitFor(target string, times int) {
	w.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		w.eye.mu.Lock()
		n := w.eye.ran[target]
		w.eye.mu.Unlock()
		if n >= times {
			return
		}
	}
	w.Fatalf("%s was not looked at %d times", target, times)
}

// TestShutdown: closing the engine interrupts what runs, and nothing starts after it.
func TestShutdown(t *testing.T) {
	w := newWorld(t, store.SQLite)
	w.eye.instead("127.0.0.3", silent)
	c := w.start()
	w.waitFor("127.0.0.3", 1)
	began := time.Now()
	w.engine.Close()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	got, err := w.db.Cycle(t.Context(), w.ws, c.ID)
	w.ok(err)
	if got.State != gyre.CycleInterrupted || got.Error == "" || got.Ended.IsZero() {
		t.Errorf("the cycle: %+v", got)
	}
	if _, err := w.engine.Start(t.Context(), w.ws, nil, "late"); gyre.ErrorCode(err) != gyre.Unavailable {
		t.Errorf("started after the end: %v", err)
	}
	latest, err := w.db.LatestCycle(t.Context(), w.ws)
	w.ok(err)
	if latest.State == gyre.CycleRunning {
		t.Errorf("a cycle that was refused is left as %s", latest.State)
	}
}

// TestExceptions: accepted risk whose time is over is open again before anything else happens.
func TestExceptions(t *testing.T) {
	w := newWorld(t, store.SQLite)
	w.eye.set("127.0.0.1", 23)
	w.eye.set("127.0.0.2", 23)
	w.turn()
	var ids []gyre.ID
	w.ok(w.db.EachExposure(t.Context(), w.ws, func(e gyre.Exposure) error { ids = append(ids, e.ID); return nil }))
	for i, state := range []gyre.State{gyre.StateAccepted, gyre.StateFalsePositive} {
		_, err := w.db.SetStates(t.Context(), w.ws, ids[i:i+1], state, "ann", "for a day", time.Now().Add(24*time.Hour))
		w.ok(err)
	}
	if c := w.turn(); c.Before.Exposures != 0 || c.After.Exposures != 0 || c.Created+c.Reopened+c.Closed != 0 {
		t.Errorf("while the exceptions last: %+v", c)
	}
	w.ahead = 25 * time.Hour
	if c := w.turn(); c.Before.Exposures != 0 || c.After.Exposures != 2 {
		t.Errorf("afterwards %d before and %d after", c.Before.Exposures, c.After.Exposures)
	}
	for _, id := range ids {
		e, err := w.db.Exposure(t.Context(), w.ws, id)
		w.ok(err)
		if e.State != gyre.StateOpen {
			t.Errorf("%s", e.State)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	w := newWorld(t, store.SQLite)
	if _, err := w.engine.Start(t.Context(), w.ws, []gyre.ID{gyre.NewID()}, "test"); gyre.ErrorCode(err) != gyre.NotFound {
		t.Errorf("a scope that is not there: %v", err)
	}
	scopes, err := w.db.Scopes(t.Context(), w.ws)
	w.ok(err)
	w.ok(w.db.DeleteScope(t.Context(), w.ws, scopes[0].ID, "ann"))
	if _, err := w.engine.Start(t.Context(), w.ws, nil, "test"); gyre.ErrorCode(err) != gyre.Invalid {
		t.Errorf("no scope: %v", err)
	}
	if _, err := w.engine.Resume(t.Context(), w.ws, gyre.NewID()); gyre.ErrorCode(err) != gyre.NotFound {
		t.Errorf("a cycle that is not there: %v", err)
	}
}

// TestWatch: who watches is told of the end, however slow he is.
func TestWatch(t *testing.T) {
	w := newWorld(t, store.SQLite)
	told, stop := w.engine.Watch(w.ws)
	defer stop()
	c := w.turn()
	var last gyre.Cycle
	for deadline := time.After(5 * time.Second); last.State != gyre.CycleFinished; {
		select {
		case last = <-told:
		case <-deadline:
			t.Fatalf("last told: %+v", last)
		}
	}
	if last.ID != c.ID || last.After.Assets != 3 {
		t.Errorf("told %+v", last)
	}
}
