// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// mergedPair makes a world in which two assets, each with an exposure of its own and
// one at the same place, are made one by a third sighting.
func (w *world) mergedPair() (tie gyre.AssetSighting, m gyre.Merge) {
	w.t.Helper()
	machine, serial := id(gyre.IDMachine, "11111111"), id(gyre.IDSerial, "s-1")
	w.run("host", gyre.RunSucceeded, &gyre.Batch{
		Assets: []gyre.AssetSighting{host("h", "one", machine)}, Findings: []gyre.Finding{finding("h", "a", "tcp/1"), finding("h", "b", "tcp/1")},
	})
	w.run("net", gyre.RunSucceeded, &gyre.Batch{
		Assets: []gyre.AssetSighting{host("h", "two", serial)}, Findings: []gyre.Finding{finding("h", "b", "tcp/1"), finding("h", "c", "tcp/1")},
	})
	tie = host("h", "", machine, serial)
	w.run("agent", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{tie}})
	all, err := w.db.Merges(w.ctx, w.ws, 0, 10)
	w.ok(err)
	w.same("merges", len(all), 1)
	return tie, all[0]
}

// TestMergeSaysWhy: the reason names the identifiers and who said them.
func TestMergeSaysWhy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, m := w.mergedPair()
		w.same("reason", m.Reason, "agent says that serial s-1 (net) and machine_id 11111111 (host) are of one")
		w.same("names", []string{m.FromName, m.IntoName}, []string{"two", "one"})
		who, err := w.db.Identity(w.ctx, w.ws, m.Into)
		w.ok(err)
		var sources []string
		for _, c := range who.Claims {
			sources = append(sources, c.Source)
		}
		w.same("who says so", strings.Join(sources, " "), "host net agent")
	})
}

// TestUndoneStaysApart: two that a person has taken apart are not made one by
// the same sighting again, nor by another source's.
func TestUndoneStaysApart(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		tie, m := w.mergedPair()
		w.same("together", w.names(), []string{"one"})
		_, err := w.db.UndoMerge(w.ctx, w.ws, m.ID, "ann")
		w.ok(err)
		w.same("apart", w.names(), []string{"one", "two"})
		for _, a := range []gyre.ID{m.From, m.Into} {
			exposures, err := w.db.ExposuresOfAsset(w.ctx, w.ws, a)
			w.ok(err)
			w.same("exposures of each", len(exposures), 2)
		}
		w.run("agent", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{tie}})
		w.run("other", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{tie}})
		w.run("host", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "", id(gyre.IDMachine, "11111111"), ip("10.0.0.7"))}})
		names := w.names()
		w.same("still apart", names[:2], []string{"one", "two"})
	})
}

// TestOtherRunMerges: refs of a run follow assets that another run merges
// meanwhile.
func TestOtherRunMerges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		machine := id(gyre.IDMachine, "11111111")
		w.run("host", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "one", machine)}})
		slow, err := w.in.Begin(w.ctx, w.ws, gyre.Run{Source: "net"})
		w.ok(err)
		w.ok(slow.Emit(w.ctx, &gyre.Batch{Assets: []gyre.AssetSighting{host("x", "two", ip("10.0.0.1"))}}))
		before := w.names()
		w.run("agent", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "", machine, ip("10.0.0.1"))}})
		w.same("before and after", []int{len(before), len(w.names())}, []int{2, 1})
		w.ok(slow.Emit(w.ctx, &gyre.Batch{Findings: []gyre.Finding{finding("x", "a", "tcp/1")}}))
		r, err := slow.Finish(w.ctx, gyre.RunSucceeded, plugin.Report{})
		w.ok(err)
		w.same("created", r.Counts.Created, 1)
		a, err := w.db.FindAsset(w.ctx, w.ws, gyre.Host, machine)
		w.ok(err)
		exposures, err := w.db.ExposuresOfAsset(w.ctx, w.ws, a.ID)
		w.ok(err)
		w.same("on the one that is there", len(exposures), 1)
	})
}

