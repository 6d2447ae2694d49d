// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/intel"
	"github.com/gyre-ctem/gyre/internal/match"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/plugin"
)

// estate is a host with one weakness at n places, written as ingest does.
type estate struct {
	asset     gyre.Asset
	weakness  gyre.Weakness
	exposures []gyre.Exposure
}

func (e estate) ids() []gyre.ID {
	var ids []gyre.ID
	for _, x := range e.exposures {
		ids = append(ids, x.ID)
	}
	return ids
}

func plant(t testing.TB, db *store.DB, ws gyre.ID, n int) estate {
	t.Helper()
	e := estate{
		asset: gyre.Asset{
			ID: gyre.NewID(), Workspace: ws, Kind: gyre.Host, Name: "web-1", Zone: gyre.ZoneDMZ, Tags: []string{"a b", "ä"},
			Attributes: map[string]string{"os": "linux"}, FirstSeen: at, LastSeen: at,
		},
		weakness: gyre.Weakness{
			ID: gyre.NewID(), Key: "CVE-2024-6387", Aliases: []string{"GHSA-2x8c-95vh-gfv4"}, Class: gyre.Vulnerability, Title: "regreSSHion",
			Severity: gyre.SeverityHigh, CVSS: "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H", CVSSScore: 8.1, CWEs: []string{"CWE-364"}, Published: at,
		},
	}
	ctx := t.Context()
	ok(t, db.Write(ctx, ws, func(tx *store.Tx) error {
		if err := tx.SaveAssets(ctx, []gyre.Asset{e.asset}); err != nil {
			return err
		}
		if err := tx.SaveWeaknesses(ctx, []gyre.Weakness{e.weakness}); err != nil {
			return err
		}
		var obs []gyre.Observation
		for i := range n {
			x := gyre.Exposure{
				ID: gyre.NewID(), Workspace: ws, Asset: e.asset.ID, Weakness: e.weakness.ID, Place: "tcp/" + string(rune('a'+i)), Locus: "tcp/" + string(rune('a'+i)), Aspect: gyre.AspectService,
				Class: gyre.Vulnerability, Severity: gyre.SeverityHigh, State: gyre.StateOpen, StateSince: at,
				Remedy: gyre.Remedy{Kind: gyre.RemedyUpgrade, Package: "openssh", Fixed: "9.8"}, FirstSeen: at, LastSeen: at,
			}
			e.exposures = append(e.exposures, x)
			obs = append(obs, gyre.Observation{
				ID: gyre.NewID(), Exposure: x.ID, Run: 1, Source: "identify", Seen: true, At: at,
				Evidence: gyre.Evidence{Summary: "banner", Data: map[string]any{"port": int64(22)}},
			})
			tx.Append(gyre.Event{Object: "exposure", ID: x.ID, Kind: "created", To: "open", Actor: "run:1"})
		}
		if err := tx.SaveExposures(ctx, e.exposures); err != nil {
			return err
		}
		return tx.SaveObservations(ctx, obs, nil)
	}))
	return e
}

func states(t testing.TB, db *store.DB, ws gyre.ID, ids []gyre.ID) []gyre.State {
	t.Helper()
	all, err := db.Exposures(t.Context(), ws, ids)
	ok(t, err)
	by := map[gyre.ID]gyre.State{}
	for _, e := range all {
		by[e.ID] = e.State
	}
	var out []gyre.State
	for _, id := range ids {
		out = append(out, by[id])
	}
	return out
}

