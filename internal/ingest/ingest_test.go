// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/plugin"
)

// world is a database with a clock that tests move.
type world struct {
	t   testing.TB
	ctx context.Context
	db  *store.DB
	ws  gyre.ID
	now time.Time
	in  *ingest.Ingest
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	return newWorldNamed(t, db, t.Name())
}

func newWorldNamed(t testing.TB, db *store.DB, name string) *world {
	t.Helper()
	ws, err := db.EnsureWorkspace(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: context.Background(), db: db, ws: ws.ID, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.in = &ingest.Ingest{
		Now: func() time.Time { return w.now },
		InTx: func(ctx context.Context, ws gyre.ID, fn func(ingest.Tx) error) error {
			return db.Write(ctx, ws, func(tx *store.Tx) error { return fn(tx) })
		},
	}
	return w
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) { fn(t, newWorld(t, storetest.Shared(t, e))) })
	}
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) same(what string, got, want any) {
	w.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		w.t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// run is one run, start to end, an hour after the one before.
func (w *world) run(source string, status gyre.RunStatus, batches ...*gyre.Batch) gyre.Run {
	w.t.Helper()
	w.now = w.now.Add(time.Hour)
	return w.runAt(w.now, source, status, batches...)
}

func (w *world) runAt(started time.Time, source string, status gyre.RunStatus, batches ...*gyre.Batch) gyre.Run {
	w.t.Helper()
	s, err := w.in.Begin(w.ctx, w.ws, gyre.Run{Source: source, Started: started})
	w.ok(err)
	for _, b := range batches {
		w.now = w.now.Add(time.Second)
		w.ok(s.Emit(w.ctx, b))
	}
	w.now = w.now.Add(time.Second)
	r, err := s.Finish(w.ctx, status, plugin.Report{})
	w.ok(err)
	return r
}

// states are the states of all exposures by weakness and locus.
func (w *world) states() map[string]gyre.State {
	w.t.Helper()
	keys := map[gyre.ID]string{}
	w.ok(w.db.EachWeakness(w.ctx, w.ws, func(x gyre.Weakness) error { keys[x.ID] = x.Key; return nil }))
	out := map[string]gyre.State{}
	w.ok(w.db.EachExposure(w.ctx, w.ws, func(e gyre.Exposure) error {
		out[keys[e.Weakness]+" at "+e.Locus] = e.State
		return nil
	}))
	return out
}

func (w *world) names() []string {
	w.t.Helper()
	var out []string
	w.ok(w.db.EachAsset(w.ctx, w.ws, func(a gyre.Asset) error { out = append(out, a.Name); return nil }))
	return out
}

func (w *world) seq() int64 {
	w.t.Helper()
	n, err := w.db.Seq(w.ctx, w.ws)
	w.ok(err)
	return n
}

func ip(v string) gyre.Identifier { return gyre.Identifier{Type: gyre.IDIP, Value: v} }

func host(ref, name string, ids ...gyre.Identifier) gyre.AssetSighting {
	return gyre.AssetSighting{Ref: gyre.Ref(ref), Kind: gyre.Host, Name: name, Zone: gyre.ZoneDMZ, Identifiers: ids}
}

func finding(ref, key, locus string) gyre.Finding {
	return gyre.Finding{
		Asset: gyre.Ref(ref), Aspect: gyre.AspectService, Locus: locus, Severity: gyre.SeverityHigh,
		Weakness: gyre.Weakness{Key: key, Class: gyre.ExposedService, Title: "open " + key, Severity: gyre.SeverityHigh},
		Evidence: gyre.Evidence{Summary: "banner", Data: map[string]any{"port": 22}},
		Remedy:   gyre.Remedy{Kind: gyre.RemedyChange, Check: key},
	}
}

func covered(ref string, loci ...string) gyre.Coverage {
	return gyre.Coverage{Asset: gyre.Ref(ref), Aspect: gyre.AspectService, Loci: loci, Judged: true}
}

func TestLifeOfAnExposure(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		batch := func(keys ...string) *gyre.Batch {
			b := &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "web-1", ip("10.0.0.1"))}, Coverage: []gyre.Coverage{covered("h")}}
			for _, k := range keys {
				b.Findings = append(b.Findings, finding("h", k, "TCP/022"))
			}
			return b
		}
		r := w.run("net", gyre.RunSucceeded, batch("a", "b"))
		w.same("counts", r.Counts, gyre.RunCounts{Assets: 1, NewAssets: 1, Findings: 2, Created: 2})
		w.same("new", w.states(), map[string]gyre.State{"a at tcp/22": "open", "b at tcp/22": "open"})

		before := w.seq()
		r = w.run("net", gyre.RunSucceeded, batch("a", "b"))
		w.same("counts of the same again", r.Counts, gyre.RunCounts{Assets: 1, Findings: 2})
		w.same("events of the same again: the run's own", w.seq()-before, int64(2))

		r = w.run("net", gyre.RunSucceeded, batch("a"))
		w.same("closed", r.Counts.Closed, 1)
		w.same("b is gone", w.states(), map[string]gyre.State{"a at tcp/22": "open", "b at tcp/22": "fixed"})
		var gone gyre.Exposure
		w.ok(w.db.EachExposure(w.ctx, w.ws, func(e gyre.Exposure) error {
			if e.State == gyre.StateFixed {
				gone = e
			}
			return nil
		}))
		events, err := w.db.EventsOf(w.ctx, w.ws, gone.ID, 1)
		w.ok(err)
		w.same("evidence of the closing", []any{events[0].To, events[0].Run, strings.Contains(events[0].Details, r.ID.String())}, []any{"fixed", r.ID, true})
		obs, err := w.db.Observations(w.ctx, w.ws, gone.ID)
		w.ok(err)
		w.same("the last word on it", []any{obs[0].Seen, obs[0].Run}, []any{false, r.ID})

		r = w.run("net", gyre.RunSucceeded, batch("a", "b"))
		w.same("reopened", r.Counts.Reopened, 1)
		w.same("b is back", w.states()["b at tcp/22"], gyre.StateOpen)
	})
}

