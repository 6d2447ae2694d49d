// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/store"
)

func TestExposures(t *testing.T) {
	w := newWorld(t)
	p := w.plant(5)
	c := w.as(gyre.RoleEditor)
	page := read[httpapi.ExposurePage](t, c.do("GET", "/exposures?sort=-risk,locus&limit=4&facets=asset.zone,state", nil).want(t, 200))
	if page.Total != 10 || len(page.Items) != 4 || page.Next == "" || page.Risk <= 0 || page.Seq == 0 {
		t.Fatalf("page %+v", page)
	}
	want := map[string][]gyre.FacetValue{
		"asset.zone": {{Value: "internal", Count: 5}, {Value: "internet", Count: 5}}, "state": {{Value: "open", Count: 10}},
	}
	if diff := cmp.Diff(want, page.Facets); diff != "" {
		t.Errorf("facets (-want +got):\n%s", diff)
	}
	seen := map[gyre.ID]bool{}
	for next := ""; ; {
		pg := read[httpapi.ExposurePage](t, c.do("GET", "/exposures?sort=-risk,locus&limit=3&after="+url.QueryEscape(next), nil).want(t, 200))
		for _, r := range pg.Items {
			if seen[r.ID] {
				t.Errorf("%s is on two pages", r.ID)
			}
			seen[r.ID] = true
		}
		if next = pg.Next; next == "" {
			break
		}
	}
	if len(seen) != 10 {
		t.Errorf("the pages hold %d of 10 exposures", len(seen))
	}
	d := read[httpapi.ExposureDetail](t, c.do("GET", "/exposures/"+p.exposures[0].ID.String(), nil).want(t, 200))
	if d.Asset.Name != "web-1" || d.Weakness.Key != "CVE-2024-6387" || d.Score.Risk <= 0 || len(d.Score.Factors) == 0 || len(d.Observations) != 1 || len(d.Events) != 1 {
		t.Errorf("detail %+v", d)
	}
	sum := 0.0
	for _, f := range d.Score.Factors {
		sum += f.Contribution
	}
	if diff := sum - d.Score.Risk; diff > 0.01 || diff < -0.01 {
		t.Errorf("the factors add up to %g, the risk is %g", sum, d.Score.Risk)
	}
	v := read[gyre.Verdict](t, c.do("POST", "/exposures/"+p.exposures[0].ID.String()+"/validate", nil).want(t, 200))
	if v.Outcome != gyre.OutcomeStillThere || v.By != "the-editor" {
		t.Errorf("verdict %+v", v)
	}
}

