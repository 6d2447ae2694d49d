// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package scope

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
)

// TestHoursProperty compares every quarter of an hour of two weeks with windows
// laid out as spans of time, which is not how the guard sees them.
func TestHoursProperty(t *testing.T) {
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	days := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	clock := rapid.Custom(func(t *rapid.T) int { return 15 * rapid.IntRange(0, 95).Draw(t, "quarter") })
	text := func(m int) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }
	rapid.Check(t, func(t *rapid.T) {
		var hours []gyre.Window
		var spans [][2]time.Time
		for range rapid.IntRange(1, 3).Draw(t, "windows") {
			from, to := clock.Draw(t, "from"), clock.Draw(t, "to")
			if rapid.IntRange(0, 4).Draw(t, "to the day's end") == 0 {
				to = 24 * 60
			}
			if from == to {
				continue
			}
			w := gyre.Window{From: text(from), To: text(to)}
			on := rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 0, 4, rapid.ID[int]).Draw(t, "days")
			for _, d := range on {
				w.Days = append(w.Days, days[d])
			}
			hours = append(hours, w)
			for n := -7; n < 21; n++ {
				if len(on) > 0 && !slices.Contains(on, (n+7)%7) {
					continue
				}
				start := monday.AddDate(0, 0, n)
				end := start.Add(time.Duration(to) * time.Minute)
				if to < from {
					end = end.AddDate(0, 0, 1)
				}
				spans = append(spans, [2]time.Time{start.Add(time.Duration(from) * time.Minute), end})
			}
		}
		windows := newWindows(hours)
		for at := monday; at.Before(monday.AddDate(0, 0, 14)); at = at.Add(15 * time.Minute) {
			for _, now := range []time.Time{at, at.Add(-time.Second).In(time.FixedZone("elsewhere", 3*3600))} {
				want := len(hours) == 0 || slices.ContainsFunc(spans, func(s [2]time.Time) bool { return !now.Before(s[0]) && now.Before(s[1]) })
				if got := open(windows, now); got != want {
					t.Fatalf("at %s (%s) under %+v: open is %v", now, now.UTC().Weekday(), hours, got)
				}
			}
		}
	})
}

func TestParseNameservers(t *testing.T) {
	got := parseNameservers("# nameserver 192.0.2.9\nsearch example\nnameserver 192.0.2.1\nnameserver\t::1\nnameserver bad\noptions edns0\nnameserver ::ffff:192.0.2.3\nnameserver 192.0.2.4\n")
	want := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:53"), netip.MustParseAddrPort("[::1]:53"), netip.MustParseAddrPort("192.0.2.3:53")}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
