// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gyre-ctem/gyre/internal/store"
)

// Engines are the engines that tests run on.
var Engines = []store.Engine{store.SQLite, store.Postgres}

// Open opens a new, empty database, which is gone when the test ends. It skips
// the test when there is no PostgreSQL on this machine.
func Open(t testing.TB, engine store.Engine) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), URL(t, engine))
	if err != nil {
		t.Fatalf("open %s: %v", engine, err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close %s: %v", engine, err)
		}
	})
	return db
}

// URL is the address of a new database for one test. It is empty, or, on
// PostgreSQL, migrated already, because that is faster.
func URL(t testing.TB, engine store.Engine) string {
	t.Helper()
	if engine == store.SQLite {
		return "sqlite:" + filepath.Join(t.TempDir(), "gyre.db")
	}
	return newPostgres(t, true)
}

// Each runs a test on a new database of each engine.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	for _, e := range Engines {
		t.Run(string(e), func(t *testing.T) { fn(t, Open(t, e)) })
	}
}

// Shared is Open for tests that keep to a workspace of their own: on
// PostgreSQL they share one database of the process, because making one takes long.
func Shared(t testing.TB, engine store.Engine) *store.DB {
	t.Helper()
	if engine == store.SQLite {
		return Open(t, engine)
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.db == nil {
		url := newPostgresDatabase(t, true)
		db, err := store.Open(context.Background(), url)
		if err != nil {
			t.Fatalf("open %s: %v", engine, err)
		}
		shared.db = db // goes with the server, and that with the process
	}
	return shared.db
}

var shared struct {
	mu sync.Mutex
	db *store.DB
}

// EmptyPostgres is the address of a new PostgreSQL database without any tables.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	return newPostgres(t, false)
}
