// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package scope

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (v *faults) window(at string, w gyre.Window) {
	for _, d := range w.Days {
		if !slices.Contains(weekdays, strings.ToLower(strings.TrimSpace(d))) {
			v.add(at+".days", "%q is none of mon, tue, wed, thu, fri, sat, sun", d)
		}
	}
	from, err := parseClock(w.From)
	if err != nil {
		v.add(at+".from", "%v", err)
	}
	to, err2 := parseClock(w.To)
	if err2 != nil {
		v.add(at+".to", "%v", err2)
	}
	if err == nil && err2 == nil && from == to {
		v.add(at, "is empty: from and to are both %s; a whole day is 00:00 to 24:00", w.From)
	}
	if from == minutesOfDay {
		v.add(at+".from", "24:00 is the end of a day, not a start")
	}
}

const minutesOfDay = 24 * 60

// parseClock reads HH:MM into minutes since midnight; 24:00 is the day's end.
func parseClock(s string) (int, error) {
	h, m, ok := strings.Cut(strings.TrimSpace(s), ":")
	hour, err := strconv.ParseUint(h, 10, 8)
	minute, err2 := strconv.ParseUint(m, 10, 8)
	if !ok || len(h) != 2 || len(m) != 2 || err != nil || err2 != nil || hour > 24 || minute > 59 || hour == 24 && minute > 0 {
		return 0, gyre.Errorf(gyre.Invalid, "%q is not a time of day: HH:MM was expected", s)
	}
	return int(hour)*60 + int(minute), nil // #nosec G115 -- at most 1440
}

// window is a gyre.Window that was checked.
type window struct {
	days     [7]bool // by time.Weekday: the day on which it starts
	from, to int     // minutes; from > to spans midnight
}

// newWindows returns the windows that can be read. A window that cannot be is
// one that never opens: a scope never allows more because it is wrong.
func newWindows(hours []gyre.Window) []window {
	var all []window
	for _, h := range hours {
		from, err := parseClock(h.From)
		to, err2 := parseClock(h.To)
		if err != nil || err2 != nil || from == to {
			all = append(all, window{})
			continue
		}
		w := window{from: from, to: to}
		for day := range w.days {
			w.days[day] = len(h.Days) == 0
		}
		for _, d := range h.Days {
			if i := slices.Index(weekdays, strings.ToLower(strings.TrimSpace(d))); i >= 0 {
				w.days[i] = true
			}
		}
		all = append(all, w)
	}
	return all
}

// open says whether a window is open at t. No windows: always.
func open(windows []window, t time.Time) bool {
	if len(windows) == 0 {
		return true
	}
	t = t.UTC()
	today, now := t.Weekday(), t.Hour()*60+t.Minute()
	yesterday := (today + 6) % 7
	for _, w := range windows {
		switch {
		case w.from < w.to:
			if w.days[today] && now >= w.from && now < w.to {
				return true
			}
		case w.days[today] && now >= w.from && w.from != w.to, w.days[yesterday] && now < w.to:
			return true
		}
	}
	return false
}
