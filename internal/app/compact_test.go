// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/plugin"
)

// TestCompactChangesNothing: the same runs, with and without compaction between
// them, leave the same estate, the same past and the same runs to look at again, as
// long as no report is dated further back than what is kept.
func TestCompactChangesNothing(t *testing.T) {
	const keep = 48 * time.Hour
	storetest.Cases(t, 15)
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			db := storetest.Shared(t, e)
			t.Cleanup(func() { db.SetClock(time.Now) })
			n, clock := 0, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			rapid.Check(t, func(rt *rapid.T) {
				n++
				left := newHistorian(rt, t, db, fmt.Sprintf("%s/%d/a", t.Name(), n), clock)
				right := newHistorian(rt, t, db, fmt.Sprintf("%s/%d/b", t.Name(), n), clock)
				db.SetClock(func() time.Time { return clock })
				var moments []time.Time
				run := func(s seenOnce) {
					s.run(left, clock)
					s.run(right, clock)
					moments = append(moments, clock)
				}
				for range rapid.IntRange(3, 10).Draw(rt, "runs") {
					clock = clock.Add(time.Duration(rapid.IntRange(1, 40).Draw(rt, "hours")) * time.Hour)
					run(drawSeen(rt, clock, keep))
					if rapid.Bool().Draw(rt, "compact") {
						right.compact(clock.Add(-keep))
					}
				}
				// Whatever was drawn, there is something to remove in the end.
				for _, batch := range foundAndFixed() {
					clock = clock.Add(time.Hour)
					run(seenOnce{run0: gyre.Run{Source: "last", Started: clock}, status: gyre.RunSucceeded, batch: batch})
				}
				clock = clock.Add(2 * keep)
				if removed := right.compact(clock.Add(-keep)); removed.Coverage == 0 || removed.RunAssets == 0 || removed.Evidence == 0 {
					rt.Fatalf("it removed next to nothing: %+v", removed)
				}
				if d := cmp.Diff(left.standing(), right.standing()); d != "" {
					rt.Fatalf("the estates differ (-without +with compaction):\n%s", d)
				}
				for _, at := range moments {
					left.now, right.now = at, at
					was, is := left.picture(pastStore{db.AsOf(at)}), right.picture(pastStore{db.AsOf(at)})
					if len(was.Exposures) != len(is.Exposures) || cmp.Diff(was.Tally.Bands, is.Tally.Bands) != "" || len(was.Assets) != len(is.Assets) {
						rt.Fatalf("%s differs: %+v, compacted %+v", at, was.Tally, is.Tally)
					}
				}
			})
		})
	}
}

// compact compacts what is older than before: once, and as it said that it would.
func (h *historian) compact(before time.Time) gyre.Compacted {
	would, err := h.db.Compact(h.ctx, h.ws, before, before, true)
	h.ok(err)
	did, err := h.db.Compact(h.ctx, h.ws, before, before, false)
	h.ok(err)
	if would != did {
		h.rt.Fatalf("it would have removed %+v and removed %+v", would, did)
	}
	if again, err := h.db.Compact(h.ctx, h.ws, before, before, false); err != nil || again != (gyre.Compacted{}) {
		h.rt.Fatalf("compacted twice: %+v, %v", again, err)
	}
	return did
}

// foundAndFixed is what a run sees that finds something, and one that does not find it any more.
func foundAndFixed() []func() *gyre.Batch {
	batch := func(findings ...gyre.Finding) func() *gyre.Batch {
		return func() *gyre.Batch {
			return &gyre.Batch{
				Assets: []gyre.AssetSighting{{
					Ref: "0", Kind: gyre.Host, Name: "web-0", Identifiers: []gyre.Identifier{{Type: gyre.IDMachine, Value: "machine-0"}},
				}},
				Coverage: []gyre.Coverage{{Judged: true, Asset: "0", Aspect: gyre.AspectService}},
				Findings: findings,
			}
		}
	}
	return []func() *gyre.Batch{batch(gyre.Finding{
		Asset: "0", Aspect: gyre.AspectService, Locus: "tcp/23", Severity: gyre.SeverityHigh,
		Weakness: gyre.Weakness{Key: "last", Title: "last", Class: gyre.ExposedService}, Evidence: gyre.Evidence{Summary: "seen", Data: map[string]any{"banner": "x"}},
	}), batch()}
}

// seenOnce is what one run sees, the same in every workspace.
type seenOnce struct {
	run0   gyre.Run
	status gyre.RunStatus
	batch  func() *gyre.Batch
}

