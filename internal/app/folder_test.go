// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gyre-ctem/gyre"
)

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, ok := FindServer(dir); ok {
		t.Error("a server in a folder that is not there")
	}
	f, err := LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockFolder(dir); gyre.ErrorCode(err) != gyre.Conflict {
		t.Errorf("taken twice: %v", err)
	}
	said, err := f.announce("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := FindServer(dir); !ok || got != said {
		t.Errorf("found %+v, %v", got, ok)
	}
	if st, err := os.Stat(filepath.Join(dir, serverName)); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the token's file can be read by others: %v, %v", st.Mode(), err)
	}
	if err := f.Release(); err != nil {
		t.Fatal(err)
	}
	if _, ok := FindServer(dir); ok {
		t.Error("a server after release")
	}
	again, err := LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	// A file that a dead process left says nothing.
	if err := os.WriteFile(filepath.Join(dir, serverName), []byte(`{"url":"http://127.0.0.1:1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := again.lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if _, ok := FindServer(dir); ok {
		t.Error("believed a dead server's file")
	}
}

func TestFolderKnowsItsDatabase(t *testing.T) {
	f, err := LockFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Release() }()
	for _, db := range []string{"postgres://a@b/c", "postgresql://a@b/c"} {
		if err := f.bind(db); err != nil {
			t.Errorf("%s: %v", db, err)
		}
	}
	if err := f.bind("sqlite:/x/gyre.db"); gyre.ErrorCode(err) != gyre.Invalid {
		t.Errorf("a folder of PostgreSQL was opened with SQLite: %v", err)
	}
}
