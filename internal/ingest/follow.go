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

// follow learns of the merges that others have made since the run began.
func (w *write) follow(ctx context.Context) error {
	if len(w.refs) == 0 {
		return nil // nothing is known yet
	}
	except := w.run.ID
	if !w.followed {
		except = 0
	}
	merges, err := w.tx.AssetMergesSince(ctx, w.run.ID-followBack, except)
	for _, m := range merges {
		w.merged[m.From] = m.Into
	}
	return err
}

// now is the asset that one is by now.
func (w *write) now(id gyre.ID) gyre.ID {
	for range len(w.merged) + 1 {
		into, gone := w.merged[id]
		if !gone {
			break
		}
		id = into
	}
	return id
}

// followRefs finds out what has become of stored assets that a batch names by ID.
func (w *write) followRefs(ctx context.Context, ids []gyre.ID) error {
	gone, err := w.tx.MergedInto(ctx, ids)
	for from, into := range gone {
		w.merged[from] = into
	}
	return err
}