func testStates(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx, e := t.Context(), plant(t, db, ws, 3)
	got, err := db.Exposure(ctx, ws, e.exposures[0].ID)
	ok(t, err)
	same(t, "exposure", got, e.exposures[0])
	obs, err := db.Observations(ctx, ws, got.ID)
	ok(t, err)
	same(t, "evidence", obs[0].Evidence.Data["port"], any(int64(22)))

	ids := e.ids()
	_, err = db.SetStates(ctx, ws, ids, gyre.StateFixed, "ann", "", time.Time{})
	code(t, err, gyre.Invalid)
	_, err = db.SetStates(ctx, ws, ids, gyre.StateAccepted, "ann", "", time.Now().Add(time.Hour))
	code(t, err, gyre.Invalid)
	_, err = db.SetStates(ctx, ws, ids, gyre.StateAccepted, "ann", "why", time.Time{})
	code(t, err, gyre.Invalid)

	ch, err := db.SetStates(ctx, ws, append(ids[:1:1], 99), gyre.StateFixClaimed, "ann", "done", time.Time{})
	ok(t, err)
	same(t, "changed", ch.Changed, 1)
	same(t, "skipped", ch.Skipped, []gyre.Skip{{ID: 99, Reason: "not found"}})
	claimed, err := db.Claimed(ctx, ws)
	ok(t, err)
	same(t, "claimed", claimed, ids[:1])
	ok(t, db.Reopen(ctx, ws, ids[0], "ann", "still there"))
	same(t, "state", states(t, db, ws, ids[:1]), []gyre.State{gyre.StateOpen})

	n, err := db.RecordBands(ctx, ws, []store.BandChange{{Exposure: ids[0], To: gyre.BandHigh, Details: "{}"}})
	ok(t, err)
	same(t, "recorded", n, 1)
	events, err := db.EventsOf(ctx, ws, ids[0], 10)
	ok(t, err)
	var kinds []string
	for _, ev := range events {
		kinds = append(kinds, ev.Kind+" "+ev.From+">"+ev.To)
	}
	same(t, "history", kinds, []string{"band >high", "state fix_claimed>open", "state open>fix_claimed", "created >open"})

	ok(t, db.AddVerdict(ctx, ws, gyre.Verdict{Exposure: ids[0], Method: "retest", Outcome: gyre.OutcomeStillThere, By: "ann", Evidence: gyre.Evidence{Summary: "s"}}))
	code(t, db.AddVerdict(ctx, ws, gyre.Verdict{Exposure: 99}), gyre.NotFound)
	verdicts, err := db.Verdicts(ctx, ws, ids[0])
	ok(t, err)
	same(t, "outcome", verdicts[0].Outcome, gyre.OutcomeStillThere)
	code(t, db.Reopen(ctx, ws, 99, "ann", ""), gyre.NotFound)
	_, err = db.Exposure(ctx, ws+1, ids[0])
	code(t, err, gyre.NotFound)
}

func testUndo(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx, e := t.Context(), plant(t, db, ws, 3)
	ids := e.ids()
	ends := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	first, err := db.SetStates(ctx, ws, ids, gyre.StateAccepted, "ann", "tolerated", ends)
	ok(t, err)
	same(t, "changed", first.Changed, 3)
	second, err := db.SetStates(ctx, ws, ids[:2], gyre.StateFalsePositive, "bob", "not there", ends)
	ok(t, err)
	_, err = db.SetStates(ctx, ws, ids[1:2], gyre.StateOpen, "bob", "", time.Time{})
	ok(t, err)
	undone, err := db.UndoChange(ctx, ws, second.ID, "ann")
	ok(t, err)
	same(t, "changed by undoing", undone.Changed, 1)
	same(t, "skipped", undone.Skipped, []gyre.Skip{{ID: ids[1], Reason: "it has changed since"}})
	same(t, "states", states(t, db, ws, ids), []gyre.State{gyre.StateAccepted, gyre.StateOpen, gyre.StateAccepted})
	x, err := db.Exception(ctx, ws, ids[0])
	ok(t, err)
	same(t, "exception is back", []any{x.Reason, x.By, x.Ends}, []any{"tolerated", "ann", ends})
	_, err = db.Exception(ctx, ws, ids[1])
	code(t, err, gyre.NotFound)
	_, err = db.UndoChange(ctx, ws, second.ID, "ann")
	code(t, err, gyre.Conflict)
	_, err = db.UndoChange(ctx, ws, 5, "ann")
	code(t, err, gyre.NotFound)
}

func testExpiry(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx, e := t.Context(), plant(t, db, ws, 2)
	ends := time.Now().Add(time.Hour)
	_, err := db.SetStates(ctx, ws, e.ids()[:1], gyre.StateAccepted, "ann", "tolerated", ends)
	ok(t, err)
	n, err := db.ExpireExceptions(ctx, ws, time.Now())
	ok(t, err)
	same(t, "expired too early", n, 0)
	n, err = db.ExpireExceptions(ctx, ws, ends.Add(time.Second))
	ok(t, err)
	same(t, "expired", n, 1)
	same(t, "states", states(t, db, ws, e.ids()), []gyre.State{gyre.StateOpen, gyre.StateOpen})
	left, err := db.Exceptions(ctx, ws)
	ok(t, err)
	same(t, "left", len(left), 0)
}