func TestOnlyEvidenceCloses(t *testing.T) {
	seen := func() *gyre.Batch {
		return &gyre.Batch{
			Assets:   []gyre.AssetSighting{host("h", "web-1", ip("10.0.0.1"))},
			Coverage: []gyre.Coverage{covered("h")},
			Findings: []gyre.Finding{finding("h", "a", "tcp/22")},
		}
	}
	empty := func(c ...gyre.Coverage) *gyre.Batch {
		return &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "web-1", ip("10.0.0.1"))}, Coverage: c}
	}
	unjudged, other, listed, creds := covered("h"), covered("h"), covered("h"), covered("h")
	unjudged.Judged = false
	other.Aspect = gyre.AspectTLS
	listed.Weaknesses = []string{"b", "c*"}
	creds.Credentialed = true
	except, spared := covered("h"), covered("h")
	except.Except, spared.Except = []string{"TCP/22"}, []string{"tcp/2"}
	both := covered("h")
	both.Weaknesses = []string{"a"}
	for _, c := range []struct {
		name   string
		source string
		status gyre.RunStatus
		batch  *gyre.Batch
		credentialed,
		older bool
		closes bool
	}{
		{name: "a covering run", closes: true},
		{name: "a failed run", status: gyre.RunFailed},
		{name: "a partial run", status: gyre.RunPartial},
		{name: "a cancelled run", status: gyre.RunCancelled},
		{name: "an older run", older: true},
		{name: "a narrower port list", batch: empty(covered("h", "tcp/80", "tcp/2*/x"))},
		{name: "a port list that holds it", batch: empty(covered("h", "tcp/80", "tcp/22")), closes: true},
		{name: "a prefix that holds it", batch: empty(covered("h", "tcp/2*")), closes: true},
		{name: "coverage that leaves it out", batch: empty(except)},
		{name: "coverage that leaves another out", batch: empty(spared), closes: true},
		{name: "no loci", batch: empty(gyre.Coverage{Asset: "h", Aspect: gyre.AspectService, Loci: []string{}, Judged: true})},
		{name: "another aspect", batch: empty(other)},
		{name: "other weaknesses", batch: empty(listed)},
		{name: "coverage that is not judged", batch: empty(unjudged)},
		{name: "no coverage", batch: empty()},
		{name: "no credentials", credentialed: true},
		{name: "credentials", batch: empty(creds), credentialed: true, closes: true},
		{name: "a source that never saw it", source: "other"},
		{name: "a source that never saw it but looks for it", source: "other", batch: empty(both), closes: true},
		{name: "another asset", batch: &gyre.Batch{
			Assets: []gyre.AssetSighting{host("h", "web-2", ip("10.0.0.2"))}, Coverage: []gyre.Coverage{covered("h")},
		}},
		{name: "a host that is gone, looked for where it was", batch: &gyre.Batch{
			Assets:   []gyre.AssetSighting{{Ref: "h", Zone: gyre.ZoneDMZ, Identifiers: []gyre.Identifier{ip("10.0.0.1")}, KnownOnly: true}},
			Coverage: []gyre.Coverage{covered("h")},
		}, closes: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				first := seen()
				first.Findings[0].Credentialed = c.credentialed
				w.run("net", gyre.RunSucceeded, first)
				if c.status == "" {
					c.status = gyre.RunSucceeded
				}
				if c.source == "" {
					c.source = "net"
				}
				if c.batch == nil {
					c.batch = empty(covered("h"))
				}
				started := w.now.Add(time.Hour)
				if c.older {
					started = w.now.Add(-2 * time.Hour)
				}
				w.now = w.now.Add(2 * time.Hour)
				r := w.runAt(started, c.source, c.status, c.batch)
				want := 0
				if c.closes {
					want = 1
				}
				w.same("closed", r.Counts.Closed, want)
				w.same("open", w.states()["a at tcp/22"] == gyre.StateOpen, !c.closes)
			})
		})
	}
}

