// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// report is what one source saw of one machine on one day.
type report struct {
	source string
	day    int
	sight  gyre.AssetSighting
	find   gyre.Finding
}

// drawReports makes reports of machines that change addresses, share names over
// zones, were cloned, or hold identifiers that speak against each other.
func drawReports(rt *rapid.T, repeated bool) []report {
	var out []report
	n := rapid.IntRange(2, 7).Draw(rt, "reports")
	for i := range n {
		m := rapid.IntRange(0, 2).Draw(rt, "machine")
		day := rapid.IntRange(0, 80).Draw(rt, "day")
		zone := rapid.SampledFrom([]gyre.Zone{gyre.ZoneDMZ, gyre.ZoneDMZ, gyre.ZoneInternal}).Draw(rt, "zone")
		all := []gyre.Identifier{
			{Type: gyre.IDMachine, Value: fmt.Sprint("machine-", m)},
			{Type: gyre.IDSerial, Value: fmt.Sprint("serial-", m/2)}, // two were cloned
			{Type: gyre.IDMAC, Value: fmt.Sprintf("00:11:22:33:44:%02d", m)},
			{Type: gyre.IDHostname, Value: fmt.Sprint("host-", m%2)}, // two share a name
			ip(fmt.Sprintf("10.0.0.%d", 1+(m+day/20)%3)),             // leases
		}
		ids := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 3, rapid.ID[gyre.Identifier]).Draw(rt, "ids")
		source := fmt.Sprint("s", i)
		if repeated {
			source = rapid.SampledFrom([]string{"net", "agent"}).Draw(rt, "source")
		}
		out = append(out, report{
			source, day,
			gyre.AssetSighting{Ref: "h", Kind: gyre.Host, Zone: zone, Identifiers: ids},
			finding("h", rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "key"), "tcp/1"),
		})
	}
	return out
}

// take ingests reports in an order.
func (w *world) take(reports []report) {
	w.t.Helper()
	for _, r := range reports {
		w.now = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
		s, err := w.in.BeginDated(w.ctx, w.ws, gyre.Run{Source: r.source, Started: w.now.AddDate(0, 0, r.day-100)})
		w.ok(err)
		w.ok(s.Emit(w.ctx, &gyre.Batch{Assets: []gyre.AssetSighting{r.sight}, Findings: []gyre.Finding{r.find}}))
		_, err = s.Finish(w.ctx, gyre.RunPartial, plugin.Report{})
		w.ok(err)
	}
}

// whole is what there is, without IDs: for each asset what claims it is known
// by, and who sees what on it.
func (w *world) whole(sources bool) []string {
	w.t.Helper()
	keys := map[gyre.ID]string{}
	w.ok(w.db.EachWeakness(w.ctx, w.ws, func(x gyre.Weakness) error { keys[x.ID] = x.Key; return nil }))
	var assets []gyre.ID
	w.ok(w.db.EachAsset(w.ctx, w.ws, func(a gyre.Asset) error { assets = append(assets, a.ID); return nil }))
	var out []string
	for _, id := range assets {
		claims, err := w.db.ClaimsOf(w.ctx, w.ws, id)
		w.ok(err)
		var parts []string
		for _, c := range claims {
			parts = append(parts, fmt.Sprint(c.Source, c.Identifiers, c.FirstSeen.Format("01-02"), c.LastSeen.Format("01-02")))
		}
		if len(parts) == 0 {
			w.t.Fatalf("nobody claims asset %s", id)
		}
		exposures, err := w.db.ExposuresOfAsset(w.ctx, w.ws, id)
		w.ok(err)
		for _, e := range exposures {
			if !sources {
				break
			}
			obs, err := w.db.Observations(w.ctx, w.ws, e.ID)
			w.ok(err)
			for _, o := range obs {
				parts = append(parts, keys[e.Weakness]+" by "+o.Source)
			}
			if len(obs) == 0 {
				w.t.Fatalf("nobody sees exposure %s", e.ID)
			}
		}
		slices.Sort(parts)
		out = append(out, strings.Join(parts, "\n"))
	}
	slices.Sort(out)
	return out
}

// TestOrderOfReports: reports of a changing estate make the same assets in
// whatever order they come, and what a source saw is where its claim is.
func TestOrderOfReports(t *testing.T) {
	properties(t, func(rt *rapid.T, w *world) {
		reports := drawReports(rt, false)
		w.take(reports)
		other := newWorldNamed(w.t, w.db, fmt.Sprintf("%d again", w.ws))
		other.take(rapid.Permutation(reports).Draw(rt, "order"))
		w.same("in the other order", other.whole(true), w.whole(true))
	})
}

// TestRepeats: saying the same again does not change who is who; and once what was
// seen is where its claim is by now, nothing at all.
func TestRepeats(t *testing.T) {
	properties(t, func(rt *rapid.T, w *world) {
		reports := drawReports(rt, true)
		w.take(reports)
		before := w.whole(false)
		w.take(reports)
		w.same("said again", w.whole(false), before)
		settled := w.whole(true)
		w.take(reports)
		w.same("said a third time", w.whole(true), settled)
	})
}
