// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/projection"
)

// TestAsOf: a view of the past answers like the present did, from its own
// source, with its own now, and is built once.
func TestAsOf(t *testing.T) {
	yesterday := time.Now().Add(-24 * time.Hour)
	then, today := many(300), many(400)
	for id, x := range then.exposures {
		x.FirstSeen = yesterday.Add(-time.Hour)
		then.exposures[id] = x
	}
	p := projection.New(today)
	if _, err := p.AsOf(t.Context(), 1, yesterday); gyre.ErrorCode(err) != gyre.Unavailable {
		t.Fatalf("without a source of the past: %v", err)
	}
	built := 0
	p.Past(func(at time.Time) projection.Source {
		built++
		if !at.Equal(yesterday.UTC().Truncate(time.Microsecond)) {
			t.Errorf("asked for %s", at)
		}
		return then
	})
	for range 2 {
		v, err := p.AsOf(t.Context(), 1, yesterday)
		if err != nil {
			t.Fatal(err)
		}
		rows, info, err := v.Exposures(gyre.ListQuery{Filter: `now - first_seen < duration("2h")`, Sort: []string{"locus"}, Limit: 1000})
		if err != nil || info.Total != 300 || !info.FreshAt.Equal(yesterday.Truncate(time.Microsecond)) {
			t.Fatalf("%d exposures fresh at %s, %v", info.Total, info.FreshAt, err)
		}
		want, _, err := projection.New(then).Exposures(t.Context(), 1, gyre.ListQuery{Sort: []string{"locus"}, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, rows); d != "" {
			t.Errorf("yesterday differs (-want +got):\n%s", d)
		}
	}
	if built != 1 {
		t.Errorf("built %d times", built)
	}
	if _, info, err := p.Exposures(t.Context(), 1, gyre.ListQuery{}); err != nil || info.Total != 400 {
		t.Errorf("today has %d, %v", info.Total, err)
	}
}
