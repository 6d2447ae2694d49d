// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
)

// TestFull: a full database refuses in words that help, keeps nothing of what it
// refused, and works again when there is room.
func TestFull(t *testing.T) {
	ctx := t.Context()
	db, err := Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	ws, err := db.EnsureWorkspace(ctx, "main")
	if err != nil {
		t.Fatal(err)
	}
	limit := func(more int) {
		t.Helper()
		var have int
		if err := db.w.QueryRowContext(ctx, "PRAGMA page_count").Scan(&have); err != nil {
			t.Fatal(err)
		}
		if _, err := db.w.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", have+more)); err != nil {
			t.Fatal(err)
		}
	}
	u, _, err := db.CreateUpload(ctx, ws.ID, gyre.Upload{ID: gyre.NewID(), Name: "r"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	limit(100)
	piece := make([]byte, 64<<10)
	_, _ = rand.Read(piece)
	kept := 0
	for kept < 100 {
		if err = db.AddChunk(ctx, ws.ID, u.ID, kept, piece, int64(kept+1)); err != nil {
			break
		}
		kept++
	}
	refused := func(err error) {
		t.Helper()
		if gyre.ErrorCode(err) != gyre.Unavailable || !strings.Contains(err.Error(), "full") {
			t.Errorf("a full database says %v", err)
		}
	}
	refused(err)
	if kept == 0 || kept == 100 {
		t.Fatalf("%d pieces were kept", kept)
	}
	if pieces, _, err := db.CountUploadRows(ctx, ws.ID); err != nil || pieces != kept {
		t.Errorf("%d pieces, %d were kept: %v", pieces, kept, err)
	}
	if now, err := db.Upload(ctx, ws.ID, u.ID); err != nil || now.Size != int64(kept) {
		t.Errorf("it has %d bytes, %d were kept: %v", now.Size, kept, err)
	}
	seq, err := db.Seq(ctx, ws.ID)
	if err != nil {
		t.Fatal(err)
	}
	refused(db.Write(ctx, ws.ID, func(tx *Tx) error {
		for i := range 5000 {
			tx.Append(gyre.Event{Object: "asset", ID: gyre.ID(i + 1), Kind: "created", Reason: strings.Repeat("x", 500)})
		}
		return nil
	}))
	if now, err := db.Seq(ctx, ws.ID); err != nil || now != seq {
		t.Errorf("%d events of a transaction that was refused: %v", now-seq, err)
	}
	if err := db.DropUpload(ctx, ws.ID, u.ID); err != nil { // taking away needs no room
		t.Error(err)
	}
	limit(1000)
	if u, _, err = db.CreateUpload(ctx, ws.ID, gyre.Upload{ID: gyre.NewID(), Name: "r"}, 1); err == nil {
		err = db.AddChunk(ctx, ws.ID, u.ID, 0, piece, 1)
	}
	if err != nil {
		t.Errorf("with room again: %v", err)
	}
}
