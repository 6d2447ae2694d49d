// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package identify_test

import (
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
)

const (
	status  = "/var/lib/dpkg/status"
	openssl = `{"id":"DSA-9001-1","modified":"2024-02-01T00:00:00Z","upstream":["CVE-2024-0001"],"summary":"openssl - security update",
		"affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.0.13-1~deb12u1"}]}]}]}`
	opensslLater = `{"id":"DSA-9002-1","modified":"2024-03-01T00:00:00Z","upstream":["CVE-2024-0009"],"summary":"openssl - security update",
		"affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.0.14-1~deb12u1"}]}]}]}`
)

func libssl(version string) gyre.ComponentSighting {
	return gyre.ComponentSighting{
		Asset: "a", PURL: "pkg:deb/debian/libssl3@" + version, Ecosystem: "Debian:12", Name: "libssl3", Source: "openssl", Version: version, Location: status,
	}
}

// inventory is a host run that read the list of packages.
func inventory(components ...gyre.ComponentSighting) gyre.Batch {
	return gyre.Batch{Components: components, Coverage: []gyre.Coverage{{
		Asset: "a", Aspect: gyre.AspectPackage, Loci: []string{status + "#*"}, Credentialed: true,
	}}}
}

func TestComponentsAreMatched(t *testing.T) {
	w := newWorld(t)
	w.advise(openssl)
	w.judge(w.look("host", gyre.RunSucceeded, inventory(libssl("3.0.11-1~deb12u2"))))
	w.stand("vulnerable", "CVE-2024-0001 "+status+"#libssl3 open")
	if e := w.all()[0]; !e.Credentialed || e.Remedy.Fixed != "3.0.13-1~deb12u1" {
		t.Errorf("the exposure: %+v", e)
	}
	w.judge(w.look("host", gyre.RunPartial, inventory()))
	w.stand("a partial inventory", "CVE-2024-0001 "+status+"#libssl3 open")
	w.judge(w.look("host", gyre.RunSucceeded, gyre.Batch{Coverage: []gyre.Coverage{{Asset: "a", Aspect: gyre.AspectPackage, Loci: []string{status + "#*"}}}}))
	w.stand("a look without credentials", "CVE-2024-0001 "+status+"#libssl3 open")
	w.judge(w.look("host", gyre.RunSucceeded, inventory(libssl("3.0.13-1~deb12u1"))))
	w.stand("upgraded", "CVE-2024-0001 "+status+"#libssl3 fixed")
	w.judge(w.look("host", gyre.RunSucceeded, inventory(libssl("3.0.11-1~deb12u2"))))
	w.stand("downgraded", "CVE-2024-0001 "+status+"#libssl3 open")
}

// TestNewAdvisory: an inventory that brings what the last one brought is held
// against what is known by then.
func TestNewAdvisory(t *testing.T) {
	w := newWorld(t)
	w.advise(openssl)
	w.judge(w.look("host", gyre.RunSucceeded, inventory(libssl("3.0.11-1~deb12u2"))))
	w.advise(opensslLater)
	own := w.judge(w.look("host", gyre.RunSucceeded, inventory(libssl("3.0.11-1~deb12u2"))))
	w.stand("after the advisory", "CVE-2024-0001 "+status+"#libssl3 open", "CVE-2024-0009 "+status+"#libssl3 open")
	if own.Counts.Created != 1 {
		t.Errorf("%d created", own.Counts.Created)
	}
}