func TestChangeAndUndo(t *testing.T) {
	w := newWorld(t)
	p := w.plant(3)
	c := w.as(gyre.RoleEditor)
	ids := p.ids()
	state := func(id gyre.ID) gyre.State {
		e, err := w.db.Exposure(t.Context(), w.ws, id)
		must(t, err)
		return e.State
	}
	r := read[httpapi.ChangeResult](t, c.do("PATCH", "/exposures", httpapi.ExposureChange{
		IDs: append(ids[:2:2], gyre.NewID()), State: gyre.StateAccepted, Reason: "decommissioned in May",
	}).want(t, 200))
	if r.Changed != 2 || len(r.Skipped) != 1 || r.Skipped[0].Reason == "" || state(ids[0]) != gyre.StateAccepted {
		t.Fatalf("change %+v", r)
	}
	d := read[httpapi.ExposureDetail](t, c.do("GET", "/exposures/"+ids[0].String(), nil))
	if d.Exception == nil || d.Exception.By != "the-editor" || d.Exception.Ends.Sub(w.now()).Round(24*time.Hour) != 90*24*time.Hour {
		t.Errorf("exception %+v, want one of 90 days", d.Exception)
	}
	// One of the two moves on; only the other is put back.
	c.do("PATCH", "/exposures", httpapi.ExposureChange{IDs: ids[:1], State: gyre.StateTriaged}).want(t, 200)
	undo := "/changes/" + r.Change.String() + "/undo"
	u := read[httpapi.ChangeResult](t, c.do("POST", undo, nil).want(t, 200))
	if u.Changed != 1 || len(u.Skipped) != 1 || state(ids[0]) != gyre.StateTriaged || state(ids[1]) != gyre.StateOpen {
		t.Errorf("undo %+v; states %s, %s", u, state(ids[0]), state(ids[1]))
	}
	c.do("POST", undo, nil).problem(t, 409, gyre.Conflict)

	f := read[httpapi.ChangeResult](t, c.do("PATCH", "/exposures", httpapi.ExposureChange{
		Filter: `asset.zone == "internal"`, State: gyre.StateInRemediation,
	}).want(t, 200))
	if f.Changed != 3 {
		t.Errorf("by filter %+v, want 3 changed", f)
	}
	for name, x := range map[string]struct {
		in    httpapi.ExposureChange
		field string
	}{
		"no reason":     {httpapi.ExposureChange{IDs: ids, State: gyre.StateAccepted}, "body.reason"},
		"blank reason":  {httpapi.ExposureChange{IDs: ids, State: gyre.StateFalsePositive, Reason: "  "}, "body.reason"},
		"two years":     {httpapi.ExposureChange{IDs: ids, State: gyre.StateAccepted, Reason: "x", Ends: w.now().AddDate(2, 0, 0)}, "body.ends"},
		"in the past":   {httpapi.ExposureChange{IDs: ids, State: gyre.StateAccepted, Reason: "x", Ends: w.now().Add(-time.Hour)}, "body.ends"},
		"end of open":   {httpapi.ExposureChange{IDs: ids, State: gyre.StateOpen, Ends: w.now().Add(time.Hour)}, "body.ends"},
		"by word":       {httpapi.ExposureChange{IDs: ids, State: gyre.StateFixed}, "body.state"},
		"no such state": {httpapi.ExposureChange{IDs: ids, State: "gone"}, "body.state"},
		"neither":       {httpapi.ExposureChange{State: gyre.StateOpen}, "body.ids"},
		"both":          {httpapi.ExposureChange{IDs: ids, Filter: "true", State: gyre.StateOpen}, "body.ids"},
		"wrong filter":  {httpapi.ExposureChange{Filter: "nothing", State: gyre.StateOpen}, "body.filter:1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			pr := c.do("PATCH", "/exposures", x.in).problem(t, 422, gyre.Invalid)
			if len(pr.Errors) == 0 || pr.Errors[0].Location != x.field {
				t.Errorf("places %+v, want %s", pr.Errors, x.field)
			}
		})
	}
}

func TestAssets(t *testing.T) {
	w := newWorld(t)
	p := w.plant(2)
	c := w.as(gyre.RoleEditor)
	id := p.assets[0].ID
	list := read[httpapi.AssetPage](t, c.do("GET", "/assets?filter=zone+%3D%3D+%22internet%22", nil).want(t, 200))
	if list.Total != 1 || list.Items[0].Exposures != 2 || list.Items[0].Risk <= 0 {
		t.Errorf("assets %+v", list)
	}
	a := read[gyre.Asset](t, c.do("PATCH", "/assets/"+id.String(), map[string]any{"criticality": 4, "tags": []string{"b", "a"}}).want(t, 200))
	if a.Criticality != gyre.CriticalityCrown || cmp.Diff(a.Tags, []string{"a", "b"}) != "" || a.Name != "web-1" {
		t.Errorf("asset %+v", a)
	}
	c.do("PATCH", "/assets/"+id.String(), map[string]any{"criticality": 9}).problem(t, 422, gyre.Invalid)
	must(t, w.db.Write(t.Context(), w.ws, func(tx *store.Tx) error {
		var all []gyre.Component
		for i := range 5 {
			all = append(all, gyre.Component{
				ID: gyre.NewID(), Asset: id, PURL: fmt.Sprintf("pkg:deb/debian/p%d@1", i), Ecosystem: "Debian:12", Name: fmt.Sprintf("p%d", i),
				Version: "1", Location: "/var/lib/dpkg/status", FirstSeen: w.now(), LastSeen: w.now(),
			})
		}
		if err := tx.SaveRelations(t.Context(), []gyre.Relation{{From: id, To: p.assets[1].ID, Type: gyre.DependsOn, LastSeen: w.now()}}); err != nil {
			return err
		}
		return tx.SaveComponents(t.Context(), "host", all)
	}))
	got := map[string]bool{}
	for next := ""; ; {
		pg := read[httpapi.ComponentPage](t, c.do("GET", "/assets/"+id.String()+"/components?limit=2&after="+next, nil).want(t, 200))
		if pg.Total != 5 || len(pg.Items) > 2 {
			t.Fatalf("components %+v", pg)
		}
		for _, x := range pg.Items {
			got[x.Name] = true
		}
		if next = pg.Next; next == "" {
			break
		}
	}
	if len(got) != 5 {
		t.Errorf("pages hold %v", got)
	}
	d := read[httpapi.AssetDetail](t, c.do("GET", "/assets/"+id.String(), nil).want(t, 200))
	if d.Exposures.Count != 2 || d.Components != 5 || len(d.Relations) != 1 || d.Relations[0].To.Name != "web-2" {
		t.Errorf("asset %+v", d)
	}
	c.do("GET", "/assets/"+gyre.NewID().String()+"/components", nil).problem(t, 404, gyre.NotFound)
}

