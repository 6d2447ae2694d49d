// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/gyre-ctem/gyre"
)

// Bounds of a span between two times.
const (
	minSpan = time.Minute
	maxSpan = 366 * 24 * time.Hour
)

// When says at which times a schedule is due.
type When struct {
	span time.Duration // 0: cron
	cron cron.Schedule
}

var cronFields = []struct {
	name  string
	parse cron.ParseOption
}{{"minute", cron.Minute}, {"hour", cron.Hour}, {"day", cron.Dom}, {"month", cron.Month}, {"weekday", cron.Dow}}

// ParseWhen reads a span such as 6h, or five cron fields in UTC.
func ParseWhen(text string) (When, error) {
	bad := func(format string, args ...any) (When, error) {
		return When{}, gyre.FieldErrorf(gyre.Invalid, "when", format, args...)
	}
	fields := strings.Fields(text)
	if len(fields) == 1 {
		span, err := time.ParseDuration(fields[0])
		switch {
		case err != nil:
			return bad("%q is neither a span such as 30m or 6h, nor five cron fields (minute hour day month weekday)", text)
		case span < minSpan || span > maxSpan:
			return bad("%q: a span is at least %v and at most %d hours", text, minSpan, maxSpan/time.Hour)
		}
		return When{span: span}, nil
	}
	if len(fields) != len(cronFields) {
		return bad("%q has %d fields; cron has five: minute hour day month weekday", text, len(fields))
	}
	var all cron.ParseOption
	for i, f := range cronFields {
		all |= f.parse
		if strings.Contains(fields[i], "=") {
			return bad("%s %q: times are in UTC, a time zone cannot be given", f.name, fields[i])
		}
		if _, err := cron.NewParser(f.parse).Parse(fields[i]); err != nil {
			return bad("%s %q: %v", f.name, fields[i], err)
		}
	}
	c, err := cron.NewParser(all).Parse(strings.Join(fields, " "))
	if err != nil {
		return bad("%q: %v", text, err)
	}
	// The 30th of February parses.
	if c.Next(time.Now().UTC()).IsZero() {
		return bad("%q never comes: there is no such day", text)
	}
	return When{cron: c}, nil
}

// Next is the first time after now. A span counts on from the time it was due
// last, if it was, so that it does not drift; what was missed meanwhile is skipped.
func (w When) Next(due, now time.Time) time.Time {
	now = now.UTC()
	if w.cron != nil {
		return w.cron.Next(now)
	}
	if due.IsZero() || due.After(now) {
		return now.Add(w.span)
	}
	return due.Add((now.Sub(due)/w.span + 1) * w.span)
}
