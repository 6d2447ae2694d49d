// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/plugin"
)

// properties checks a property on both engines, each time in a new workspace.
func properties(t *testing.T, check func(rt *rapid.T, w *world)) {
	storetest.Cases(t, 60)
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			db := storetest.Shared(t, e)
			n := 0
			rapid.Check(t, func(rt *rapid.T) {
				n++
				w := newWorldNamed(t, db, fmt.Sprintf("%s/%d", t.Name(), n))
				w.t = rapidTB{TB: t, rt: rt}
				check(rt, w)
			})
		})
	}
}

// rapidTB fails the case, not the test, so that rapid can shrink it.
type rapidTB struct {
	testing.TB
	rt *rapid.T
}

func (r rapidTB) Helper()                   {}
func (r rapidTB) Fatal(a ...any)            { r.rt.Fatal(a...) }
func (r rapidTB) Fatalf(f string, a ...any) { r.rt.Fatalf(f, a...) }

type scan struct {
	source       string
	started      time.Duration // after now; negative is an old report
	status       gyre.RunStatus
	hosts        []int
	loci         []string // covered; nil is all
	keys         []string // covered; nil is all
	credentialed bool
	judged       bool
	found        []string // "host key locus"
}

func drawScan(rt *rapid.T) scan {
	s := scan{
		source:       rapid.SampledFrom([]string{"net", "other"}).Draw(rt, "source"),
		status:       rapid.SampledFrom([]gyre.RunStatus{gyre.RunSucceeded, gyre.RunSucceeded, gyre.RunSucceeded, gyre.RunPartial, gyre.RunFailed, gyre.RunCancelled}).Draw(rt, "status"),
		hosts:        rapid.SliceOfNDistinct(rapid.IntRange(1, 2), 1, 2, rapid.ID[int]).Draw(rt, "hosts"),
		credentialed: rapid.Bool().Draw(rt, "credentialed"),
		judged:       rapid.IntRange(0, 3).Draw(rt, "judged") > 0,
	}
	if rapid.IntRange(0, 3).Draw(rt, "old") == 0 {
		s.started = -time.Duration(rapid.IntRange(1, 5).Draw(rt, "hours")) * time.Hour
	}
	loci := []string{"tcp/1", "tcp/22", "tcp/2*", "*"}
	if rapid.Bool().Draw(rt, "narrow") {
		s.loci = rapid.SliceOfN(rapid.SampledFrom(loci), 0, 2).Draw(rt, "loci")
	}
	if rapid.Bool().Draw(rt, "listed") {
		s.keys = rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b"}), 0, 2).Draw(rt, "keys")
	}
	for _, h := range s.hosts {
		for _, k := range []string{"a", "b"} {
			for _, l := range []string{"tcp/1", "tcp/22"} {
				if rapid.Bool().Draw(rt, "found") {
					s.found = append(s.found, fmt.Sprintf("%d %s %s", h, k, l))
				}
			}
		}
	}
	return s
}

func (s scan) batch() *gyre.Batch {
	b := &gyre.Batch{}
	for _, h := range s.hosts {
		ref := fmt.Sprintf("h%d", h)
		b.Assets = append(b.Assets, host(ref, ref, ip(fmt.Sprintf("10.0.0.%d", h))))
		b.Coverage = append(b.Coverage, gyre.Coverage{
			Judged: s.judged, Asset: gyre.Ref(ref), Aspect: gyre.AspectService, Loci: s.loci, Weaknesses: s.keys, Credentialed: s.credentialed,
		})
	}
	for _, f := range s.found {
		p := strings.Fields(f)
		x := finding("h"+p[0], p[1], p[2])
		x.Credentialed = s.credentialed
		b.Findings = append(b.Findings, x)
	}
	return b
}

func matches(list []string, v string) bool {
	if list == nil {
		return true
	}
	for _, p := range list {
		if p == v || (strings.HasSuffix(p, "*") && strings.HasPrefix(v, p[:len(p)-1])) {
			return true
		}
	}
	return false
}

// sees says what a run found at a place, and speaks whether it covers it.
func (s scan) sees(f string) bool { return slices.Contains(s.found, f) }

func (s scan) speaks(f string) bool {
	p := strings.Fields(f)
	onHost := slices.ContainsFunc(s.hosts, func(h int) bool { return fmt.Sprint(h) == p[0] })
	return s.status == gyre.RunSucceeded && s.judged && onHost && matches(s.loci, p[2]) && matches(s.keys, p[1])
}

// dated is a scan and when it began. Sightings are made one second later.
type dated struct {
	scan
	at time.Time
}

