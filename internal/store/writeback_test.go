// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
)

// However much is written, the log begins anew while writers go on, so that its
// file does not grow with what they write.
func TestWriteBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db, err := Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	ws, err := db.EnsureWorkspace(t.Context(), "w")
	if err != nil {
		t.Fatal(err)
	}
	reason := string(make([]byte, 1<<10))
	logged, most := int64(0), int64(0)
	for deadline := time.Now().Add(time.Minute); logged < 5*logLength; {
		err := db.Write(t.Context(), ws.ID, func(tx *Tx) error {
			for range 2000 {
				tx.Append(gyre.Event{Object: "asset", ID: 1, Kind: "updated", Reason: reason})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		logged += 2000 << 10
		st, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, st.Size())
		if time.Now().After(deadline) {
			t.Fatalf("%d MiB were written in a minute", logged>>20)
		}
	}
	// Were the log not written back before a commit has to, it would get as long as this.
	if most < logLength || most > 3*logLength {
		t.Errorf("the log grew to %d MiB", most>>20)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err := db.Write(t.Context(), ws.ID, func(tx *Tx) error {
			tx.Append(gyre.Event{Object: "asset", ID: 1, Kind: "updated"})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(path + "-wal"); err == nil && st.Size() < logLength {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the log does not begin anew")
		}
	}
}
