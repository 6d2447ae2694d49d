// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import "testing"

func TestGarbagePercent(t *testing.T) {
	for mib, want := range map[uint64]int{0: 100, 30: 100, 48: 100, 64: 75, 96: 50, 120: 40, 4096: 40} {
		if got := garbagePercent(mib << 20); got != want {
			t.Errorf("%d MiB in use: %d %%, want %d", mib, got, want)
		}
	}
}
