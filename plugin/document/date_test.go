// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre/plugin/document"
)

func TestDate(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"2026-03-02T10:00:00Z", "2026-03-02T10:00:00Z"},
		{" 2026-03-02T10:00:00+02:00 ", "2026-03-02T08:00:00Z"},
		{"2021-03-12T12:34:30.12031+00:00", "2021-03-12T12:34:30.12031Z"},
		{"2026-03-02T10:00:00", "2026-03-02T10:00:00Z"},
		{"2026-03-02 10:00:00", "2026-03-02T10:00:00Z"},
		{"2026-03-02", "2026-03-02T00:00:00Z"},
		{"1648042311", "2022-03-23T13:31:51Z"},
		{"1648042311.25", "2022-03-23T13:31:51Z"},
		{"Wed Mar  2 14:31:51 2022", "2022-03-02T14:31:51Z"},
		{"0", ""},
		{"", ""},
		{"1970-01-01T00:00:00Z", ""},
		{"9999-12-31T23:59:59Z", ""},
		{"99999999999", ""},
		{"yesterday", ""},
		{strings.Repeat("1", 100), ""},
	} {
		got := ""
		if d := document.Date(c.text, time.ANSIC); !d.IsZero() {
			got = d.Format(time.RFC3339Nano)
		}
		if got != c.want {
			t.Errorf("%q is read as %q, want %q", c.text, got, c.want)
		}
	}
}

func TestEarliest(t *testing.T) {
	early, late := document.Date("2026-01-01"), document.Date("2026-01-02")
	for _, c := range [][3]time.Time{{early, late, early}, {late, early, early}, {{}, late, late}, {late, {}, late}, {{}, {}, {}}} {
		if got := document.Earliest(c[0], c[1]); !got.Equal(c[2]) {
			t.Errorf("of %v and %v: %v", c[0], c[1], got)
		}
	}
}
