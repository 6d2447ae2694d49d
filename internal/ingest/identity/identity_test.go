// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
)

func day(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n) }

var short = map[string]gyre.IdentifierType{
	"c": gyre.IDCloud, "m": gyre.IDMachine, "s": gyre.IDSerial, "x": gyre.IDMAC, "f": gyre.IDFQDN, "h": gyre.IDHostname, "i": gyre.IDIP,
}

// claim reads "m1 i1 @3-5": identifiers, and the days on which they were seen.
func claim(n int, text string) Claim {
	c := Claim{ID: gyre.ID(n + 1)}
	for _, w := range strings.Fields(text) {
		if days, ok := strings.CutPrefix(w, "@"); ok {
			var a, b int
			if k, _ := fmt.Sscanf(days, "%d-%d", &a, &b); k == 1 {
				b = a
			}
			c.First, c.Last = day(a), day(b)
			continue
		}
		value, zone, _ := strings.Cut(w[1:], "/")
		c.Identifiers = append(c.Identifiers, gyre.Identifier{Type: short[w[:1]], Value: value, Zone: gyre.Zone(zone)})
	}
	return c
}

func claims(texts []string) []Claim {
	var out []Claim
	for i, t := range texts {
		out = append(out, claim(i, t))
	}
	return out
}

// groups are the claims of each asset, by number.
func groups(r *Result) [][]int {
	out := make([][]int, r.N)
	for i, n := range r.Of {
		out[n] = append(out[n], i)
	}
	return out
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		name   string
		claims []string
		rules  []Rule
		want   string
		doubts string // claim:candidates
	}{
		{"nothing shared", []string{"m1 @1", "m2 @1"}, nil, "[[0] [1]]", ""},
		{"the strongest is shared", []string{"m1 i1 @1", "m1 i2 @99"}, nil, "[[0 1]]", ""},
		{"a chain", []string{"c1 @1", "m1 @1", "c1 m1 @1"}, nil, "[[0 1 2]]", ""},
		{"a stronger conflict vetoes", []string{"m1 s1 @1", "m2 s1 @1"}, nil, "[[0] [1]]", ""},
		{"what holds nothing else is of neither", []string{"m1 s1 @1", "m2 s1 @1", "s1 @1", "s1 i9 @1"}, nil, "[[0] [1] [2 3]]", "2:0,1"},
		{"different strengths do not conflict", []string{"c1 x1 @1", "m1 x1 @1"}, nil, "[[0 1]]", ""},
		{"an address binds for a month", []string{"m1 i1 @1", "i1 @20"}, nil, "[[0 1]]", ""},
		{"and no longer", []string{"m1 i1 @1", "i1 @60"}, nil, "[[0] [1]]", ""},
		{"an address that is all there is stands for itself", []string{"i1 @1", "i1 @200"}, nil, "[[0 1]]", ""},
		{"but not across a holder", []string{"i1 @1", "m1 i1 @90", "i1 @200"}, nil, "[[0] [1] [2]]", ""},
		{"a name binds longer", []string{"m1 h1 @1", "h1 @90"}, nil, "[[0 1]]", ""},
		{"zones", []string{"i1/a @1", "i1/b @1"}, nil, "[[0] [1]]", ""},
		{"DHCP: it was one's, then another's", []string{"m1 i1 @1-5", "m2 i1 @10-15", "i1 @4", "i1 @12"}, nil, "[[0 2] [1 3]]", ""},
		{"it goes to whose it was last", []string{"m1 i1 @1-5", "m2 i1 @10-15", "i1 @2-14"}, nil, "[[0] [1 2]]", ""},
		{"between two, it is still the first's", []string{"m1 i1 @1-5", "m2 i1 @10-15", "i1 @8"}, nil, "[[0 2] [1]]", ""},
		{"two at the same time: of neither", []string{"m1 i1 @1-9", "m2 i1 @2-8", "i1 @5"}, nil, "[[0] [1] [2]]", "2:0,1"},
		{"two overlap, but not then", []string{"m1 i1 @1-6", "m2 i1 @5-15", "i1 @12"}, nil, "[[0] [1 2]]", ""},
		{"two names at the same time", []string{"fa i1 @1-9", "fb i1 @5-20"}, nil, "[[0 1]]", ""},
		{"one name after the other", []string{"ha i1 @1", "hb i1 @9"}, nil, "[[0] [1]]", ""},
		{"a person says same", []string{"m1 @1", "m2 @1"}, []Rule{{Same: true, Sides: [2][]gyre.ID{{1}, {2}}}}, "[[0 1]]", ""},
		{"a person says apart", []string{"m1 x1 @1", "m1 x2 @1"}, []Rule{{Sides: [2][]gyre.ID{{1}, {2}}}}, "[[0] [1]]", ""},
		{
			"weaker ones place what cloned ones cannot",
			[]string{"m1 x1 @1", "m1 x2 @1", "m1 x1 i5 @9", "m1 x2 i6 @9"},
			[]Rule{{Sides: [2][]gyre.ID{{1}, {2}}}},
			"[[0 2] [1 3]]", "",
		},
		{"a cloned one alone", []string{"m1 x1 @1", "m1 x2 @1", "m1 @1"}, []Rule{{Sides: [2][]gyre.ID{{1}, {2}}}}, "[[0] [1] [2]]", "2:0,1"},
		{
			"a side keeps its own",
			[]string{"m1 i1 @1", "m1 s2 @1", "m1 i2 @50", "m1 i1 @60"},
			[]Rule{{Sides: [2][]gyre.ID{{1, 3}, {2}}}},
			"[[0 2 3] [1]]", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Resolve(claims(c.claims), c.rules, Defaults)
			if got := fmt.Sprint(groups(r)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			var doubts []string
			for _, d := range r.Doubts {
				var may []string
				for _, k := range d.Candidates {
					may = append(may, fmt.Sprint(k.Asset))
				}
				slices.Sort(may)
				doubts = append(doubts, fmt.Sprintf("%d:%s", d.Claim, strings.Join(may, ",")))
			}
			if got := strings.Join(doubts, " "); got != c.doubts {
				t.Errorf("doubts %q, want %q", got, c.doubts)
			}
		})
	}
}

