// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/intel"
	"github.com/gyre-ctem/gyre/internal/projection"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/plugin"
)

// TestAsOf: whatever happens to an estate, asking later how it was after each
// step gives the lists, facets, totals and what scores are made of as they were then.
func TestAsOf(t *testing.T) {
	storetest.Cases(t, 20)
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			db := storetest.Shared(t, e)
			t.Cleanup(func() { db.SetClock(time.Now) })
			n, clock := 0, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			rapid.Check(t, func(rt *rapid.T) {
				n++
				h := newHistorian(rt, t, db, fmt.Sprintf("%s/%d", t.Name(), n), clock)
				defer func() { clock = h.now }() // intelligence is all workspaces', and so is its past
				type moment struct {
					at   time.Time
					what string
					pic  picture
				}
				var past []moment
				for range rapid.IntRange(2, 10).Draw(rt, "steps") {
					what := h.step()
					past = append(past, moment{h.now, what, h.picture(projectionStore{db})})
				}
				slices.Reverse(past)
				var times []time.Time
				for _, m := range slices.Backward(past) {
					times = append(times, m.at.Add(time.Minute))
				}
				tallies, err := (&trends{db: db}).Trend(h.ctx, h.ws, times)
				h.ok(err)
				slices.Reverse(tallies)
				for i, m := range past {
					h.same("trend, after "+m.what, picture{Tally: m.pic.Tally}, picture{Tally: tallies[i]})
					at := m.at.Add(time.Duration(i%2) * 30 * time.Minute) // until the next step nothing changes
					h.same(fmt.Sprintf("%s, after %s", at.Format(time.DateTime), m.what), m.pic, h.picture(pastStore{db.AsOf(at)}))
				}
			})
		})
	}
}

// TestAsOfRefuses: what was before the first event nobody knows.
func TestAsOfRefuses(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			db := storetest.Shared(t, e)
			t.Cleanup(func() { db.SetClock(time.Now) })
			ws, err := db.EnsureWorkspace(t.Context(), t.Name())
			if err != nil {
				t.Fatal(err)
			}
			look := func(at time.Time) error {
				_, err := db.AsOf(at).Scopes(t.Context(), ws.ID)
				return err
			}
			if err := look(time.Now()); gyre.ErrorCode(err) != gyre.Invalid {
				t.Errorf("no history: %v", err)
			}
			first := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			db.SetClock(func() time.Time { return first })
			if _, err := db.CreateScope(t.Context(), ws.ID, "ann", gyre.Scope{Name: "shop"}); err != nil {
				t.Fatal(err)
			}
			err = look(first.Add(-time.Second))
			if gyre.ErrorCode(err) != gyre.Invalid || err.Error() != "as_of: 2026-03-01T11:59:59Z is before the history begins: the first moment to look back at is 2026-03-01T12:00:00Z" {
				t.Errorf("before: %v", err)
			}
			if err := look(first); err != nil {
				t.Error(err)
			}
		})
	}
}

// picture is what lists and totals say, and what scores are made of.
type picture struct {
	Exposures []gyre.ExposureRow
	Assets    []gyre.AssetRow
	Facets    map[string][]gyre.FacetValue
	Risk      float64
	Tally     gyre.Tally
	Scored    []projection.Scored
}

// historian is a workspace that changes at random, on a clock of its own.
type historian struct {
	rt  *rapid.T
	ctx context.Context
	db  *store.DB
	ws  gyre.ID
	now time.Time
}

func newHistorian(rt *rapid.T, t *testing.T, db *store.DB, name string, now time.Time) *historian {
	h := &historian{rt: rt, ctx: t.Context(), db: db, now: now}
	db.SetClock(func() time.Time { return h.now })
	ws, err := db.EnsureWorkspace(h.ctx, name)
	h.ok(err)
	h.ws = ws.ID
	return h
}

func (h *historian) ok(err error) {
	if err != nil {
		h.rt.Helper()
		h.rt.Fatal(err)
	}
}

func (h *historian) same(what string, want, got picture) {
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })
	if d := cmp.Diff(want, got, near); d != "" {
		h.rt.Fatalf("%s (-then +looking back):\n%s", what, d)
	}
}

func (h *historian) picture(source projection.Source) (pic picture) {
	v, err := projection.Build(h.ctx, source, h.ws, h.now)
	h.ok(err)
	var info gyre.ListInfo
	pic.Exposures, info, err = v.Exposures(gyre.ListQuery{
		Sort: []string{"first_seen", "asset.id", "weakness", "locus"}, Limit: 500,
		Facets: []string{"state", "band", "severity", "sources", "asset.tags", "asset.zone", "scope", "class", "fix_available", "intel.kev", "action"},
	})
	h.ok(err)
	pic.Risk, pic.Facets = info.Risk, info.Facets
	pic.Assets, _, err = v.Assets(gyre.ListQuery{Sort: []string{"first_seen", "name"}, Limit: 500})
	h.ok(err)
	pic.Tally = v.Tally()
	h.ok(v.Scores(func(s projection.Scored) error { pic.Scored = append(pic.Scored, s); return nil }))
	slices.SortFunc(pic.Scored, func(a, b projection.Scored) int { return int(a.ID - b.ID) })
	return pic
}

