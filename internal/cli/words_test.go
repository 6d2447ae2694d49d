// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"testing"

	"github.com/gyre-ctem/gyre"
)

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 assets", 1: "1 asset", 2: "2 assets"} {
		if got := count(n, "asset"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// TestCouldNotNamesAll: the summary of a cycle promises that each is named.
func TestCouldNotNamesAll(t *testing.T) {
	got := couldNot(gyre.Run{
		Problems: []gyre.Problem{{Place: "/var/lib/x", Reason: "permission denied"}, {Reason: "cut short"}},
		Limits:   []string{"one", "two"},
	})
	if want := []string{"/var/lib/x: permission denied", "cut short", "one", "two"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestOnlyEvidenceCloses(t *testing.T) {
	for s, want := range map[gyre.State]string{
		gyre.StateFixed: "closed", gyre.StateAccepted: "accepted", gyre.StateFalsePositive: "false_positive",
	} {
		if got := movedBy("closed", s); got != want {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
	}
	if got := movedBy("reopened", gyre.StateOpen); got != "reopened" {
		t.Errorf("open: %q", got)
	}
}

// TestKilledCycleIsNotZero: what was not measured is not shown as no risk.
func TestKilledCycleIsNotZero(t *testing.T) {
	cy := gyre.Cycle{State: gyre.CycleInterrupted, Before: gyre.Tally{Risk: 175.4}}
	if exposures, risk, change := measured(cy); exposures+risk+change != "" {
		t.Errorf("interrupted: %q %q %q", exposures, risk, change)
	}
	cy.State, cy.After = gyre.CycleFinished, gyre.Tally{Exposures: 3, Risk: 170}
	if exposures, risk, change := measured(cy); exposures != "3" || risk != "170.0" || change != "-5.4" {
		t.Errorf("finished: %q %q %q", exposures, risk, change)
	}
}
