// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

func TestJobs(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleEditor)
	until := func(id gyre.ID, state gyre.JobState) gyre.Job {
		t.Helper()
		var j gyre.Job
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if j = read[gyre.Job](t, c.do("GET", "/jobs/"+id.String(), nil).want(t, 200)); j.State == state {
				return j
			}
		}
		t.Fatalf("the job stays %s, %s was expected", j.State, state)
		return j
	}
	failed := read[gyre.Job](t, c.do("POST", "/jobs", gyre.JobInput{Kind: "sync"}).want(t, 202))
	if j := until(failed.ID, gyre.JobFailed); len(j.Errors) != 1 || j.Actor != "the-editor" {
		t.Errorf("%+v", j)
	}
	w.stages.takes = time.Minute
	c.do("POST", "/jobs/"+failed.ID.String()+"/retry", nil).want(t, 202)
	until(failed.ID, gyre.JobRunning)
	c.do("POST", "/jobs/"+failed.ID.String()+"/retry", nil).problem(t, 409, gyre.Conflict)

	for range 2 {
		c.do("POST", "/jobs", gyre.JobInput{Kind: "sync"}).want(t, 202)
	}
	full := c.do("POST", "/jobs", gyre.JobInput{Kind: "sync"})
	full.problem(t, 503, gyre.Unavailable)
	if full.header.Get("Retry-After") == "" {
		t.Error("a full queue does not say when to come back")
	}
	if l := read[httpapi.JobList](t, c.do("GET", "/jobs?state=waiting,retrying&kind=sync", nil).want(t, 200)); len(l.Items) != 2 {
		t.Errorf("%d jobs wait: %+v", len(l.Items), l)
	}
	first := read[httpapi.JobList](t, c.do("GET", "/jobs?limit=2", nil).want(t, 200))
	rest := read[httpapi.JobList](t, c.do("GET", "/jobs?limit=2&after="+first.Next, nil).want(t, 200))
	if len(first.Items) != 2 || len(rest.Items) != 1 || rest.Items[0].ID != failed.ID {
		t.Errorf("pages %+v, %+v", first, rest)
	}
	c.do("POST", "/jobs/"+failed.ID.String()+"/cancel", nil).want(t, 202)
	until(failed.ID, gyre.JobCancelled)
	c.do("POST", "/jobs/"+failed.ID.String()+"/cancel", nil).problem(t, 409, gyre.Conflict)
	c.do("GET", "/jobs?state=odd", nil).problem(t, 422, gyre.Invalid)
	c.do("GET", "/jobs/0000000000zzz", nil).problem(t, 404, gyre.NotFound)
	if l := read[httpapi.WorkerList](t, c.do("GET", "/workers", nil).want(t, 200)); len(l.Items) != 1 || l.Items[0].PID == 0 {
		t.Errorf("workers %+v", l)
	}
	viewer := w.as(gyre.RoleReader)
	viewer.do("GET", "/jobs", nil).want(t, 200)
	viewer.do("POST", "/jobs", gyre.JobInput{Kind: "sync"}).problem(t, 403, gyre.Forbidden)
	viewer.do("POST", "/jobs/"+failed.ID.String()+"/retry", nil).problem(t, 403, gyre.Forbidden)
}
