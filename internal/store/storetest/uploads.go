// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
)

func received(t *testing.T, db *store.DB, ws gyre.ID, key, request string) gyre.Upload {
	t.Helper()
	u, found, err := db.CreateUpload(t.Context(), ws, gyre.Upload{ID: gyre.NewID(), Name: "r.xml", Zone: "dmz", Actor: "ann", Key: key}, 100)
	ok(t, err)
	if found {
		return u
	}
	ok(t, db.AddChunk(t.Context(), ws, u.ID, 0, []byte("one"), 3))
	ok(t, db.AddChunk(t.Context(), ws, u.ID, 1, []byte("two"), 6))
	u, err = db.FinishUpload(t.Context(), ws, u.ID, 6, "d", request, []string{"nmap@1"}, false)
	ok(t, err)
	return u
}

func rows(t *testing.T, db *store.DB, ws gyre.ID) [2]int {
	t.Helper()
	pieces, refs, err := db.CountUploadRows(t.Context(), ws)
	ok(t, err)
	return [2]int{pieces, refs}
}

func testUploads(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	other, err := db.EnsureWorkspace(ctx, "other")
	ok(t, err)
	u := received(t, db, ws, "key", "same")
	if u.State != gyre.UploadWaiting || u.Total != 6 || u.Duplicate {
		t.Fatalf("received: %+v", u)
	}
	b, err := db.Chunk(ctx, ws, u.ID, 1)
	ok(t, err)
	same(t, "piece", string(b), "two")
	_, err = db.Chunk(ctx, other.ID, u.ID, 1)
	code(t, err, gyre.NotFound)
	_, err = db.Upload(ctx, other.ID, u.ID)
	code(t, err, gyre.NotFound)
	_, err = db.ClaimUpload(ctx, other.ID, u.ID)
	code(t, err, gyre.NotFound)
	_, err = db.CancelUpload(ctx, other.ID, u.ID, "bob")
	code(t, err, gyre.NotFound)

	// The same key and the same content are the same upload, and leave nothing more.
	same(t, "same key", received(t, db, ws, "key", "another").ID, u.ID)
	twin := received(t, db, ws, "", "same")
	same(t, "same content", twin.ID, u.ID)
	same(t, "duplicate", twin.Duplicate, true)
	same(t, "pieces", rows(t, db, ws), [2]int{2, 0})
	if v := received(t, db, other.ID, "key", "same"); v.ID == u.ID || v.Duplicate {
		t.Error("an upload of another workspace stands for this one's")
	}
	_, _, err = db.CreateUpload(ctx, ws, gyre.Upload{ID: gyre.NewID()}, 1)
	code(t, err, gyre.Unavailable)

	open, err := db.OpenUploads(ctx, ws, time.Hour)
	ok(t, err)
	same(t, "waiting", len(open), 1)

	// Who claims it has it; who had it before cannot write any more.
	first, err := db.ClaimUpload(ctx, ws, u.ID)
	ok(t, err)
	same(t, "state", first.State, gyre.UploadChecking)
	open, err = db.OpenUploads(ctx, ws, time.Hour)
	ok(t, err)
	same(t, "waiting while somebody has it", len(open), 0)
	second, err := db.ClaimUpload(ctx, ws, u.ID)
	ok(t, err)
	taken := func(err error) {
		t.Helper()
		if !errors.Is(err, gyre.ErrUploadTaken) {
			t.Errorf("who lost the upload is told %v", err)
		}
	}
	step := func(fence int64, from, to gyre.UploadState, stored int) error {
		return db.Write(ctx, ws, func(tx *store.Tx) error {
			return tx.StepUpload(ctx, gyre.UploadStep{Upload: u.ID, Fence: fence, From: from, To: to, Run: 7, Stored: stored, Counts: gyre.RunCounts{Created: stored}})
		})
	}
	taken(db.TouchUpload(ctx, ws, u.ID, first.Fence, 1))
	taken(db.CheckedUpload(ctx, first))
	taken(step(first.Fence, gyre.UploadChecking, gyre.UploadStoring, 0))
	taken(db.EndUpload(ctx, ws, u.ID, first.Fence, gyre.UploadFailed, nil))
	taken(db.StallUpload(ctx, ws, u.ID, first.Fence, errors.New("x")))
	second.Format, second.Parser, second.Batches, second.Looked = "nmap", "nmap@1", 2, at
	ok(t, db.CheckedUpload(ctx, second))
	ok(t, step(second.Fence, gyre.UploadChecking, gyre.UploadStoring, 0))
	ok(t, step(second.Fence, gyre.UploadStoring, gyre.UploadStoring, 1))
	taken(step(second.Fence, gyre.UploadChecking, gyre.UploadStoring, 1))
	_, err = db.CancelUpload(ctx, ws, u.ID, "bob")
	code(t, err, gyre.Conflict)
	ok(t, db.StallUpload(ctx, ws, u.ID, second.Fence, gyre.FieldErrorf(gyre.Unavailable, "disk", "is full")))
	got, err := db.Upload(ctx, ws, u.ID)
	ok(t, err)
	if got.Stored != 1 || got.Batches != 2 || got.Run != 7 || got.Counts.Created != 1 || !got.Looked.Equal(at) || got.Err().Error() != "disk: is full" {
		t.Errorf("it is %+v", got)
	}
	ok(t, step(second.Fence, gyre.UploadStoring, gyre.UploadPlanning, 2))
	ok(t, db.EndUpload(ctx, ws, u.ID, second.Fence, gyre.UploadDone, nil))
	taken(db.TouchUpload(ctx, ws, u.ID, second.Fence, 1))
	same(t, "pieces of what is done", rows(t, db, ws), [2]int{0, 0})
	if d := received(t, db, ws, "", "same"); !d.Duplicate || d.State != gyre.UploadDone || d.Error != "" {
		t.Errorf("the same again: %+v", d)
	}
	_, err = db.RetryUpload(ctx, ws, u.ID, "ann")
	code(t, err, gyre.Conflict)

	// What failed can be tried again while it is kept, and stands for nothing.
	u = received(t, db, ws, "k2", "bad")
	c, err := db.ClaimUpload(ctx, ws, u.ID)
	ok(t, err)
	ok(t, db.EndUpload(ctx, ws, u.ID, c.Fence, gyre.UploadFailed, gyre.FieldErrorf(gyre.Invalid, "r.xml:7", "is broken")))
	if v := received(t, db, ws, "k2", "bad"); v.ID == u.ID || v.Duplicate {
		t.Error("a failed upload stands for a new one")
	} else {
		ok(t, db.DropUpload(ctx, ws, v.ID))
	}
	back, err := db.RetryUpload(ctx, ws, u.ID, "ann")
	ok(t, err)
	same(t, "tried again", []any{back.State, back.Error}, []any{gyre.UploadWaiting, ""})
	_, err = db.CancelUpload(ctx, ws, u.ID, "bob")
	ok(t, err)
	ok(t, db.SweepUploads(ctx, ws, time.Hour))
	same(t, "pieces that are young", rows(t, db, ws), [2]int{2, 0})
	ok(t, db.SweepUploads(ctx, ws, 0))
	same(t, "pieces that are old", rows(t, db, ws), [2]int{0, 0})
	_, err = db.RetryUpload(ctx, ws, u.ID, "ann")
	code(t, err, gyre.Conflict)
}

