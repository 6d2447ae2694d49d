// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/intel"
	"github.com/gyre-ctem/gyre/internal/projection"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/plugin"
)

// realStore is the store as the projection reads it.
type realStore struct{ *store.DB }

func (s realStore) Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Asset) error) error {
	return s.ProjectionAssets(ctx, ws, ids, func(a store.ProjectionAsset) error { return yield(projection.Asset(a)) })
}

func (s realStore) Weaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Weakness) error) error {
	return s.ProjectionWeaknesses(ctx, ws, ids, func(w store.ProjectionWeakness) error { return yield(projection.Weakness(w)) })
}

func (s realStore) Exposures(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Exposure) error) error {
	return s.ProjectionExposures(ctx, ws, ids, func(e store.ProjectionExposure) error { return yield(projection.Exposure(e)) })
}

// TestFollowsStore: after each of any sequence of runs, edits, merges and feed
// syncs on a real store, the projection that followed equals one built afresh.
func TestFollowsStore(t *testing.T) {
	storetest.Cases(t, 60)
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			db := storetest.Shared(t, e)
			n := 0
			rapid.Check(t, func(rt *rapid.T) {
				n++
				ws, err := db.EnsureWorkspace(t.Context(), fmt.Sprintf("%s/%d", t.Name(), n))
				check(rt, err)
				w := &world{rt: rt, ctx: t.Context(), db: db, ws: ws.ID, now: time.Now().Add(-100 * time.Hour)}
				flaky := &flakyStore{realStore: realStore{db}}
				follower := projection.New(flaky)
				for range rapid.IntRange(1, 12).Draw(rt, "steps") {
					w.step()
					if flaky.failAt = rapid.IntRange(0, 6).Draw(rt, "fail at"); flaky.failAt > 0 {
						if _, err := follower.View(w.ctx, w.ws); err != nil && !errors.Is(err, errFlaky) {
							rt.Fatal(err)
						}
						flaky.failAt = 0
					}
					compare(rt, w, follower)
				}
			})
		})
	}
}

var errFlaky = errors.New("the database went away")

// flakyStore breaks off after so many rows of anything; 0: never.
type flakyStore struct {
	realStore
	failAt int
}

func (f *flakyStore) fail() error {
	if f.failAt > 0 {
		if f.failAt--; f.failAt == 0 {
			f.failAt = 1 // and stays away
			return errFlaky
		}
	}
	return nil
}

func (f *flakyStore) Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Asset) error) error {
	return f.realStore.Assets(ctx, ws, ids, func(a projection.Asset) error { return cmp.Or(f.fail(), yield(a)) })
}

func (f *flakyStore) Exposures(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Exposure) error) error {
	return f.realStore.Exposures(ctx, ws, ids, func(e projection.Exposure) error { return cmp.Or(f.fail(), yield(e)) })
}

func (f *flakyStore) Scopes(ctx context.Context, ws gyre.ID) ([]gyre.Scope, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	return f.realStore.Scopes(ctx, ws)
}

// TestOtherProcess: a second process on the same PostgreSQL sees each change as
// soon as it is committed, and sees the same.
func TestOtherProcess(t *testing.T) {
	url := storetest.EmptyPostgres(t)
	var dbs [2]*store.DB
	for i := range dbs {
		db, err := store.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		dbs[i] = db
	}
	other := projection.New(realStore{dbs[1]})
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		ws, err := dbs[0].EnsureWorkspace(t.Context(), fmt.Sprint(n))
		check(rt, err)
		w := &world{rt: rt, ctx: t.Context(), db: dbs[0], ws: ws.ID, now: time.Now().Add(-100 * time.Hour)}
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			w.step()
			compare(rt, w, other)
		}
	})
}

func check(rt *rapid.T, err error) {
	if err != nil {
		rt.Fatal(err)
	}
}

func compare(rt *rapid.T, w *world, follower *projection.Projection) {
	afresh := projection.New(realStore{w.db})
	type picture struct {
		Exposures []gyre.ExposureRow
		Assets    []gyre.AssetRow
		Total     int
		Risk      float64
		Facets    map[string][]gyre.FacetValue
		Tally     gyre.Tally
	}
	take := func(p *projection.Projection) (pic picture) {
		var info gyre.ListInfo
		var err error
		pic.Exposures, info, err = p.Exposures(w.ctx, w.ws, gyre.ListQuery{Sort: []string{"first_seen", "locus"}, Limit: 500, Facets: []string{"state", "asset.name", "sources", "scope", "action", "band"}})
		check(rt, err)
		pic.Total, pic.Risk, pic.Facets = info.Total, info.Risk, info.Facets
		pic.Assets, _, err = p.Assets(w.ctx, w.ws, gyre.ListQuery{Sort: []string{"first_seen", "name"}, Limit: 500})
		check(rt, err)
		pic.Tally, err = p.Tally(w.ctx, w.ws)
		check(rt, err)
		return pic
	}
	about := gocmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })
	if d := gocmp.Diff(take(afresh), take(follower), about); d != "" {
		rt.Fatalf("the follower differs from one built afresh (-afresh +follower):\n%s", d)
	}
}

// world is a workspace that changes at random.
type world struct {
	rt  *rapid.T
	ctx context.Context
	db  *store.DB
	ws  gyre.ID
	now time.Time
}

