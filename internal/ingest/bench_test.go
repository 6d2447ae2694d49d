// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/plugin"
)

// BenchmarkIngest measures findings a second, new and known, in batches of a
// thousand: 500 weaknesses on 1,000 hosts.
//
//	go test -run '^$' -bench Ingest -benchtime 50000x ./internal/ingest
func BenchmarkIngest(b *testing.B) {
	for _, e := range storetest.Engines {
		b.Run(string(e), func(b *testing.B) {
			w := newWorld(b, storetest.Open(b, e))
			w.now = time.Now()
			w.in.Now = time.Now
			for _, pass := range []string{"new", "known"} {
				b.Run(pass, func(b *testing.B) {
					w.t = b
					s, err := w.in.Begin(w.ctx, w.ws, gyre.Run{Source: "net"})
					w.ok(err)
					b.ReportAllocs()
					const size = 1000
					for from := 0; from < b.N; from += size {
						batch := &gyre.Batch{}
						for i := from; i < min(from+size, b.N); i++ {
							h := i / 50 % 1000
							ref := fmt.Sprintf("h%d", h)
							if i == from || i%50 == 0 {
								batch.Assets = append(batch.Assets, host(ref, ref, ip(fmt.Sprintf("10.0.%d.%d", h/250, h%250+1))))
								batch.Coverage = append(batch.Coverage, covered(ref))
							}
							batch.Findings = append(batch.Findings, finding(ref, fmt.Sprintf("CVE-2026-%d", i%500), fmt.Sprintf("tcp/%d", i%50000)))
						}
						w.ok(s.Emit(w.ctx, batch))
					}
					r, err := s.Finish(w.ctx, gyre.RunSucceeded, plugin.Report{})
					w.ok(err)
					if r.Counts.Findings != b.N {
						b.Fatalf("%d findings of %d", r.Counts.Findings, b.N)
					}
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "findings/s")
				})
			}
		})
	}
}