func TestHolder(t *testing.T) {
	r := Resolve(claims([]string{"m1 i1 @1-5", "m2 i1 @10-15", "i1 @2-14"}), nil, Defaults)
	for d, want := range map[int]int{1: 0, 3: 0, 9: 0, 10: 1, 14: 1} {
		if got := r.Holder(2, day(d)); got != want {
			t.Errorf("on day %d it was of %d, not of %d", d, got, want)
		}
	}
	if !r.Contested[2] || r.Contested[0] {
		t.Errorf("contested %v", r.Contested)
	}
}

func draw(rt *rapid.T) ([]Claim, []Rule) {
	kinds := []string{"c", "m", "s", "x", "f", "h", "i"}
	var texts []string
	for range rapid.IntRange(1, 12).Draw(rt, "claims") {
		var ids []string
		for _, k := range rapid.SliceOfNDistinct(rapid.SampledFrom(kinds), 1, 3, rapid.ID[string]).Draw(rt, "kinds") {
			ids = append(ids, fmt.Sprint(k, rapid.IntRange(1, 3).Draw(rt, "value")))
		}
		first := rapid.IntRange(0, 100).Draw(rt, "first")
		texts = append(texts, fmt.Sprintf("%s @%d-%d", strings.Join(ids, " "), first, first+rapid.IntRange(0, 30).Draw(rt, "days")))
	}
	all := claims(texts)
	var rules []Rule
	for range rapid.IntRange(0, 2).Draw(rt, "rules") {
		pair := rapid.SliceOfNDistinct(rapid.IntRange(1, len(all)), min(2, len(all)), min(2, len(all)), rapid.ID[int]).Draw(rt, "pair")
		if len(pair) == 2 {
			rules = append(rules, Rule{Sides: [2][]gyre.ID{{gyre.ID(pair[0])}, {gyre.ID(pair[1])}}})
		}
	}
	return all, rules
}

// byID are the assets as sets of claims, whatever their numbers.
func byID(all []Claim, r *Result) []string {
	sets := make([][]int, r.N)
	for i, n := range r.Of {
		sets[n] = append(sets[n], int(all[i].ID))
	}
	var out []string
	for _, s := range sets {
		slices.Sort(s)
		out = append(out, fmt.Sprint(s))
	}
	slices.Sort(out)
	return out
}

