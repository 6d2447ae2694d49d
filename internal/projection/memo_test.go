// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package projection_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/projection"
)

// TestForgetsWhatChanged: what is kept of a dimension from one state to the next
// is forgotten when the dimension changes; after each change answers are those of a
// projection that is built afresh. The estate is large enough for something to be kept.
func TestForgetsWhatChanged(t *testing.T) {
	l := &live{made: makeEstate(30_000)}
	follower := projection.New(l)
	asset, weakness := &l.assets[7], &l.weaknesses[3]
	tell := func(object string, id gyre.ID) {
		l.events = append(l.events, gyre.Event{Seq: int64(len(l.events) + 1), Object: object, ID: id})
		l.seq.Store(int64(len(l.events)))
	}
	steps := []struct {
		name   string
		change func()
	}{
		{"nothing", func() {}},
		{"an exposure", func() { l.change(1) }},
		{"name and zone of an asset", func() { asset.Name, asset.Zone = "AAA", "elsewhere"; tell("asset", asset.ID) }},
		{"tags of an asset", func() { asset.Tags = []string{"only-here"}; tell("asset", asset.ID) }},
		{"title of a weakness", func() { weakness.Title = "Aardvark"; tell("weakness", weakness.ID) }},
		{"intelligence of a weakness", func() { weakness.Intel.EPSS, weakness.Intel.KEV = 0.99, true; tell("weakness", weakness.ID) }},
		{"intelligence of all", func() {
			for i := range l.weaknesses {
				l.weaknesses[i].Intel.EPSS = float64(i%100) / 100
			}
			tell("intel", 0)
		}},
		{"a new place", func() { l.exposures[5].Locus = "/a/new/place"; tell("exposure", l.exposures[5].ID) }},
		{"name and risk appetite of a scope", func() { l.scopes[0].Name, l.scopes[0].RiskAppetite = "market", 5; tell("scope", l.scopes[0].ID) }},
		{"selector of a scope", func() { l.scopes[1].Selector = `name == "AAA"`; tell("scope", l.scopes[1].ID) }},
	}
	queries := []gyre.ListQuery{
		{Sort: []string{"asset.name"}},
		{Sort: []string{"title", "-asset.zone"}},
		{Sort: []string{"-intel.epss", "locus"}},
		{Sort: []string{"locus"}},
		{Filter: `asset.zone == "elsewhere" || "only-here" in asset.tags`, Sort: []string{"asset.name"}},
		{Filter: `intel.kev && intel.epss > 0.5`, Sort: []string{"title"}},
		{Filter: `locus.startsWith("/a/new") || title == "Aardvark"`},
		{Filter: `"market" in scope || "shop" in scope`, Facets: []string{"scope", "asset.zone"}},
		{Filter: `over_appetite && "office" in scope`, Facets: []string{"scope"}},
		{Filter: `last_seen > first_seen && risk > cvss * 5.0`},
	}
	for _, s := range steps {
		s.change()
		afresh := projection.New(l)
		for i, q := range queries {
			for range 2 { // worked out, and remembered
				got, gotInfo, err := follower.Exposures(t.Context(), 1, q)
				if err != nil {
					t.Fatal(err)
				}
				want, wantInfo, err := afresh.Exposures(t.Context(), 1, q)
				if err != nil {
					t.Fatal(err)
				}
				// Sums are added in the order of rows.
				diff := cmp.Diff(want, got) + cmp.Diff(wantInfo, gotInfo, cmpopts.IgnoreFields(gyre.ListInfo{}, "FreshAt"), cmpopts.EquateApprox(1e-9, 0))
				if diff != "" {
					t.Fatalf("after a change of %s, %s: %s", s.name, fmt.Sprint(i, q.Filter, q.Sort), diff)
				}
			}
		}
		assets, _, err := follower.Assets(t.Context(), 1, gyre.ListQuery{Filter: `zone == "elsewhere" || exposures > 5`, Sort: []string{"name"}})
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := afresh.Assets(t.Context(), 1, gyre.ListQuery{Filter: `zone == "elsewhere" || exposures > 5`, Sort: []string{"name"}})
		if diff := cmp.Diff(want, assets, cmpopts.EquateApprox(1e-9, 0)); err != nil || diff != "" {
			t.Fatalf("after a change of %s: assets: %v %s", s.name, err, diff)
		}
	}
}
