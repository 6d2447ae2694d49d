// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package plugintest

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/gyre-ctem/gyre/plugin"
)

// Bounded imports a large report, of which the importer must tell that it read n
// entries or more, and holds that the heap does not grow by more than so many MiB
// on the way. It measures ten times, after collecting garbage.
func Bounded(t *testing.T, imp plugin.Importer, in plugin.Input, n, mib int) {
	t.Helper()
	var peak, seen, measured atomic.Int64
	base := heap()
	in.Progress = func(done, _ int, _ string) {
		if int64(done)-measured.Load() >= int64(n/10) {
			measured.Store(int64(done))
			peak.Store(max(peak.Load(), heap()))
		}
		seen.Store(int64(done))
	}
	_, err := imp.Import(t.Context(), in, (&Discard{}).Emit)
	if err != nil || seen.Load() < int64(n) {
		t.Fatalf("%v after %d of %d", err, seen.Load(), n)
	}
	if peak.Load() == 0 {
		t.Fatal("nothing was measured: the importer tells no progress on the way")
	}
	if grown := peak.Load() - base; grown > int64(mib)<<20 {
		t.Errorf("the heap grew by %d MiB, %d are allowed", grown>>20, mib)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) // #nosec -- a heap's size
}