func TestFalsePositiveStays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := &gyre.Batch{
			Assets: []gyre.AssetSighting{host("h", "web-1", ip("10.0.0.1"))}, Coverage: []gyre.Coverage{covered("h")},
			Findings: []gyre.Finding{finding("h", "a", "tcp/22"), finding("h", "b", "tcp/22")},
		}
		w.run("net", gyre.RunSucceeded, b)
		var ids []gyre.ID
		w.ok(w.db.EachExposure(w.ctx, w.ws, func(e gyre.Exposure) error { ids = append(ids, e.ID); return nil }))
		_, err := w.db.SetStates(w.ctx, w.ws, ids[:1], gyre.StateFalsePositive, "ann", "no", time.Now().Add(time.Hour))
		w.ok(err)
		_, err = w.db.SetStates(w.ctx, w.ws, ids[1:], gyre.StateAccepted, "ann", "yes", time.Now().Add(time.Hour))
		w.ok(err)
		w.run("net", gyre.RunSucceeded, b)
		w.same("seen again", w.states(), map[string]gyre.State{"a at tcp/22": "false_positive", "b at tcp/22": "accepted"})
		w.run("net", gyre.RunSucceeded, &gyre.Batch{Assets: b.Assets, Coverage: b.Coverage})
		w.same("gone", w.states(), map[string]gyre.State{"a at tcp/22": "false_positive", "b at tcp/22": "fixed"})
		left, err := w.db.Exceptions(w.ctx, w.ws)
		w.ok(err)
		w.same("exceptions left", len(left), 1)
	})
}

// An old report that arrives late neither brings back what was fixed after it
// nor overwrites what is newer.
func TestLateReport(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		old := w.now
		batch := func(version string, keys ...string) *gyre.Batch {
			b := &gyre.Batch{
				Assets: []gyre.AssetSighting{host("h", "web-1", ip("10.0.0.1"))}, Coverage: []gyre.Coverage{covered("h")},
				Facts: []gyre.Fact{{Asset: "h", Aspect: gyre.AspectService, Locus: "tcp/22", Data: map[string]any{"version": version}}},
			}
			for _, k := range keys {
				b.Findings = append(b.Findings, finding("h", k, "tcp/22"))
			}
			return b
		}
		w.run("net", gyre.RunSucceeded, batch("9", "a"))
		w.run("net", gyre.RunSucceeded, batch("9"))
		w.same("fixed", w.states()["a at tcp/22"], gyre.StateFixed)
		r := w.runAt(old, "net", gyre.RunSucceeded, batch("8", "a", "b"))
		w.same("counts", []int{r.Counts.Created, r.Counts.Reopened, r.Counts.Closed}, []int{1, 0, 1})
		w.same("states", w.states(), map[string]gyre.State{"a at tcp/22": "fixed", "b at tcp/22": "fixed"})
		var asset gyre.ID
		w.ok(w.db.EachAsset(w.ctx, w.ws, func(a gyre.Asset) error { asset = a.ID; return nil }))
		facts, err := w.db.Facts(w.ctx, w.ws, asset)
		w.ok(err)
		w.same("the newer fact stays", facts[0].Data["version"], any("9"))
	})
}

