// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package validate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/validate"
	"github.com/gyre-ctem/gyre/plugin"
)

var telnet, ssh = map[string]any{"protocol": "telnet"}, map[string]any{"protocol": "ssh"}

// TestVerdicts: what the source sees at the place, or cannot see, is the verdict.
func TestVerdicts(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(*world)
		outcome gyre.Outcome
		says    string
		state   gyre.State // of what was claimed fixed
	}{
		"closed":       {func(w *world) { w.eye.ports = nil }, gyre.OutcomeFixed, "looked at tcp/23 and did not see it", gyre.StateFixed},
		"another one":  {func(w *world) { w.eye.ports["tcp/23"] = ssh }, gyre.OutcomeFixed, "looked at tcp/23", gyre.StateFixed},
		"as it was":    {func(*world) {}, gyre.OutcomeStillThere, "web speaks telnet at tcp/23", gyre.StateOpen},
		"cannot look":  {func(w *world) { w.eye.blind = "no answer" }, gyre.OutcomeInconclusive, "no answer", gyre.StateFixClaimed},
		"not known":    {func(w *world) { w.eye.ports["tcp/23"] = map[string]any{"port": int64(23)} }, gyre.OutcomeInconclusive, "could not look", gyre.StateFixClaimed},
		"failed":       {func(w *world) { w.eye.err = errors.New("no route") }, gyre.OutcomeInconclusive, "no route", gyre.StateFixClaimed},
		"forbidden":    {func(w *world) { w.eye.err = gyre.Errorf(gyre.Forbidden, "outside the hours") }, gyre.OutcomeInconclusive, "outside the hours", gyre.StateFixClaimed},
		"target gone":  {func(w *world) { w.scope.Targets = []gyre.Target{{CIDR: "127.0.0.10"}} }, gyre.OutcomeInconclusive, "the target is gone", gyre.StateFixClaimed},
		"source panic": {func(w *world) { w.eye.after = func() { panic("boom") } }, gyre.OutcomeInconclusive, "boom", gyre.StateFixClaimed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.eye.ports = map[string]map[string]any{"tcp/23": telnet, "tcp/22": ssh}
			w.cycle()
			w.claim()
			tc.change(w)
			v := w.validate()
			if name == "source panic" { // it saw the place before it broke, so what it saw counts
				tc.outcome, tc.says, tc.state = gyre.OutcomeStillThere, "speaks telnet", gyre.StateOpen
			}
			if v.Outcome != tc.outcome || !strings.Contains(v.Evidence.Summary, tc.says) || v.Method != validate.MethodRetest || v.By != "ann" {
				t.Errorf("verdict %+v; want %s because of %q", v, tc.outcome, tc.says)
			}
			if e := w.found(); e.State != tc.state {
				t.Errorf("the claim is now %s, want %s", e.State, tc.state)
			}
			kept, err := w.db.Verdicts(t.Context(), w.ws, w.found().ID)
			w.ok(err)
			if len(kept) != 1 || kept[0].ID != v.ID || kept[0].Outcome != v.Outcome || kept[0].Evidence.Summary != v.Evidence.Summary {
				t.Errorf("kept: %+v", kept)
			}
			for _, locus := range w.eye.only {
				if locus != "tcp/23" {
					t.Errorf("the retest looked at %s", locus)
				}
			}
		})
	}
}

// TestAfterwards: a retest can be repeated, and sees what comes back.
func TestAfterwards(t *testing.T) {
	w := newWorld(t)
	w.eye.ports = map[string]map[string]any{"tcp/23": telnet}
	w.cycle()
	for i, want := range []gyre.Outcome{gyre.OutcomeStillThere, gyre.OutcomeFixed, gyre.OutcomeFixed, gyre.OutcomeStillThere, gyre.OutcomeFixed} {
		if w.eye.ports = nil; want == gyre.OutcomeStillThere {
			w.eye.ports = map[string]map[string]any{"tcp/23": telnet}
		}
		if v := w.validate(); v.Outcome != want {
			t.Errorf("look %d: %s, want %s (%s)", i, v.Outcome, want, v.Evidence.Summary)
		}
		if fixed := w.found().State == gyre.StateFixed; fixed != (want == gyre.OutcomeFixed) {
			t.Errorf("look %d: the exposure is %s", i, w.found().State)
		}
	}
}

