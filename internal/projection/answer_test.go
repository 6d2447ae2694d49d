// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
	"github.com/gyre-ctem/gyre/internal/projection"
)

// reference is an estate of several pages of columns, with both ways to ask about it.
var reference = sync.OnceValue(func() struct {
	plain *naive
	view  *projection.View
} {
	m := makeEstate(40_000)
	v, err := projection.New(m).View(context.Background(), 1)
	if err != nil {
		panic(err)
	}
	return struct {
		plain *naive
		view  *projection.View
	}{newNaive(m), v}
})

// terms are conditions of every kind: of each dimension, of risk, of several at once.
var terms = []string{
	`severity >= HIGH`, `severity == LOW`, `state == "open"`, `class != "vulnerability"`, `aspect == "package"`, `band == "critical"`,
	`risk > 40`, `risk <= 7.5`, `risk != 0.0`, `risk * 2.0 > cvss * 10.0`, `cvss >= 7`, `intel.kev`, `intel.epss > 0.1`, `intel.ransomware`,
	`intel.exploit == "poc"`, `asset.internet_facing`, `asset.zone == "dmz"`, `asset.criticality >= 3`, `asset.owner == "team-7"`,
	`asset.kind == "webapp"`, `"prod" in asset.tags`, `"pci" in asset.tags`, `"shop" in scope`, `"trivy" in sources`, `size(sources) > 1`,
	`locus.startsWith("tcp/")`, `title.contains("libssl")`, `weakness.endsWith("7")`, `"CWE-7" in cwes`, `over_appetite`, `fix_available`,
	`last_seen > timestamp("2026-04-20T00:00:00Z")`, `now - first_seen < duration("2400h")`, `last_seen - state_since > duration("240h")`,
	`has(action)`, `search("curl")`, `search("WEB-000")`, `asset.name.matches("^db-.*us")`, `aliases.exists(a, a.startsWith("GHSA-00"))`,
	`asset.id == "00000000ygjr4"`, `severity == CRITICAL ? risk > 50 : risk > 80`,
}

var sorts = []string{
	"-risk", "risk", "severity", "-severity", "state", "-class", "aspect", "band", "locus", "-locus", "title", "weakness", "-asset.name", "asset.id",
	"asset.zone", "-asset.criticality", "asset.owner", "first_seen", "-first_seen", "-last_seen", "last_seen", "state_since", "cvss", "-intel.epss",
	"-intel.kev", "fix_available", "-over_appetite", "action", "asset.kind",
}

var facets = []string{
	"severity", "state", "class", "aspect", "band", "asset.zone", "asset.name", "asset.owner", "asset.kind", "asset.tags", "scope", "sources", "title",
	"weakness", "locus", "action", "intel.kev", "over_appetite", "fix_available", "cwes", "aliases", "asset.id", "intel.exploit",
}

// TestAnswers: any filter, sort, page and facets give what the plain way gives.
func TestAnswers(t *testing.T) {
	ref := reference()
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		var parts []string
		for range rapid.IntRange(0, 4).Draw(t, "terms") {
			term := rapid.SampledFrom(terms).Draw(t, "term")
			if rapid.IntRange(0, 4).Draw(t, "not") == 0 {
				term = "!(" + term + ")"
			}
			parts = append(parts, "("+term+")")
		}
		// now of the live view is another than that of the test.
		filter := strings.ReplaceAll(strings.Join(parts, rapid.SampledFrom([]string{" && ", " || "}).Draw(t, "join")), "now", `timestamp("2026-05-01T00:00:00Z")`)
		q := gyre.ListQuery{
			Filter: filter, Sort: rapid.SliceOfNDistinct(rapid.SampledFrom(sorts), 1, 3, rapid.ID).Draw(t, "sort"),
			Limit: rapid.SampledFrom([]int{1, 7, 100, 1000}).Draw(t, "limit"), Facets: rapid.SliceOfNDistinct(rapid.SampledFrom(facets), 0, 3, rapid.ID).Draw(t, "facets"),
		}
		want, err := ref.plain.answer(q, now)
		if err != nil {
			t.Fatal(err)
		}
		skip := 0
		if len(want.ids) > 0 && rapid.Bool().Draw(t, "deep") { // from the middle, by the cursor of a page of one
			skip = rapid.IntRange(1, len(want.ids)).Draw(t, "skip")
			q.After = cursorTo(t, ref.plain, q, want.ids[skip-1])
		}
		rows, info, err := ref.view.Exposures(q)
		if err != nil {
			t.Fatalf("%q: %v", filter, err)
		}
		if info.Total != len(want.ids) || math.Abs(info.Risk-want.risk) > 1e-6 {
			t.Fatalf("%q: %d rows with risk %g, want %d with %g", filter, info.Total, info.Risk, len(want.ids), want.risk)
		}
		page := want.ids[skip:min(skip+q.Limit, len(want.ids))]
		got := make([]gyre.ID, len(rows))
		for i, r := range rows {
			got[i] = r.ID
		}
		if !slices.Equal(got, page) {
			t.Fatalf("%q by %v behind %d rows: %d rows that differ from the %d wanted, first at %d", filter, q.Sort, skip, len(got), len(page), firstDiff(got, page))
		}
		if more := skip+q.Limit < len(want.ids); more != (info.Next != "") {
			t.Fatalf("%q: a next page is %v", filter, more)
		}
		for _, f := range q.Facets {
			if d := cmp.Diff(want.facets[f], info.Facets[f]); d != "" {
				t.Fatalf("%q: facet %s (-want +got):\n%s", filter, f, d)
			}
		}
		ids, err := ref.view.ExposureIDs(filter, 50)
		if err != nil || len(ids) != min(50, len(want.ids)) {
			t.Fatalf("%q: %d ids, %v", filter, len(ids), err)
		}
	})
}

func firstDiff(a, b []gyre.ID) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// TestRiskBits: the risk of every exposure is the bits that prioritize computes.
func TestRiskBits(t *testing.T) {
	ref := reference()
	i := 0
	err := ref.view.Scores(func(s projection.Scored) error {
		want := ref.plain.rows[i]
		if s.ID != want.ID || math.Float64bits(s.Risk) != math.Float64bits(want.risk) || s.Active != want.State.Active() {
			return fmt.Errorf("%s has risk %x, want %s with %x", s.ID, s.Risk, want.ID, want.risk)
		}
		i++
		return nil
	})
	if err != nil || i != len(ref.plain.rows) {
		t.Errorf("after %d: %v", i, err)
	}
}

var _ expr.Columns = (*naive)(nil)

// cursorTo makes the cursor that a page ending with a row has.
func cursorTo(t *rapid.T, n *naive, q gyre.ListQuery, id gyre.ID) string {
	i, _ := slices.BinarySearchFunc(n.rows, id, func(r naiveRow, id gyre.ID) int { return int(r.ID - id) })
	var keys []any
	for _, s := range q.Sort {
		name := strings.TrimPrefix(s, "-")
		switch f, _ := expr.ExposureSchema.Field(name); f.Type {
		case expr.Text:
			keys = append(keys, n.Text(name)(i))
		case expr.Time:
			keys = append(keys, float64(n.Time(name)(i)))
		case expr.Bool:
			keys = append(keys, map[bool]float64{true: 1}[n.Bool(name)(i)])
		default:
			keys = append(keys, n.Number(name)(i))
		}
	}
	b, err := json.Marshal(map[string]any{"s": q.Sort, "k": keys, "i": id})
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}
