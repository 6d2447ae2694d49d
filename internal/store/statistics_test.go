// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"database/sql"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// The planner learns of the exposures with the first of them, also when much else
// was stored before.
func TestFirstStatistics(t *testing.T) {
	url := storetest.URL(t, store.Postgres)
	db, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	look, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = look.Close() })
	known := func() (n int) {
		t.Helper()
		if err := look.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM pg_stats WHERE tablename = 'exposure'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	ws, err := db.EnsureWorkspace(t.Context(), "w")
	if err != nil {
		t.Fatal(err)
	}
	write := func(exposures int) {
		t.Helper()
		err := db.Write(t.Context(), ws.ID, func(tx *store.Tx) error {
			var all []gyre.Exposure
			for range exposures {
				all = append(all, gyre.Exposure{ID: gyre.NewID(), Asset: gyre.NewID(), Weakness: 1, Severity: gyre.SeverityHigh, State: gyre.StateOpen})
			}
			for range 300 {
				tx.Append(gyre.Event{Object: "asset", ID: 1, Kind: "created"})
			}
			return tx.AddExposures(t.Context(), all, nil)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	write(0)
	if known() != 0 {
		t.Error("there is nothing to know yet")
	}
	write(300)
	if known() == 0 {
		t.Error("the planner knows nothing of the exposures")
	}
}