func TestActionsAndRunbook(t *testing.T) {
	w := newWorld(t)
	p := w.plant(2)
	c := w.as(gyre.RoleAdmin)
	in := scopeInput("prod")
	in["runbook"] = "ansible-playbook fix.yml --limit {asset} # {weakness} at {locus}"
	sc := read[gyre.Scope](t, c.do("POST", "/scopes", in).want(t, 201))
	must(t, w.db.Write(t.Context(), w.ws, func(tx *store.Tx) error {
		_, err := tx.NoteRun(t.Context(), gyre.NewID(), sc.ID, []gyre.ID{p.assets[0].ID})
		return err
	}))
	_, err := w.db.SavePlan(t.Context(), w.ws, []store.ActionDraft{
		{Action: gyre.Action{Key: "upgrade/openssh", Title: "Upgrade openssh", Assets: 2, RiskRemoved: 90, Steps: []gyre.Step{{Platform: "Debian", Text: "upgrade"}}}, Removes: p.ids()},
	})
	must(t, err)
	list := read[httpapi.ActionList](t, c.do("GET", "/actions?state=open,in_progress", nil).want(t, 200))
	if list.Total != 1 || list.Items[0].RiskRemoved != 90 {
		t.Fatalf("actions %+v", list)
	}
	path := "/actions/" + list.Items[0].ID.String()
	d := read[httpapi.ActionDetail](t, c.do("GET", path, nil).want(t, 200))
	if len(d.Exposures) != 4 || len(d.Runbook) != 2 {
		t.Errorf("action %+v", d)
	}
	if want := "ansible-playbook fix.yml --limit web-1 # CVE-2024-6387 at tcp/1000"; len(d.Runbook) > 0 && d.Runbook[0] != want {
		t.Errorf("runbook %q, want %q", d.Runbook[0], want)
	}
	c.do("PATCH", path, map[string]any{"state": "verified"}).problem(t, 422, gyre.Invalid)
	due := w.now().AddDate(0, 1, 0).Truncate(time.Second)
	a := read[gyre.Action](t, c.do("PATCH", path, map[string]any{"state": "in_progress", "owner": "ops", "due": due}).want(t, 200))
	if a.State != gyre.ActionInProgress || a.Owner != "ops" || !a.Due.Equal(due) {
		t.Errorf("action %+v", a)
	}
	if o := read[httpapi.Overview](t, c.do("GET", "/overview", nil).want(t, 200)); len(o.TopActions) != 1 || o.Tally.Exposures != 4 {
		t.Errorf("overview %+v", o)
	}
}

