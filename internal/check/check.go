// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package check judges facts. A check is data: a YAML entry of a pack with a CEL
// condition, and with what people need to act on it. The packs that ship are in
// packs/checks; docs/expressions.md describes the language.
//
// The identify, remediate and validate stages use it through interfaces of their
// own; app wires it. It is pure: facts and the time are passed in. Invariants:
//   - a check that lacks a fact it needs says nothing, neither finding nor absence:
//     its id is not among the judged ones, so nothing is closed by it;
//   - one fact or check that goes wrong is a gyre.Problem and stops no other;
//   - a Set is immutable and safe for concurrent use.
package check

import (
	"maps"
	"slices"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
)

// Effort is roughly how much work the fix of one place is.
type Effort string

// The efforts.
const (
	EffortLow    Effort = "low"    // minutes: a setting
	EffortMedium Effort = "medium" // hours: needs a test or a second person
	EffortHigh   Effort = "high"   // days: changes how something works
)

// Check is one thing that can be wrong, and how to know.
type Check struct {
	ID         string
	Aspect     gyre.Aspect
	Class      gyre.Class
	Title      string
	CWEs       []string
	Motive     string // why it matters
	Effort     Effort
	Text       string // remediation in general
	References []string
	File       string // pack file that defines it

	severity  *expr.SeverityRule
	when      *expr.Predicate // nil: always
	condition *expr.Predicate
	summary   template
	show      []string
	steps     []step
}

// Severity is the highest severity that the check gives.
func (c *Check) Severity() gyre.Severity { return c.severity.Max() }

// Weakness is the check as a weakness of the world.
func (c *Check) Weakness() gyre.Weakness {
	return gyre.Weakness{
		Key: c.ID, Class: c.Class, Title: c.Title, Description: c.Motive, Severity: c.Severity(),
		CWEs: c.CWEs, Remediation: c.Text, References: c.References,
	}
}

// Set is the checks of one or more packs.
type Set struct {
	byID     map[string]*Check
	byAspect map[gyre.Aspect][]*Check // in the order of their ids
	notes    []string
}

// ByID finds a check.
func (s *Set) ByID(id string) (*Check, bool) {
	c, ok := s.byID[id]
	return c, ok
}

// ByAspect lists the checks of an aspect in the order of their ids. It must not be changed.
func (s *Set) ByAspect(a gyre.Aspect) []*Check { return s.byAspect[a] }

// IDs lists the ids of the checks of an aspect, or of all with "".
func (s *Set) IDs(a gyre.Aspect) []string {
	if a == "" {
		return slices.Sorted(maps.Keys(s.byID))
	}
	ids := make([]string, len(s.byAspect[a])) // these are sorted
	for i, c := range s.byAspect[a] {
		ids[i] = c.ID
	}
	return ids
}

// Notes says what people should know of the packs, such as which checks a
// later pack has replaced.
func (s *Set) Notes() []string { return s.notes }
