// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/projection"
)

// estate is a store in memory: rows and the events that tell of them.
type estate struct {
	mu         sync.Mutex
	assets     map[gyre.ID]projection.Asset
	weaknesses map[gyre.ID]projection.Weakness
	exposures  map[gyre.ID]projection.Exposure
	scopes     []gyre.Scope
	events     []gyre.Event
}

func newEstate() *estate {
	return &estate{
		assets: map[gyre.ID]projection.Asset{}, weaknesses: map[gyre.ID]projection.Weakness{}, exposures: map[gyre.ID]projection.Exposure{},
	}
}

func (e *estate) event(object string, id gyre.ID) {
	e.events = append(e.events, gyre.Event{Seq: int64(len(e.events) + 1), Object: object, ID: id, At: time.Now()})
}

func yieldAll[T any](m map[gyre.ID]T, ids []gyre.ID, yield func(T) error) error {
	if ids == nil {
		for id := range m {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		if v, ok := m[id]; ok {
			if err := yield(v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *estate) Assets(_ context.Context, _ gyre.ID, ids []gyre.ID, yield func(projection.Asset) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return yieldAll(e.assets, ids, yield)
}

func (e *estate) Weaknesses(_ context.Context, _ gyre.ID, ids []gyre.ID, yield func(projection.Weakness) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return yieldAll(e.weaknesses, ids, yield)
}

func (e *estate) Exposures(_ context.Context, _ gyre.ID, ids []gyre.ID, yield func(projection.Exposure) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return yieldAll(e.exposures, ids, yield)
}

func (e *estate) Scopes(context.Context, gyre.ID) ([]gyre.Scope, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.scopes), nil
}

func (e *estate) SeenByRuns(_ context.Context, _ gyre.ID, _ []gyre.ID, asset, exposure func(gyre.ID, time.Time) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, a := range e.assets {
		if err := asset(id, a.LastSeen); err != nil {
			return err
		}
	}
	for id, x := range e.exposures {
		if err := exposure(id, x.LastSeen); err != nil {
			return err
		}
	}
	return nil
}

func (e *estate) IntelOfWeaknesses(_ context.Context, _ gyre.ID, _ iter.Seq[gyre.Weakness], yield func(gyre.ID, gyre.Intel) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, w := range e.weaknesses {
		if w.Intel == (gyre.Intel{}) {
			continue
		}
		if err := yield(id, w.Intel); err != nil {
			return err
		}
	}
	return nil
}

func (e *estate) LastSeq(context.Context, gyre.ID) (int64, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return int64(len(e.events)), nil
}

func (e *estate) EventsSince(_ context.Context, _ gyre.ID, seq int64, limit int) ([]gyre.Event, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	rest := e.events[seq:]
	return slices.Clone(rest[:min(len(rest), limit)]), nil
}

var (
	severities = []gyre.Severity{gyre.SeverityInfo, gyre.SeverityLow, gyre.SeverityMedium, gyre.SeverityHigh, gyre.SeverityCritical}
	zones      = []gyre.Zone{gyre.ZoneInternet, gyre.ZoneDMZ, gyre.ZoneInternal}
)

// change makes one random change, with its event.
func (e *estate) change(t *rapid.T) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id := func(name string) gyre.ID { return gyre.ID(rapid.IntRange(1, 6).Draw(t, name)) }
	switch rapid.IntRange(0, 5).Draw(t, "what") {
	case 0:
		a := id("asset")
		e.assets[a] = projection.Asset{
			Asset:  gyre.Asset{ID: a, Name: fmt.Sprintf("host-%d", a), Kind: gyre.Host, Zone: rapid.SampledFrom(zones).Draw(t, "zone")},
			Scopes: []gyre.ID{1},
		}
		e.event("asset", a)
	case 1:
		w := id("weakness") + 100
		e.weaknesses[w] = projection.Weakness{
			Weakness: gyre.Weakness{ID: w, Key: fmt.Sprintf("CVE-2024-%d", w), Title: "weakness", Class: gyre.Vulnerability},
			Intel:    gyre.Intel{KEV: rapid.Bool().Draw(t, "kev"), EPSS: rapid.Float64Range(0, 1).Draw(t, "epss")},
		}
		e.event("weakness", w)
	case 2, 3:
		x := id("exposure") + 200
		a, w := id("of"), id("what is wrong")+100
		if _, ok := e.assets[a]; !ok {
			return
		}
		if _, ok := e.weaknesses[w]; !ok {
			return
		}
		e.exposures[x] = projection.Exposure{
			ID: x, Asset: a, Weakness: w, Locus: "tcp/443", Aspect: gyre.AspectTLS, Class: gyre.Vulnerability,
			Severity: rapid.SampledFrom(severities).Draw(t, "severity"), State: rapid.SampledFrom(gyre.States).Draw(t, "state"),
			LastSeen: time.Now(), Sources: []string{"network"},
		}
		e.event("exposure", x)
	case 4:
		e.scopes = []gyre.Scope{{ID: 1, Name: "shop", Criticality: gyre.Criticality(rapid.IntRange(0, 4).Draw(t, "criticality"))}}
		e.event("scope", 1)
	case 5:
		// A sighting that changes nothing else: the run's end tells of it.
		for x, row := range e.exposures {
			row.LastSeen = time.Now()
			e.exposures[x] = row
		}
		e.event("run", gyre.NewID())
	}
}

func everything(t interface {
	Fatal(...any)
}, p *projection.Projection,
) any {
	ctx := context.Background()
	rows, info, err := p.Exposures(ctx, 1, gyre.ListQuery{Sort: []string{"weakness", "locus"}, Facets: []string{"severity", "state", "scope"}, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	assets, assetInfo, err := p.Assets(ctx, 1, gyre.ListQuery{Sort: []string{"name"}, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	tally, err := p.Tally(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	info.FreshAt, assetInfo.FreshAt = time.Time{}, time.Time{}
	round := func(f *float64) { *f = float64(int64(*f*1e6)) / 1e6 } // sums depend on the order of rows
	round(&info.Risk)
	round(&assetInfo.Risk)
	round(&tally.Risk)
	for i := range assets {
		round(&assets[i].Risk)
	}
	return []any{rows, info, assets, assetInfo, tally}
}

// TestFollowsEvents: after any sequence of changes, the projection that followed
// equals one that is built afresh.
func TestFollowsEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := newEstate()
		p := projection.New(e)
		for range rapid.IntRange(1, 12).Draw(t, "looks") {
			for range rapid.IntRange(0, 6).Draw(t, "changes") {
				e.change(t)
			}
			if diff := cmp.Diff(everything(t, projection.New(e)), everything(t, p)); diff != "" {
				t.Fatalf("differs from a fresh one (-fresh +followed):\n%s", diff)
			}
		}
	})
}

func many(n int) *estate {
	e := newEstate()
	e.scopes = []gyre.Scope{{ID: 1, Name: "shop"}}
	for a := gyre.ID(1); a <= 50; a++ {
		e.assets[a] = projection.Asset{Asset: gyre.Asset{ID: a, Name: fmt.Sprintf("host-%02d", a), Kind: gyre.Host, Zone: zones[int(a)%3]}, Scopes: []gyre.ID{1}}
	}
	for w := gyre.ID(1); w <= 40; w++ {
		e.weaknesses[w] = projection.Weakness{
			Weakness: gyre.Weakness{ID: w, Key: fmt.Sprintf("CVE-2024-%04d", w), Title: fmt.Sprintf("bug %d", w%7)},
			Intel:    gyre.Intel{KEV: w%9 == 0, EPSS: float64(w) / 50},
		}
	}
	for x := gyre.ID(1); x <= gyre.ID(n); x++ {
		e.exposures[x] = projection.Exposure{
			ID: x, Asset: x%50 + 1, Weakness: x%40 + 1, Locus: fmt.Sprintf("tcp/%d", x), Aspect: gyre.AspectTLS, Class: gyre.Classes[int(x)%len(gyre.Classes)],
			Severity: severities[int(x)%5], State: gyre.States[int(x)%len(gyre.States)], LastSeen: time.UnixMicro(int64(x)), Sources: []string{"b", "a"},
		}
	}
	return e
}

// TestPages: the pages of a list, one after the other, are the list, in any order.
func TestPages(t *testing.T) {
	p := projection.New(many(997))
	for _, sort := range []string{"-risk", "risk", "title,-severity", "asset.name,-last_seen", "-intel.kev,locus", ""} {
		q := gyre.ListQuery{Filter: `severity >= LOW && asset.zone != "dmz"`, Limit: 37}
		if sort != "" {
			q.Sort = strings.Split(sort, ",")
		}
		var paged []gyre.ExposureRow
		total := 0
		for {
			rows, info, err := p.Exposures(t.Context(), 1, q)
			if err != nil {
				t.Fatal(err)
			}
			paged, total, q.After = append(paged, rows...), info.Total, info.Next
			if info.Next == "" {
				break
			}
		}
		whole, info, err := p.Exposures(t.Context(), 1, gyre.ListQuery{Filter: q.Filter, Sort: q.Sort, Limit: 1000})
		if err != nil || info.Total != total || len(whole) != total || total == 0 {
			t.Fatalf("sort %q: %d rows of %d, pages say %d, %v", sort, len(whole), info.Total, total, err)
		}
		if diff := cmp.Diff(whole, paged); diff != "" {
			t.Errorf("sort %q: pages differ from the whole:\n%s", sort, diff)
		}
	}
}

func TestRefuses(t *testing.T) {
	p := projection.New(many(5))
	for field, q := range map[string]gyre.ListQuery{
		"sort":   {Sort: []string{"colour"}},
		"limit":  {Limit: 5000},
		"after":  {After: "garbage"},
		"facets": {Facets: []string{"risk"}},
		"filter": {Filter: "severity > "},
	} {
		_, _, err := p.Exposures(t.Context(), 1, q)
		if gyre.ErrorCode(err) != gyre.Invalid || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
	_, info, err := p.Exposures(t.Context(), 1, gyre.ListQuery{Limit: 2})
	if err != nil || info.Next == "" {
		t.Fatalf("no next page: %v", err)
	}
	if _, _, err := p.Exposures(t.Context(), 1, gyre.ListQuery{Limit: 2, After: info.Next, Sort: []string{"title"}}); gyre.ErrorCode(err) != gyre.Invalid {
		t.Errorf("a cursor of another order was taken: %v", err)
	}
}

// TestConcurrent: readers see whole states while a writer changes them.
func TestConcurrent(t *testing.T) {
	e := many(500)
	p := projection.New(e)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				tally, err := p.Tally(t.Context(), 1)
				if err != nil || tally.Exposures != 250 && tally.Exposures != 251 {
					t.Errorf("tally %d, %v", tally.Exposures, err)
					return
				}
			}
		})
	}
	for i := range 50 {
		e.mu.Lock()
		x := e.exposures[1]
		x.State = []gyre.State{gyre.StateOpen, gyre.StateFixed}[i%2]
		e.exposures[1] = x
		e.event("exposure", 1)
		e.mu.Unlock()
	}
	wg.Wait()
}

// TestSelectors: an asset belongs to the scopes whose runs saw it and to those
// whose selector matches; criticality and risk appetite come with it.
func TestSelectors(t *testing.T) {
	e := many(200)
	e.scopes = []gyre.Scope{
		{ID: 1, Name: "shop"},
		{ID: 2, Name: "edge", Selector: `zone == "internet" && name.startsWith("host-")`, Criticality: gyre.CriticalityCrown, RiskAppetite: 5},
		{ID: 3, Name: "broken", Selector: `colour == "red"`},
	}
	p := projection.New(e)
	count := func(filter string) int {
		t.Helper()
		_, info, err := p.Exposures(t.Context(), 1, gyre.ListQuery{Filter: filter})
		if err != nil {
			t.Fatal(err)
		}
		return info.Total
	}
	internet := count(`asset.zone == "internet"`)
	if in := count(`"edge" in scope`); in != internet || in == 0 {
		t.Errorf("%d exposures in the selected scope, want the %d on the internet", in, internet)
	}
	if n := count(`"shop" in scope`); n != 200 {
		t.Errorf("%d exposures in the scope whose runs saw them", n)
	}
	if n := count(`"broken" in scope`); n != 0 {
		t.Errorf("%d exposures in a scope whose selector does not compile", n)
	}
	if over := count("over_appetite"); over == 0 || over != count(`"edge" in scope && risk > 5.0`) {
		t.Errorf("%d exposures over the appetite", over)
	}
	// The scope's criticality weighs in, and leaves with its selector.
	risk := func() float64 {
		t.Helper()
		_, info, err := p.Exposures(t.Context(), 1, gyre.ListQuery{Filter: `asset.zone == "internet"`})
		if err != nil {
			t.Fatal(err)
		}
		return info.Risk
	}
	with := risk()
	e.mu.Lock()
	e.scopes = e.scopes[:1]
	e.event("scope", 2)
	e.mu.Unlock()
	if without := risk(); without >= with {
		t.Errorf("risk %.1f with a crown-jewel scope, %.1f without", with, without)
	}
	if _, err := projection.CompileSelector("risk > 3.0", time.Now()); gyre.ErrorCode(err) != gyre.Invalid {
		t.Errorf("a selector over risk: %v", err)
	}
}
