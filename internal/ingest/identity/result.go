// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"cmp"
	"slices"
	"time"

	"github.com/gyre-ctem/gyre"
)

// leftovers gives claims that hold only what both sides of a rule have to the
// side with which they share most, if one does.
func (s *solver) leftovers() {
	if len(s.shared) == 0 {
		return
	}
	for _, key := range s.keys {
		if !s.shared[key] {
			continue
		}
		var may, lost []int
		for _, r := range s.roots(s.holds[key]) {
			if len(s.sides[r]) > 0 {
				may = append(may, r)
			} else {
				lost = append(lost, r)
			}
		}
		var into [][2]int // decided before anything moves: the order must not matter
		for _, r := range lost {
			ranked := s.rank(s.members(key, r), key, may)
			if len(ranked) > 1 && ranked[0].shared == ranked[1].shared && ranked[0].times == ranked[1].times {
				s.doubt(key, []int{r}, may)
				continue
			}
			into = append(into, [2]int{ranked[0].root, r})
		}
		for _, p := range into {
			s.union(p[0], p[1])
		}
	}
}

// members are the claims of a root that hold an identifier.
func (s *solver) members(key key, root int) []int {
	var out []int
	for _, c := range s.holds[key] {
		if s.root(c) == root {
			out = append(out, c)
		}
	}
	return out
}

type rank struct {
	root, shared, times int
	last                time.Time
}

// rank orders the assets that claims may be of: those that share most
// identifiers first, then those of which the identifier was said most, then last.
func (s *solver) rank(claims []int, by key, may []int) []rank {
	shared := map[int]int{}
	told := map[key]bool{}
	for _, c := range claims {
		for _, id := range s.claims[c].Identifiers {
			k := key{s.claims[c].Family, id}
			if told[k] {
				continue
			}
			told[k] = true
			for _, r := range s.roots(s.holds[k]) {
				shared[r]++
			}
		}
	}
	var out []rank
	for _, m := range s.roots(may) {
		k := rank{root: m, shared: shared[m]}
		for _, c := range s.holds[by] {
			if s.root(c) == m {
				k.times++
				if s.claims[c].Last.After(k.last) {
					k.last = s.claims[c].Last
				}
			}
		}
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b rank) int {
		return cmp.Or(b.shared-a.shared, b.times-a.times, b.last.Compare(a.last), cmp.Compare(s.least(a.root), s.least(b.root)))
	})
	return out
}

// least is an identifier that names a root whatever the order of claims.
func (s *solver) least(root int) string {
	out := ""
	for _, id := range s.claims[root].Identifiers {
		if v := string(id.Type) + id.Value; out == "" || v < out {
			out = v
		}
	}
	return out
}

func (s *solver) result() *Result {
	r := &Result{Of: make([]int, len(s.claims)), Contested: s.contested, Since: map[int]time.Time{}, Before: map[int][]Tenancy{}}
	number := map[int]int{}
	for i := range s.claims {
		root := s.root(i)
		n, ok := number[root]
		if !ok {
			n = r.N
			number[root] = n
			r.N++
		}
		r.Of[i] = n
	}
	for i, past := range s.past {
		for _, t := range past[:len(past)-1] {
			r.Before[i] = append(r.Before[i], Tenancy{r.Of[t.of], t.from})
		}
		r.Since[i] = past[len(past)-1].from
	}
	s.tellDoubts(r)
	return r
}

// tellDoubts lists one doubt for each asset that could be another: by the
// strongest identifier, at the claim that says least else.
func (s *solver) tellDoubts(r *Result) {
	first := map[int]int{} // asset → its claim with the doubt
	for i, d := range s.doubts {
		j, have := first[r.Of[i]]
		if !have || compareIdentifiers(d.by.Identifier, s.doubts[j].by.Identifier) < 0 {
			first[r.Of[i]] = i
		}
	}
	for asset, i := range first {
		by := s.doubts[i].by
		doubt := Doubt{Claim: -1, By: by.Identifier}
		for _, c := range s.holds[by] {
			if r.Of[c] == asset && (doubt.Claim < 0 || s.compareClaims(c, doubt.Claim) < 0) {
				doubt.Claim = c
			}
		}
		resolved := false
		for _, k := range s.rank([]int{doubt.Claim}, by, s.doubts[i].may) {
			resolved = resolved || r.Of[k.root] == asset // by a weaker identifier
			doubt.Candidates = append(doubt.Candidates, Candidate{r.Of[k.root], k.shared, k.last})
		}
		if len(doubt.Candidates) > 1 && !resolved {
			r.Doubts = append(r.Doubts, doubt)
		}
	}
	slices.SortFunc(r.Doubts, func(a, b Doubt) int { return a.Claim - b.Claim })
}

// compareClaims orders claims by what they say, wherever they stand.
func (s *solver) compareClaims(a, b int) int {
	x, y := &s.claims[a], &s.claims[b]
	return cmp.Or(
		len(x.Identifiers)-len(y.Identifiers),
		slices.CompareFunc(x.Identifiers, y.Identifiers, compareIdentifiers),
		x.First.Compare(y.First), x.Last.Compare(y.Last), cmp.Compare(x.ID, y.ID),
	)
}

func compareIdentifiers(a, b gyre.Identifier) int {
	return cmp.Or(b.Type.Strength()-a.Type.Strength(), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Zone, b.Zone))
}
