// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

func TestFill(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ws, err := db.EnsureWorkspace(t.Context(), "main")
		if err != nil {
			t.Fatal(err)
		}
		made := storetest.Fill(t, db, ws.ID, storetest.Size{Exposures: 12_345, PerAsset: 5, Seed: 7})
		var assets, weaknesses, exposures, sources, exploited int
		states := map[gyre.State]int{}
		err = db.ProjectionAssets(t.Context(), ws.ID, nil, func(store.ProjectionAsset) error { assets++; return nil })
		if err == nil {
			err = db.ProjectionWeaknesses(t.Context(), ws.ID, nil, func(w store.ProjectionWeakness) error {
				weaknesses++
				if w.Intel.KEV {
					exploited++
				}
				return nil
			})
		}
		if err == nil {
			err = db.ProjectionExposures(t.Context(), ws.ID, nil, func(e store.ProjectionExposure) error {
				exposures++
				sources += len(e.Sources)
				states[e.State]++
				return nil
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		if made.Exposures != 12_345 || exposures != 12_345 || assets != made.Assets || weaknesses != made.Weaknesses || assets < 800 || assets > 1600 {
			t.Errorf("made %+v, found %d assets, %d weaknesses, %d exposures", made, assets, weaknesses, exposures)
		}
		if exploited == 0 || len(states) != 7 || sources <= exposures-states[gyre.StateFixed] {
			t.Errorf("%d of the weaknesses are exploited, %d sources, %v", exploited, sources, states)
		}
	})
}

// TestAllExposures: everything at once, which several readers may read, is what
// is there by ID, in order, in a workspace that is most of the database and in one that is not.
func TestAllExposures(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, size := range []int{19_000, 8_500} {
			ws, err := db.EnsureWorkspace(t.Context(), fmt.Sprint(size))
			if err != nil {
				t.Fatal(err)
			}
			storetest.Fill(t, db, ws.ID, storetest.Size{Exposures: size, PerAsset: 5, Seed: uint64(size)}) // #nosec -- positive
		}
		for _, size := range []int{19_000, 8_500} {
			ws, err := db.EnsureWorkspace(t.Context(), fmt.Sprint(size))
			if err != nil {
				t.Fatal(err)
			}
			var all []store.ProjectionExposure
			var ids []gyre.ID
			err = db.ProjectionExposures(t.Context(), ws.ID, nil, func(e store.ProjectionExposure) error {
				all, ids = append(all, e), append(ids, e.ID)
				return nil
			})
			if err != nil || len(all) != size || !slices.IsSorted(ids) {
				t.Fatalf("%d exposures of %d, in order: %v, %v", len(all), size, slices.IsSorted(ids), err)
			}
			named := map[gyre.ID]store.ProjectionExposure{}
			if err := db.ProjectionExposures(t.Context(), ws.ID, ids, func(e store.ProjectionExposure) error { named[e.ID] = e; return nil }); err != nil {
				t.Fatal(err)
			}
			for _, e := range all {
				if diff := cmp.Diff(named[e.ID], e); diff != "" {
					t.Fatal(diff)
				}
			}
			enough := errors.New("enough")
			n := 0
			err = db.ProjectionExposures(t.Context(), ws.ID, nil, func(store.ProjectionExposure) error {
				if n++; n > size/2 {
					return enough
				}
				return nil
			})
			if !errors.Is(err, enough) {
				t.Errorf("reading that was broken off: %v", err)
			}
		}
	})
}

// BenchmarkFill says how long other benchmarks wait for their estate.
func BenchmarkFill(b *testing.B) {
	size := storetest.Size{Exposures: 100_000, PerAsset: 5, Packages: 8500, Seed: 1}
	if s := os.Getenv("GYRE_BENCH_EXPOSURES"); s != "" {
		var err error
		if size.Exposures, err = strconv.Atoi(s); err != nil || size.Exposures < 1 {
			b.Fatalf("GYRE_BENCH_EXPOSURES=%q is no number", s)
		}
	}
	for _, engine := range storetest.Engines {
		b.Run(string(engine), func(b *testing.B) {
			for range b.N {
				db := storetest.Open(b, engine)
				ws, err := db.EnsureWorkspace(b.Context(), "main")
				if err != nil {
					b.Fatal(err)
				}
				start := time.Now()
				made := storetest.Fill(b, db, ws.ID, size)
				b.ReportMetric(float64(made.Exposures)/time.Since(start).Seconds(), "exposures/s")
				fmt.Printf("%s: %+v\n", engine, made)
			}
		})
	}
}
