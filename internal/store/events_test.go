// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// TestEventsBetween: the events of a span are those whose times lie in it, also
// where several have the same time, the span begins before the first or ends after the
// last, and they come in parts.
func TestEventsBetween(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		now := begin
		db.SetClock(func() time.Time { return now })
		ws, err := db.EnsureWorkspace(t.Context(), "main")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 12 {
			err := db.Write(t.Context(), ws.ID, func(tx *store.Tx) error {
				for range i%3 + 1 {
					for _, object := range []string{"exposure", "asset"} {
						tx.Append(gyre.Event{Object: object, ID: gyre.NewID(), Kind: "created"})
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if i%4 != 3 { // every fourth has the time of the one before
				now = now.Add(time.Minute)
			}
		}
		all, err := db.EventsSince(t.Context(), ws.ID, 0, 1000)
		if err != nil || len(all) == 0 {
			t.Fatalf("%d events, %v", len(all), err)
		}
		for from := -1; from < 12; from++ {
			for to := from; to < 12; to++ {
				lo, hi := begin.Add(time.Duration(from)*time.Minute), begin.Add(time.Duration(to)*time.Minute)
				var want []gyre.Event
				for _, e := range all {
					if e.Object == "exposure" && !e.At.Before(lo) && e.At.Before(hi) {
						want = append(want, e)
					}
				}
				got := eventsBetween(t.Context(), t, db, ws.ID, lo, hi)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("minutes %d to %d: %s", from, to, diff)
				}
			}
		}
	})
}

func eventsBetween(ctx context.Context, t *testing.T, db *store.DB, ws gyre.ID, from, to time.Time) (all []gyre.Event) {
	t.Helper()
	for after := int64(0); ; {
		part, err := db.EventsBetween(ctx, ws, "exposure", from.UnixMicro(), to.UnixMicro(), after, 4)
		if err != nil {
			t.Fatal(err)
		}
		if len(part) == 0 {
			return all
		}
		all = slices.Concat(all, part)
		after = part[len(part)-1].Seq
	}
}
