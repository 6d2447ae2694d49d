// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"

	"github.com/gyre-ctem/gyre"
)

// Other runs, and persons, merge assets while this one goes on. What it knows
// under an old ID is another asset by then.

// followBack is a minute, in IDs: the clocks of several processes differ.
const followBack = gyre.ID(60_000 << 21)

// follow learns of the merges that others have made since the run began and that
// stand, and which of its own were undone. Refs stay what they were at first, so that one
// whose merge is undone is itself again.
func (w *write) follow(ctx context.Context) error {
	if len(w.refs) == 0 {
		return nil // nothing is known yet
	}
	merges, err := w.tx.AssetMergesSince(ctx, w.run.ID-followBack, w.run.ID)
	for _, m := range merges {
		if m.Undone.IsZero() {
			w.merged[m.From] = m.Into
		} else {
			delete(w.own, m.From)
		}
	}
	return err
}

// now is the asset that one is by now.
func (w *write) now(id gyre.ID) gyre.ID {
	for range len(w.merged) + len(w.own) + 1 {
		into, gone := w.merged[id]
		if !gone {
			if into, gone = w.own[id]; !gone {
				break
			}
		}
		id = into
	}
	return id
}

// ownMerges are the merges that a run made itself and that stand.
func ownMerges(ctx context.Context, tx Tx, run gyre.ID) (map[gyre.ID]gyre.ID, error) {
	own := map[gyre.ID]gyre.ID{}
	merges, err := tx.AssetMergesOf(ctx, run-followBack, run)
	for _, m := range merges {
		own[m.From] = m.Into
	}
	return own, err
}

// followRefs finds out what has become of stored assets that a batch names by ID.
func (w *write) followRefs(ctx context.Context, ids []gyre.ID) error {
	gone, err := w.tx.MergedInto(ctx, ids)
	for from, into := range gone {
		w.merged[from] = into
	}
	return err
}
