// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/plugin"
)

// twoProcesses runs a test with two worlds on one workspace. On PostgreSQL each
// has a database handle of its own, as two processes have.
func twoProcesses(t *testing.T, fn func(t *testing.T, importer, other *world)) {
	t.Helper()
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			url := storetest.URL(t, e)
			open := func() *store.DB {
				db, err := store.Open(t.Context(), url)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = db.Close() })
				return db
			}
			a := open()
			b := a
			if e == store.Postgres {
				b = open()
			}
			fn(t, newWorldNamed(t, a, "main"), newWorldNamed(t, b, "main"))
		})
	}
}

func machine(n int) gyre.Identifier {
	return gyre.Identifier{Type: gyre.IDMachine, Value: fmt.Sprint("machine-", n)}
}

// hosts are the assets behind machines 0, 1, ….
func (w *world) hosts(n int) []gyre.ID {
	w.t.Helper()
	out := make([]gyre.ID, n)
	w.ok(w.db.EachIdentifier(w.ctx, w.ws, func(a gyre.ID, i gyre.Identifier) error {
		for m := range out {
			if i == machine(m) {
				out[m] = a
			}
		}
		return nil
	}))
	return out
}

// on lists weaknesses and loci on an asset, and everything of assets and exposures that are gone.
func (w *world) on(asset gyre.ID) (list []string) {
	w.t.Helper()
	all, err := w.db.ExposuresOfAsset(w.ctx, w.ws, asset)
	w.ok(err)
	for _, e := range all {
		list = append(list, e.Locus)
	}
	facts, err := w.db.Facts(w.ctx, w.ws, asset)
	w.ok(err)
	for _, f := range facts {
		list = append(list, "fact "+f.Locus)
	}
	return list
}

// nothingAstray: no exposure is of an asset that is gone.
func (w *world) nothingAstray() {
	w.t.Helper()
	there := map[gyre.ID]bool{}
	w.ok(w.db.EachAsset(w.ctx, w.ws, func(a gyre.Asset) error { there[a.ID] = true; return nil }))
	w.ok(w.db.EachExposure(w.ctx, w.ws, func(e gyre.Exposure) error {
		if !there[e.Asset] {
			w.t.Fatalf("exposure at %s is of asset %s, which is gone", e.Locus, e.Asset)
		}
		return nil
	}))
}

// words is a batch that says something of refs that earlier ones introduced.
func words(n int, refs ...gyre.Ref) *gyre.Batch {
	b := &gyre.Batch{}
	for _, r := range refs {
		locus := fmt.Sprintf("tcp/%d", n)
		b.Findings = append(b.Findings, finding(string(r), "CVE-2026-1", locus))
		b.Facts = append(b.Facts, gyre.Fact{Asset: r, Aspect: gyre.AspectService, Locus: locus, Data: map[string]any{"a": int64(n)}})
		b.Coverage = append(b.Coverage, gyre.Coverage{Judged: true, Asset: r, Aspect: gyre.AspectService, Loci: []string{locus}})
	}
	return b
}

// claimed is an upload that a process has claimed and checked.
func (w *world) claimed() gyre.Upload {
	w.t.Helper()
	u, _, err := w.db.CreateUpload(w.ctx, w.ws, gyre.Upload{ID: gyre.NewID(), Name: "r"}, 100)
	w.ok(err)
	_, err = w.db.FinishUpload(w.ctx, w.ws, u.ID, 1, u.ID.String(), "", nil, true)
	w.ok(err)
	u, err = w.db.ClaimUpload(w.ctx, w.ws, u.ID)
	w.ok(err)
	u.Format, u.Batches = "net", 10
	w.ok(w.db.CheckedUpload(w.ctx, u))
	return u
}

