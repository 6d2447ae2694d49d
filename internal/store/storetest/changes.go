// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
)

// testChanges: every way of writing a row says, in an event of that row, what
// each field was and is.
func testChanges(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx, e := t.Context(), plant(t, db, ws, 2)
	x, later := e.exposures[0], at.Add(time.Hour)
	seq, err := db.Seq(ctx, ws)
	ok(t, err)
	// changes are those of the events since the last call: "object kind changes".
	changes := func() (out []string) {
		t.Helper()
		events, err := db.EventsSince(ctx, ws, seq, 1000)
		ok(t, err)
		for _, v := range events {
			seq = v.Seq
			out = append(out, v.Object+" "+v.Kind+" "+v.Changes)
		}
		return out
	}
	write := func(fn func(tx *store.Tx) error) { t.Helper(); ok(t, db.Write(ctx, ws, fn)) }

	write(func(tx *store.Tx) error {
		y := x
		y.Severity, y.Credentialed, y.Remedy.Fixed, y.LastSeen = gyre.SeverityCritical, true, "9.9", later
		tx.Append(gyre.Event{Object: "exposure", ID: x.ID, Kind: "severity", Actor: "run:2"})
		tx.Append(gyre.Event{Object: "exposure", ID: x.ID, Kind: "remedy", Actor: "run:2"})
		return tx.SaveExposures(ctx, []gyre.Exposure{y})
	})
	same(t, "saved exposure", changes(), []string{
		`exposure severity {"severity":[3,4]}`,
		`exposure remedy {"credentialed":[false,true],"remedy":[{"kind":"upgrade","package":"openssh","fixed":"9.8"},{"kind":"upgrade","package":"openssh","fixed":"9.9"}]}`,
	})
	write(func(tx *store.Tx) error {
		return tx.SaveObservations(ctx, []gyre.Observation{
			{ID: gyre.NewID(), Exposure: x.ID, Run: 2, Source: "nmap", Seen: true, At: later},
			{ID: gyre.NewID(), Exposure: x.ID, Run: 2, Source: "identify", Seen: true, At: later},
			{ID: gyre.NewID(), Exposure: x.ID, Run: 2, Source: "old", Seen: false, At: later},
		}, nil)
	})
	same(t, "new source, with no event of its own", changes(), []string{`exposure updated {"sources":[["identify"],["identify","nmap"]]}`})
	write(func(tx *store.Tx) error {
		if err := tx.SaveObservations(ctx, []gyre.Observation{
			{ID: gyre.NewID(), Exposure: x.ID, Run: 3, Source: "nmap", Seen: false, At: at}, // older than its latest word
			{ID: gyre.NewID(), Exposure: x.ID, Run: 3, Source: "identify", Seen: false, At: later},
		}, nil); err != nil {
			return err
		}
		return tx.CloseExposures(ctx, []gyre.Exposure{x}, []string{"{}"}, gyre.Event{Actor: "run:3"}, later)
	})
	same(t, "closed", changes(), []string{
		`exposure state {"sources":[["identify","nmap"],["nmap"]],"state":["open","fixed"],"state_since":[` + us(at) + "," + us(later) + `],"fixed_at":[0,` + us(later) + `]}`,
	})
	ch, err := db.SetStates(ctx, ws, []gyre.ID{e.exposures[1].ID}, gyre.StateTriaged, "ann", "", time.Time{})
	ok(t, err)
	_, err = db.UndoChange(ctx, ws, ch.ID, "ann")
	ok(t, err)
	got := changes()
	same(t, "set", strings.HasPrefix(got[0], `exposure state {"state":["open","triaged"],"state_since":[`+us(at)+","), true)
	same(t, "undone", strings.HasPrefix(got[1], `exposure state {"state":["triaged","open"],"state_since":[`), true)
	band := func(from, to gyre.Band) int {
		t.Helper()
		n, err := db.RecordBands(ctx, ws, []store.BandChange{{Exposure: x.ID, From: from, To: to}})
		ok(t, err)
		return n
	}
	same(t, "recorded", band("", gyre.BandHigh), 1)
	same(t, "band", changes(), []string{`exposure band {"band":["","high"]}`})
	same(t, "recorded by a second one", band("", gyre.BandHigh), 0)
	same(t, "recorded from what it is no longer", band(gyre.BandLow, gyre.BandCritical), 0)
	same(t, "recorded twice", len(changes()), 0)

	write(func(tx *store.Tx) error {
		a := e.asset
		a.Name, a.Zone, a.Attributes, a.FirstSeen = "wéb", gyre.ZoneInternet, map[string]string{"os": "bsd"}, at.Add(-time.Hour)
		return tx.SaveAssets(ctx, []gyre.Asset{a})
	})
	same(t, "asset", changes(), []string{`asset updated {"name":["web-1","wéb"],"zone":["dmz","internet"],"attributes":[{"os":"linux"},{"os":"bsd"}],"first_seen":[` + us(at) + "," + us(at.Add(-time.Hour)) + `]}`})
	owner := "ann"
	_, err = db.PatchAsset(ctx, ws, e.asset.ID, "ann", gyre.AssetPatch{Owner: &owner})
	ok(t, err)
	same(t, "patched", changes(), []string{`asset owner {"owner":["","ann"],"pinned":[null,["owner"]]}`})

	other := gyre.Asset{ID: gyre.NewID(), Workspace: ws, Kind: gyre.Domain, Name: "x.test", FirstSeen: at, LastSeen: at}
	ip := gyre.Identifier{Type: gyre.IDIP, Value: "10.0.0.1", Zone: gyre.ZoneDMZ}
	sc, err := db.CreateScope(ctx, ws, "ann", gyre.Scope{Name: "shop", Owner: "ann"})
	ok(t, err)
	write(func(tx *store.Tx) error {
		tx.By("run:4", 4)
		tx.Append(gyre.Event{Object: "asset", ID: other.ID, Kind: "created"})
		if err := tx.SaveAssets(ctx, []gyre.Asset{other}); err != nil {
			return err
		}
		if err := tx.SaveIdentifiers(ctx, "host", []gyre.Identifier{ip}, []gyre.ID{e.asset.ID}, at); err != nil {
			return err
		}
		if err := tx.SaveRelations(ctx, []gyre.Relation{{From: e.asset.ID, To: other.ID, Type: gyre.Trusts, LastSeen: at}}); err != nil {
			return err
		}
		_, err := tx.NoteRun(ctx, 4, sc.ID, []gyre.ID{e.asset.ID})
		return err
	})
	same(t, "scope, identifier, relation", changes(), []string{
		"scope created ", "asset created ",
		`asset updated {"identifiers":[[],["ip 10.0.0.1 dmz"]],"relation:trusts:` + other.ID.String() + `":[false,true],"scope:` + sc.ID.String() + `":[false,true]}`,
	})
	write(func(tx *store.Tx) error {
		if err := tx.SaveRelations(ctx, []gyre.Relation{{From: e.asset.ID, To: other.ID, Type: gyre.Trusts, LastSeen: later}}); err != nil {
			return err
		}
		return tx.SaveIdentifiers(ctx, "host", []gyre.Identifier{ip}, []gyre.ID{other.ID}, later)
	})
	got = changes()
	same(t, "a moved identifier changes both", len(got), 2)
	sc.Owner, sc.Criticality = "bob", gyre.CriticalityHigh
	_, err = db.UpdateScope(ctx, ws, "ann", sc)
	ok(t, err)
	got = changes()
	same(t, "scope", strings.HasPrefix(got[0], `scope updated {"criticality":[null,3],"owner":["ann","bob"]`), true)
	ok(t, db.DeleteScope(ctx, ws, sc.ID, "ann"))
	got = changes()
	same(t, "deleted scope", strings.HasPrefix(got[0], `scope deleted {"`) && strings.Contains(got[0], `"name":["shop",null]`), true)

	write(func(tx *store.Tx) error {
		w := e.weakness
		w.Severity, w.CVSSScore = gyre.SeverityCritical, 9.8
		return tx.SaveWeaknesses(ctx, []gyre.Weakness{w})
	})
	same(t, "weakness", changes(), []string{`weakness updated {"severity":[3,4],"cvss_score":[8.1,9.8]}`})

	plan := func(risk float64, removes ...gyre.ID) {
		t.Helper()
		_, err := db.SavePlan(ctx, ws, []store.ActionDraft{{Action: gyre.Action{Key: "upgrade/x", Title: "Upgrade x", Exposures: len(removes), RiskRemoved: risk}, Removes: removes}})
		ok(t, err)
	}
	plan(10, e.exposures[1].ID)
	actions, err := db.Actions(ctx, ws, nil, 0)
	ok(t, err)
	same(t, "planned", changes(), []string{"action created ", `exposure action {"action":["","` + actions[0].ID.String() + `"]}`})
	plan(10, e.exposures[1].ID)
	same(t, "planned again", len(changes()), 0)
	plan(12.5, e.exposures[1].ID)
	same(t, "planned with other numbers", changes(), []string{`action updated {"risk_removed":[10,12.5]}`})
	done := gyre.ActionInProgress
	_, err = db.PatchAction(ctx, ws, actions[0].ID, "ann", gyre.ActionPatch{State: &done, Owner: &owner})
	ok(t, err)
	got = changes()
	same(t, "action", got[1:], []string{`action state {"state":["open","in_progress"]}`, `action owner {"owner":["","ann"]}`})
	// A sighting alone is no event.
	write(func(tx *store.Tx) error { return tx.TouchExposures(ctx, e.ids(), later.Add(time.Hour)) })
	same(t, "seen again", len(changes()), 0)
}

func us(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }
