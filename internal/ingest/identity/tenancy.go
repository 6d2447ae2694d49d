// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"cmp"
	"slices"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Names and addresses pass from asset to asset. Who holds one is settled along
// the line of time: holders that follow each other more closely than the binding are a
// run; within a run, holders of the same time are a tenancy.

// hold is one claim's time with an identifier.
type hold struct {
	first, last time.Time
	claim       int
}

// weak makes one what shares an identifier that passes on, at the same time.
func (s *solver) weak(key key) {
	claims := s.holds[key]
	if len(claims) < 2 {
		return
	}
	bind := s.bind.Name
	if key.Type == gyre.IDIP {
		bind = s.bind.Address
	}
	above := stronger(key.Type)
	line := make([]hold, len(claims))
	for i, c := range claims {
		line[i] = hold{s.claims[c].First, s.claims[c].Last, c}
	}
	slices.SortFunc(line, func(a, b hold) int { return cmp.Or(a.first.Compare(b.first), a.last.Compare(b.last)) })
	runs := split(line, bind)
	settled := len(runs) == 1
	var before []int // the last run's, when nobody in it knows anything stronger
	for _, run := range runs {
		bare, known := s.part(run, above)
		switch {
		case len(known) == 0:
			// An address that is all that anybody knows stands for itself, however
			// seldom it is looked at.
			s.unite(append(before, bare...))
			before = s.roots(bare)
		case !s.conflict(s.roots(ofHolds(known)), above):
			s.unite(s.roots(ofHolds(run)))
			before = nil
		default:
			s.tenancies(key, bare, known, above)
			settled, before = false, nil
		}
	}
	if !settled {
		for _, c := range claims {
			if s.onlyWeak(c) {
				s.contested[c] = true
			}
		}
	}
}

// split cuts a line where nobody holds for longer than a gap.
func split(line []hold, gap time.Duration) [][]hold {
	var out [][]hold
	var until time.Time
	for i, h := range line {
		if i == 0 || h.first.Sub(until) > gap {
			out = append(out, nil)
		}
		if h.last.After(until) || i == 0 {
			until = h.last
		}
		out[len(out)-1] = append(out[len(out)-1], h)
	}
	return out
}

// part tells the roots that know nothing stronger from the holds of those that do.
func (s *solver) part(run []hold, above uint16) (bare []int, known []hold) {
	seen := map[int]bool{}
	for _, h := range run {
		r := s.root(h.claim)
		if s.mask[r]&above != 0 || len(s.sides[r]) > 0 {
			known = append(known, h)
		} else if !seen[r] {
			seen[r] = true
			bare = append(bare, r)
		}
	}
	return bare, known
}

func ofHolds(all []hold) []int {
	out := make([]int, len(all))
	for i, h := range all {
		out[i] = h.claim
	}
	return out
}

func (s *solver) onlyWeak(claim int) bool {
	for _, id := range s.claims[claim].Identifiers {
		if !Weak(id.Type) {
			return false
		}
	}
	return true
}

// tenancy is a time in which an identifier was held.
type tenancy struct {
	from, to time.Time
	holds    []hold
	torn     bool // between holders that cannot be one
}

// tenancies settles a run in which some holders cannot be one: who held it one
// after the other stays apart, and those who know nothing else are whose it was last.
func (s *solver) tenancies(key key, bare []int, known []hold, above uint16) {
	var all []tenancy
	for _, part := range split(known, sameTime) {
		t := tenancy{from: part[0].first, to: part[0].last, holds: part}
		for _, h := range part {
			if h.last.After(t.to) {
				t.to = h.last
			}
		}
		roots := s.roots(ofHolds(part))
		if !s.conflict(roots, above) || !s.conflict(roots, above&^nameBits) {
			s.unite(roots) // one machine may have two names at the same time
		} else {
			t.torn = true
		}
		all = append(all, t)
	}
	var lost []int
	for _, r := range bare {
		if !s.settleBare(key, r, all) {
			lost = append(lost, r)
		}
	}
	if len(lost) > 0 {
		s.unite(lost)
		s.doubt(key, lost, s.roots(ofHolds(known)))
	}
}

// settleBare gives a root that knows nothing stronger to the holder of its last
// time. It says false where several hold it then.
func (s *solver) settleBare(key key, r int, all []tenancy) bool {
	var first, last time.Time
	var mine []int
	for _, c := range s.holds[key] {
		if s.root(c) != r {
			continue
		}
		mine = append(mine, c)
		if first.IsZero() || s.claims[c].First.Before(first) {
			first = s.claims[c].First
		}
		if s.claims[c].Last.After(last) {
			last = s.claims[c].Last
		}
	}
	at := 0
	for i := range all {
		if !all[i].from.After(last.Add(sameTime)) {
			at = i
		}
	}
	holder := all[at].holds[0].claim
	if all[at].torn {
		var then []int
		for _, h := range all[at].holds {
			if !h.first.After(last) && !last.After(h.last) {
				then = append(then, h.claim)
			}
		}
		roots := s.roots(then)
		if len(roots) != 1 {
			return false
		}
		holder = roots[0]
	}
	var past []tenure
	for i := range all[:at] {
		if !all[i].torn && !all[i].to.Before(first) {
			past = append(past, tenure{all[i].from, all[i].holds[0].claim})
		}
	}
	s.union(holder, r)
	if len(past) > 0 {
		past = append(past, tenure{all[at].from, holder})
		for _, c := range mine {
			if s.claims[c].First.Before(all[at].from) {
				s.past[c] = past
			}
		}
	}
	return true
}
