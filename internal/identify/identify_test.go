// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package identify_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gyre-ctem/gyre"
)

var (
	telnet = map[string]any{"protocol": "telnet", "auth_required": false}
	ssh    = map[string]any{"protocol": "ssh", "auth_required": true}
)

func TestFactsAreJudged(t *testing.T) {
	w := newWorld(t)
	run := w.look("network", gyre.RunSucceeded, gyre.Batch{
		Facts:    []gyre.Fact{service("tcp/23", telnet), service("tcp/22", ssh), service("tcp/9", map[string]any{"port": int64(9)})},
		Coverage: []gyre.Coverage{covered("tcp/*")},
	})
	own := w.judge(run)
	w.stand("judged", "test.no-auth tcp/23 open", "test.telnet tcp/23 open")
	if own.Source != "identify" || own.Target != run.ID.String() || own.Cycle != run.Cycle || own.Status != gyre.RunSucceeded || own.Counts.Created != 2 {
		t.Errorf("the judging run: %+v", own)
	}
	if !own.Started.Equal(run.Started) {
		t.Errorf("what was seen at %v is dated %v", run.Started, own.Started)
	}
}

// TestCoverage: the stage speaks for a place only where the run covered it, and
// there for a check only where the fact lets the check say yes or no.
func TestCoverage(t *testing.T) {
	w := newWorld(t)
	run := w.look("network", gyre.RunSucceeded, gyre.Batch{
		Facts: []gyre.Fact{
			service("tcp/22", ssh),
			service("tcp/23", map[string]any{"protocol": "telnet"}), // whether it asks for a password is not known
			service("tcp/9", map[string]any{"port": int64(9)}),      // nothing can be said
			// Seen in passing and not covered; left out by the source.
			service("udp/1", ssh),
			service("tcp/50", ssh),
		},
		Coverage: []gyre.Coverage{
			{Asset: "a", Aspect: gyre.AspectService, Loci: []string{"tcp/*"}, Except: []string{"tcp/50"}, Credentialed: true},
			{Asset: "a", Aspect: gyre.AspectSecret}, // no check is about it: its source judges by itself
			{Asset: "a", Aspect: gyre.AspectPackage, Loci: []string{"/var/lib/dpkg/status#*"}, Credentialed: true},
			{Asset: "a", Aspect: gyre.AspectTLS, Judged: true}, // judged by the run itself
		},
	})
	own := w.judge(run)
	got, err := w.db.CoverageOfRun(t.Context(), w.ws, own.ID)
	w.ok(err)
	both := []string{"test.no-auth", "test.telnet"}
	want := []gyre.Coverage{
		{Judged: true, Aspect: gyre.AspectPackage, Loci: []string{"/var/lib/dpkg/status#*"}, Credentialed: true},
		{Judged: true, Aspect: gyre.AspectService, Loci: []string{"tcp/*"}, Except: []string{"tcp/22", "tcp/23", "tcp/50", "tcp/9"}, Weaknesses: both, Credentialed: true},
		{Judged: true, Aspect: gyre.AspectService, Loci: []string{"tcp/22"}, Weaknesses: both, Credentialed: true},
		{Judged: true, Aspect: gyre.AspectService, Loci: []string{"tcp/23"}, Weaknesses: []string{"test.telnet"}, Credentialed: true},
	}
	for i := range got {
		slices.Sort(got[i].Except)
	}
	byLoci := cmpopts.SortSlices(func(a, b gyre.Coverage) bool { return a.Loci[0] < b.Loci[0] })
	if d := cmp.Diff(want, got, byLoci, cmpopts.IgnoreFields(gyre.Coverage{}, "Asset")); d != "" {
		t.Errorf("coverage (-want +got):\n%s", d)
	}
}

// TestClosing: what a later look says of what an earlier one found.
func TestClosing(t *testing.T) {
	for name, tc := range map[string]struct {
		status gyre.RunStatus
		facts  []gyre.Fact
		loci   []string
		want   []string
	}{
		"better":              {gyre.RunSucceeded, []gyre.Fact{service("tcp/23", ssh)}, []string{"tcp/23"}, []string{"test.no-auth tcp/23 fixed", "test.telnet tcp/23 fixed"}},
		"gone":                {gyre.RunSucceeded, nil, []string{"tcp/23"}, []string{"test.no-auth tcp/23 fixed", "test.telnet tcp/23 fixed"}},
		"better in one point": {gyre.RunSucceeded, []gyre.Fact{service("tcp/23", map[string]any{"protocol": "telnet", "auth_required": true})}, []string{"tcp/*"}, []string{"test.no-auth tcp/23 fixed", "test.telnet tcp/23 open"}},
		"half of it unknown":  {gyre.RunSucceeded, []gyre.Fact{service("tcp/23", map[string]any{"protocol": "ssh"})}, []string{"tcp/23"}, []string{"test.no-auth tcp/23 open", "test.telnet tcp/23 fixed"}},
		"all of it unknown":   {gyre.RunSucceeded, []gyre.Fact{service("tcp/23", map[string]any{"port": int64(23)})}, []string{"tcp/23"}, []string{"test.no-auth tcp/23 open", "test.telnet tcp/23 open"}},
		"not looked at":       {gyre.RunSucceeded, nil, []string{"tcp/24"}, []string{"test.no-auth tcp/23 open", "test.telnet tcp/23 open"}},
		"partial":             {gyre.RunPartial, nil, []string{"tcp/23"}, []string{"test.no-auth tcp/23 open", "test.telnet tcp/23 open"}},
		"partial and better":  {gyre.RunPartial, []gyre.Fact{service("tcp/23", ssh)}, []string{"tcp/23"}, []string{"test.no-auth tcp/23 open", "test.telnet tcp/23 open"}},
		"failed":              {gyre.RunFailed, nil, []string{"tcp/23"}, []string{"test.no-auth tcp/23 open", "test.telnet tcp/23 open"}},
		"failed with a find":  {gyre.RunFailed, []gyre.Fact{service("tcp/24", telnet)}, []string{"tcp/*"}, []string{"test.no-auth tcp/23 open", "test.no-auth tcp/24 open", "test.telnet tcp/23 open", "test.telnet tcp/24 open"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.judge(w.look("network", gyre.RunSucceeded, gyre.Batch{Facts: []gyre.Fact{service("tcp/23", telnet)}, Coverage: []gyre.Coverage{covered("tcp/*")}}))
			w.judge(w.look("network", tc.status, gyre.Batch{Facts: tc.facts, Coverage: []gyre.Coverage{covered(tc.loci...)}}))
			w.stand(name, tc.want...)
		})
	}
}

