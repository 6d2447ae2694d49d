// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/config"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/lab"
	"github.com/gyre-ctem/gyre/lab/labtest"
)

// openAt opens an App on a folder of the test's own, and on the database in it.
func openAt(t *testing.T, dir, feeds string) *App {
	t.Helper()
	return openOn(t, dir, feeds, "")
}

// openOn is openAt with another database.
func openOn(t testing.TB, dir, feeds, database string) *App {
	t.Helper()
	set := map[string]string{"data": dir, "feeds": feeds, "feed-interval": "0s"}
	if database != "" {
		set["database"] = database
	}
	cfg, err := config.Load("", func(string) string { return "" }, set)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// ended waits for a cycle to end.
func (a *App) ended(t *testing.T, c gyre.Cycle) gyre.Cycle {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		now, err := a.db.Cycle(t.Context(), a.workspace.ID, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if now.State != gyre.CycleRunning {
			return now
		}
	}
	t.Fatal("the cycle never ended")
	return c
}

func (a *App) turn(t *testing.T) gyre.Cycle {
	t.Helper()
	c, err := a.engine.Start(t.Context(), a.workspace.ID, nil, "test")
	if err != nil {
		t.Fatal(err)
	}
	if c = a.ended(t, c); c.State != gyre.CycleFinished {
		t.Fatalf("cycle %s: %s", c.State, c.Error)
	}
	return c
}

// TestOnlyACoveringRunCloses: everything in the estate is really fixed. A run
// cut short and a run with a narrower port list close nothing of it all the same;
// a run that covers the places closes what it had found, and what comes back is
// opened again.
func TestOnlyACoveringRunCloses(t *testing.T) {
	if testing.Short() {
		t.Skip("brings the practice estate up")
	}
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) { testClosing(t, storetest.URL(t, engine)) })
	}
}

func testClosing(t *testing.T, database string) {
	labtest.Take(t)
	estate, err := lab.Start(t.Context(), lab.Options{Dir: filepath.Join(t.TempDir(), "lab")})
	if err != nil {
		t.Fatal(err)
	}
	defer estate.Close()
	a := openOn(t, filepath.Join(t.TempDir(), "data"), estate.FeedDir(), database)
	ws := a.workspace.ID

	// The network targets only: what is at a port is closed by its port.
	var scopes []gyre.Scope
	for _, s := range estate.Scopes() {
		var network []gyre.Target
		for _, target := range s.Targets {
			if target.CIDR != "" {
				network = append(network, target)
			}
		}
		if s.Targets = network; len(network) == 0 {
			continue
		}
		s, err := a.db.CreateScope(t.Context(), ws, "test", s)
		if err != nil {
			t.Fatal(err)
		}
		scopes = append(scopes, s)
	}
	replace := func(change func(*gyre.Scope)) {
		t.Helper()
		for _, s := range scopes {
			s.Targets = append([]gyre.Target(nil), s.Targets...)
			change(&s)
			if _, err := a.db.UpdateScope(t.Context(), ws, "test", s); err != nil {
				t.Fatal(err)
			}
		}
	}

	first := a.turn(t)
	if first.After.Exposures < 30 || first.Closed != 0 {
		t.Fatalf("the first cycle found %d exposures and closed %d", first.After.Exposures, first.Closed)
	}
	if again := a.turn(t); again.Created+again.Closed+again.Reopened != 0 {
		t.Fatalf("nothing changed, and yet: %d created, %d closed, %d reopened", again.Created, again.Closed, again.Reopened)
	}
	if _, err := estate.Fix("all"); err != nil {
		t.Fatal(err)
	}

	t.Run("a run cut short", func(t *testing.T) {
		replace(func(s *gyre.Scope) { s.Intensity = gyre.IntensityGentle })
		c, err := a.engine.Start(t.Context(), ws, nil, "test")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		if err := (cycles{a.engine, a}).Cancel(t.Context(), ws, c.ID); err != nil {
			t.Fatal(err)
		}
		asked := time.Now()
		c = a.ended(t, c)
		if took := time.Since(asked); took > 2*time.Second {
			t.Errorf("it took %v to stop", took)
		}
		if c.State != gyre.CycleCancelled || c.Closed != 0 || c.After.Exposures != first.After.Exposures {
			t.Errorf("%s, closed %d, %d exposures of %d left", c.State, c.Closed, c.After.Exposures, first.After.Exposures)
		}
		runs, err := a.db.RunsOfCycle(t.Context(), ws, c.ID)
		if err != nil || len(runs) == 0 {
			t.Fatalf("no run was cut short: %v", err)
		}
	})
	t.Run("a narrower port list", func(t *testing.T) {
		replace(func(s *gyre.Scope) {
			for i := range s.Targets {
				s.Targets[i].Ports = "1-3"
			}
		})
		if c := a.turn(t); c.Closed != 0 || c.After.Exposures != first.After.Exposures {
			t.Errorf("closed %d, %d exposures of %d left", c.Closed, c.After.Exposures, first.After.Exposures)
		}
	})
	t.Run("a target fewer", func(t *testing.T) {
		replace(func(s *gyre.Scope) { s.Exclusions = []string{"127.0.0.0/8"} })
		if c := a.turn(t); c.Closed != 0 || c.After.Exposures != first.After.Exposures {
			t.Errorf("closed %d, %d exposures of %d left", c.Closed, c.After.Exposures, first.After.Exposures)
		}
	})
	t.Run("a run that covers", func(t *testing.T) {
		replace(func(*gyre.Scope) {})
		c := a.turn(t)
		if c.Closed != first.After.Exposures || c.After.Exposures != 0 || c.After.Risk != 0 {
			t.Errorf("closed %d of %d, %d left with %.1f points", c.Closed, first.After.Exposures, c.After.Exposures, c.After.Risk)
		}
	})
	t.Run("what comes back", func(t *testing.T) {
		if _, err := estate.Break("all"); err != nil {
			t.Fatal(err)
		}
		c := a.turn(t)
		if c.Reopened != first.After.Exposures || c.Created != 0 {
			t.Errorf("reopened %d of %d, %d new", c.Reopened, first.After.Exposures, c.Created)
		}
	})
}