func testPlan(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx, e := t.Context(), plant(t, db, ws, 2)
	draft := store.ActionDraft{
		Action:  gyre.Action{Key: "upgrade/openssh", Title: "Upgrade openssh", Steps: []gyre.Step{{Platform: "Debian", Text: "do", Commands: []string{"apt"}}}, Exposures: 2, Assets: 1, RiskRemoved: 91.5},
		Removes: e.ids(),
	}
	n, err := db.SavePlan(ctx, ws, []store.ActionDraft{draft})
	ok(t, err)
	same(t, "actions", n, 1)
	a, err := db.Action(ctx, ws, must(db.ActionOf(ctx, ws, e.ids()[0])))
	ok(t, err)
	same(t, "steps", a.Steps, draft.Steps)
	same(t, "risk", a.RiskRemoved, 91.5)

	seq, err := db.Seq(ctx, ws)
	ok(t, err)
	_, err = db.SavePlan(ctx, ws, []store.ActionDraft{draft})
	ok(t, err)
	again, err := db.Seq(ctx, ws)
	ok(t, err)
	same(t, "events of the same plan", again, seq)

	owner, due, done, state := "bob", at, gyre.ActionDone, gyre.ActionVerified
	_, err = db.PatchAction(ctx, ws, a.ID, "ann", gyre.ActionPatch{State: &state})
	code(t, err, gyre.Invalid)
	a, err = db.PatchAction(ctx, ws, a.ID, "ann", gyre.ActionPatch{State: &done, Owner: &owner, Due: &due})
	ok(t, err)
	same(t, "exposures follow", states(t, db, ws, e.ids()), []gyre.State{gyre.StateFixClaimed, gyre.StateFixClaimed})

	_, err = db.SavePlan(ctx, ws, []store.ActionDraft{draft})
	ok(t, err)
	a, err = db.Action(ctx, ws, a.ID)
	ok(t, err)
	same(t, "done, and all of it claimed", a.State, gyre.ActionDone)
	ok(t, db.Reopen(ctx, ws, e.ids()[0], "ann", "still there"))
	_, err = db.SavePlan(ctx, ws, []store.ActionDraft{draft})
	ok(t, err)
	a, err = db.Action(ctx, ws, a.ID)
	ok(t, err)
	same(t, "done, but something stands", a.State, gyre.ActionOpen)

	_, err = db.SavePlan(ctx, ws, nil)
	ok(t, err)
	a, err = db.Action(ctx, ws, a.ID)
	ok(t, err)
	same(t, "verified when nothing is left", []any{a.State, a.Exposures}, []any{gyre.ActionVerified, 0})
	_, err = db.SavePlan(ctx, ws, []store.ActionDraft{draft})
	ok(t, err)
	a, err = db.Action(ctx, ws, a.ID)
	ok(t, err)
	same(t, "it comes back with its owner", []any{a.State, a.Owner, a.Due}, []any{gyre.ActionOpen, "bob", at})
	of, err := db.ExposuresOfAction(ctx, ws, a.ID)
	ok(t, err)
	same(t, "its exposures", len(of), 2)
	open, err := db.Actions(ctx, ws, []gyre.ActionState{gyre.ActionOpen}, 5)
	ok(t, err)
	same(t, "open actions", len(open), 1)
}

func must(id gyre.ID, err error) gyre.ID {
	if err != nil {
		panic(err)
	}
	return id
}

