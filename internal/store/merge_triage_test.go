// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
)

func hour(n int) time.Time { return time.Date(2026, 3, 1, n, 0, 0, 0, time.UTC) }

// TestSettle is the table of docs/identity.md.
func TestSettle(t *testing.T) {
	open := func(last int) standing { return standing{State: gyre.StateOpen, Since: hour(1), Last: hour(last)} }
	fixed := func(at int) standing {
		return standing{State: gyre.StateFixed, Since: hour(at), Fixed: hour(at), Last: hour(1)}
	}
	said := func(s gyre.State, since, last int) standing {
		return standing{State: s, Since: hour(since), Last: hour(last), Exception: &gyre.Exception{ID: gyre.ID(since)}}
	}
	credentialed := open(2)
	credentialed.Credentialed = true
	for _, c := range []struct {
		name      string
		a, b      standing
		want      gyre.State
		exception gyre.ID
	}{
		{"both open", open(2), open(3), gyre.StateOpen, 0},
		{"a decision beats none", open(5), said(gyre.StateAccepted, 3, 4), gyre.StateAccepted, 3},
		{"triaged beats open", open(5), said(gyre.StateTriaged, 3, 4), gyre.StateTriaged, 3},
		{"the newer of two decisions", said(gyre.StateAccepted, 3, 4), said(gyre.StateTriaged, 5, 4), gyre.StateTriaged, 5},
		{"the newer of two decisions, the other way", said(gyre.StateAccepted, 6, 4), said(gyre.StateFixClaimed, 5, 4), gyre.StateAccepted, 6},
		{"the newer of two exceptions", said(gyre.StateAccepted, 3, 4), said(gyre.StateAccepted, 5, 4), gyre.StateAccepted, 5},
		{"seen after the other was closed", open(5), fixed(4), gyre.StateOpen, 0},
		{"closed after the other was seen", open(3), fixed(4), gyre.StateFixed, 0},
		{"seen with credentials, closed without", credentialed, fixed(4), gyre.StateOpen, 0},
		{"accepted and closed later", said(gyre.StateAccepted, 2, 3), fixed(4), gyre.StateFixed, 0},
		{"accepted and seen after the other was closed", said(gyre.StateAccepted, 2, 5), fixed(4), gyre.StateAccepted, 2},
		{"nothing closes what was called false", said(gyre.StateFalsePositive, 2, 3), fixed(4), gyre.StateFalsePositive, 2},
		{"both closed", fixed(3), fixed(4), gyre.StateFixed, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, got := range []standing{settle(c.a, c.b), settle(c.b, c.a)} {
				if got.State != c.want || exceptionID(got) != c.exception {
					t.Fatalf("%s with exception %d, want %s with %d", got.State, exceptionID(got), c.want, c.exception)
				}
			}
		})
	}
	both := settle(fixed(3), fixed(4))
	if !both.Fixed.Equal(hour(4)) {
		t.Errorf("fixed at %v", both.Fixed)
	}
	x, y := open(2), open(9)
	x.First, y.First = hour(1), hour(0)
	x.Severity, y.Severity = gyre.SeverityHigh, gyre.SeverityLow
	x.Remedy, y.Remedy = gyre.Remedy{Kind: gyre.RemedyText, Text: "do"}, gyre.Remedy{Kind: gyre.RemedyUpgrade, Fixed: "2"}
	x.Credentialed, y.Action = true, 7
	got := settle(x, y)
	want := standing{
		State: gyre.StateOpen, Since: hour(1), First: hour(0), Last: hour(9), Severity: gyre.SeverityHigh, Remedy: y.Remedy, Action: 7,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestSettleProperties: it does not matter which of the two stays, and nobody's
// decision gives way to silence.
func TestSettleProperties(t *testing.T) {
	draw := func(rt *rapid.T, name string) standing {
		s := standing{
			State: rapid.SampledFrom(gyre.States).Draw(rt, name), Since: hour(rapid.IntRange(1, 5).Draw(rt, "since")), Last: hour(rapid.IntRange(1, 5).Draw(rt, "last")),
			Severity: gyre.Severity(rapid.IntRange(0, 4).Draw(rt, "severity")), Credentialed: rapid.Bool().Draw(rt, "credentialed"),
		}
		if s.State == gyre.StateFixed {
			s.Fixed = s.Since
		}
		return s
	}
	rapid.Check(t, func(rt *rapid.T) {
		a, b := draw(rt, "a"), draw(rt, "b")
		x, y := settle(a, b), settle(b, a)
		if x.State != y.State || x.Severity != y.Severity || x.Credentialed != y.Credentialed || !x.Last.Equal(y.Last) || !x.Fixed.Equal(y.Fixed) {
			rt.Fatalf("%+v one way, %+v the other", x, y)
		}
		if x.State == gyre.StateOpen && (decided(a) || decided(b)) {
			rt.Fatalf("a decision was lost: %+v and %+v", a, b)
		}
		if x.State == gyre.StateFixed && a.State != gyre.StateFixed && b.State != gyre.StateFixed {
			rt.Fatal("closed without evidence")
		}
	})
}
