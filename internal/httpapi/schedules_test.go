// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

func TestSchedules(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleEditor)
	in := gyre.ScheduleInput{Name: "feeds", Kind: "sync", When: "6h"}
	sc := read[gyre.Schedule](t, c.do("POST", "/schedules", in).want(t, 201))
	if sc.Next.IsZero() || sc.Actor != "the-editor" {
		t.Errorf("%+v", sc)
	}
	c.do("POST", "/schedules", in).problem(t, 409, gyre.Conflict)
	in.Name, in.When = "odd", "0 25 * * *"
	c.do("POST", "/schedules", in).problem(t, 422, gyre.Invalid)
	path := "/schedules/" + sc.ID.String()
	yes := true
	if got := read[gyre.Schedule](t, c.do("PATCH", path, gyre.SchedulePatch{Paused: &yes}).want(t, 200)); !got.Paused || !got.Next.IsZero() {
		t.Errorf("%+v", got)
	}
	viewer := w.as(gyre.RoleReader)
	if l := read[httpapi.ScheduleList](t, viewer.do("GET", "/schedules", nil).want(t, 200)); len(l.Items) != 1 || l.Items[0].ID != sc.ID {
		t.Errorf("%+v", l)
	}
	viewer.do("DELETE", path, nil).problem(t, 403, gyre.Forbidden)
	c.do("DELETE", path, nil).want(t, 204)
	c.do("GET", path, nil).problem(t, 404, gyre.NotFound)
}
