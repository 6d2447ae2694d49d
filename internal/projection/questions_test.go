// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package projection_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/projection"
)

// question is a list that somebody asks for.
type question struct {
	name   string
	assets bool
	gyre.ListQuery
	pages int // how deep the page lies
}

// names is what things are called in an estate.
type names struct{ software, host, hosts string }

// questions is what people ask: the console's lists, deep pages, searches, overviews.
func questions(n names) []question {
	return []question{
		{name: "worst first", ListQuery: gyre.ListQuery{}},
		{name: "worst first, far down", ListQuery: gyre.ListQuery{Limit: 1000}, pages: 5},
		{name: "newest first", ListQuery: gyre.ListQuery{Sort: []string{"-first_seen"}}},
		{name: "oldest seen first", ListQuery: gyre.ListQuery{Sort: []string{"last_seen", "-risk"}}},
		{name: "by title", ListQuery: gyre.ListQuery{Sort: []string{"title", "asset.name"}}},
		{name: "by asset, far down", ListQuery: gyre.ListQuery{Sort: []string{"asset.name", "-risk"}, Limit: 1000}, pages: 5},
		{name: "by locus", ListQuery: gyre.ListQuery{Sort: []string{"-locus"}}},
		{name: "by severity, then EPSS", ListQuery: gyre.ListQuery{Sort: []string{"-severity", "-intel.epss"}}},
		{name: "open ones with facets", ListQuery: gyre.ListQuery{Filter: `state == "open"`, Facets: []string{"severity", "class", "band", "asset.zone"}}},
		{name: "all with facets", ListQuery: gyre.ListQuery{Facets: []string{"severity", "class", "state", "asset.zone", "sources", "asset.owner"}}},
		{name: "facets of names", ListQuery: gyre.ListQuery{Filter: `severity >= MEDIUM`, Facets: []string{"asset.name", "weakness", "locus"}}},
		{name: "four terms", ListQuery: gyre.ListQuery{Filter: `severity >= HIGH && asset.internet_facing && intel.kev && state == "open"`}},
		{name: "four broad terms", ListQuery: gyre.ListQuery{Filter: `severity >= LOW && asset.zone != "dmz" && risk > 5 && fix_available`, Sort: []string{"asset.name"}}},
		{name: "four terms joined by or", ListQuery: gyre.ListQuery{Filter: `intel.kev || asset.criticality == 4 || "pci" in asset.tags || band == "critical"`}},
		{name: "times", ListQuery: gyre.ListQuery{Filter: `first_seen > timestamp("2026-01-01T00:00:00Z") && last_seen < timestamp("2026-04-20T00:00:00Z")`}},
		{name: "relative to now", ListQuery: gyre.ListQuery{Filter: `now - first_seen < duration("8760h") && state == "open"`, Sort: []string{"-state_since"}}},
		{name: "over appetite", ListQuery: gyre.ListQuery{Filter: `over_appetite && "shop" in scope`, Facets: []string{"asset.owner"}}},
		{name: "two columns at once", ListQuery: gyre.ListQuery{Filter: `risk > cvss * 8.0 && severity >= HIGH`}},
		{name: "search", ListQuery: gyre.ListQuery{Filter: `search("` + n.software + `")`}},
		{name: "search for nothing", ListQuery: gyre.ListQuery{Filter: `search("no such thing")`}},
		{name: "search by asset", ListQuery: gyre.ListQuery{Filter: `search("` + n.host + `") && state == "open"`, Sort: []string{"asset.name"}}},
		{name: "pattern", ListQuery: gyre.ListQuery{Filter: `asset.name.matches("` + n.hosts + `") && locus.startsWith("tcp/")`}},
		{name: "one asset", ListQuery: gyre.ListQuery{Filter: `asset.name == "none"`, Facets: []string{"state"}}},
		{name: "assets by risk", assets: true, ListQuery: gyre.ListQuery{Facets: []string{"kind", "zone", "owner"}}},
		{name: "assets with bad bands", assets: true, ListQuery: gyre.ListQuery{Filter: `max_band == "critical" && "prod" in tags`, Sort: []string{"name"}}},
	}
}

// asking asks a projection the questions.
type asking struct {
	p     *projection.Projection
	ws    gyre.ID
	list  []question
	after []string // where the page before ends
}

func newAsking(b *testing.B, p *projection.Projection, ws gyre.ID, list []question) *asking {
	b.Helper()
	v, err := p.View(b.Context(), ws)
	if err != nil {
		b.Fatal(err)
	}
	a := &asking{p: p, ws: ws, list: list, after: make([]string, len(list))}
	for i, q := range list {
		for range q.pages {
			var info gyre.ListInfo
			q.After = a.after[i]
			if _, info, err = v.Exposures(q.ListQuery); err != nil {
				b.Fatal(err)
			}
			a.after[i] = info.Next
		}
	}
	return a
}

func (a *asking) ask(ctx context.Context, i int) error {
	q := a.list[i].ListQuery
	q.After = a.after[i]
	if a.list[i].assets {
		_, _, err := a.p.Assets(ctx, a.ws, q)
		return err
	}
	_, _, err := a.p.Exposures(ctx, a.ws, q)
	return err
}

// answer is how long one took.
type answer struct {
	question int
	took     time.Duration
}

// run asks the questions in a random order from eight goroutines, which pause so
// long between them, for some seconds, while change is called ten times a second.
func (a *asking) run(b *testing.B, pause time.Duration, change func() error) {
	const clients, span = 8, 4 * time.Second
	took := make([][]answer, clients)
	var all sync.WaitGroup
	used, started := cpuTime(), time.Now()
	for b.Loop() {
		end := time.Now().Add(span)
		if change != nil {
			all.Go(func() {
				for time.Now().Before(end) {
					if err := change(); err != nil {
						b.Error(err)
					}
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
		for c := range clients {
			all.Go(func() {
				r := rand.New(rand.NewPCG(uint64(c), 7))
				for time.Now().Before(end) {
					i, t := r.IntN(len(a.list)), time.Now()
					if err := a.ask(b.Context(), i); err != nil {
						b.Error(err)
					}
					took[c] = append(took[c], answer{i, time.Since(t)})
					time.Sleep(pause)
				}
			})
		}
		all.Wait()
	}
	a.report(b, slices.Concat(took...), cpuTime()-used, time.Since(started))
}

// report reports percentiles, what an answer took of a processor, and how many
// processors this process had: on a machine that does other things too, that says
// what the percentiles are worth. With -v also what the slowest answers were about.
func (a *asking) report(b *testing.B, took []answer, used, elapsed time.Duration) {
	slices.SortFunc(took, func(x, y answer) int { return int(x.took - y.took) })
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(took[len(took)*p/100].took.Microseconds())/1000, fmt.Sprintf("p%d-ms", p))
	}
	b.ReportMetric(float64(used.Microseconds())/1000/float64(len(took)), "cpu-ms/answer")
	b.ReportMetric(float64(len(took)), "answers")
	b.ReportMetric(used.Seconds()/elapsed.Seconds(), "processors")
	if testing.Verbose() {
		for _, t := range took[max(0, len(took)-len(took)/100-5):] {
			b.Logf("%s: %v", a.list[t.question].name, t.took.Round(100*time.Microsecond))
		}
	}
}
