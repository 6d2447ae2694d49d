// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"strconv"
	"strings"
	"time"
)

// The years that a report's date can be of. What is outside comes from a clock
// that was never set, or is no date.
const firstYear, lastYear = 1990, 2100

// Date reads the time that a report gives: RFC 3339 with or without a zone, seconds
// since the epoch, or one of the layouts. What has no zone is taken to be UTC. It is
// zero when it cannot be read, or lies in no year that a report can be of.
func Date(s string, layouts ...string) time.Time {
	if len(s) > 64 {
		return time.Time{}
	}
	s = strings.TrimSpace(s)
	t := unixDate(s)
	for _, layout := range append(layouts, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04Z07:00", time.DateOnly) {
		if !t.IsZero() {
			break
		}
		if parsed, err := time.Parse(layout, s); err == nil {
			t = parsed
		}
	}
	if t = t.UTC(); t.Year() < firstYear || t.Year() > lastYear {
		return time.Time{}
	}
	return t.Truncate(time.Microsecond)
}

func unixDate(s string) time.Time {
	whole, _, _ := strings.Cut(s, ".")
	if len(whole) < 9 || len(whole) > 10 {
		return time.Time{}
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

// Earliest is the earlier of two dates; a zero one is not known.
func Earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
