// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package identify

import (
	"context"
	"strconv"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// kept is a session that keeps what it is told.
type kept []*gyre.Batch

func (k *kept) Emit(_ context.Context, b *gyre.Batch) error { *k = append(*k, b); return nil }

func (k *kept) Finish(context.Context, gyre.RunStatus, plugin.Report) (gyre.Run, error) {
	return gyre.Run{}, nil
}

// TestFlushInParts: what was judged of a large estate is handed to ingest in
// batches that it takes, all of it and in order.
func TestFlushInParts(t *testing.T) {
	for _, n := range []int{0, 1, batchSize, batchSize + 1, 25*batchSize + 7} {
		var sess kept
		j := judging{sess: &sess}
		j.batch.Findings = make([]gyre.Finding, 3)
		for i := range n {
			j.batch.Coverage = append(j.batch.Coverage, gyre.Coverage{Loci: []string{strconv.Itoa(i)}})
		}
		if err := j.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		findings, next := 0, 0
		for _, b := range sess {
			if len(b.Coverage) > batchSize {
				t.Errorf("%d entries: %d in one batch", n, len(b.Coverage))
			}
			findings += len(b.Findings)
			for _, c := range b.Coverage {
				if c.Loci[0] != strconv.Itoa(next) {
					t.Fatalf("%d entries: %s follows %d", n, c.Loci[0], next-1)
				}
				next++
			}
		}
		if next != n || findings != 3 {
			t.Errorf("%d entries: %d arrived, and %d findings", n, next, findings)
		}
	}
}