// step lets a day or so pass, and something happen. It says what.
func (h *historian) step() string {
	h.now = h.now.Add(time.Duration(rapid.IntRange(1, 30).Draw(h.rt, "hours")) * time.Hour)
	var ids []gyre.ID
	h.ok(h.db.EachExposure(h.ctx, h.ws, func(e gyre.Exposure) error { ids = append(ids, e.ID); return nil }))
	what := rapid.SampledFrom([]string{"run", "run", "run", "state", "feed", "asset", "plan", "bands", "scope", "expiry", "action"}).Draw(h.rt, "what")
	if len(ids) == 0 {
		what = "run"
	}
	some := ids
	if len(ids) > 0 {
		some = ids[rapid.IntRange(0, len(ids)-1).Draw(h.rt, "first"):]
	}
	switch what {
	case "run":
		return h.run()
	case "state":
		to := rapid.SampledFrom([]gyre.State{gyre.StateTriaged, gyre.StateAccepted, gyre.StateFalsePositive, gyre.StateFixClaimed}).Draw(h.rt, "state")
		ch, err := h.db.SetStates(h.ctx, h.ws, some, to, "ann", "why", h.now.Add(40*time.Hour))
		h.ok(err)
		if rapid.Bool().Draw(h.rt, "undo") && ch.Changed > 0 {
			h.now = h.now.Add(time.Minute)
			_, err = h.db.UndoChange(h.ctx, h.ws, ch.ID, "ann")
			h.ok(err)
		}
	case "feed":
		h.feed()
	case "asset":
		e, err := h.db.Exposure(h.ctx, h.ws, some[0])
		h.ok(err)
		crit, owner, tags := gyre.Criticality(rapid.IntRange(1, 4).Draw(h.rt, "criticality")), "ann", []string{"b c", "ä"}
		_, err = h.db.PatchAsset(h.ctx, h.ws, e.Asset, "ann", rapid.SampledFrom([]gyre.AssetPatch{{Criticality: &crit}, {Owner: &owner}, {Tags: &tags}}).Draw(h.rt, "patch"))
		h.ok(err)
	case "plan":
		_, err := h.db.SavePlan(h.ctx, h.ws, []store.ActionDraft{{Action: gyre.Action{Key: rapid.SampledFrom([]string{"k", "l"}).Draw(h.rt, "key"), Title: "t"}, Removes: some}})
		h.ok(err)
	case "action":
		all, err := h.db.Actions(h.ctx, h.ws, nil, 0)
		h.ok(err)
		for _, a := range all {
			state := rapid.SampledFrom([]gyre.ActionState{gyre.ActionInProgress, gyre.ActionDone}).Draw(h.rt, "state")
			_, err := h.db.PatchAction(h.ctx, h.ws, a.ID, "ann", gyre.ActionPatch{State: &state})
			h.ok(err)
		}
	case "bands":
		v, err := projection.Build(h.ctx, projectionStore{h.db}, h.ws, h.now)
		h.ok(err)
		var changes []store.BandChange
		h.ok(v.Scores(func(s projection.Scored) error {
			if to := gyre.BandOf(s.Risk); to != s.Recorded {
				changes = append(changes, store.BandChange{Exposure: s.ID, From: s.Recorded, To: to})
			}
			return nil
		}))
		_, err = h.db.RecordBands(h.ctx, h.ws, changes)
		h.ok(err)
	case "scope":
		h.scope()
	case "expiry":
		_, err := h.db.ExpireExceptions(h.ctx, h.ws, h.now)
		h.ok(err)
	}
	return what
}

func (h *historian) feed() {
	switch rapid.IntRange(0, 2).Draw(h.rt, "feed") {
	case 0:
		score := rapid.SampledFrom([]float64{0.01, 0.5, 0.97}).Draw(h.rt, "epss")
		h.ok(h.db.UpsertEPSS(h.ctx, []plugin.EPSS{{CVE: "CVE-2026-1", Score: score, Percentile: score}, {CVE: "CVE-1999-1", Score: 0.2}}))
	case 1:
		h.ok(h.db.ReplaceKEV(h.ctx, rapid.SampledFrom([][]plugin.KEV{
			{{CVE: "CVE-2026-1", Added: h.now.Add(-1000 * time.Hour)}}, {{CVE: "CVE-2026-1", Added: h.now.Add(-1000 * time.Hour), Ransomware: true}}, {{CVE: "CVE-1999-1"}},
		}).Draw(h.rt, "kev")))
	case 2:
		h.ok(h.db.UpsertExploits(h.ctx, []plugin.ExploitRecord{{CVE: "CVE-2026-1", Source: "x", Maturity: rapid.SampledFrom([]gyre.Exploit{gyre.ExploitPOC, gyre.ExploitAttacked}).Draw(h.rt, "maturity")}}))
	}
	h.ok(h.db.PutFeedRecord(h.ctx, intel.FeedRecord{Name: "epss", Synced: h.now}))
}

