// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"cmp"
	"slices"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Claim is one word of one source: these identifiers are of one asset.
type Claim struct {
	ID          gyre.ID
	Family      string // kinds of assets that can be one and the same thing
	Identifiers []gyre.Identifier
	First, Last time.Time
}

// Rule is what a person has ruled: the claims of both sides are of one asset,
// or those of one side are not of that of the other.
type Rule struct {
	Same  bool
	Sides [2][]gyre.ID // of claims
}

// Binding is how long a name or an address ties claims that do not overlap in
// time. Beyond it another machine may have it by now.
type Binding struct{ Name, Address time.Duration }

// Defaults bind addresses for a month, as leases and pools go, and names for
// half a year: people give them, and take them back seldom.
var Defaults = Binding{Name: 180 * 24 * time.Hour, Address: 30 * 24 * time.Hour}

// Two sightings of an address within this are of the same time: one machine can
// have two names at once; two names of an address one after the other are two machines.
const sameTime = 24 * time.Hour

// Result is who is who.
type Result struct {
	// Of is the number of the asset of each claim, from 0 to N-1.
	Of []int
	N  int
	// Since is from when on a claim is of that asset; zero is always. Before it
	// the claim's address was another's: Before says whose.
	Since  map[int]time.Time
	Before map[int][]Tenancy
	// Contested claims may turn out to be of another asset when they are seen
	// again, though nothing else is learned.
	Contested []bool
	// Doubts are claims that could be of several assets and are of none of them.
	Doubts []Doubt
}

// Tenancy says whose an address was from a time on.
type Tenancy struct {
	Asset int
	From  time.Time
}

// Doubt is a claim that could be of several assets.
type Doubt struct {
	Claim      int
	By         gyre.Identifier // that it shares with them
	Candidates []Candidate     // the likeliest first
}

// Candidate is an asset that a claim could be of.
type Candidate struct {
	Asset  int
	Shared int       // identifiers that they share
	Last   time.Time // when the identifier was last seen on it
}

// Holder is the asset that a claim is of at a time.
func (r *Result) Holder(claim int, at time.Time) int {
	if at.Before(r.Since[claim]) {
		for _, t := range slices.Backward(r.Before[claim]) {
			if !at.Before(t.From) {
				return t.Asset
			}
		}
		if all := r.Before[claim]; len(all) > 0 {
			return all[0].Asset
		}
	}
	return r.Of[claim]
}

// types are the identifier types, the strongest first; those from the first name
// on are weak: they expire.
var types = []gyre.IdentifierType{
	gyre.IDCloud, gyre.IDMachine, gyre.IDDirectory, gyre.IDDigest, gyre.IDSerial, gyre.IDURI, gyre.IDMAC, gyre.IDFQDN, gyre.IDHostname, gyre.IDIP,
}

var bitOf = func() map[gyre.IdentifierType]uint16 {
	m := map[gyre.IdentifierType]uint16{}
	for i, t := range types {
		m[t] = 1 << i
	}
	return m
}()

var nameBits = bitOf[gyre.IDFQDN] | bitOf[gyre.IDHostname]

// Weak says whether a type of identifier passes from asset to asset in the
// course of time.
func Weak(t gyre.IdentifierType) bool { return t.Strength() < gyre.IDMAC.Strength() }

// stronger are the types that are stronger than one.
func stronger(t gyre.IdentifierType) (bits uint16) {
	for _, u := range types {
		if u.Strength() > t.Strength() {
			bits |= bitOf[u]
		}
	}
	return bits
}

// Resolve says which claims are of one asset.
func Resolve(claims []Claim, rules []Rule, b Binding) *Result {
	s := newSolver(claims, b)
	s.rule(rules)
	at := 0
	for _, t := range types {
		for at < len(s.keys) && s.keys[at].Type == t {
			if Weak(t) {
				s.weak(s.keys[at])
			} else {
				s.strong(s.keys[at])
			}
			at++
		}
	}
	s.leftovers()
	return s.result()
}

// key is an identifier among the assets of one family.
type key struct {
	family string
	gyre.Identifier
}

type solver struct {
	claims []Claim
	bind   Binding
	holds  map[key][]int // claims by identifier
	keys   []key         // the strongest first

	parent []int
	mask   []uint16        // of roots: the types that their claims have
	sides  []map[int]uint8 // of roots: which sides of which rules
	apart  int             // rules that keep apart
	// What both sides of a rule have tells nothing, until all else is told.
	shared map[key]bool

	contested []bool
	past      map[int][]tenure // of claims whose address had several holders
	doubts    map[int]doubt
}

type tenure struct {
	from time.Time
	of   int // a claim of the holder
}

type doubt struct {
	by  key
	may []int // a claim of each holder
}

func newSolver(claims []Claim, b Binding) *solver {
	n := len(claims)
	s := &solver{
		claims: claims, bind: b, holds: map[key][]int{}, shared: map[key]bool{}, parent: make([]int, n),
		mask: make([]uint16, n), sides: make([]map[int]uint8, n), contested: make([]bool, n), past: map[int][]tenure{}, doubts: map[int]doubt{},
	}
	for i := range claims {
		s.parent[i] = i
		for _, id := range claims[i].Identifiers {
			k := key{claims[i].Family, id}
			s.mask[i] |= bitOf[id.Type]
			if s.holds[k] == nil {
				s.keys = append(s.keys, k)
			}
			s.holds[k] = append(s.holds[k], i)
		}
	}
	order := map[gyre.IdentifierType]int{}
	for i, t := range types {
		order[t] = i
	}
	slices.SortFunc(s.keys, func(a, b key) int {
		return cmp.Or(order[a.Type]-order[b.Type], cmp.Compare(a.family, b.family), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Zone, b.Zone))
	})
	return s
}

