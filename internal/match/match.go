// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"errors"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// Hit is a weakness that a component has, with every advisory that says so.
type Hit struct {
	Key        string // CVE id, else the advisory's
	Advisories []*Advisory
	Affected   []*Affected // of each advisory, the entry that matched
	Fixed      string      // lowest version that none of the advisories affects; "": none is known
}

// Skipped counts what could not be compared, by reason.
type Skipped map[string]int

// The reasons of Skipped.
const (
	SkipVersion   = "component version cannot be read"
	SkipEcosystem = "ecosystem has no known order of versions"
	SkipRange     = "advisory range cannot be read"
)

// Match returns the weaknesses that the component has after the advisories, in
// order of key, and adds what it had to skip to skipped (which may be nil).
// Advisories for other packages or releases, and withdrawn ones, do not count.
func Match(c gyre.Component, advisories []*Advisory, skipped Skipped) []Hit {
	key, ok := ComponentKey(c)
	if !ok {
		return nil
	}
	v, err := parseVersion(c.Ecosystem, comparedVersion(c))
	if err != nil {
		skipped.count(err, SkipVersion)
		return nil
	}
	var matched []*Advisory
	var entries []*Affected
	for _, a := range advisories {
		if a == nil || !a.Withdrawn.IsZero() {
			continue
		}
		if f := a.hits(c.Ecosystem, key, v, skipped); f != nil {
			matched, entries = append(matched, a), append(entries, f)
		}
	}
	hits := group(matched, entries)
	for i := range hits {
		hits[i].Fixed = hits[i].fix(c.Ecosystem, key, v)
	}
	return hits
}

// group puts advisories of the same weakness together, in order of key. An
// advisory that knows no CVE joins the one that names it as an alias.
func group(matched []*Advisory, entries []*Affected) []Hit {
	known := map[string]string{} // other name → CVE
	for _, a := range matched {
		if keys := a.Keys(); len(keys) == 1 && strings.HasPrefix(keys[0], "CVE-") {
			for _, n := range a.Names(keys[0]) {
				known[n] = keys[0]
			}
		}
	}
	var hits []Hit
	index := map[string]int{}
	for n, a := range matched {
		for _, k := range a.Keys() {
			if cve := known[k]; cve != "" {
				k = cve
			}
			i, have := index[k]
			if !have {
				i = len(hits)
				index[k] = i
				hits = append(hits, Hit{Key: k})
			}
			hits[i].Advisories = append(hits[i].Advisories, a)
			hits[i].Affected = append(hits[i].Affected, entries[n])
		}
	}
	slices.SortFunc(hits, func(a, b Hit) int { return strings.Compare(a.Key, b.Key) })
	return hits
}

// hits returns the entry that affects v, or nil.
func (a *Advisory) hits(ecosystem string, key PackageKey, v version, skipped Skipped) *Affected {
	for i := range a.Affected {
		f := &a.Affected[i]
		if !f.speaksOf(ecosystem, key) {
			continue
		}
		yes, _, err := f.affects(v)
		if err != nil {
			skipped.count(err, SkipRange)
			continue
		}
		if yes {
			return f
		}
	}
	return nil
}

func (f *Affected) speaksOf(ecosystem string, key PackageKey) bool {
	return sameRelease(ecosystem, f.Ecosystem) && KeyOf(f.Ecosystem, f.Name) == key
}

// fix finds the lowest version after v that a range of some advisory names as
// fixed and that no advisory which knows of a fix at all affects.
func (h Hit) fix(ecosystem string, key PackageKey, v version) string {
	var candidates []version
	var knowing []*Advisory
	for _, a := range h.Advisories {
		knows := false
		for i := range a.Affected {
			f := &a.Affected[i]
			if !f.speaksOf(ecosystem, key) {
				continue
			}
			for _, r := range f.Ranges {
				for _, e := range r.Events {
					if e.Fixed == "" || e.Fixed == "0" {
						continue
					}
					w, err := parseVersion(ecosystem, e.Fixed)
					if err != nil {
						continue
					}
					if c, err := w.compareTo(v); err == nil && c > 0 {
						candidates = append(candidates, w)
						knows = true
					}
				}
			}
		}
		if knows {
			knowing = append(knowing, a)
		}
	}
	slices.SortStableFunc(candidates, func(a, b version) int {
		c, err := a.compareTo(b)
		if err != nil {
			return 0
		}
		return c
	})
	for _, w := range candidates {
		if !slices.ContainsFunc(knowing, func(a *Advisory) bool { return a.hits(ecosystem, key, w, nil) != nil }) {
			return w.text
		}
	}
	return ""
}

func (s Skipped) count(err error, otherwise string) {
	if s == nil {
		return
	}
	if errors.Is(err, errEcosystem) {
		otherwise = SkipEcosystem
	}
	s[otherwise]++
}