func drawSeen(rt *rapid.T, now time.Time, keep time.Duration) seenOnce {
	s := seenOnce{
		run0:   gyre.Run{Source: rapid.SampledFrom([]string{"net", "host"}).Draw(rt, "source"), Started: now},
		status: rapid.SampledFrom([]gyre.RunStatus{gyre.RunSucceeded, gyre.RunSucceeded, gyre.RunFailed}).Draw(rt, "status"),
	}
	if rapid.IntRange(0, 3).Draw(rt, "late") == 0 {
		s.run0.Started = now.Add(-time.Duration(rapid.Int64Range(1, int64(keep-time.Minute)).Draw(rt, "old")))
	}
	type spot struct {
		host int
		key  string
	}
	var found, parts []spot
	hosts := rapid.IntRange(1, 2).Draw(rt, "hosts")
	for h := range hosts {
		for _, key := range []string{"a", "b"} {
			if rapid.Bool().Draw(rt, "found") {
				found = append(found, spot{h, key})
			}
			if rapid.Bool().Draw(rt, "part") {
				parts = append(parts, spot{h, key})
			}
		}
	}
	s.batch = func() *gyre.Batch {
		b := &gyre.Batch{}
		for h := range hosts {
			ref := gyre.Ref(fmt.Sprint(h))
			b.Assets = append(b.Assets, gyre.AssetSighting{
				Ref: ref, Kind: gyre.Host, Name: fmt.Sprintf("web-%d", h), Identifiers: []gyre.Identifier{{Type: gyre.IDMachine, Value: fmt.Sprintf("machine-%d", h)}},
			})
			b.Coverage = append(b.Coverage, gyre.Coverage{Judged: true, Asset: ref, Aspect: gyre.AspectService}, gyre.Coverage{Asset: ref, Aspect: gyre.AspectPackage})
		}
		for _, f := range found {
			b.Findings = append(b.Findings, gyre.Finding{
				Asset: gyre.Ref(fmt.Sprint(f.host)), Aspect: gyre.AspectService, Locus: "tcp/22", Severity: gyre.SeverityHigh,
				Weakness: gyre.Weakness{Key: f.key, Title: f.key, Class: gyre.ExposedService}, Evidence: gyre.Evidence{Summary: "seen", Data: map[string]any{"banner": "x"}},
			})
		}
		for _, p := range parts {
			b.Components = append(b.Components, gyre.ComponentSighting{Asset: gyre.Ref(fmt.Sprint(p.host)), Name: p.key, Version: "1", Ecosystem: "npm", Location: "/lock"})
		}
		return b
	}
	return s
}

func (s seenOnce) run(h *historian, now time.Time) {
	in := &ingest.Ingest{
		Now: func() time.Time { return now },
		InTx: func(ctx context.Context, ws gyre.ID, fn func(ingest.Tx) error) error {
			return h.db.Write(ctx, ws, func(tx *store.Tx) error { return fn(tx) })
		},
	}
	session, err := in.Begin(h.ctx, h.ws, s.run0)
	h.ok(err)
	h.ok(session.Emit(h.ctx, s.batch()))
	_, err = session.Finish(h.ctx, s.status, plugin.Report{})
	h.ok(err)
}

// standing says how the estate stands, without IDs.
func (h *historian) standing() (out []string) {
	names := map[gyre.ID]string{}
	h.ok(h.db.EachAsset(h.ctx, h.ws, func(a gyre.Asset) error {
		names[a.ID] = a.Name
		all, err := h.db.Components(h.ctx, h.ws, a.ID, 0, 0)
		for _, c := range all {
			out = append(out, fmt.Sprintf("component %s %s %s seen %s", a.Name, c.Name, c.Location, c.LastSeen))
		}
		out = append(out, fmt.Sprintf("asset %s %s %s", a.Name, a.FirstSeen, a.LastSeen))
		return err
	}))
	keys := map[gyre.ID]string{}
	h.ok(h.db.EachWeakness(h.ctx, h.ws, func(w gyre.Weakness) error { keys[w.ID] = w.Key; return nil }))
	h.ok(h.db.EachExposure(h.ctx, h.ws, func(e gyre.Exposure) error {
		obs, err := h.db.Observations(h.ctx, h.ws, e.ID)
		line := fmt.Sprintf("exposure %s %s %s since %s fixed %s seen %s", names[e.Asset], keys[e.Weakness], e.State, e.StateSince, e.FixedAt, e.LastSeen)
		for _, o := range obs {
			line += fmt.Sprintf(" %s %v %q", o.Source, o.Seen, o.Evidence.Summary)
		}
		out = append(out, line)
		return err
	}))
	runs, err := h.db.Runs(h.ctx, h.ws, 0, 1000)
	h.ok(err)
	nth := map[gyre.ID]int{}
	for i, r := range runs {
		nth[r.ID] = len(runs) - i
	}
	behind, err := h.db.RunsBehindComponents(h.ctx, h.ws, h.now.Add(1e6*time.Hour))
	h.ok(err)
	for _, r := range behind {
		cover, err := h.db.CoverageOfRun(h.ctx, h.ws, r.ID)
		h.ok(err)
		out = append(out, fmt.Sprintf("behind components: run %d that covered %d", nth[r.ID], len(cover)))
	}
	slices.Sort(out)
	return out
}
