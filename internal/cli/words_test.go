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
