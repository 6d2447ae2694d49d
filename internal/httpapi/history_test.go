// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/projection"
	"github.com/gyre-ctem/gyre/internal/store"
)

// pastStore is the estate at a time as the projection reads it.
type pastStore struct{ *store.AsOf }

func (s pastStore) Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Asset) error) error {
	return s.AsOf.Assets(ctx, ws, ids, func(a store.ProjectionAsset) error { return yield(projection.Asset(a)) })
}

func (s pastStore) Weaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Weakness) error) error {
	return s.AsOf.Weaknesses(ctx, ws, ids, func(w store.ProjectionWeakness) error { return yield(projection.Weakness(w)) })
}

func (s pastStore) Exposures(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Exposure) error) error {
	return s.AsOf.Exposures(ctx, ws, ids, func(e store.ProjectionExposure) error { return yield(projection.Exposure(e)) })
}

// past looks back at each moment by itself.
type past struct {
	*store.DB
	lists *projection.Projection
}

func (p past) AsOf(ctx context.Context, ws gyre.ID, at time.Time) (httpapi.PastView, error) {
	v, err := p.lists.AsOf(ctx, ws, at)
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (p past) Then(at time.Time) httpapi.Then { return p.DB.AsOf(at) }

func (p past) Trend(ctx context.Context, ws gyre.ID, at []time.Time) ([]gyre.Tally, error) {
	out := make([]gyre.Tally, len(at))
	for i, t := range at {
		v, err := p.lists.AsOf(ctx, ws, t)
		if err != nil {
			return nil, err
		}
		out[i] = v.Tally()
	}
	return out, nil
}

// TestAsOf: lists, overview and trend of an earlier day are how they were then.
func TestAsOf(t *testing.T) {
	w := newWorld(t)
	planted := w.now().Add(-49 * time.Hour)
	w.db.SetClock(func() time.Time { return planted })
	p := w.plant(3)
	w.db.SetClock(time.Now)
	c := w.as(gyre.RoleEditor)
	before := read[httpapi.Overview](t, c.do("GET", "/overview", nil).want(t, 200))
	c.do("PATCH", "/exposures", httpapi.ExposureChange{IDs: p.ids()[:2], State: gyre.StateAccepted, Reason: "why"}).want(t, 200)
	crown, owner := gyre.CriticalityCrown, "ann"
	c.do("PATCH", "/assets/"+p.assets[0].ID.String(), gyre.AssetPatch{Criticality: &crown, Owner: &owner}).want(t, 200)
	now := read[httpapi.Overview](t, c.do("GET", "/overview", nil).want(t, 200))
	if now.Tally.Exposures != before.Tally.Exposures-2 || !now.AsOf.IsZero() {
		t.Fatalf("now %+v, before %+v", now.Tally, before.Tally)
	}
	for _, at := range []string{planted.Add(time.Hour).Format(time.RFC3339), w.now().Add(-24 * time.Hour).Format(time.DateOnly)} {
		q := "?as_of=" + url.QueryEscape(at)
		o := read[httpapi.Overview](t, c.do("GET", "/overview"+q, nil).want(t, 200))
		if o.Tally.Risk != before.Tally.Risk || o.Tally.Exposures != before.Tally.Exposures || o.AsOf.IsZero() {
			t.Errorf("%s: %+v, want %+v", at, o.Tally, before.Tally)
		}
		open := read[httpapi.ExposurePage](t, c.do("GET", "/exposures"+q+"&filter="+url.QueryEscape(`state == "open"`)+"&facets=asset.owner", nil).want(t, 200))
		if open.Total != 6 || open.AsOf.IsZero() || len(open.Facets["asset.owner"]) != 1 {
			t.Errorf("%s: %d open exposures, as of %s, facets %v", at, open.Total, open.AsOf, open.Facets)
		}
		assets := read[httpapi.AssetPage](t, c.do("GET", "/assets"+q+"&filter="+url.QueryEscape(`owner == "ann"`), nil).want(t, 200))
		if assets.Total != 0 {
			t.Errorf("%s: %d assets are Ann's", at, assets.Total)
		}
	}
	today := read[httpapi.ExposurePage](t, c.do("GET", "/exposures?filter="+url.QueryEscape(`state == "open"`)+"&as_of="+w.now().Format(time.DateOnly), nil).want(t, 200))
	if today.Total != 4 {
		t.Errorf("today so far: %d open exposures", today.Total)
	}
	trend := read[httpapi.Trend](t, c.do("GET", "/trend?from="+planted.Format(time.DateOnly), nil).want(t, 200))
	if n := len(trend.Points); n < 2 || n > 4 || trend.Points[0].Risk != before.Tally.Risk || trend.Points[n-1].Risk != now.Tally.Risk || trend.Begins.IsZero() {
		t.Errorf("trend %+v, from %v to %v", trend, before.Tally.Risk, now.Tally.Risk)
	}
	for query, want := range map[string]string{
		"/exposures?as_of=yesterday": "neither a date", "/assets?as_of=2999-01-01": "has not come yet",
		"/overview?as_of=2001-01-01": "the first moment to look back at is", "/trend?to=2001-01-01": "the history begins on",
		"/trend?step=hour&from=2001-01-01&to=" + w.now().Format(time.DateOnly): "", // clamped to where the history begins
	} {
		r := c.do("GET", query, nil)
		if want == "" {
			r.want(t, 200)
		} else if pr := r.problem(t, 422, gyre.Invalid); !strings.Contains(pr.Detail, want) {
			t.Errorf("%s: %q, want %q", query, pr.Detail, want)
		}
	}
}

// TestPagesAsOf: single exposures, assets and actions, and the list of actions, of an
// earlier day are how they were then.
func TestPagesAsOf(t *testing.T) {
	w := newWorld(t)
	planted := w.now().Add(-49 * time.Hour)
	w.db.SetClock(func() time.Time { return planted })
	p := w.plant(3)
	id := p.ids()[0]
	_, err := w.db.SavePlan(t.Context(), w.ws, []store.ActionDraft{{Action: gyre.Action{Key: "k", Title: "do it", Exposures: 1, RiskRemoved: 7}, Removes: p.ids()[:1]}})
	if err != nil {
		t.Fatal(err)
	}
	w.db.SetClock(time.Now)
	c := w.as(gyre.RoleEditor)
	now := read[httpapi.ExposureDetail](t, c.do("GET", "/exposures/"+id.String(), nil).want(t, 200))
	if now.Action == nil || !now.AsOf.IsZero() {
		t.Fatalf("now: %+v", now)
	}
	asset, action := now.Asset.ID.String(), now.Action.ID.String()
	crown, owner, done := gyre.CriticalityCrown, "ann", gyre.ActionDone
	c.do("PATCH", "/assets/"+asset, gyre.AssetPatch{Criticality: &crown, Owner: &owner}).want(t, 200)
	c.do("PATCH", "/actions/"+action, gyre.ActionPatch{State: &done, Owner: &owner}).want(t, 200)
	after := read[httpapi.ExposureDetail](t, c.do("GET", "/exposures/"+id.String(), nil).want(t, 200))
	if after.Exposure.State != gyre.StateFixClaimed || after.Asset.Owner != "ann" || after.Score.Risk == now.Score.Risk {
		t.Fatalf("after: %+v", after)
	}
	q := "?as_of=" + url.QueryEscape(planted.Add(time.Hour).Format(time.RFC3339))
	then := read[httpapi.ExposureDetail](t, c.do("GET", "/exposures/"+id.String()+q, nil).want(t, 200))
	if then.AsOf.IsZero() {
		t.Error("it does not say of when it is")
	}
	was := now
	was.AsOf, was.Runbook = then.AsOf, then.Runbook
	was.Observations = then.Observations                                              // of a later day than the plan of this test
	near := cmp.Comparer(func(a, b float64) bool { return a-b < 1e-6 && b-a < 1e-6 }) // intelligence ages
	if d := cmp.Diff(was, then, near); d != "" {
		t.Errorf("exposure (-then +looking back):\n%s", d)
	}
	a := read[httpapi.AssetDetail](t, c.do("GET", "/assets/"+asset+q, nil).want(t, 200))
	if d := cmp.Diff(now.Asset, a.Asset); d != "" || a.Exposures.Count == 0 || a.AsOf.IsZero() {
		t.Errorf("asset, with %+v (-then +looking back):\n%s", a.Exposures, d)
	}
	x := read[httpapi.ActionDetail](t, c.do("GET", "/actions/"+action+q, nil).want(t, 200))
	if d := cmp.Diff(*now.Action, x.Action); d != "" || len(x.Exposures) != 1 || x.Exposures[0].State != gyre.StateOpen {
		t.Errorf("action, with %+v (-then +looking back):\n%s", x.Exposures, d)
	}
	for state, want := range map[string]int{"open": 1, "done": 0} {
		if list := read[httpapi.ActionList](t, c.do("GET", "/actions"+q+"&state="+state, nil).want(t, 200)); list.Total != want || list.AsOf.IsZero() {
			t.Errorf("%d actions were %s: %+v", list.Total, state, list)
		}
	}
	for _, path := range []string{"/exposures/", "/assets/", "/actions/"} {
		c.do("GET", path+gyre.NewID().String()+q, nil).problem(t, 404, gyre.NotFound)
		c.do("GET", path+id.String()+"?as_of=2001-01-01", nil).problem(t, 422, gyre.Invalid)
	}
}

// TestHistory: what happened to an object, page by page, newest first.
func TestHistory(t *testing.T) {
	w := newWorld(t)
	p := w.plant(1)
	c := w.as(gyre.RoleEditor)
	id := p.ids()[0].String()
	for _, s := range []gyre.State{gyre.StateTriaged, gyre.StateInRemediation} {
		c.do("PATCH", "/exposures", httpapi.ExposureChange{IDs: p.ids()[:1], State: s}).want(t, 200)
	}
	var kinds []string
	next := ""
	for {
		page := read[httpapi.HistoryPage](t, c.do("GET", "/history/"+id+"?limit=2&after="+next, nil).want(t, 200))
		for _, e := range page.Items {
			kinds = append(kinds, e.Kind+" "+e.To)
			if e.Kind == "state" && !strings.Contains(e.Changes, `"state":["`+e.From+`","`+e.To+`"]`) {
				t.Errorf("changes %s", e.Changes)
			}
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if got := strings.Join(kinds, ", "); got != "state in_remediation, state triaged, created open" {
		t.Errorf("history: %s", got)
	}
	c.do("GET", "/history/"+gyre.NewID().String(), nil).problem(t, 404, gyre.NotFound)
	c.do("GET", "/history/"+id+"?after=x", nil).problem(t, 422, gyre.Invalid)
}

// compactor keeps nothing that it need not.
type compactor struct{ *store.DB }

func (c compactor) Compact(ctx context.Context, ws gyre.ID, dry bool) (gyre.Compacted, error) {
	return c.DB.Compact(ctx, ws, time.Now(), time.Now(), dry)
}