func TestExpiryOfFactsAndComponents(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		comp := func(name, version, location string) gyre.ComponentSighting {
			return gyre.ComponentSighting{Asset: "h", PURL: "pkg:deb/" + name + "@" + version, Ecosystem: "Debian:12", Name: name, Version: version, Location: location}
		}
		fact := func(locus string) gyre.Fact {
			return gyre.Fact{Asset: "h", Aspect: gyre.AspectService, Locus: locus, Data: map[string]any{"port": 1}}
		}
		batch := func(loci []string, comps []gyre.ComponentSighting, facts ...gyre.Fact) *gyre.Batch {
			return &gyre.Batch{
				Assets: []gyre.AssetSighting{host("h", "web-1", ip("10.0.0.1"))}, Components: comps, Facts: facts,
				Coverage: []gyre.Coverage{{Asset: "h", Aspect: gyre.AspectService}, {Asset: "h", Aspect: gyre.AspectPackage, Loci: loci}},
			}
		}
		dpkg := []string{"/dpkg#*"}
		w.run("host", gyre.RunSucceeded, batch(dpkg, []gyre.ComponentSighting{comp("ssl", "1", "/dpkg"), comp("pad", "1", "/app/lock")}, fact("tcp/1"), fact("tcp/2")))
		w.run("other", gyre.RunSucceeded, batch(dpkg, []gyre.ComponentSighting{comp("x", "1", "/dpkg")}, fact("tcp/3")))
		have := func() (out []string) {
			var asset gyre.ID
			w.ok(w.db.EachAsset(w.ctx, w.ws, func(a gyre.Asset) error { asset = a.ID; return nil }))
			comps, err := w.db.Components(w.ctx, w.ws, asset, 0, 0)
			w.ok(err)
			for _, c := range comps {
				out = append(out, c.Name+" "+c.Version)
			}
			facts, err := w.db.Facts(w.ctx, w.ws, asset)
			w.ok(err)
			for _, f := range facts {
				out = append(out, f.Locus)
			}
			return out
		}
		upgraded := batch(dpkg, []gyre.ComponentSighting{comp("ssl", "2", "/dpkg")}, fact("tcp/2"))
		w.run("host", gyre.RunFailed, upgraded)
		w.same("after a failed run", have(), []string{"ssl 1", "pad 1", "x 1", "ssl 2", "tcp/1", "tcp/2", "tcp/3"})
		w.run("host", gyre.RunSucceeded, upgraded)
		w.same("after a run that covered the one file", have(), []string{"pad 1", "x 1", "ssl 2", "tcp/2", "tcp/3"})
	})
}

// A retest speaks of a stored asset by gyre.RefID, without sighting it anew;
// what it learns is the run's all the same.
func TestStoredRefs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run("net", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "one", ip("10.0.0.1"))}})
		a, err := w.db.FindAsset(w.ctx, w.ws, gyre.Host, gyre.Identifier{Type: gyre.IDIP, Value: "10.0.0.1", Zone: gyre.ZoneDMZ})
		w.ok(err)
		ref := gyre.RefID(a.ID)
		r := w.run("net", gyre.RunSucceeded, &gyre.Batch{
			Facts:      []gyre.Fact{{Asset: ref, Aspect: gyre.AspectService, Locus: "tcp/22", Data: map[string]any{"port": 22}}},
			Components: []gyre.ComponentSighting{{Asset: ref, Name: "b", Version: "1", Location: "/x"}},
			Coverage:   []gyre.Coverage{{Asset: ref, Aspect: gyre.AspectService}},
		})
		facts, comps := 0, 0
		w.ok(w.db.EachFactOfRun(w.ctx, w.ws, r, func(f gyre.Fact, _ bool) error {
			facts++
			w.same("ref", f.Asset, ref)
			return nil
		}))
		w.ok(w.db.EachComponentOfRun(w.ctx, w.ws, r, func(gyre.Component) error { comps++; return nil }))
		w.same("facts and components of the run", []int{facts, comps}, []int{1, 1})
	})
}
