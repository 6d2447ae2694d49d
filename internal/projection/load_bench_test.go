// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"testing"
	"time"

	"github.com/gyre-ctem/gyre/internal/projection"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// BenchmarkStore fills a real database and reports what loading it takes.
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
			before := heap()
			started := time.Now()
			p := projection.New(realStore{db})
			v, err := p.View(b.Context(), ws.ID)
			if err != nil {
				b.Fatal(err)
			}
			load := time.Since(started)
			perRow := float64(heap()-before) / float64(filled.Exposures)
			if n := v.Tally().Assets; n != filled.Assets {
				b.Fatalf("%d assets of %d", n, filled.Assets)
			}
			for b.Loop() {
				_ = v
			}
			b.ReportMetric(load.Seconds(), "s/load")
			b.ReportMetric(perRow, "B/exposure")
		})
	}
}