// TestBlindAfterFixed: what was proven once is not proven again by not looking.
func TestBlindAfterFixed(t *testing.T) {
	w := newWorld(t)
	w.eye.ports = map[string]map[string]any{"tcp/23": telnet}
	w.cycle()
	w.eye.ports = nil
	if v := w.validate(); v.Outcome != gyre.OutcomeFixed {
		t.Fatalf("verdict %s", v.Outcome)
	}
	w.eye.blind = "no answer"
	if v := w.validate(); v.Outcome != gyre.OutcomeInconclusive {
		t.Errorf("the source could not look, and yet: %s (%s)", v.Outcome, v.Evidence.Summary)
	}
	if s := w.found().State; s != gyre.StateFixed {
		t.Errorf("the exposure is %s", s)
	}
}

// TestFalsePositive: what somebody called false is not closed, but can be looked at.
func TestFalsePositive(t *testing.T) {
	w := newWorld(t)
	w.eye.ports = map[string]map[string]any{"tcp/23": telnet}
	w.cycle()
	_, err := w.db.SetStates(t.Context(), w.ws, []gyre.ID{w.found().ID}, gyre.StateFalsePositive, "ann", "a honeypot", time.Now().Add(time.Hour))
	w.ok(err)
	if v := w.validate(); v.Outcome != gyre.OutcomeStillThere {
		t.Errorf("it is there: %s", v.Outcome)
	}
	w.eye.ports = nil
	if v := w.validate(); v.Outcome != gyre.OutcomeFixed || !strings.Contains(v.Evidence.Summary, "eye looked again") {
		t.Errorf("it is gone: %s (%s)", v.Outcome, v.Evidence.Summary)
	}
	w.eye.err = errors.New("no route")
	if v := w.validate(); v.Outcome != gyre.OutcomeInconclusive {
		t.Errorf("nobody could look: %s", v.Outcome)
	}
	if s := w.found().State; s != gyre.StateFalsePositive {
		t.Errorf("the exposure is %s", s)
	}
}

func TestUpload(t *testing.T) {
	w := newWorld(t)
	s, err := w.in.Begin(t.Context(), w.ws, gyre.Run{ID: gyre.NewID(), Source: "nmap", Target: "scan.xml"})
	w.ok(err)
	w.ok(s.Emit(t.Context(), &gyre.Batch{
		Assets: []gyre.AssetSighting{{Ref: "h", Kind: gyre.Host, Name: "web", Identifiers: []gyre.Identifier{{Type: gyre.IDIP, Value: "127.0.0.9"}}}},
		Facts:  []gyre.Fact{{Asset: "h", Aspect: gyre.AspectService, Locus: "tcp/23", Data: telnet}},
	}))
	run, err := s.Finish(t.Context(), gyre.RunSucceeded, plugin.Report{})
	w.ok(err)
	_, err = w.judge.Identify(t.Context(), w.ws, run)
	w.ok(err)
	v := w.validate()
	if v.Outcome != gyre.OutcomeInconclusive || !strings.Contains(v.Evidence.Summary, "scan.xml") || v.Run != 0 {
		t.Errorf("verdict %+v", v)
	}
}

// TestClaims: the cycle retests what people claim to have fixed, and what was
// seen after the claim needs no retest.
func TestClaims(t *testing.T) {
	w := newWorld(t)
	claims := func() (fixed, standing int) {
		t.Helper()
		fixed, standing, err := w.stage.ValidateClaims(t.Context(), w.ws, func(int, int, string) {})
		w.ok(err)
		return fixed, standing
	}
	w.eye.ports = map[string]map[string]any{"tcp/23": telnet}
	w.cycle()
	if f, s := claims(); f+s != 0 {
		t.Errorf("nothing was claimed: %d, %d", f, s)
	}
	w.claim()
	if f, s := claims(); f != 0 || s != 1 || w.found().State != gyre.StateOpen {
		t.Errorf("a false claim: %d fixed, %d standing, %s", f, s, w.found().State)
	}
	w.claim()
	w.cycle()
	w.eye.only = nil
	if f, s := claims(); f != 0 || s != 1 || w.found().State != gyre.StateOpen || len(w.eye.only) != 0 {
		t.Errorf("seen after the claim: %d fixed, %d standing, %s, looked at %v", f, s, w.found().State, w.eye.only)
	}
	w.claim()
	w.eye.blind = "no answer"
	if f, s := claims(); f != 0 || s != 1 || w.found().State != gyre.StateFixClaimed {
		t.Errorf("a claim that cannot be checked: %d fixed, %d standing, %s", f, s, w.found().State)
	}
	w.eye.blind, w.eye.ports = "", nil
	if f, s := claims(); f != 1 || s != 0 || w.found().State != gyre.StateFixed {
		t.Errorf("a true claim: %d fixed, %d standing, %s", f, s, w.found().State)
	}
}

