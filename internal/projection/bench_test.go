// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package projection_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/projection"
)

// benchSize is how many exposures the benchmarks have; GYRE_BENCH_EXPOSURES changes it.
func benchSize() int {
	if n, err := strconv.Atoi(os.Getenv("GYRE_BENCH_EXPOSURES")); err == nil {
		return n
	}
	return 1_000_000
}

// mix is what people ask: the console's lists, deep pages, searches, overviews.
var mix = []struct {
	name   string
	assets bool
	gyre.ListQuery
	pages int // how deep the page lies
}{
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
	{name: "search", ListQuery: gyre.ListQuery{Filter: `search("libcurl")`}},
	{name: "search for nothing", ListQuery: gyre.ListQuery{Filter: `search("no such thing")`}},
	{name: "search by asset", ListQuery: gyre.ListQuery{Filter: `search("db-0001") && state == "open"`, Sort: []string{"asset.name"}}},
	{name: "pattern", ListQuery: gyre.ListQuery{Filter: `asset.name.matches("^(web|app)-.*eu") && locus.startsWith("tcp/")`}},
	{name: "one asset", ListQuery: gyre.ListQuery{Filter: `asset.name == "none"`, Facets: []string{"state"}}},
	{name: "assets by risk", assets: true, ListQuery: gyre.ListQuery{Facets: []string{"kind", "zone", "owner"}}},
	{name: "assets with bad bands", assets: true, ListQuery: gyre.ListQuery{Filter: `max_band == "critical" && "prod" in tags`, Sort: []string{"name"}}},
}

// live is a made-up estate in which single exposures change.
type live struct {
	*made
	mu     sync.Mutex
	events []gyre.Event
	seq    atomic.Int64
}

func (l *live) LastSeq(context.Context, gyre.ID) (int64, error) { return l.seq.Load(), nil }

func (l *live) EventsSince(_ context.Context, _ gyre.ID, seq int64, limit int) ([]gyre.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events[seq:min(int(seq)+limit, len(l.events))]), nil
}

func (l *live) Exposures(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Exposure) error) error {
	if ids == nil {
		return l.made.Exposures(ctx, ws, nil, yield)
	}
	for _, id := range ids {
		l.mu.Lock()
		i, _ := slices.BinarySearchFunc(l.exposures, id, func(e projection.Exposure, id gyre.ID) int { return int(e.ID - id) })
		e := l.exposures[i]
		l.mu.Unlock()
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

// change changes n exposures.
func (l *live) change(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		e := &l.exposures[rand.IntN(len(l.exposures))]
		e.State = gyre.States[rand.IntN(len(gyre.States))]
		l.events = append(l.events, gyre.Event{Seq: int64(len(l.events) + 1), Object: "exposure", ID: e.ID, Kind: "state"})
	}
	l.seq.Store(int64(len(l.events)))
}

var benchEstate = sync.OnceValue(func() *live { return &live{made: makeEstate(benchSize())} })

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkLists asks the questions of mix from eight goroutines at once and
// reports how long answers take: while the estate stays as it is, and while
// exposures change all the time, so that little can be remembered. The plain way
// (naive_test.go) is the baseline.
func BenchmarkLists(b *testing.B) {
	l := benchEstate()
	before := heap()
	p := projection.New(l)
	started := time.Now()
	v, err := p.View(b.Context(), 1)
	if err != nil {
		b.Fatal(err)
	}
	built := time.Since(started)
	perRow := float64(heap()-before) / float64(len(l.exposures))
	after := make([]string, len(mix))
	for i, q := range mix {
		for range q.pages {
			var info gyre.ListInfo
			q.After = after[i]
			if _, info, err = v.Exposures(q.ListQuery); err != nil {
				b.Fatal(err)
			}
			after[i] = info.Next
		}
	}
	v = nil
	ask := func(ctx context.Context, i int) error {
		q := mix[i].ListQuery
		q.After = after[i]
		if mix[i].assets {
			_, _, err := p.Assets(ctx, 1, q)
			return err
		}
		_, _, err := p.Exposures(ctx, 1, q)
		return err
	}
	b.Run("baseline", func(b *testing.B) {
		plain := newNaive(l.made)
		var took []time.Duration
		used := cpuTime()
		for b.Loop() {
			for i, q := range mix {
				if q.assets || i%3 != 0 { // some of them: each takes seconds
					continue
				}
				if len(q.Sort) == 0 {
					q.Sort = defaultOrder
				}
				t := time.Now()
				if _, err := plain.answer(q.ListQuery, t); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(t))
			}
		}
		report(b, took, cpuTime()-used)
	})
	b.Run("quiet", func(b *testing.B) { askAll(b, ask, nil) })
	b.Run("changing", func(b *testing.B) { askAll(b, ask, func() { l.change(1) }) })
	b.Run("importing", func(b *testing.B) { askAll(b, ask, func() { l.change(1000) }) })
	b.Run("one", func(b *testing.B) { // each question by itself, nothing remembered
		for i := range mix {
			b.Run(strings.ReplaceAll(mix[i].name, " ", "_"), func(b *testing.B) {
				used, n := cpuTime(), 0
				for b.Loop() {
					l.change(1)
					if err := ask(b.Context(), i); err != nil {
						b.Fatal(err)
					}
					n++
				}
				b.ReportMetric(float64((cpuTime()-used).Microseconds())/1000/float64(n), "cpu-ms/answer")
			})
		}
	})
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			_ = p
		}
		b.ReportMetric(perRow, "B/exposure")
		b.ReportMetric(built.Seconds(), "s/build")
	})
}

var defaultOrder = []string{"-risk"}

// askAll asks the questions in a random order from eight goroutines for some
// seconds, while change is called ten times a second, and reports how long answers took.
func askAll(b *testing.B, ask func(context.Context, int) error, change func()) {
	const clients, span = 8, 4 * time.Second
	took := make([][]time.Duration, clients)
	var all sync.WaitGroup
	used := cpuTime()
	for b.Loop() {
		end := time.Now().Add(span)
		if change != nil {
			all.Go(func() {
				for time.Now().Before(end) {
					change()
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
		for c := range clients {
			all.Go(func() {
				r := rand.New(rand.NewPCG(uint64(c), 7))
				for time.Now().Before(end) {
					t := time.Now()
					if err := ask(b.Context(), r.IntN(len(mix))); err != nil {
						b.Error(err)
					}
					took[c] = append(took[c], time.Since(t))
				}
			})
		}
		all.Wait()
	}
	report(b, slices.Concat(took...), cpuTime()-used)
}

// report reports percentiles, and what an answer took of a processor: on a
// machine that does other things too, that says more.
func report(b *testing.B, took []time.Duration, used time.Duration) {
	slices.Sort(took)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(took[len(took)*p/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", p))
	}
	b.ReportMetric(float64(used.Microseconds())/1000/float64(len(took)), "cpu-ms/answer")
	b.ReportMetric(float64(len(took)), "answers")
}

// cpuTime is what this process has used of processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
