// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// Go lets the heap grow to twice what is in use before it collects garbage. With
// an estate of half a million exposures in memory that is as much again, for nothing. So
// from where garbage would come to more than garbageMost, less than twice is allowed: what
// an import adds to the process then does not grow with the estate. Small heaps are
// collected as always; of a large one it takes some 3 % of an import's time.
const (
	garbageMost  = 48 << 20
	garbageLeast = 40 // percent of what is in use
)

// boundHeap keeps the process small, unless the operator has said how large it may
// be. It lasts as long as the process.
var boundHeap = sync.OnceFunc(func() {
	if os.Getenv("GOGC") == "" {
		afterCollection(100)
	}
})

// afterCollection sets anew, after each collection, how much garbage may come before
// the next one. percent is what is set.
func afterCollection(percent int) {
	// The sentinel is garbage at once, so the next collection finalizes it.
	runtime.SetFinalizer(new([64]byte), func(*[64]byte) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		now := garbagePercent(live[0].Value.Uint64())
		if now < percent-5 || now > percent+5 {
			debug.SetGCPercent(now)
			percent = now
		}
		afterCollection(percent)
	})
}

// garbagePercent is how much garbage may come on top of so many bytes in use.
func garbagePercent(live uint64) int {
	if live <= garbageMost {
		return 100
	}
	return max(garbageLeast, int(garbageMost*100/live)) // #nosec G115 -- below 100
}