// TestReview: an address that two hold at the same time is asked about; the
// answer holds for what is sighted later, and can be taken back.
func TestReview(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		see := func(source string, s gyre.AssetSighting) {
			w.run(source, gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{s}, Findings: []gyre.Finding{finding("h", source, "tcp/1")}})
		}
		one, two := host("h", "one", id(gyre.IDMachine, "11111111"), ip("10.0.0.1")), host("h", "two", id(gyre.IDMachine, "22222222"), ip("10.0.0.1"))
		see("a", one)
		see("b", two)
		see("a", one)
		bare := host("h", "", ip("10.0.0.1"))
		w.now = w.now.Add(-3 * time.Hour) // while both had it
		see("net", bare)
		w.now = w.now.Add(3 * time.Hour)
		open, err := w.db.Reviews(w.ctx, w.ws, gyre.ReviewOpen, 0, 10)
		w.ok(err)
		if len(open) != 0 {
			t.Fatalf("it had been a's alone then: %+v", open)
		}
		see("b", two)
		see("net", bare)
		see("a", one)
		see("net", bare)
		see("b", two)
		open, err = w.db.Reviews(w.ctx, w.ws, gyre.ReviewOpen, 0, 10)
		w.ok(err)
		w.same("asked", len(open), 1)
		r := open[0]
		w.same("suggestion", r.Why, "ip 10.0.0.1, seen by net, is held by 2 assets that cannot be one; it was seen last on one")
		w.same("apart meanwhile", w.names(), []string{"one", "two", "10.0.0.1"})

		r, err = w.db.AnswerReview(w.ctx, w.ws, r.ID, gyre.AnswerSame, 0, "ann")
		w.ok(err)
		see("net", bare)
		w.same("answered", w.names(), []string{"one", "two"})
		_, err = w.db.AnswerReview(w.ctx, w.ws, r.ID, gyre.AnswerSame, 0, "ann")
		w.same("answered twice", gyre.ErrorCode(err), gyre.Conflict)

		_, err = w.db.ReopenReview(w.ctx, w.ws, r.ID, "ann")
		w.ok(err)
		see("net", bare)
		w.same("taken back", w.names(), []string{"one", "two", "10.0.0.1"})
		open, err = w.db.Reviews(w.ctx, w.ws, gyre.ReviewOpen, 0, 10)
		w.ok(err)
		w.same("asked again", len(open), 1)

		_, err = w.db.AnswerReview(w.ctx, w.ws, r.ID, gyre.AnswerDifferent, 0, "ann")
		w.ok(err)
		see("net", bare)
		see("a", one)
		see("net", bare)
		w.same("ruled apart", w.names(), []string{"one", "two", "10.0.0.1"})
		open, err = w.db.Reviews(w.ctx, w.ws, gyre.ReviewOpen, 0, 10)
		w.ok(err)
		w.same("not asked again", len(open), 0)
	})
}

// TestPersonMerges: what a person says is one stays one, against what sources
// say, until it is undone.
func TestPersonMerges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		one, two := host("h", "one", id(gyre.IDMachine, "11111111")), host("h", "two", id(gyre.IDMachine, "22222222"))
		see := func(source string, s gyre.AssetSighting) {
			w.run(source, gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{s}, Findings: []gyre.Finding{finding("h", "a", "tcp/1")}})
		}
		see("a", one)
		see("b", two)
		a, err := w.db.FindAsset(w.ctx, w.ws, gyre.Host, one.Identifiers[0])
		w.ok(err)
		b, err := w.db.FindAsset(w.ctx, w.ws, gyre.Host, two.Identifiers[0])
		w.ok(err)
		p, err := w.db.PreviewMerge(w.ctx, w.ws, b.ID, a.ID)
		w.ok(err)
		w.same("preview", []int{p.Same, p.Moved, len(p.Conflicts)}, []int{1, 0, 1})
		m, err := w.db.MergeAssets(w.ctx, w.ws, b.ID, a.ID, "ann", "a second board")
		w.ok(err)
		see("b", two)
		see("c", two)
		see("c", one)
		w.same("one", w.names(), []string{"one"})
		_, err = w.db.UndoMerge(w.ctx, w.ws, m.ID, "ann")
		w.ok(err)
		see("c", two)
		see("d", two)
		see("d", one)
		w.same("two", w.names(), []string{"one", "two"})
	})
}