// TestReconsider: software that nobody looked at since is held against new
// advisories too; nothing else comes of it.
func TestReconsider(t *testing.T) {
	w := newWorld(t)
	w.advise(openssl)
	sbom := w.look("cyclonedx", gyre.RunSucceeded, inventory(libssl("3.0.11-1~deb12u2")))
	w.judge(sbom)
	before := w.all()
	reconsider := func(since time.Time) int {
		t.Helper()
		w.now = w.now.Add(time.Hour)
		n, err := w.stage.Reconsider(t.Context(), w.ws, 8, since)
		w.ok(err)
		return n
	}
	start := w.now.Add(time.Minute)
	if n := reconsider(start); n != 0 {
		t.Errorf("%d exposures without a new advisory", n)
	}
	runs, err := w.db.RunsOfCycle(t.Context(), w.ws, 8)
	w.ok(err)
	if len(runs) != 0 {
		t.Errorf("nothing was new, and yet there are runs: %+v", runs)
	}

	// A failed look and one at another place see nothing of it.
	w.judge(w.look("cyclonedx", gyre.RunFailed, gyre.Batch{}))
	w.judge(w.look("network", gyre.RunSucceeded, gyre.Batch{Facts: []gyre.Fact{service("tcp/22", ssh)}, Coverage: []gyre.Coverage{covered("tcp/*")}}))
	w.advise(opensslLater)
	if n := reconsider(before[0].LastSeen); n != 0 {
		t.Errorf("%d exposures of software that was seen in time", n)
	}
	if n := reconsider(start); n != 1 {
		t.Errorf("%d exposures, want 1", n)
	}
	w.stand("reconsidered", "CVE-2024-0001 "+status+"#libssl3 open", "CVE-2024-0009 "+status+"#libssl3 open")
	if all := w.all(); all[0] != before[0] || !all[1].LastSeen.Equal(sbom.Started) || !all[1].Credentialed {
		t.Errorf("nobody looked since %v:\n%+v\n%+v", sbom.Started, all[0], all[1])
	}
	runs, err = w.db.RunsOfCycle(t.Context(), w.ws, 8)
	w.ok(err)
	if len(runs) != 1 || runs[0].Target != sbom.ID.String() || runs[0].Counts.Created != 1 || runs[0].Status != gyre.RunSucceeded {
		t.Errorf("the run behind it: %+v", runs)
	}
	if n := reconsider(w.now); n != 0 {
		t.Errorf("%d exposures the second time", n)
	}

	// What is fixed stays so, and what is gone is not held against anything.
	w.judge(w.look("cyclonedx", gyre.RunSucceeded, inventory(libssl("3.0.14-1~deb12u1"))))
	w.stand("upgraded", "CVE-2024-0001 "+status+"#libssl3 fixed", "CVE-2024-0009 "+status+"#libssl3 fixed")
	if n := reconsider(w.now); n != 0 {
		t.Errorf("%d exposures of software that is gone", n)
	}
}

// TestReconsiderAlias: a new advisory for a weakness that is known there by
// another name brings nothing new.
func TestReconsiderAlias(t *testing.T) {
	w := newWorld(t)
	w.advise(openssl)
	w.judge(w.look("cyclonedx", gyre.RunSucceeded, inventory(libssl("3.0.11-1~deb12u2"))))
	w.advise(`{"id":"DEBIAN-CVE-2024-0001","modified":"2024-03-01T00:00:00Z","upstream":["CVE-2024-0001"],"summary":"the same",
		"affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.0.13-1~deb12u1"}]}]}]}`)
	w.now = w.now.Add(time.Hour)
	n, err := w.stage.Reconsider(t.Context(), w.ws, 8, w.now)
	w.ok(err)
	if n != 0 || len(w.all()) != 1 {
		t.Errorf("%d new, all: %v", n, w.exposures())
	}
}

// TestTwoLists: that one list of software does not name what another names is
// no sign that it is gone; each is closed by its own source.
func TestTwoLists(t *testing.T) {
	w := newWorld(t)
	w.advise(openssl)
	everything := []gyre.Coverage{{Asset: "a", Aspect: gyre.AspectPackage}}
	with := func() gyre.Batch {
		return gyre.Batch{Components: []gyre.ComponentSighting{libssl("3.0.11-1~deb12u2")}, Coverage: everything}
	}
	w.judge(w.look("file", gyre.RunSucceeded, with()))
	w.judge(w.look("cyclonedx", gyre.RunSucceeded, gyre.Batch{Coverage: everything}))
	w.stand("another list does not name it", "CVE-2024-0001 "+status+"#libssl3 open")
	w.judge(w.look("cyclonedx", gyre.RunSucceeded, with()))
	w.judge(w.look("file", gyre.RunSucceeded, gyre.Batch{Coverage: everything}))
	w.stand("the other one names it now", "CVE-2024-0001 "+status+"#libssl3 open")
	w.judge(w.look("cyclonedx", gyre.RunSucceeded, gyre.Batch{Coverage: everything}))
	w.stand("no list names it", "CVE-2024-0001 "+status+"#libssl3 fixed")
}