// TestMergedMeanwhile: while one process stores a report, a person merges assets in
// another, and takes that back. Each batch goes where its asset is at that moment; also
// after the first process died and a third one went on.
func TestMergedMeanwhile(t *testing.T) {
	twoProcesses(t, func(t *testing.T, w, other *world) {
		u := w.claimed()
		s, err := w.in.Begin(w.ctx, w.ws, gyre.Run{Source: "net"}, ingest.Storing(u))
		w.ok(err)
		var emitted []*gyre.Batch
		emit := func(b *gyre.Batch) {
			t.Helper()
			emitted = append(emitted, b)
			w.ok(s.Emit(w.ctx, b))
			w.nothingAstray()
		}
		first := words(0, "a", "b")
		first.Assets = []gyre.AssetSighting{host("a", "a", machine(0)), host("b", "b", machine(1)), host("c", "c", machine(2)), host("d", "d", gyre.Identifier{Type: gyre.IDSerial, Value: "S1"})}
		emit(first)
		h := w.hosts(3)
		merge := func(from, into gyre.ID) gyre.Merge {
			t.Helper()
			m, err := other.db.MergeAssets(other.ctx, other.ws, from, into, "ann", "they are one")
			w.ok(err)
			return m
		}
		undo := func(id gyre.ID) {
			t.Helper()
			_, err := other.db.UndoMerge(other.ctx, other.ws, id, "ann")
			w.ok(err)
		}
		m := merge(h[0], h[1])
		emit(words(1, "a"))
		w.same("on the one that stayed", w.on(h[1]), []string{"tcp/0", "tcp/1", "fact tcp/0", "fact tcp/1"})
		undo(m.ID)
		emit(words(2, "a"))
		w.same("on the one that is itself again", w.on(h[0]), []string{"tcp/0", "tcp/2", "fact tcp/0", "fact tcp/2"})
		w.same("what was seen meanwhile stays", w.on(h[1]), []string{"tcp/0", "tcp/1", "fact tcp/0", "fact tcp/1"})

		// What the run itself merged, and a person took back.
		emit(&gyre.Batch{Assets: []gyre.AssetSighting{host("cd", "cd", machine(2), gyre.Identifier{Type: gyre.IDSerial, Value: "S1"})}})
		emit(words(3, "c", "d"))
		merges, err := w.db.Merges(w.ctx, w.ws, 0, 1)
		w.ok(err)
		w.same("merged by the run", merges[0].Run != 0 && merges[0].Undone.IsZero(), true)
		w.same("both", w.on(merges[0].Into), []string{"tcp/3", "fact tcp/3"})
		undo(merges[0].ID)
		emit(words(4, "c", "d"))
		w.same("on the one", w.on(merges[0].From), []string{"tcp/4", "fact tcp/4"})
		w.same("on the other", w.on(merges[0].Into), []string{"tcp/3", "tcp/4", "fact tcp/3", "fact tcp/4"})

		// The process dies; a merge comes before the next one goes on.
		merge(h[0], h[1])
		again, err := other.db.ClaimUpload(w.ctx, w.ws, u.ID)
		w.ok(err)
		next, err := other.in.TakeUp(other.ctx, other.ws, again)
		w.ok(err)
		for _, b := range emitted {
			w.ok(next.Emit(w.ctx, b))
		}
		w.ok(next.Emit(w.ctx, words(5, "a", "c", "d")))
		w.nothingAstray()
		w.same("after the merge", w.on(h[1]), []string{
			"tcp/0", "tcp/1", "tcp/2", "tcp/5", "fact tcp/0", "fact tcp/1", "fact tcp/2", "fact tcp/5",
		})
		w.same("on the one, still", w.on(merges[0].From), []string{"tcp/4", "tcp/5", "fact tcp/4", "fact tcp/5"})
		if err := s.Emit(w.ctx, words(6, "a")); err == nil {
			t.Error("the first process stored a batch after it had lost the upload")
		}
		r, err := next.Finish(other.ctx, gyre.RunSucceeded, plugin.Report{})
		w.ok(err)
		w.same("assets of the run", r.Counts.Assets, 3)
		w.same("closed", r.Counts.Closed, 0)
	})
}

// TestMergesInTheMiddle: whatever another process merges and takes back while this
// one stores, and whenever, nothing is stored of an asset that is gone.
func TestMergesInTheMiddle(t *testing.T) {
	twoProcesses(t, func(t *testing.T, w, other *world) {
		s, err := w.in.Begin(w.ctx, w.ws, gyre.Run{Source: "net"})
		w.ok(err)
		const n = 6
		first := &gyre.Batch{}
		var refs []gyre.Ref
		for i := range n {
			refs = append(refs, gyre.Ref(fmt.Sprint("h", i)))
			first.Assets = append(first.Assets, host(fmt.Sprint("h", i), fmt.Sprint("h", i), machine(i)))
		}
		w.ok(s.Emit(w.ctx, first))
		h := w.hosts(n)
		ctx, stop := context.WithCancel(w.ctx)
		var merger sync.WaitGroup
		merged := 0
		merger.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				from, into := h[i%n], h[(i+1+i/n)%n]
				m, err := other.db.MergeAssets(other.ctx, other.ws, from, into, "ann", "a test")
				if err != nil {
					continue // one of them is merged already, or the same
				}
				merged++
				if i%3 > 0 {
					_, _ = other.db.UndoMerge(other.ctx, other.ws, m.ID, "ann")
				}
			}
		})
		for i := range 60 {
			if err := s.Emit(w.ctx, words(i, refs...)); err != nil {
				stop()
				t.Errorf("batch %d: %v", i, err)
				break
			}
		}
		stop()
		merger.Wait()
		_, err = s.Finish(w.ctx, gyre.RunSucceeded, plugin.Report{})
		w.ok(err)
		w.nothingAstray()
		if merged == 0 {
			t.Error("nothing was merged meanwhile: the test proves nothing")
		}
		t.Logf("%d merges", merged)
	})
}