func testAssets(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx, e := t.Context(), plant(t, db, ws, 1)
	ids := []gyre.Identifier{{Type: gyre.IDIP, Value: "10.0.0.1", Zone: gyre.ZoneDMZ}, {Type: gyre.IDMachine, Value: "abc"}}
	other := gyre.Asset{ID: gyre.NewID(), Workspace: ws, Kind: gyre.Domain, Name: "x.test", FirstSeen: at, LastSeen: at}
	sc, err := db.CreateScope(ctx, ws, "ann", gyre.Scope{Name: "shop"})
	ok(t, err)
	ok(t, db.Write(ctx, ws, func(tx *store.Tx) error {
		if err := tx.SaveIdentifiers(ctx, "host", ids, []gyre.ID{e.asset.ID, e.asset.ID}, at); err != nil {
			return err
		}
		if err := tx.SaveAssets(ctx, []gyre.Asset{other}); err != nil {
			return err
		}
		fresh, err := tx.NoteRun(ctx, 7, sc.ID, []gyre.ID{e.asset.ID, other.ID})
		same(t, "new to the scope", len(fresh), 2)
		if err != nil {
			return err
		}
		fresh, err = tx.NoteRun(ctx, 9, sc.ID, []gyre.ID{e.asset.ID})
		same(t, "new to the scope", len(fresh), 0)
		if err != nil {
			return err
		}
		found, err := tx.AssetsByIdentifier(ctx, "host", []gyre.Identifier{ids[0], {Type: gyre.IDIP, Value: "10.0.0.1"}})
		same(t, "found in its zone only", found, map[gyre.Identifier]gyre.ID{ids[0]: e.asset.ID})
		if err != nil {
			return err
		}
		return tx.SaveRelations(ctx, []gyre.Relation{{From: other.ID, To: e.asset.ID, Type: gyre.ResolvesTo, LastSeen: at}})
	}))
	got, err := db.Asset(ctx, ws, e.asset.ID)
	ok(t, err)
	want := e.asset
	want.Identifiers = []gyre.Identifier{ids[1], ids[0]}
	same(t, "asset, strongest identifier first", got, want)
	found, err := db.FindAsset(ctx, ws, gyre.Device, ids[0])
	ok(t, err)
	same(t, "found", found.ID, e.asset.ID)
	_, err = db.FindAsset(ctx, ws, gyre.Domain, ids[0])
	code(t, err, gyre.NotFound)
	rel, err := db.Relations(ctx, ws, e.asset.ID)
	ok(t, err)
	same(t, "relations", rel, []gyre.Relation{{From: other.ID, To: e.asset.ID, Type: gyre.ResolvesTo, LastSeen: at}})
	scopes, err := db.ScopesOfAssets(ctx, ws, []gyre.ID{other.ID})
	ok(t, err)
	same(t, "scopes", scopes[other.ID], []gyre.ID{sc.ID})

	crit, owner, tags := gyre.CriticalityCrown, "ann", []string{"b", " a", "b", ""}
	got, err = db.PatchAsset(ctx, ws, e.asset.ID, "ann", gyre.AssetPatch{Criticality: &crit, Owner: &owner, Tags: &tags})
	ok(t, err)
	same(t, "patched", []any{got.Criticality, got.Owner, got.Tags, got.Pinned},
		[]any{crit, "ann", []string{"a", "b"}, []string{"criticality", "owner", "tags"}})
	bad := gyre.Criticality(9)
	_, err = db.PatchAsset(ctx, ws, e.asset.ID, "ann", gyre.AssetPatch{Criticality: &bad})
	code(t, err, gyre.Invalid)
	_, err = db.PatchAsset(ctx, ws, 99, "ann", gyre.AssetPatch{Owner: &owner})
	code(t, err, gyre.NotFound)
}

