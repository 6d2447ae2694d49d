// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package identify_test

import (
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// lookAt is look for an old report that comes only now.
func (w *world) lookAt(started time.Time, source string, status gyre.RunStatus, b gyre.Batch) gyre.Run {
	w.Helper()
	b.Assets = append(b.Assets, gyre.AssetSighting{
		Ref: "a", Kind: gyre.Host, Name: "web", Identifiers: []gyre.Identifier{{Type: gyre.IDMachine, Value: "m-1"}},
	})
	s, err := w.in.BeginDated(w.Context(), w.ws, gyre.Run{ID: gyre.NewID(), Cycle: 7, Source: source, Target: "there", Started: started})
	w.ok(err)
	w.ok(s.Emit(w.Context(), &b))
	run, err := s.Finish(w.Context(), status, plugin.Report{})
	w.ok(err)
	return run
}

// TestLateLook: an old report is judged by what it saw, not by what was seen since.
func TestLateLook(t *testing.T) {
	w := newWorld(t)
	w.advise(openssl)
	everything := gyre.Coverage{Asset: "a", Aspect: gyre.AspectPackage}
	newer := w.look("network", gyre.RunSucceeded, gyre.Batch{
		Facts: []gyre.Fact{service("tcp/23", telnet)}, Components: []gyre.ComponentSighting{libssl("3.0.11-1~deb12u2")},
		Coverage: []gyre.Coverage{covered("tcp/*"), everything},
	})
	w.judge(newer)
	w.stand("the newer look", "CVE-2024-0001 "+status+"#libssl3 open", "test.no-auth tcp/23 open", "test.telnet tcp/23 open")
	late := w.lookAt(newer.Started.Add(-24*time.Hour), "network", gyre.RunSucceeded, gyre.Batch{
		Facts: []gyre.Fact{service("tcp/22", telnet), service("tcp/2323", ssh)}, Coverage: []gyre.Coverage{covered("tcp/*"), everything},
	})
	before := w.all()
	if own := w.judge(late); own.Counts.Created+own.Counts.Closed+own.Counts.Reopened != 0 {
		t.Errorf("judging the old look changed something: %+v", own.Counts)
	}
	w.stand("what only the old look saw is gone since", "CVE-2024-0001 "+status+"#libssl3 open", "test.no-auth tcp/23 open", "test.telnet tcp/23 open")
	for i, e := range w.all() {
		if !e.FirstSeen.Equal(before[i].FirstSeen) {
			t.Errorf("%s was first seen %v, and the old look, which did not see it, moved that to %v", e.Locus, before[i].FirstSeen, e.FirstSeen)
		}
	}
}

// TestOverwritten: where a newer look, which did not end well, wrote over what
// an old one saw, the old one neither opens nor closes.
func TestOverwritten(t *testing.T) {
	w := newWorld(t)
	first := w.look("network", gyre.RunSucceeded, gyre.Batch{Facts: []gyre.Fact{service("tcp/23", telnet)}, Coverage: []gyre.Coverage{covered("tcp/*")}})
	w.judge(first)
	w.judge(w.look("network", gyre.RunPartial, gyre.Batch{Facts: []gyre.Fact{service("tcp/23", ssh)}, Coverage: []gyre.Coverage{covered("tcp/*")}}))
	w.stand("partial", "test.no-auth tcp/23 open", "test.telnet tcp/23 open")
	w.judge(w.lookAt(first.Started.Add(time.Minute), "network", gyre.RunSucceeded, gyre.Batch{
		Facts: []gyre.Fact{service("tcp/23", telnet)}, Coverage: []gyre.Coverage{covered("tcp/*")},
	}))
	w.stand("between the two", "test.no-auth tcp/23 open", "test.telnet tcp/23 open")
}

// TestReconsiderDates: what a new advisory finds is dated from the look that saw
// the software last, each its own.
func TestReconsiderDates(t *testing.T) {
	w := newWorld(t)
	other := libssl("3.0.11-1~deb12u2")
	other.Location = "/srv/chroot/status"
	one, both := []gyre.ComponentSighting{libssl("3.0.11-1~deb12u2")}, []gyre.ComponentSighting{libssl("3.0.11-1~deb12u2"), other}
	old := w.look("cyclonedx", gyre.RunSucceeded, inventory(both...))
	newer := w.look("cyclonedx", gyre.RunSucceeded, inventory(one...)) // covers the one place only
	w.judge(old)
	w.judge(newer)
	w.advise(openssl)
	w.now = w.now.Add(time.Hour)
	n, err := w.stage.Reconsider(t.Context(), w.ws, 8, w.now)
	w.ok(err)
	w.stand("reconsidered", "CVE-2024-0001 "+other.Location+"#libssl3 open", "CVE-2024-0001 "+status+"#libssl3 open")
	if n != 2 {
		t.Errorf("%d exposures, want 2", n)
	}
	for _, e := range w.all() {
		want := old.Started
		if e.Locus == status+"#libssl3" {
			want = newer.Started
		}
		if !e.LastSeen.Equal(want) {
			t.Errorf("%s is dated %v, want %v", e.Locus, e.LastSeen, want)
		}
	}
}