// untilRuns waits until the run of a cycle at a target is in a state.
func (a *App) untilRuns(t *testing.T, c gyre.Cycle, target string, want gyre.RunStatus) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		runs, err := a.db.RunsOfCycle(t.Context(), a.workspace.ID, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range runs {
			if r.Source == "network" && r.Target == target && r.Status == want {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the run at %s is not %s: %+v", target, want, runs)
		}
	}
}

// TestResume: a cycle that was cancelled in the middle goes on where it was, and
// does not run again what had ended.
func TestResume(t *testing.T) {
	a := openAt(t, filepath.Join(t.TempDir(), "data"), t.TempDir())
	ws := a.workspace.ID
	// A peer that accepts and then says nothing keeps a run busy for a while.
	silent, err := net.Listen("tcp", "127.0.0.82:0")
	if err != nil {
		t.Skipf("only 127.0.0.1 answers here: %v", err)
	}
	defer func() { _ = silent.Close() }()
	_, port, err := net.SplitHostPort(silent.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []gyre.Scope{
		{Name: "fast", Targets: []gyre.Target{{CIDR: "127.0.0.81", Ports: "1-5"}}},
		{Name: "slow", Targets: []gyre.Target{{CIDR: "127.0.0.82", Ports: port}}},
	} {
		if _, err := a.db.CreateScope(t.Context(), ws, "test", s); err != nil {
			t.Fatal(err)
		}
	}
	c, err := a.engine.Start(t.Context(), ws, nil, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.engine.Start(t.Context(), ws, nil, "test"); gyre.ErrorCode(err) != gyre.Conflict {
		t.Errorf("a second cycle beside the first: %v", err)
	}
	a.untilRuns(t, c, "127.0.0.81", gyre.RunSucceeded)
	a.untilRuns(t, c, "127.0.0.82", gyre.RunRunning)
	if err := (cycles{a.engine, a}).Cancel(t.Context(), ws, c.ID); err != nil {
		t.Fatal(err)
	}
	if c = a.ended(t, c); c.State != gyre.CycleCancelled {
		t.Fatalf("cycle is %s", c.State)
	}
	if c, err = a.engine.Resume(t.Context(), ws, c.ID); err != nil {
		t.Fatal(err)
	}
	if c = a.ended(t, c); c.State != gyre.CycleFinished {
		t.Fatalf("resumed cycle is %s: %s", c.State, c.Error)
	}
	runs, err := a.db.RunsOfCycle(t.Context(), ws, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]map[gyre.RunStatus]int{}
	for _, r := range runs {
		if r.Source == "network" {
			if ran[r.Target] == nil {
				ran[r.Target] = map[gyre.RunStatus]int{}
			}
			ran[r.Target][r.Status]++
		}
	}
	fast, slow := ran["127.0.0.81"], ran["127.0.0.82"]
	if len(fast) != 1 || fast[gyre.RunSucceeded] != 1 {
		t.Errorf("the run that had ended ran again: %v", ran)
	}
	if slow[gyre.RunSucceeded] != 1 || slow[gyre.RunCancelled] != 1 {
		t.Errorf("the run that was cut short did not run again: %v", ran)
	}
	if _, err := a.engine.Resume(t.Context(), ws, c.ID); gyre.ErrorCode(err) != gyre.Conflict {
		t.Errorf("a finished cycle was resumed: %v", err)
	}
}