func testFacts(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx, e := t.Context(), plant(t, db, ws, 1)
	ref := gyre.RefID(e.asset.ID)
	run := gyre.Run{ID: gyre.NewID(), Workspace: ws, Source: "network", Status: gyre.RunRunning, Started: at}
	fact := gyre.Fact{Asset: ref, Aspect: gyre.AspectTLS, Locus: "tcp/443", Data: map[string]any{
		"port": int64(443), "ratio": 0.5, "list": []any{int64(1), "a", map[string]any{"b": true, "c": nil}},
	}}
	coverage := []gyre.Coverage{
		{Asset: ref, Aspect: gyre.AspectTLS, Judged: true, Weaknesses: []string{}},
		{Asset: ref, Aspect: gyre.AspectPackage, Loci: []string{"/a*"}, Except: []string{"/ab"}, Credentialed: true},
	}
	comp := gyre.Component{ID: gyre.NewID(), Asset: e.asset.ID, PURL: "pkg:deb/debian/openssl@3.0", Ecosystem: "Debian:12", Name: "libssl3", Version: "3.0", Source: "openssl", Location: "/var/lib/dpkg/status", FirstSeen: at, LastSeen: at}
	ok(t, db.Write(ctx, ws, func(tx *store.Tx) error {
		if err := tx.SaveRun(ctx, run); err != nil {
			return err
		}
		if _, err := tx.NoteRun(ctx, run.ID, 0, []gyre.ID{e.asset.ID}); err != nil {
			return err
		}
		if err := tx.SaveFacts(ctx, "network", []gyre.Fact{fact}, at); err != nil {
			return err
		}
		old := fact
		old.Data = map[string]any{"port": int64(1)}
		if err := tx.SaveFacts(ctx, "network", []gyre.Fact{old}, at.Add(-time.Hour)); err != nil {
			return err
		}
		if err := tx.SaveFacts(ctx, "other", []gyre.Fact{old}, at); err != nil {
			return err
		}
		if err := tx.SaveComponents(ctx, "network", []gyre.Component{comp}); err != nil {
			return err
		}
		return tx.AddCoverage(ctx, run.ID, coverage)
	}))
	var facts []gyre.Fact
	ok(t, db.EachFactOfRun(ctx, ws, run, func(f gyre.Fact, _ bool) error { facts = append(facts, f); return nil }))
	same(t, "facts of the run", facts, []gyre.Fact{fact})
	all, err := db.Facts(ctx, ws, e.asset.ID)
	ok(t, err)
	same(t, "facts of every source", len(all), 2)
	cov, err := db.CoverageOfRun(ctx, ws, run.ID)
	ok(t, err)
	same(t, "coverage, nil and empty told apart", cov, coverage)
	var comps []gyre.Component
	ok(t, db.EachComponentOfRun(ctx, ws, run, func(c gyre.Component) error { comps = append(comps, c); return nil }))
	same(t, "components of the run", comps, []gyre.Component{comp})
	comps = nil
	ok(t, db.EachComponentNamed(ctx, ws, "Debian:12", "libssl3", func(c gyre.Component) error { comps = append(comps, c); return nil }))
	same(t, "components by name", len(comps), 1)
	page, err := db.Components(ctx, ws, e.asset.ID, comp.ID, 10)
	ok(t, err)
	same(t, "after the last", len(page), 0)
}

func testProjection(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx, e := t.Context(), plant(t, db, ws, 2)
	ok(t, db.UpsertEPSS(ctx, []plugin.EPSS{{CVE: "CVE-2024-6387", Score: 0.4, Percentile: 0.9, Date: at}}))
	for _, ids := range [][]gyre.ID{nil, {e.weakness.ID}} {
		var got []store.ProjectionWeakness
		ok(t, db.ProjectionWeaknesses(ctx, ws, ids, func(w store.ProjectionWeakness) error { got = append(got, w); return nil }))
		same(t, "weaknesses", got, []store.ProjectionWeakness{{Weakness: e.weakness, Intel: gyre.Intel{EPSS: 0.4, EPSSPercentile: 0.9, EPSSDate: at}}})
	}
	for _, ids := range [][]gyre.ID{nil, {e.asset.ID}} {
		var got []store.ProjectionAsset
		ok(t, db.ProjectionAssets(ctx, ws, ids, func(a store.ProjectionAsset) error { got = append(got, a); return nil }))
		same(t, "assets", got, []store.ProjectionAsset{{Asset: e.asset}})
	}
	var got []store.ProjectionExposure
	ok(t, db.ProjectionExposures(ctx, ws, e.ids()[1:], func(x store.ProjectionExposure) error { got = append(got, x); return nil }))
	x := e.exposures[1]
	same(t, "exposure", got, []store.ProjectionExposure{{
		ID: x.ID, Asset: x.Asset, Weakness: x.Weakness, Locus: x.Locus, Aspect: x.Aspect, Class: x.Class, Severity: x.Severity, State: x.State,
		Fixable: true, Sources: []string{"identify"}, FirstSeen: at, LastSeen: at, StateSince: at,
	}})
	ok(t, db.Write(ctx, ws, func(tx *store.Tx) error {
		_, err := tx.NoteRun(ctx, 7, 0, []gyre.ID{e.asset.ID})
		return err
	}))
	seen := map[gyre.ID]time.Time{}
	note := func(id gyre.ID, t time.Time) error { seen[id] = t; return nil }
	ok(t, db.SeenByRuns(ctx, ws, []gyre.ID{7, 8}, note, note))
	same(t, "seen by the run", seen, map[gyre.ID]time.Time{e.asset.ID: at, e.exposures[0].ID: at, e.exposures[1].ID: at})
	ok(t, db.SeenByRuns(ctx, ws, []gyre.ID{8}, func(gyre.ID, time.Time) error { return errStop }, nil))
}