// TestOldLook: a look that is judged late says nothing of what was seen after it.
func TestOldLook(t *testing.T) {
	w := newWorld(t)
	old := w.look("network", gyre.RunSucceeded, gyre.Batch{Facts: []gyre.Fact{service("tcp/23", ssh)}, Coverage: []gyre.Coverage{covered("tcp/23")}})
	w.judge(w.look("nmap", gyre.RunSucceeded, gyre.Batch{Facts: []gyre.Fact{service("tcp/23", telnet)}, Coverage: []gyre.Coverage{covered("tcp/23")}}))
	w.judge(old)
	w.stand("seen after the old look", "test.no-auth tcp/23 open", "test.telnet tcp/23 open")
}

// TestJudgingAgain gives the same answer and leaves no trace in the exposures' history.
func TestJudgingAgain(t *testing.T) {
	w := newWorld(t)
	w.advise(openssl)
	run := w.look("host", gyre.RunSucceeded, gyre.Batch{
		Facts: []gyre.Fact{service("tcp/23", telnet)}, Components: []gyre.ComponentSighting{libssl("3.0.11-1~deb12u2")}, Coverage: []gyre.Coverage{covered("tcp/*")},
	})
	w.stage.Checks = slow{w.stage.Checks, w}
	w.judge(run)
	w.stage.Checks = w.stage.Checks.(slow).checks
	before := w.all()
	events := w.history()
	for range 3 {
		own := w.judge(run)
		if c := own.Counts; c.Created+c.Closed+c.Reopened != 0 || c.Findings != 3 {
			t.Errorf("judged again: %+v", c)
		}
	}
	if d := cmp.Diff(before, w.all()); d != "" {
		t.Errorf("exposures changed:\n%s", d)
	}
	if d := cmp.Diff(events, w.history()); d != "" {
		t.Errorf("history changed:\n%s", d)
	}
}

// slow takes a second for each fact.
type slow struct {
	checks
	w *world
}

func (s slow) Evaluate(f gyre.Fact, a gyre.Asset, now time.Time) ([]gyre.Finding, []string, []gyre.Problem) {
	s.w.now = s.w.now.Add(time.Second)
	return s.checks.Evaluate(f, a, now)
}

func (w *world) all() (list []gyre.Exposure) {
	w.Helper()
	w.ok(w.db.EachExposure(w.Context(), w.ws, func(e gyre.Exposure) error { list = append(list, e); return nil }))
	return list
}

func (w *world) history() (list []string) {
	w.Helper()
	events, err := w.db.EventsSince(w.Context(), w.ws, 0, 1000)
	w.ok(err)
	for _, e := range events {
		if e.Object == "exposure" {
			list = append(list, e.Kind+" "+e.From+" "+e.To+" "+e.Reason)
		}
	}
	return list
}

// TestBroken: what goes wrong in judging is a failed or cancelled run, which closes nothing.
func TestBroken(t *testing.T) {
	w := newWorld(t)
	first := w.look("network", gyre.RunSucceeded, gyre.Batch{Facts: []gyre.Fact{service("tcp/23", telnet)}, Coverage: []gyre.Coverage{covered("tcp/*")}})
	w.judge(first)
	gone := w.look("network", gyre.RunSucceeded, gyre.Batch{Coverage: []gyre.Coverage{covered("tcp/*")}})
	ctx, cancel := context.WithCancel(t.Context())
	w.stage.Checks = cancelling{w.stage.Checks, cancel}
	begun := w.look("network", gyre.RunSucceeded, gyre.Batch{Facts: []gyre.Fact{service("tcp/1", ssh)}, Coverage: []gyre.Coverage{covered("tcp/*")}})
	own, err := w.stage.Identify(ctx, w.ws, begun)
	if !errors.Is(err, context.Canceled) || own.Status != gyre.RunCancelled {
		t.Errorf("cancelled while judging: %v, run %s", err, own.Status)
	}
	w.stand("after a cancelled judgement", "test.no-auth tcp/23 open", "test.telnet tcp/23 open")
	w.judge(gone)
	w.stand("after a whole one", "test.no-auth tcp/23 fixed", "test.telnet tcp/23 fixed")
}

// cancelling ends the context with the first fact that is judged.
type cancelling struct {
	checks
	cancel func()
}

type checks interface {
	Evaluate(gyre.Fact, gyre.Asset, time.Time) ([]gyre.Finding, []string, []gyre.Problem)
	IDs(gyre.Aspect) []string
}

func (c cancelling) Evaluate(f gyre.Fact, a gyre.Asset, now time.Time) ([]gyre.Finding, []string, []gyre.Problem) {
	c.cancel()
	return c.checks.Evaluate(f, a, now)
}