// TestCycleDiff: what came and went between two ends, net of what did both.
func TestCycleDiff(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleEditor)
	cy := read[gyre.Cycle](t, c.do("POST", "/cycles", nil).want(t, 202))
	if cy.Number != 1 || cy.Trigger != "the-editor" {
		t.Fatalf("cycle %+v", cy)
	}
	c.do("POST", "/cycles", httpapi.CycleInput{}).problem(t, 409, gyre.Conflict)
	end := func(cy gyre.Cycle, risk float64) {
		cy.State, cy.Ended, cy.After.Risk = gyre.CycleFinished, time.Now().UTC(), risk
		must(t, w.db.UpdateCycle(t.Context(), w.ws, cy))
		time.Sleep(2 * time.Millisecond) // events of the next have later times
	}
	old := w.plant(2)
	end(cy, 100)
	c.do("POST", "/cycles/"+cy.ID.String()+"/resume", nil).problem(t, 409, gyre.Conflict)

	second := read[gyre.Cycle](t, c.do("POST", "/cycles", nil).want(t, 202))
	states := func(ids []gyre.ID, to gyre.State) {
		_, err := w.db.SetStates(t.Context(), w.ws, ids, to, "x", "y", time.Now().Add(time.Hour))
		must(t, err)
	}
	states(old.ids()[:1], gyre.StateAccepted)
	states(old.ids()[1:2], gyre.StateAccepted)
	states(old.ids()[1:2], gyre.StateOpen) // came and went
	end(second, 60)

	d := read[httpapi.CycleDiff](t, c.do("GET", "/cycles/"+second.ID.String()+"/diff", nil).want(t, 200))
	if d.Risk.From != 100 || d.Risk.To != 60 || len(d.Closed) != 1 || d.Closed[0].ID != old.ids()[0] || len(d.Created) != 0 || len(d.Reopened) != 0 {
		t.Errorf("diff %+v", d)
	}
	first := read[httpapi.CycleDiff](t, c.do("GET", "/cycles/"+cy.ID.String()+"/diff", nil).want(t, 200))
	if len(first.Created) != 4 || first.Risk.From != 0 {
		t.Errorf("diff of the first cycle %+v", first)
	}
	o := read[httpapi.Overview](t, c.do("GET", "/overview", nil).want(t, 200))
	if len(o.Cycles) != 2 || o.Cycles[0].Number != 1 || o.Cycle == nil || o.Cycle.Number != 2 {
		t.Errorf("overview cycles %+v", o.Cycles)
	}
	got := read[httpapi.CycleDetail](t, c.do("GET", "/cycles/"+second.ID.String(), nil).want(t, 200))
	if got.Cycle.ID != second.ID {
		t.Errorf("cycle %+v", got)
	}
}

func TestScopesAndFilters(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleAdmin)
	sc := read[gyre.Scope](t, c.do("POST", "/scopes", scopeInput("prod")).want(t, 201))
	if sc.ID == 0 || sc.Created.IsZero() {
		t.Errorf("scope %+v", sc)
	}
	// What was read can be sent back as it is, but for what the server gives it.
	in := scopeInput("production")
	in["hours"] = []map[string]any{{"from": "22:00", "to": "04:00"}}
	put := read[gyre.Scope](t, c.do("PUT", "/scopes/"+sc.ID.String(), in).want(t, 200))
	if put.Name != "production" || put.ID != sc.ID || len(put.Hours) != 1 {
		t.Errorf("scope %+v", put)
	}
	p := c.do("POST", "/scopes", scopeInput("production")).problem(t, 409, gyre.Conflict)
	if len(p.Errors) == 0 || p.Errors[0].Location != "body.name" {
		t.Errorf("places %+v", p.Errors)
	}
	c.do("PUT", "/scopes/"+gyre.NewID().String(), scopeInput("x")).problem(t, 404, gyre.NotFound)
	c.do("DELETE", "/scopes/"+sc.ID.String(), nil).want(t, 204)

	f := read[gyre.SavedFilter](t, c.do("POST", "/filters", httpapi.FilterInput{Name: "bad ones", Filter: "severity >= HIGH"}).want(t, 201))
	if f.For != "exposures" || f.Owner == 0 {
		t.Errorf("filter %+v", f)
	}
	c.do("POST", "/filters", httpapi.FilterInput{Name: "wrong", Filter: "severity >= "}).problem(t, 422, gyre.Invalid)
	if l := read[httpapi.FilterList](t, c.do("GET", "/filters", nil)); len(l.Items) != 1 {
		t.Errorf("filters %+v", l)
	}
	c.do("DELETE", "/filters/"+f.ID.String(), nil).want(t, 204)
}