func testIntel(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	key := match.PackageKey{Ecosystem: "npm", Name: "left-pad"}
	row := intel.AdvisoryRow{ID: "GHSA-1", Modified: at, Packages: []match.PackageKey{key}, Names: []string{"CVE-2026-1"}, Keys: []string{"CVE-2026-1"}, Data: []byte{0, 1}}
	withdrawn := intel.AdvisoryRow{ID: "GHSA-2", Withdrawn: true, Packages: []match.PackageKey{key}, Keys: []string{"GHSA-2"}, Data: []byte{2}}
	for range 2 {
		ok(t, db.UpsertAdvisories(ctx, []intel.AdvisoryRow{row, withdrawn, row}))
	}
	got, err := db.Advisories(ctx, []match.PackageKey{key, {Ecosystem: "npm", Name: "x"}, {Ecosystem: "PyPI", Name: "left-pad"}})
	ok(t, err)
	same(t, "advisories", got, [][]byte{{0, 1}})
	names, err := db.AdvisoryNames(ctx, []string{"GHSA-1", "CVE-2026-1", "CVE-2026-2"})
	ok(t, err)
	same(t, "names", names, map[string][]string{"GHSA-1": {"CVE-2026-1"}, "CVE-2026-1": {"CVE-2026-1"}})
	row.Packages = nil
	ok(t, db.UpsertAdvisories(ctx, []intel.AdvisoryRow{row}))
	got, err = db.Advisories(ctx, []match.PackageKey{key})
	ok(t, err)
	same(t, "packages are replaced", len(got), 0)

	ok(t, db.ReplaceKEV(ctx, []plugin.KEV{{CVE: "CVE-2026-9"}}))
	ok(t, db.ReplaceKEV(ctx, []plugin.KEV{{CVE: "CVE-2026-1", Added: at, Due: at, Ransomware: true, Name: "n", Action: "a"}}))
	ok(t, db.UpsertEPSS(ctx, []plugin.EPSS{{CVE: "CVE-2026-1", Score: 0.1}, {CVE: "CVE-2026-1", Score: 0.2, Percentile: 0.7, Date: at}}))
	ok(t, db.UpsertExploits(ctx, []plugin.ExploitRecord{{CVE: "CVE-2026-1", Maturity: gyre.ExploitAttacked, Source: "a"}, {CVE: "CVE-2026-1", Maturity: gyre.ExploitPOC, Source: "b"}}))
	known, err := db.Intel(ctx, []string{"CVE-2026-1", "CVE-2026-9"})
	ok(t, err)
	same(t, "intel", known, map[string]gyre.Intel{"CVE-2026-1": {
		EPSS: 0.2, EPSSPercentile: 0.7, EPSSDate: at, KEV: true, KEVAdded: at, KEVDue: at, Ransomware: true, Exploit: gyre.ExploitAttacked,
	}})

	rec := intel.FeedRecord{Name: "kev", Base: "/x", Tried: at, Synced: at, State: plugin.FeedState{ETag: "e", Records: 3, Date: at}}
	ok(t, db.PutFeedRecord(ctx, rec))
	rec.Unchanged = true
	ok(t, db.PutFeedRecord(ctx, rec))
	all, err := db.FeedRecords(ctx)
	ok(t, err)
	same(t, "feeds", all, []intel.FeedRecord{rec})
	events, err := db.EventsSince(ctx, ws, 0, 10)
	ok(t, err)
	if len(events) != 1 || events[0].Object != "intel" {
		t.Fatalf("events %+v", events)
	}
}