func (w *world) step() {
	w.now = w.now.Add(time.Hour)
	ids, err := func() (ids []gyre.ID, err error) {
		err = w.db.EachExposure(w.ctx, w.ws, func(e gyre.Exposure) error { ids = append(ids, e.ID); return nil })
		return ids, err
	}()
	check(w.rt, err)
	what := rapid.IntRange(0, 11).Draw(w.rt, "step")
	if len(ids) == 0 || what < 5 {
		w.run()
		return
	}
	some := ids[rapid.IntRange(0, len(ids)-1).Draw(w.rt, "first"):]
	switch what {
	case 5:
		to := rapid.SampledFrom([]gyre.State{gyre.StateTriaged, gyre.StateAccepted, gyre.StateFixClaimed}).Draw(w.rt, "state")
		ch, err := w.db.SetStates(w.ctx, w.ws, some, to, "ann", "why", time.Now().Add(time.Hour))
		check(w.rt, err)
		if rapid.Bool().Draw(w.rt, "undo") && ch.Changed > 0 {
			_, err = w.db.UndoChange(w.ctx, w.ws, ch.ID, "ann")
			check(w.rt, err)
		}
	case 6:
		check(w.rt, w.db.UpsertEPSS(w.ctx, []plugin.EPSS{{CVE: "CVE-2026-1", Score: rapid.Float64Range(0, 1).Draw(w.rt, "epss")}}))
		check(w.rt, w.db.PutFeedRecord(w.ctx, intel.FeedRecord{Name: "epss", Synced: w.now}))
	case 7:
		e, err := w.db.Exposure(w.ctx, w.ws, some[0])
		check(w.rt, err)
		crit := gyre.Criticality(rapid.IntRange(1, 4).Draw(w.rt, "criticality"))
		_, err = w.db.PatchAsset(w.ctx, w.ws, e.Asset, "ann", gyre.AssetPatch{Criticality: &crit})
		check(w.rt, err)
	case 8:
		_, err := w.db.SavePlan(w.ctx, w.ws, []store.ActionDraft{{Action: gyre.Action{Key: "k", Title: "t"}, Removes: some}})
		check(w.rt, err)
	case 10: // who was taken for one is two again, if nothing builds on it
		merges, err := w.db.Merges(w.ctx, w.ws, 0, 10)
		check(w.rt, err)
		if len(merges) > 0 {
			m := rapid.SampledFrom(merges).Draw(w.rt, "merge")
			if _, err := w.db.UndoMerge(w.ctx, w.ws, m.ID, "ann"); err != nil && gyre.ErrorCode(err) != gyre.Conflict {
				w.rt.Fatal(err)
			}
		}
	case 11:
		s := gyre.Scope{Name: fmt.Sprintf("scope %d", w.now.Unix()), Selector: `zone == "dmz"`, Criticality: gyre.Criticality(rapid.IntRange(0, 4).Draw(w.rt, "worth"))}
		_, err := w.db.CreateScope(w.ctx, w.ws, "ann", s)
		check(w.rt, err)
	case 9:
		to := rapid.SampledFrom([]gyre.Band{gyre.BandHigh, gyre.BandLow}).Draw(w.rt, "band")
		_, err := w.db.RecordBands(w.ctx, w.ws, []store.BandChange{
			{Exposure: some[0], To: gyre.BandHigh}, {Exposure: some[0], From: gyre.BandHigh, To: to}, {Exposure: some[0], From: gyre.BandLow, To: to},
		})
		check(w.rt, err)
	}
}

// run is a run of a random source that sees random things on a few hosts, which
// it knows by address, by machine id, or, so that they merge, by both.
func (w *world) run() {
	in := &ingest.Ingest{
		Now: func() time.Time { return w.now },
		InTx: func(ctx context.Context, ws gyre.ID, fn func(ingest.Tx) error) error {
			return w.db.Write(ctx, ws, func(tx *store.Tx) error { return fn(tx) })
		},
	}
	rt := w.rt
	s, err := in.Begin(w.ctx, w.ws, gyre.Run{Source: rapid.SampledFrom([]string{"net", "host"}).Draw(rt, "source"), Started: w.now})
	check(rt, err)
	b := &gyre.Batch{}
	for h := range rapid.IntRange(1, 3).Draw(rt, "hosts") {
		ref := gyre.Ref(fmt.Sprint(h))
		ids := []gyre.Identifier{{Type: gyre.IDIP, Value: fmt.Sprintf("10.0.0.%d", h+1)}, {Type: gyre.IDMachine, Value: fmt.Sprintf("machine-%d", h)}}
		b.Assets = append(b.Assets, gyre.AssetSighting{
			Ref: ref, Kind: gyre.Host, Zone: gyre.ZoneDMZ,
			Identifiers: rapid.SampledFrom([][]gyre.Identifier{ids[:1], ids[1:], ids}).Draw(rt, "identifiers"),
		})
		b.Coverage = append(b.Coverage, gyre.Coverage{Judged: true, Asset: ref, Aspect: gyre.AspectService})
		for _, key := range []string{"a", "CVE-2026-1"} {
			if rapid.Bool().Draw(rt, "found") {
				b.Findings = append(b.Findings, gyre.Finding{
					Asset: ref, Aspect: gyre.AspectService, Locus: "tcp/22", Severity: gyre.Severity(rapid.IntRange(0, 4).Draw(rt, "severity")),
					Weakness: gyre.Weakness{Key: key, Title: key, Class: gyre.ExposedService},
				})
			}
		}
	}
	w.now = w.now.Add(time.Second)
	check(rt, s.Emit(w.ctx, b))
	w.now = w.now.Add(time.Second)
	_, err = s.Finish(w.ctx, rapid.SampledFrom([]gyre.RunStatus{gyre.RunSucceeded, gyre.RunFailed}).Draw(rt, "status"), plugin.Report{})
	check(rt, err)
}