func (h *historian) scope() {
	all, err := h.db.Scopes(h.ctx, h.ws)
	h.ok(err)
	sc := gyre.Scope{
		Name: rapid.SampledFrom([]string{"shop", "lab"}).Draw(h.rt, "name"), Criticality: gyre.Criticality(rapid.IntRange(0, 4).Draw(h.rt, "criticality")),
		Selector: rapid.SampledFrom([]string{"", `zone == "internet"`, "criticality >= 3"}).Draw(h.rt, "selector"),
		Targets:  []gyre.Target{{CIDR: "10.0.0.0/24"}},
	}
	i := slices.IndexFunc(all, func(o gyre.Scope) bool { return o.Name == sc.Name })
	switch {
	case i < 0:
		_, err = h.db.CreateScope(h.ctx, h.ws, "ann", sc)
	case rapid.Bool().Draw(h.rt, "delete"):
		err = h.db.DeleteScope(h.ctx, h.ws, all[i].ID, "ann")
	default:
		sc.ID = all[i].ID
		_, err = h.db.UpdateScope(h.ctx, h.ws, "ann", sc)
	}
	h.ok(err)
}

// run is a run of a random source that sees random things on a few hosts, now
// or, as a report that comes late, earlier.
func (h *historian) run() string {
	in := &ingest.Ingest{
		Now: func() time.Time { return h.now },
		InTx: func(ctx context.Context, ws gyre.ID, fn func(ingest.Tx) error) error {
			return h.db.Write(ctx, ws, func(tx *store.Tx) error { return fn(tx) })
		},
	}
	rt := h.rt
	run := gyre.Run{Source: rapid.SampledFrom([]string{"net", "host"}).Draw(rt, "source"), Started: h.now}
	if rapid.IntRange(0, 3).Draw(rt, "late") == 0 {
		run.Started = h.now.Add(-time.Duration(rapid.IntRange(1, 60).Draw(rt, "old")) * time.Hour)
	}
	scopes, err := h.db.Scopes(h.ctx, h.ws)
	h.ok(err)
	if len(scopes) > 0 && rapid.Bool().Draw(rt, "scoped") {
		run.Scope = scopes[0].ID
	}
	s, err := in.Begin(h.ctx, h.ws, run)
	h.ok(err)
	b := &gyre.Batch{}
	for n := range rapid.IntRange(1, 3).Draw(rt, "hosts") {
		ref := gyre.Ref(fmt.Sprint(n))
		b.Assets = append(b.Assets, gyre.AssetSighting{
			Ref: ref, Kind: gyre.Host, Name: rapid.SampledFrom([]string{"", fmt.Sprintf("web-%d", n), "other"}).Draw(rt, "asset"),
			Zone:        rapid.SampledFrom([]gyre.Zone{gyre.ZoneDMZ, gyre.ZoneDMZ, gyre.ZoneInternet}).Draw(rt, "zone"),
			Criticality: gyre.Criticality(rapid.IntRange(0, 3).Draw(rt, "criticality")), Tags: rapid.SampledFrom([][]string{nil, {"x"}, {"y"}}).Draw(rt, "tags"),
			Identifiers: []gyre.Identifier{{Type: gyre.IDMachine, Value: fmt.Sprintf("machine-%d", n)}},
		})
		b.Coverage = append(b.Coverage, gyre.Coverage{Judged: true, Asset: ref, Aspect: gyre.AspectService})
		for _, key := range []string{"a", "CVE-2026-1"} {
			if !rapid.Bool().Draw(rt, "found") {
				continue
			}
			f := gyre.Finding{
				Asset: ref, Aspect: gyre.AspectService, Locus: "tcp/22", Severity: gyre.Severity(rapid.IntRange(0, 4).Draw(rt, "severity")),
				Credentialed: rapid.Bool().Draw(rt, "credentialed"),
				Weakness:     gyre.Weakness{Key: key, Title: key, Class: gyre.ExposedService, CVSSScore: float64(rapid.IntRange(0, 10).Draw(rt, "cvss"))},
			}
			if rapid.Bool().Draw(rt, "remedy") {
				f.Remedy = gyre.Remedy{Kind: gyre.RemedyUpgrade, Package: "p", Fixed: rapid.SampledFrom([]string{"", "1", "2"}).Draw(rt, "fixed")}
			}
			b.Findings = append(b.Findings, f)
		}
	}
	h.now = h.now.Add(time.Second)
	h.ok(s.Emit(h.ctx, b))
	h.now = h.now.Add(time.Second)
	status := rapid.SampledFrom([]gyre.RunStatus{gyre.RunSucceeded, gyre.RunFailed}).Draw(rt, "status")
	_, err = s.Finish(h.ctx, status, plugin.Report{})
	h.ok(err)
	return fmt.Sprintf("a run of %s that %s", run.Source, status)
}