// TestClaimDuringLook: a look that began before the claim does not refute it.
func TestClaimDuringLook(t *testing.T) {
	w := newWorld(t)
	w.eye.ports = map[string]map[string]any{"tcp/23": telnet}
	w.cycle()
	w.eye.after = func() { w.claim(); w.eye.after, w.eye.ports = nil, nil }
	w.cycle()
	f, s, err := w.stage.ValidateClaims(t.Context(), w.ws, func(int, int, string) {})
	w.ok(err)
	if f != 1 || s != 0 || len(w.eye.only) != 1 {
		t.Errorf("%d fixed, %d standing, looked again at %v", f, s, w.eye.only)
	}
}

func TestCancelled(t *testing.T) {
	w := newWorld(t)
	w.eye.ports = map[string]map[string]any{"tcp/23": telnet}
	w.cycle()
	w.claim()
	ctx, cancel := context.WithCancel(t.Context())
	w.eye.after, w.eye.err = cancel, context.Canceled
	_, _, err := w.stage.ValidateClaims(ctx, w.ws, func(int, int, string) {})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if s := w.found().State; s != gyre.StateFixClaimed {
		t.Errorf("the claim is %s", s)
	}
}

// TestOldReport: a report that is read again is as old as its tool's look. One that
// is older than the claim of a fix refutes nothing; one that is newer does.
func TestOldReport(t *testing.T) {
	w := newWorld(t)
	of := time.Now().UTC().Truncate(time.Second).Add(-48 * time.Hour)
	read := func() gyre.Run {
		s, err := w.in.BeginDated(t.Context(), w.ws, gyre.Run{Source: "sbom", Target: "file:/a.json", Scope: w.scope.ID, Started: of})
		w.ok(err)
		w.ok(s.Emit(t.Context(), &gyre.Batch{
			Assets:   []gyre.AssetSighting{{Ref: "h", Kind: gyre.Host, Name: "h", Identifiers: []gyre.Identifier{{Type: gyre.IDMachine, Value: "m"}}}},
			Findings: []gyre.Finding{{Asset: "h", Aspect: gyre.AspectPackage, Locus: "a.json#curl", Severity: gyre.SeverityHigh, Weakness: gyre.Weakness{Key: "CVE-2026-1", Class: gyre.Vulnerability, Title: "x"}}},
		}))
		run, err := s.Finish(t.Context(), gyre.RunSucceeded, plugin.Report{})
		w.ok(err)
		return run
	}
	read()
	w.stage.Look = func(context.Context, gyre.ID, gyre.Run, plugin.Place) (gyre.Run, string, error) {
		return read(), validate.MethodInventory, nil
	}
	expect := func(what string, outcome gyre.Outcome, state gyre.State, says string) {
		t.Helper()
		v := w.validate()
		if v.Outcome != outcome || w.found().State != state || !strings.Contains(v.Evidence.Summary, says) {
			t.Errorf("%s: it is %s, and %s: %q", what, v.Outcome, w.found().State, v.Evidence.Summary)
		}
	}
	expect("the same report again", gyre.OutcomeStillThere, gyre.StateOpen, "")
	w.claim()
	expect("a report of before the claim", gyre.OutcomeInconclusive, gyre.StateFixClaimed, "shows nothing newer")
	of = time.Now().Add(time.Second)
	for time.Now().Before(of) {
		time.Sleep(10 * time.Millisecond)
	}
	expect("a report of after the claim", gyre.OutcomeStillThere, gyre.StateOpen, "")
}
