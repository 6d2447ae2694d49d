// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"flag"
	"testing"

	"pgregory.net/rapid"
)

// TestCases: a property is tried as often as it says, and never not at all.
func TestCases(t *testing.T) {
	if casesAsked() {
		t.Skip("the number of cases was asked for")
	}
	short := flag.Lookup("test.short")
	before := short.Value.String()
	t.Cleanup(func() { _ = short.Value.Set(before) })
	for _, c := range []struct {
		short   string
		n, runs int
	}{{"false", 15, 15}, {"true", 60, 12}, {"true", 15, fewest}, {"true", 1, fewest}} {
		if err := short.Value.Set(c.short); err != nil {
			t.Fatal(err)
		}
		t.Run("", func(t *testing.T) {
			Cases(t, c.n)
			runs := 0
			rapid.Check(t, func(*rapid.T) { runs++ })
			if runs != c.runs {
				t.Errorf("%+v: tried %d times", c, runs)
			}
		})
	}
}