// rule is the closing rule, written again as simply as it is said: what is there,
// and whether it is fixed, is a function of the set of runs. It knows no order but their dates.
func rule(runs []dated) map[string]gyre.State {
	out := map[string]gyre.State{}
	for _, r := range runs {
		for _, f := range r.found {
			out[f] = gyre.StateOpen
		}
	}
	for f := range out {
		var last time.Time
		credentialed, observed := true, map[string]bool{}
		for _, r := range runs {
			if !r.sees(f) {
				continue
			}
			observed[r.source] = true
			credentialed = credentialed && r.credentialed
			if at := r.at.Add(time.Second); at.After(last) {
				last = at
			}
		}
		for _, r := range runs {
			if r.speaks(f) && r.at.After(last) && (r.credentialed || !credentialed) && (observed[r.source] || r.keys != nil) {
				out[f] = gyre.StateFixed
			}
		}
	}
	return out
}

// sightings are when each exposure was first and last seen.
func (w *world) sightings() map[string][2]time.Time {
	w.t.Helper()
	out := map[string][2]time.Time{}
	w.eachSpot(func(f string, e gyre.Exposure) { out[f] = [2]time.Time{e.FirstSeen, e.LastSeen} })
	return out
}

func (w *world) spots() map[string]gyre.State {
	w.t.Helper()
	out := map[string]gyre.State{}
	w.eachSpot(func(f string, e gyre.Exposure) { out[f] = e.State })
	return out
}

// eachSpot calls fn with every exposure and what the model calls it: "host key locus".
func (w *world) eachSpot(fn func(f string, e gyre.Exposure)) {
	w.t.Helper()
	keys, hosts := map[gyre.ID]string{}, map[gyre.ID]string{}
	w.ok(w.db.EachWeakness(w.ctx, w.ws, func(x gyre.Weakness) error { keys[x.ID] = x.Key; return nil }))
	w.ok(w.db.EachAsset(w.ctx, w.ws, func(a gyre.Asset) error { hosts[a.ID] = strings.TrimPrefix(a.Name, "h"); return nil }))
	w.ok(w.db.EachExposure(w.ctx, w.ws, func(e gyre.Exposure) error {
		fn(hosts[e.Asset]+" "+keys[e.Weakness]+" "+e.Locus, e)
		return nil
	}))
}

// TestClosingRule: after any sequence of runs, of any dates, each exposure stands
// where the rule puts it; and the last run again changes nothing.
func TestClosingRule(t *testing.T) {
	properties(t, func(rt *rapid.T, w *world) {
		var runs []dated
		for range rapid.IntRange(1, 7).Draw(rt, "runs") {
			s := drawScan(rt)
			w.now = w.now.Add(time.Hour)
			runs = append(runs, dated{s, w.now.Add(s.started)})
			w.runAt(w.now.Add(s.started), s.source, s.status, s.batch())
			w.same(fmt.Sprintf("after %+v", s), w.spots(), rule(runs))
		}
		last := drawScan(rt)
		w.run(last.source, last.status, last.batch())
		seq, states := w.seq(), w.spots()
		r := w.run(last.source, last.status, last.batch())
		w.same("states after the same again", w.spots(), states)
		w.same("events of the same again", w.seq()-seq, int64(2))
		w.same("changes of the same again", []int{r.Counts.NewAssets, r.Counts.Created, r.Counts.Reopened, r.Counts.Closed}, []int{0, 0, 0, 0})
	})
}

// TestAnyOrder: dated runs, which is what imports are, come to the same states,
// and the same first and last sightings, in whatever order they come; the same reports
// again, in yet another order, change nothing.
func TestAnyOrder(t *testing.T) {
	properties(t, func(rt *rapid.T, w *world) {
		start := w.now
		w.now = w.now.Add(100 * time.Hour)
		var runs []dated
		for range rapid.IntRange(2, 6).Draw(rt, "runs") {
			// A few dates only, so that some are the same.
			runs = append(runs, dated{drawScan(rt), start.Add(time.Duration(rapid.IntRange(0, 4).Draw(rt, "date")) * time.Hour)})
		}
		play := func(w *world, order []int) {
			for _, n := range order {
				s, err := w.in.BeginDated(w.ctx, w.ws, gyre.Run{Source: runs[n].source, Started: runs[n].at})
				w.ok(err)
				w.ok(s.Emit(w.ctx, runs[n].batch()))
				_, err = s.Finish(w.ctx, runs[n].status, plugin.Report{})
				w.ok(err)
			}
		}
		byDate := rng(len(runs))
		slices.SortStableFunc(byDate, func(a, b int) int { return runs[a].at.Compare(runs[b].at) })
		play(w, byDate)
		other := newWorldNamed(w.t, w.db, fmt.Sprintf("%d in another order", w.ws))
		other.t, other.now = w.t, w.now
		play(other, rapid.Permutation(byDate).Draw(rt, "order"))
		w.same("states", other.spots(), w.spots())
		w.same("sightings", other.sightings(), w.sightings())

		seq := other.seq()
		play(other, rapid.Permutation(byDate).Draw(rt, "again"))
		w.same("events of the same again", other.seq()-seq, int64(2*len(runs)))
	})
}

