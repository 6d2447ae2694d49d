// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

// TestMergeByHand: a person says that two assets are one, sees why it is one,
// and takes it back.
func TestMergeByHand(t *testing.T) {
	w := newWorld(t)
	p := w.plant(2)
	c := w.as(gyre.RoleEditor)
	from, into := p.assets[1].ID, p.assets[0].ID
	path := "/assets/" + into.String() + "/merge"
	preview := read[gyre.MergePreview](t, c.do("GET", path+"?from="+from.String(), nil).want(t, 200))
	if preview.From.ID != from || preview.Into.ID != into || preview.Same+preview.Moved == 0 {
		t.Errorf("preview %+v", preview)
	}
	w.as(gyre.RoleReader).do("POST", path, httpapi.MergeInput{From: from, Reason: "x"}).want(t, 403)
	c.do("POST", path, map[string]any{"from": from}).problem(t, 422, gyre.Invalid)
	c.do("POST", path, httpapi.MergeInput{From: into, Reason: "x"}).want(t, 404)
	m := read[gyre.Merge](t, c.do("POST", path, httpapi.MergeInput{From: from, Reason: "the same board"}).want(t, 200))
	if m.From != from || m.Into != into || m.Reason != "the same board" || m.Actor == "" {
		t.Errorf("merge %+v", m)
	}
	c.do("GET", "/assets/"+from.String(), nil).want(t, 404)
	why := read[gyre.AssetIdentity](t, c.do("GET", "/assets/"+into.String()+"/identity", nil).want(t, 200))
	if len(why.Merges) != 1 || why.Merges[0].ID != m.ID {
		t.Errorf("identity %+v", why)
	}
	for _, list := range []string{"/merges", "/assets/" + into.String() + "/merges"} {
		if got := read[httpapi.MergePage](t, c.do("GET", list, nil).want(t, 200)); len(got.Items) != 1 || got.Items[0].ID != m.ID {
			t.Errorf("%s: %+v", list, got)
		}
	}
	undone := read[gyre.Merge](t, c.do("POST", "/merges/"+m.ID.String()+"/undo", nil).want(t, 200))
	if undone.Undone.IsZero() || undone.UndoneBy != m.Actor {
		t.Errorf("undone %+v", undone)
	}
	c.do("GET", "/assets/"+from.String(), nil).want(t, 200)
	c.do("POST", "/merges/"+m.ID.String()+"/undo", nil).problem(t, 409, gyre.Conflict)
	if reviews := read[httpapi.ReviewPage](t, c.do("GET", "/reviews?state=all", nil).want(t, 200)); len(reviews.Items) != 0 {
		t.Errorf("reviews %+v", reviews)
	}
	c.do("POST", "/reviews/"+gyre.NewID().String(), httpapi.ReviewAnswer{Answer: "same"}).want(t, 404)
}
