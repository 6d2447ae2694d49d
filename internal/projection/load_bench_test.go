// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package projection_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/intel"
	"github.com/gyre-ctem/gyre/internal/projection"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/plugin"
)

// BenchmarkStore fills a real database, loads it, and reports what that takes of
// time and memory; how long the questions of BenchmarkLists take, alone and while exposures
// are changed, and how long until a change is in an answer of a second process; and how
// long until a new EPSS file is in scores, bands, totals and the top of the list.
func BenchmarkStore(b *testing.B) {
	for _, e := range storetest.Engines {
		b.Run(string(e), func(b *testing.B) {
			f := fillStore(b, e)
			b.Run("load", func(b *testing.B) { f.load(b) })
			f.p = projection.New(realStore{f.db})
			a := newAsking(b, f.p, f.ws, questions(names{software: "falcondb37", host: "host-0001", hosts: "^host-.*[37][.]example"}))
			b.Run("quiet", func(b *testing.B) { a.run(b, 0, nil) })
			b.Run("changing", func(b *testing.B) { f.changing(b, a, 0, 1) })
			b.Run("importing", func(b *testing.B) { f.changing(b, a, 0, 500) })
			b.Run("people", func(b *testing.B) { f.changing(b, a, peoplePause, 1) })
			b.Run("epss", func(b *testing.B) { f.epss(b) })
		})
	}
}

// filled is a database with benchSize exposures, its projection, and that of a
// second process, which on PostgreSQL has connections of its own. SQLite serves one process.
type filled struct {
	db, other *store.DB
	ws        gyre.ID
	p         *projection.Projection
}

// keptDatabase is the address of a database to fill once and to ask often: to fill
// it takes longer than everything that is measured.
const keptDatabase = "GYRE_BENCH_DATABASE"

func fillStore(b *testing.B, e store.Engine) *filled {
	b.Helper()
	url := os.Getenv(keptDatabase)
	if url == "" {
		url = storetest.URL(b, e)
	} else if strings.HasPrefix(url, "sqlite:") != (e == store.SQLite) {
		b.Skipf("%s is of the other engine", keptDatabase)
	}
	open := func() *store.DB {
		db, err := store.Open(b.Context(), url)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := db.Close(); err != nil {
				b.Error(err)
			}
		})
		return db
	}
	f := &filled{db: open()}
	if f.other = f.db; e == store.Postgres {
		f.other = open()
	}
	ws, err := f.db.EnsureWorkspace(b.Context(), "BenchmarkStore")
	if err != nil {
		b.Fatal(err)
	}
	f.ws = ws.ID
	seq, err := f.db.LastSeq(b.Context(), ws.ID)
	if err != nil {
		b.Fatal(err)
	}
	if seq == 0 { // load counts whether one that was kept was filled to the end
		size := storetest.Million
		size.Exposures = benchSize()
		storetest.Fill(b, f.db, ws.ID, size)
		for _, sc := range []gyre.Scope{
			{Name: "shop", Selector: `"prod" in tags`, Criticality: gyre.CriticalityHigh, RiskAppetite: 40},
			{Name: "plant", Selector: `"plant" in tags && zone != "dmz"`, RiskAppetite: 70},
		} {
			if _, err := f.db.CreateScope(b.Context(), ws.ID, "bench", sc); err != nil {
				b.Fatal(err)
			}
		}
	}
	return f
}

func (f *filled) load(b *testing.B) {
	var used, held float64
	for b.Loop() {
		b.StopTimer()
		before, cpu := heap(), cpuTime()
		b.StartTimer()
		p := projection.New(realStore{f.db})
		_, info, err := p.Exposures(b.Context(), f.ws, gyre.ListQuery{})
		b.StopTimer()
		if err != nil || info.Total != benchSize() {
			b.Fatalf("%d exposures of %d, %v", info.Total, benchSize(), err)
		}
		used += (cpuTime() - cpu).Seconds()
		held += float64(heap()-before) / float64(benchSize())
		runtime.KeepAlive(p)
		b.StartTimer()
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/load")
	b.ReportMetric(used/float64(b.N), "cpu-s/load")
	b.ReportMetric(held/float64(b.N), "B/exposure")
}

// changing asks while n exposures at a time change state, and reports how long it takes
// from the commit until a second process answers with the new state, at the most.
func (f *filled) changing(b *testing.B, a *asking, pause time.Duration, n int) {
	other := projection.New(realStore{f.other})
	if _, err := other.View(b.Context(), f.ws); err != nil {
		b.Fatal(err)
	}
	ids, err := f.p.ExposureIDs(b.Context(), f.ws, `state == "open"`, benchSize())
	if err != nil {
		b.Fatal(err)
	}
	var slowest time.Duration
	a.run(b, pause, func() error {
		few := make([]gyre.ID, n)
		for i := range few {
			few[i] = ids[rand.IntN(len(ids))]
		}
		const to = gyre.StateAccepted
		if _, err := f.db.SetStates(b.Context(), f.ws, few, to, "bench", "why", time.Now().Add(time.Hour)); err != nil {
			return err
		}
		committed := time.Now()
		rows, err := other.ExposureRows(b.Context(), f.ws, few)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.State != to {
				return fmt.Errorf("%s is %s", r.ID, r.State)
			}
		}
		slowest = max(slowest, time.Since(committed))
		return nil
	})
	b.ReportMetric(float64(slowest.Microseconds())/1000, "other-ms")
}

func (f *filled) epss(b *testing.B) {
	var used time.Duration
	for b.Loop() {
		b.StopTimer()
		f.newEPSS(b)
		cpu := cpuTime()
		b.StartTimer()
		v, err := f.p.View(b.Context(), f.ws)
		if err != nil {
			b.Fatal(err)
		}
		v.Tally()
		if _, _, err := v.Exposures(gyre.ListQuery{Facets: []string{"band"}}); err != nil {
			b.Fatal(err)
		}
		used += cpuTime() - cpu
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/file")
	b.ReportMetric(used.Seconds()/float64(b.N), "cpu-s/file")
}

// newEPSS stores new scores of all weaknesses.
func (f *filled) newEPSS(b *testing.B) {
	b.Helper()
	var rows []plugin.EPSS
	err := f.db.ProjectionWeaknesses(b.Context(), f.ws, nil, func(w store.ProjectionWeakness) error {
		rows = append(rows, plugin.EPSS{CVE: w.Key, Score: rand.Float64(), Percentile: rand.Float64(), Date: time.Now()})
		return nil
	})
	if err == nil {
		err = f.db.UpsertEPSS(b.Context(), rows)
	}
	if err == nil {
		err = f.db.PutFeedRecord(b.Context(), intel.FeedRecord{Name: "epss", Synced: time.Now()})
	}
	if err != nil {
		b.Fatal(err)
	}
}
