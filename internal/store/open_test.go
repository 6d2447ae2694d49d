// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gyre-ctem/gyre/internal/store"
)

// TestDatabaseIsItsOwnersOnly: the file and those beside it, new or as an
// earlier program left them, in a folder that others may enter.
func TestDatabaseIsItsOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gyre.db")
	check := func(when string) {
		t.Helper()
		names, err := filepath.Glob(path + "*")
		if err != nil || len(names) < 2 {
			t.Fatalf("%s: files %v (%v), want the database and its log", when, names, err)
		}
		for _, name := range names {
			st, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if mode := st.Mode().Perm(); mode&0o077 != 0 {
				t.Errorf("%s: %s has mode %v", when, filepath.Base(name), mode)
			}
		}
	}
	for _, when := range []string{"new", "loosened"} {
		db, err := store.Open(t.Context(), "sqlite:"+path)
		if err != nil {
			t.Fatal(err)
		}
		check(when)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
