// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// A transaction whose context ends in the middle stores nothing: also what is
// written past database/sql, which knows that the transaction is over.
func TestCancelledInTheMiddle(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			db := storetest.Open(t, engine)
			ws, err := db.EnsureWorkspace(t.Context(), "main")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			all := make([]gyre.Exposure, 120)
			ids := make([]gyre.ID, len(all))
			for i := range all {
				ids[i] = gyre.NewID()
				all[i] = gyre.Exposure{ID: ids[i], Asset: gyre.NewID(), Weakness: 1, State: gyre.StateOpen}
			}
			err = db.Write(ctx, ws.ID, func(tx *store.Tx) error {
				cancel()
				time.Sleep(200 * time.Millisecond) // until database/sql has rolled back
				if err := tx.AddExposures(ctx, all, nil); err == nil {
					t.Error("it stores after the end")
				}
				return nil
			})
			if err == nil {
				t.Error("a transaction that was rolled back was committed")
			}
			stored, err := db.Exposures(t.Context(), ws.ID, ids)
			if err != nil || len(stored) > 0 {
				t.Errorf("%d exposures are stored, %v", len(stored), err)
			}
		})
	}
}
