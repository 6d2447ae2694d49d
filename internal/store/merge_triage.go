// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"slices"
	"time"

	"github.com/gyre-ctem/gyre"
)

// standing is what a merge settles of an exposure: the rest of it moves.
type standing struct {
	State        gyre.State      `json:"state"`
	Since        time.Time       `json:"since"`
	Fixed        time.Time       `json:"fixed"`
	Severity     gyre.Severity   `json:"severity"`
	Credentialed bool            `json:"credentialed"`
	Remedy       gyre.Remedy     `json:"remedy"`
	First        time.Time       `json:"first"`
	Last         time.Time       `json:"last"`
	Action       gyre.ID         `json:"action"`
	Exception    *gyre.Exception `json:"exception,omitempty"`
}

// settle is how the one exposure stands that two turned out to be. It is the
// same whichever of the two stays; docs/identity.md holds the table.
func settle(a, b standing) standing {
	if settlesFirst(b, a) {
		a, b = b, a
	}
	out := a
	out.Severity = max(a.Severity, b.Severity)
	out.Credentialed = a.Credentialed && b.Credentialed
	if b.Remedy.Exactness() > a.Remedy.Exactness() {
		out.Remedy = b.Remedy
	}
	if b.First.Before(a.First) {
		out.First = b.First
	}
	if b.Last.After(a.Last) {
		out.Last = b.Last
	}
	if out.Action == 0 {
		out.Action = b.Action
	}
	if a.State == b.State && b.Since.Before(a.Since) && a.State == gyre.StateOpen {
		out.Since = b.Since
	}
	return out
}

// settlesFirst says whether a's state, with its date and its exception, is the
// one to keep.
func settlesFirst(a, b standing) bool {
	if (a.State == gyre.StateFixed) != (b.State == gyre.StateFixed) {
		if a.State == gyre.StateFixed {
			return !standsAfter(b, a)
		}
		return standsAfter(a, b)
	}
	if a.State == gyre.StateFixed {
		return a.Fixed.After(b.Fixed)
	}
	if decided(a) != decided(b) {
		return decided(a)
	}
	if !a.Since.Equal(b.Since) && decided(a) {
		return a.Since.After(b.Since)
	}
	return slices.Index(gyre.States, a.State) > slices.Index(gyre.States, b.State)
}

// standsAfter says whether one that stands is not made moot by the closing of
// the other: nothing closes what a person called false, what was seen after it, or what was
// seen with credentials when the other was not.
func standsAfter(s, fixed standing) bool {
	return s.State == gyre.StateFalsePositive || s.Last.After(fixed.Fixed) || (s.Credentialed && !fixed.Credentialed)
}

// decided says whether a person has said something of an exposure.
func decided(s standing) bool { return s.State != gyre.StateOpen && s.State != gyre.StateFixed }
