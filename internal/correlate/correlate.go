// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package correlate says which names are of one weakness: CVE, GHSA, OSV and
// vendor ids, rules of tools. It takes what reports, advisories and persons say of
// names (gyre.Tie) and unites them. It is pure and knows nothing of the store;
// internal/ingest uses it.
//
// Rules, held by properties:
//   - Two CVEs are never one weakness.
//   - A name that is said to be several CVEs is none of them: it is the name of a
//     bulletin. Persons are believed before advisories, advisories before reports.
//   - Where a chain of names would join two CVEs, it is cut: first at the word of
//     reports, then at that of advisories. Each name stays with the CVE that it itself is said to be.
//   - What a person keeps apart is apart, whoever ties it.
//   - The result does not depend on the order of what is said.
package correlate

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/gyre-ctem/gyre"
)

// IsCVE says whether a name is a CVE id in its normal form.
func IsCVE(s string) bool {
	rest, ok := strings.CutPrefix(s, "CVE-")
	return ok && rest != "" && strings.IndexFunc(rest, func(r rune) bool { return r != '-' && !unicode.IsDigit(r) }) < 0
}

// Apart is a person's word that two names are not of one weakness. When something
// else ties them, From is the one that leaves, unless it is a CVE.
type Apart struct{ From, Other string }

var ranks = map[gyre.TieRank]int{gyre.TieReport: 1, gyre.TieAdvisory: 2, gyre.TiePerson: 3}

// graph is what is said of names that are no CVE: the CVEs that each is said to
// be and the other names that it is tied to, by rank.
type graph struct {
	names   []string
	cves    map[string]map[string]int
	ties    map[string]map[string]int
	targets map[string]bool // names that a person says others are
}

// Resolve gives each name the key of its weakness: its CVE, else the name of its
// group that is preferred. Names that only ties mention are resolved too.
func Resolve(names []string, ties []gyre.Tie, apart []Apart) map[string]string {
	apart = slices.SortedFunc(slices.Values(apart), func(a, b Apart) int {
		return strings.Compare(a.From+"\x00"+a.Other, b.From+"\x00"+b.Other)
	})
	loose := map[string]bool{} // names whose ties count only when a person made them
	for {
		out := newGraph(names, ties, apart, loose).resolve()
		again := false
		for _, a := range apart {
			if out[a.From] == "" || out[a.From] != out[a.Other] {
				continue
			}
			leaves := a.From
			if IsCVE(leaves) || loose[leaves] {
				leaves = a.Other
			}
			if !IsCVE(leaves) && !loose[leaves] {
				loose[leaves], again = true, true
				break
			}
		}
		if !again {
			return out
		}
	}
}

func newGraph(names []string, ties []gyre.Tie, apart []Apart, loose map[string]bool) *graph {
	g := &graph{cves: map[string]map[string]int{}, ties: map[string]map[string]int{}, targets: map[string]bool{}}
	all := map[string]bool{}
	for _, n := range names {
		all[n] = true
	}
	for _, t := range ties {
		all[t.Name], all[t.Other] = true, true
		rank := ranks[t.By]
		if t.Name == t.Other || rank < 3 && (loose[t.Name] || loose[t.Other]) || slices.ContainsFunc(apart, func(a Apart) bool {
			return a.From == t.Name && a.Other == t.Other || a.From == t.Other && a.Other == t.Name
		}) {
			continue
		}
		if rank == 3 {
			g.targets[t.Other] = true
		}
		for _, e := range [][2]string{{t.Name, t.Other}, {t.Other, t.Name}} {
			switch {
			case IsCVE(e[0]):
			case IsCVE(e[1]):
				raise(g.cves, e[0], e[1], rank)
			default:
				raise(g.ties, e[0], e[1], rank)
			}
		}
	}
	g.names = slices.Sorted(maps.Keys(all))
	return g
}

func raise(m map[string]map[string]int, from, to string, rank int) {
	if m[from] == nil {
		m[from] = map[string]int{}
	}
	m[from][to] = max(m[from][to], rank)
}

func (g *graph) resolve() map[string]string {
	cve := map[string]string{}
	bulletin := map[string]bool{}
	for _, n := range g.names {
		top := 0
		for _, rank := range g.cves[n] {
			top = max(top, rank)
		}
		for c, rank := range g.cves[n] {
			if rank == top {
				bulletin[n] = bulletin[n] || cve[n] != "" && cve[n] != c
				cve[n] = c
			}
		}
	}
	out := make(map[string]string, len(g.names))
	var left []string
	for _, n := range g.names {
		switch {
		case IsCVE(n):
			out[n] = n
		case bulletin[n]:
			out[n] = n
			delete(cve, n)
		default:
			left = append(left, n)
		}
	}
	for rank := 1; rank <= 4 && len(left) > 0; rank++ {
		var cut []string
		for _, group := range g.groups(left, rank, bulletin) {
			keys := map[string]bool{}
			for _, n := range group {
				if cve[n] != "" {
					keys[cve[n]] = true
				}
			}
			if len(keys) > 1 && rank < 4 {
				cut = append(cut, group...)
				continue
			}
			key := g.preferred(group)
			for k := range keys {
				key = k
			}
			for _, n := range group {
				out[n] = key
			}
		}
		left = cut
	}
	return out
}

// groups are the parts of names that ties of at least a rank hold together.
func (g *graph) groups(names []string, rank int, not map[string]bool) [][]string {
	in := make(map[string]bool, len(names))
	for _, n := range names {
		in[n] = true
	}
	var out [][]string
	for _, n := range names {
		if !in[n] {
			continue
		}
		in[n] = false
		group := []string{n}
		for i := 0; i < len(group); i++ {
			for other, r := range g.ties[group[i]] {
				if r >= rank && in[other] && !not[other] {
					in[other] = false
					group = append(group, other)
				}
			}
		}
		slices.Sort(group)
		out = append(out, group)
	}
	return out
}

// preferred is the key of a group without a CVE: what persons say that the
// others are, else GitHub's id, which other databases refer to, else the first.
func (g *graph) preferred(group []string) string {
	best := ""
	value := func(n string) int {
		switch {
		case g.targets[n]:
			return 2
		case strings.HasPrefix(n, "GHSA-"):
			return 1
		}
		return 0
	}
	for _, n := range group {
		if best == "" || value(n) > value(best) {
			best = n
		}
	}
	return best
}