func testRefs(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	type ref struct {
		Asset   gyre.ID
		Sighted bool
	}
	read := func(tx *store.Tx, run gyre.ID) map[gyre.Ref]ref {
		all := map[gyre.Ref]ref{}
		ok(t, tx.EachRef(ctx, run, func(r gyre.Ref, asset gyre.ID, sighted bool) { all[r] = ref{asset, sighted} }))
		return all
	}
	ok(t, db.Write(ctx, ws, func(tx *store.Tx) error {
		ok(t, tx.SaveRefs(ctx, 1, []gyre.Ref{"a", "b"}, []gyre.ID{10, 0}, []bool{true, false}))
		ok(t, tx.SaveRefs(ctx, 2, []gyre.Ref{"a"}, []gyre.ID{20}, []bool{true}))
		return tx.SaveRefs(ctx, 1, []gyre.Ref{"b"}, []gyre.ID{11}, []bool{true})
	}))
	ok(t, db.Write(ctx, ws, func(tx *store.Tx) error {
		same(t, "refs", read(tx, 1), map[gyre.Ref]ref{"a": {10, true}, "b": {11, true}})
		ok(t, tx.DropRefs(ctx, 1))
		same(t, "dropped", len(read(tx, 1)), 0)
		same(t, "of another run", len(read(tx, 2)), 1)
		return nil
	}))
}

// testTrial: what a trial writes it sees, and nobody else ever does.
func testTrial(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	before, err := db.Seq(ctx, ws)
	ok(t, err)
	ok(t, db.Try(ctx, ws, func(trial *store.Trial) error {
		for i := range 2 {
			ok(t, trial.Write(ctx, func(tx *store.Tx) error {
				tx.Append(gyre.Event{Object: "asset", ID: gyre.ID(i + 1), Kind: "created"})
				return tx.SaveRefs(ctx, gyre.ID(i+1), []gyre.Ref{"a"}, []gyre.ID{1}, []bool{true})
			}))
		}
		changes, err := trial.Changes(ctx)
		ok(t, err)
		if len(changes) != 1 || changes[0].Count != 2 || len(changes[0].Examples) != 2 {
			t.Errorf("changes %+v", changes)
		}
		return nil
	}))
	after, err := db.Seq(ctx, ws)
	ok(t, err)
	same(t, "events", after, before)
	same(t, "rows", rows(t, db, ws), [2]int{0, 0})
}
