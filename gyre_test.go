// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
)

func TestIDs(t *testing.T) {
	var last gyre.ID
	for range 10_000 {
		id := gyre.NewID()
		if id <= last {
			t.Fatalf("%d after %d", id, last)
		}
		last = id
	}
	rapid.Check(t, func(t *rapid.T) {
		id := gyre.ID(rapid.Int64Min(0).Draw(t, "id"))
		got, err := gyre.ParseID(id.String())
		if err != nil || got != id {
			t.Fatalf("%d → %q → %d, %v", id, id, got, err)
		}
		if other := gyre.ID(rapid.Int64Min(1).Draw(t, "other")); id > 0 && (id < other) != (id.String() < other.String()) {
			t.Fatalf("text order of %d and %d differs", id, other)
		}
	})
	for _, bad := range []string{"1", "0000000000000l", "000000000000u", "8000000000000", "00000000000000"} {
		if _, err := gyre.ParseID(bad); gyre.ErrorCode(err) != gyre.Invalid {
			t.Errorf("ParseID(%q): %v", bad, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("06f3k2v8h4m0a")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := gyre.ParseID(s)
		if err == nil && id.String() != s {
			t.Fatalf("%q → %d → %q", s, id, id)
		}
	})
}

func TestErrors(t *testing.T) {
	err := gyre.Errorf(gyre.NotFound, "open %q: %w", "x", fs.ErrNotExist)
	if got := err.Error(); got != `open "x": file does not exist` {
		t.Errorf("message %q", got)
	}
	if !errors.Is(err, fs.ErrNotExist) || gyre.ErrorCode(err) != gyre.NotFound {
		t.Errorf("chain or code lost: %v, %s", err, gyre.ErrorCode(err))
	}
	if err := gyre.FieldErrorf(gyre.Invalid, "targets[2].cidr", "%q is no CIDR", "x"); err.Error() != `targets[2].cidr: "x" is no CIDR` {
		t.Errorf("field error %q", err)
	}
	if gyre.ErrorCode(errors.New("x")) != gyre.Internal || gyre.ErrorCode(nil) != "" {
		t.Error("codes of foreign and no errors")
	}
}

func TestCaught(t *testing.T) {
	if err := gyre.Caught(func() error { return nil }); err != nil {
		t.Error(err)
	}
	var nobody map[string]int
	if err := gyre.Caught(func() error { nobody["x"]++; return nil }); gyre.ErrorCode(err) != gyre.Internal || !strings.Contains(err.Error(), "gyre_test.go") {
		t.Errorf("%v does not say where", err)
	}
}

func TestStates(t *testing.T) {
	for _, from := range gyre.States {
		if from.SetByPerson(gyre.StateFixed) || from.SetByPerson(gyre.StateMitigated) {
			t.Errorf("a person may move %s to fixed or mitigated without evidence", from)
		}
		for _, to := range gyre.States {
			if from == gyre.StateFixed && from.SetByPerson(to) {
				t.Errorf("a person may reopen by hand: fixed to %s", to)
			}
		}
	}
}

func TestSeverityText(t *testing.T) {
	for s := gyre.SeverityInfo; s <= gyre.SeverityCritical; s++ {
		b, err := json.Marshal(s)
		var back gyre.Severity
		if err != nil || json.Unmarshal(b, &back) != nil || back != s {
			t.Errorf("%v → %s → %v", s, b, back)
		}
	}
	for score, want := range map[float64]gyre.Severity{0: gyre.SeverityInfo, 0.1: gyre.SeverityLow, 3.9: gyre.SeverityLow, 4: gyre.SeverityMedium, 7: gyre.SeverityHigh, 8.9: gyre.SeverityHigh, 9: gyre.SeverityCritical, 10: gyre.SeverityCritical} {
		if got := gyre.SeverityOfCVSS(score); got != want {
			t.Errorf("CVSS %.1f is %s, want %s", score, got, want)
		}
	}
}

func TestBands(t *testing.T) {
	last := gyre.BandMinimal
	order := map[gyre.Band]int{}
	for i, b := range gyre.Bands {
		order[b] = -i
	}
	for r := 0.0; r <= 100; r += 0.5 {
		b := gyre.BandOf(r)
		if order[b] < order[last] {
			t.Fatalf("risk %.1f is %s, lower than before", r, b)
		}
		last = b
	}
	if last != gyre.BandCritical {
		t.Errorf("risk 100 is %s", last)
	}
}
