// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package projection_test

import (
	"math/rand/v2"
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
// time and memory; then how long it takes until a new EPSS file is in scores, bands,
// totals and the top of the list, and until one change is seen by a second projection.
func BenchmarkStore(b *testing.B) {
	for _, e := range storetest.Engines {
		b.Run(string(e), func(b *testing.B) {
			db := storetest.Shared(b, e)
			ws, err := db.EnsureWorkspace(b.Context(), b.Name())
			if err != nil {
				b.Fatal(err)
			}
			size := storetest.Million
			size.Exposures = benchSize()
			filled := storetest.Fill(b, db, ws.ID, size)
			before, used, started := heap(), cpuTime(), time.Now()
			p := projection.New(realStore{db})
			v, err := p.View(b.Context(), ws.ID)
			if err != nil {
				b.Fatal(err)
			}
			load, loadCPU := time.Since(started), cpuTime()-used
			perRow := float64(heap()-before) / float64(filled.Exposures)
			if n := v.Tally().Assets; n != filled.Assets {
				b.Fatalf("%d assets of %d", n, filled.Assets)
			}
			v = nil
			var epss, change time.Duration
			n := 0
			for b.Loop() {
				epss += newEPSS(b, db, p, ws.ID)
				change += oneChange(b, db, p, ws.ID)
				n++
			}
			b.ReportMetric(load.Seconds(), "load-s")
			b.ReportMetric(loadCPU.Seconds(), "load-cpu-s")
			b.ReportMetric(perRow, "B/exposure")
			b.ReportMetric(epss.Seconds()/float64(n), "epss-s")
			b.ReportMetric(change.Seconds()*1000/float64(n), "change-ms")
		})
	}
}

// newEPSS stores new scores of all weaknesses and returns how long it takes from
// then until they are in the answers.
func newEPSS(b *testing.B, db *store.DB, p *projection.Projection, ws gyre.ID) time.Duration {
	b.Helper()
	var rows []plugin.EPSS
	err := db.ProjectionWeaknesses(b.Context(), ws, nil, func(w store.ProjectionWeakness) error {
		rows = append(rows, plugin.EPSS{CVE: w.Key, Score: rand.Float64(), Percentile: rand.Float64(), Date: time.Now()})
		return nil
	})
	if err == nil {
		err = db.UpsertEPSS(b.Context(), rows)
	}
	if err == nil {
		err = db.PutFeedRecord(b.Context(), intel.FeedRecord{Name: "epss", Synced: time.Now()})
	}
	if err != nil {
		b.Fatal(err)
	}
	started := time.Now()
	v, err := p.View(b.Context(), ws)
	if err != nil {
		b.Fatal(err)
	}
	v.Tally()
	if _, _, err := v.Exposures(gyre.ListQuery{Facets: []string{"band"}}); err != nil {
		b.Fatal(err)
	}
	return time.Since(started)
}

// oneChange accepts one exposure and returns how long the answer takes in which
// that is seen.
func oneChange(b *testing.B, db *store.DB, p *projection.Projection, ws gyre.ID) time.Duration {
	b.Helper()
	const open = `state == "open"`
	ids, err := p.ExposureIDs(b.Context(), ws, open, 1)
	if err == nil {
		_, err = db.SetStates(b.Context(), ws, ids, gyre.StateAccepted, "bench", "why", time.Now().Add(time.Hour))
	}
	if err != nil {
		b.Fatal(err)
	}
	started := time.Now()
	rows, err := p.ExposureRows(b.Context(), ws, ids)
	if err != nil || len(rows) != 1 || rows[0].State != gyre.StateAccepted {
		b.Fatalf("%v, %v", rows, err)
	}
	return time.Since(started)
}