// TestOrderDoesNotMatter: neither for who is who, nor for what is in doubt.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		all, rules := draw(rt)
		r := Resolve(all, rules, Defaults)
		other := rapid.Permutation(all).Draw(rt, "order")
		q := Resolve(other, rules, Defaults)
		if d := cmp.Diff(byID(all, r), byID(other, q)); d != "" {
			rt.Fatalf("%v\n%s", all, d)
		}
		doubts := func(all []Claim, r *Result) []string {
			var out []string
			for _, d := range r.Doubts {
				out = append(out, fmt.Sprint(all[d.Claim].ID, d.By, len(d.Candidates), d.Candidates[0].Shared, d.Candidates[0].Last))
			}
			slices.Sort(out)
			return out
		}
		if d := cmp.Diff(doubts(all, r), doubts(other, q)); d != "" {
			rt.Fatalf("%v\n%s", all, d)
		}
	})
}

// TestInvariants of the package comment.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		all, rules := draw(rt)
		r := Resolve(all, rules, Defaults)
		at := map[gyre.ID]int{}
		for i := range all {
			at[all[i].ID] = i
		}
		for _, rule := range rules {
			if a, b := rule.Sides[0][0], rule.Sides[1][0]; r.Of[at[a]] == r.Of[at[b]] {
				rt.Fatalf("%v and %v are one against a rule", all[at[a]], all[at[b]])
			}
		}
		if len(rules) > 0 {
			return
		}
		for i := range all {
			for j := range all {
				if shares(all[i], all[j], gyre.IDCloud) && r.Of[i] != r.Of[j] {
					rt.Fatalf("%v and %v are two", all[i], all[j])
				}
			}
		}
		for _, typ := range types {
			if Weak(typ) {
				break
			}
			tied := tie(all, typ)
			for i := range all {
				for j := range all {
					if r.Of[i] == r.Of[j] && has(all[i], typ) && has(all[j], typ) && tied[i] != tied[j] {
						rt.Fatalf("%v and %v are one although their %s differ: %v", all[i], all[j], typ, all)
					}
				}
			}
		}
	})
}

// TestMoreClaims: one more claim never parts those that share the strongest identifier.
func TestMoreClaims(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		all, _ := draw(rt)
		before := Resolve(all[:len(all)-1], nil, Defaults)
		after := Resolve(all, nil, Defaults)
		for i := range all[:len(all)-1] {
			for j := range all[:len(all)-1] {
				if before.Of[i] == before.Of[j] && shares(all[i], all[j], gyre.IDCloud) && after.Of[i] != after.Of[j] {
					rt.Fatalf("%v parted %v and %v", all[len(all)-1], all[i], all[j])
				}
			}
		}
	})
}

func has(c Claim, t gyre.IdentifierType) bool {
	return slices.ContainsFunc(c.Identifiers, func(i gyre.Identifier) bool { return i.Type == t })
}

func shares(a, b Claim, t gyre.IdentifierType) bool {
	return slices.ContainsFunc(a.Identifiers, func(i gyre.Identifier) bool { return i.Type == t && slices.Contains(b.Identifiers, i) })
}

// tie is the slow way to say which claims are tied by identifiers of a type or
// a stronger one.
func tie(all []Claim, typ gyre.IdentifierType) []int {
	of := make([]int, len(all))
	for i := range of {
		of[i] = i
	}
	for again := true; again; {
		again = false
		for i := range all {
			for j := range all {
				for _, t := range types {
					if t.Strength() >= typ.Strength() && shares(all[i], all[j], t) && of[i] != of[j] {
						of[i], of[j], again = min(of[i], of[j]), min(of[i], of[j]), true
					}
				}
			}
		}
	}
	return of
}

// BenchmarkResolve: the cost a claim stays the same however many there are.
func BenchmarkResolve(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		var texts []string
		for i := range n {
			texts = append(texts, fmt.Sprintf("m%d h%d i%d @%d-%d", i%(n/4+1), i%(n/3+1), i%(n/5+1), i%300, i%300+5))
		}
		all := claims(texts)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				Resolve(all, nil, Defaults)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/claim")
		})
	}
}