// TestSubset: a report that holds part of what another held closes nothing that
// lies outside its own coverage.
func TestSubset(t *testing.T) {
	properties(t, func(rt *rapid.T, w *world) {
		whole := drawScan(rt)
		whole.source, whole.status, whole.started = "net", gyre.RunSucceeded, 0
		w.run(whole.source, whole.status, whole.batch())
		before := w.spots()
		part := drawScan(rt)
		part.source, part.status = "net", gyre.RunSucceeded
		part.found = slices.DeleteFunc(part.found, func(f string) bool { return !whole.sees(f) })
		w.run(part.source, part.status, part.batch())
		for f, state := range w.spots() {
			if state != before[f] && !part.speaks(f) {
				w.t.Fatalf("%q is %s: %+v does not cover it", f, state, part)
			}
		}
	})
}

// TestOrder: in whatever order and grouping sightings of machines arrive, what
// comes of them is the same: as many assets, with the same identifiers and exposures.
func TestOrder(t *testing.T) {
	properties(t, func(rt *rapid.T, w *world) {
		var sights []gyre.AssetSighting
		var found []gyre.Finding
		for m := range 3 {
			all := []gyre.Identifier{
				{Type: gyre.IDMachine, Value: fmt.Sprintf("machine-%d", m)},
				{Type: gyre.IDMAC, Value: fmt.Sprintf("00:11:22:33:44:%02d", m)},
				{Type: gyre.IDHostname, Value: fmt.Sprintf("host-%d", m)},
				ip(fmt.Sprintf("10.0.0.%d", m+1)),
			}
			for range rapid.IntRange(1, 3).Draw(rt, "sightings") {
				ids := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 4, rapid.ID[gyre.Identifier]).Draw(rt, "ids")
				ref := fmt.Sprintf("s%d", len(sights))
				sights = append(sights, gyre.AssetSighting{Ref: gyre.Ref(ref), Kind: gyre.Host, Zone: gyre.ZoneDMZ, Identifiers: ids})
				found = append(found, finding(ref, rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "key"), "tcp/1"))
			}
		}
		first := w.picture(rt, "first", sights, found)
		other := newWorldNamed(w.t, w.db, fmt.Sprintf("%d again", w.ws))
		w.same("the other order", other.picture(rt, "second", sights, found), first)
	})
}

// picture ingests sightings in an order of rapid's choice, some to a batch, and
// says what comes of them.
func (w *world) picture(rt *rapid.T, name string, sights []gyre.AssetSighting, found []gyre.Finding) []string {
	order := rapid.Permutation(rng(len(sights))).Draw(rt, name)
	var batches []*gyre.Batch
	for i, n := range order {
		if i == 0 || rapid.Bool().Draw(rt, "new batch") {
			batches = append(batches, &gyre.Batch{})
		}
		b := batches[len(batches)-1]
		b.Assets, b.Findings = append(b.Assets, sights[n]), append(b.Findings, found[n])
	}
	if rapid.Bool().Draw(rt, "one run") {
		w.run("net", gyre.RunSucceeded, batches...)
	} else {
		for _, b := range batches {
			w.run("net", gyre.RunSucceeded, b)
		}
	}
	lines := map[gyre.ID]string{}
	ids := map[gyre.ID][]string{}
	w.ok(w.db.EachIdentifier(w.ctx, w.ws, func(a gyre.ID, i gyre.Identifier) error {
		ids[a] = append(ids[a], string(i.Type)+" "+i.Value)
		return nil
	}))
	w.ok(w.db.EachAsset(w.ctx, w.ws, func(a gyre.Asset) error {
		sort.Strings(ids[a.ID])
		exposures, err := w.db.ExposuresOfAsset(w.ctx, w.ws, a.ID)
		var keys []string
		for _, e := range exposures {
			x, err := w.db.Weakness(w.ctx, w.ws, e.Weakness)
			if err != nil {
				return err
			}
			keys = append(keys, x.Key)
		}
		sort.Strings(keys)
		lines[a.ID] = fmt.Sprint(ids[a.ID], keys)
		return err
	}))
	var out []string
	for _, l := range lines {
		out = append(out, l)
	}
	sort.Strings(out)
	return out
}

func rng(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