func (s *solver) root(i int) int {
	for s.parent[i] != i {
		s.parent[i] = s.parent[s.parent[i]]
		i = s.parent[i]
	}
	return i
}

func (s *solver) union(a, b int) {
	a, b = s.root(a), s.root(b)
	if a == b {
		return
	}
	if len(s.sides[a]) < len(s.sides[b]) {
		a, b = b, a
	}
	s.parent[b] = a
	s.mask[a] |= s.mask[b]
	for r, side := range s.sides[b] {
		s.sides[a][r] |= side
	}
}

// rule applies what persons have ruled: what is one is one from the start; what
// is apart is marked.
func (s *solver) rule(rules []Rule) {
	at := make(map[gyre.ID]int, len(s.claims))
	for i := range s.claims {
		at[s.claims[i].ID] = i
	}
	for _, r := range rules {
		first := -1
		for side, ids := range r.Sides {
			for _, id := range ids {
				i, ok := at[id]
				switch {
				case !ok:
				case !r.Same:
					if s.sides[i] == nil {
						s.sides[i] = map[int]uint8{}
					}
					s.sides[i][s.apart] |= 1 << side
				case first < 0:
					first = i
				default:
					s.union(first, i)
				}
			}
		}
		if !r.Same {
			s.apart++
		}
	}
	if s.apart == 0 {
		return
	}
	for key, holders := range s.holds {
		if s.opposed(holders) {
			s.shared[key] = true
		}
	}
	// A claim of neither side must not be bound, or barred, by what both have.
	size := make([]int, len(s.claims))
	for i := range s.claims {
		size[s.root(i)]++
	}
	for i := range s.claims {
		if size[i] == 1 && len(s.sides[i]) == 0 {
			mask := uint16(0)
			for _, id := range s.claims[i].Identifiers {
				if !s.shared[key{s.claims[i].Family, id}] {
					mask |= bitOf[id.Type]
				}
			}
			s.mask[i] = mask
		}
	}
}

// opposed says whether a rule keeps some of the claims from others.
func (s *solver) opposed(claims []int) bool {
	if s.apart == 0 {
		return false
	}
	seen := map[int]uint8{}
	for _, i := range claims {
		for r, side := range s.sides[s.root(i)] {
			if seen[r] |= side; seen[r] == 3 {
				return true
			}
		}
	}
	return false
}

// roots are the different roots of claims, in the order of the claims.
func (s *solver) roots(claims []int) []int {
	var out []int
	seen := make(map[int]bool, len(claims))
	for _, i := range claims {
		if r := s.root(i); !seen[r] {
			seen[r] = true
			out = append(out, r)
		}
	}
	return out
}

// conflict says whether two of the roots cannot be one: both have a type of
// identifier that would have made them one by now if they were.
func (s *solver) conflict(roots []int, above uint16) bool {
	seen := uint16(0)
	for _, r := range roots {
		m := s.mask[r] & above
		if seen&m != 0 {
			return true
		}
		seen |= m
	}
	return s.opposed(roots)
}

// strong makes one what shares an identifier that does not pass on.
func (s *solver) strong(key key) {
	roots := s.roots(s.holds[key])
	if len(roots) < 2 {
		return
	}
	above := stronger(key.Type)
	if s.shared[key] {
		s.strongSides(roots, above)
		return
	}
	if !s.conflict(roots, above) {
		s.unite(roots)
		return
	}
	// Those that know nothing stronger are one, but whose is not to be said.
	var bare, others []int
	for _, r := range roots {
		if s.mask[r]&above == 0 && len(s.sides[r]) == 0 {
			bare = append(bare, r)
		} else {
			others = append(others, r)
		}
	}
	s.unite(bare)
	s.doubt(key, bare, others)
}

// strongSides makes one those of each side of the rules that keep holders apart.
func (s *solver) strongSides(roots []int, above uint16) {
	var groups [][]int
	for _, r := range roots {
		if len(s.sides[r]) == 0 {
			continue // weaker identifiers say whose it is
		}
		placed := false
		for i := range groups {
			if !s.conflict(append(groups[i][:len(groups[i]):len(groups[i])], r), above) && s.sameSides(groups[i][0], r) {
				groups[i], placed = append(groups[i], r), true
				break
			}
		}
		if !placed {
			groups = append(groups, []int{r})
		}
	}
	for _, g := range groups {
		s.unite(g)
	}
}

func (s *solver) sameSides(a, b int) bool {
	if len(s.sides[a]) != len(s.sides[b]) {
		return false
	}
	for r, side := range s.sides[a] {
		if s.sides[b][r] != side {
			return false
		}
	}
	return true
}

func (s *solver) unite(roots []int) {
	for _, r := range roots[min(1, len(roots)):] {
		s.union(roots[0], r)
	}
}

// doubt notes that claims could be of several others. The first doubt of a
// claim, by its strongest identifier, counts.
func (s *solver) doubt(by key, claims, may []int) {
	for _, i := range claims {
		if _, have := s.doubts[i]; !have && len(may) > 1 {
			s.doubts[i] = doubt{by, may}
		}
	}
}
