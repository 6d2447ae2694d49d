// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package truth

import (
	"cmp"
	"slices"

	gyre "github.com/gyre-ctem/gyre"
)

// Found is one exposure as Gyre reports it.
type Found struct {
	Asset     string     `json:"asset"` // its name
	Addresses []string   `json:"addresses,omitempty"`
	Names     []string   `json:"names,omitempty"` // further names: host names, domain names
	Weakness  string     `json:"weakness"`        // key
	Aliases   []string   `json:"aliases,omitempty"`
	Class     gyre.Class `json:"class"`
	Locus     string     `json:"locus"`
	State     gyre.State `json:"state"`
}

// Result compares the table with what was found.
type Result struct {
	Planted int                   `json:"planted"`
	Found   int                   `json:"found"`
	Share   float64               `json:"share"` // found of planted, 0 to 1
	Missed  []Missed              `json:"missed"`
	False   []Wrong               `json:"false"`
	Classes map[gyre.Class]*Count `json:"classes"`
}

// Missed is a planted weakness that was not found.
type Missed struct {
	ID    string     `json:"id"`
	Class gyre.Class `json:"class"`
	Title string     `json:"title"`
	Where string     `json:"where"`
}

// Wrong is a finding that no planted weakness explains. Row is set when the
// weakness was planted and is fixed by now.
type Wrong struct {
	Asset    string     `json:"asset"`
	Weakness string     `json:"weakness"`
	Locus    string     `json:"locus"`
	Class    gyre.Class `json:"class"`
	Row      string     `json:"row,omitempty"`
}

// Count is the result for one class. Planted, found and missed count by the
// row's class, false by the finding's.
type Count struct {
	Planted int `json:"planted"`
	Found   int `json:"found"`
	Missed  int `json:"missed"`
	False   int `json:"false"`
}

// Score compares. Only active exposures count as found: what is fixed, accepted
// or called false is not claimed any more. A row that is fixed is not planted,
// and an active exposure on it is false. Several exposures may find one row
// (one package with three CVEs): each is right, the row counts once.
func Score(rows []Row, found []Found) Result {
	res := Result{Missed: []Missed{}, False: []Wrong{}, Classes: map[gyre.Class]*Count{}}
	count := func(c gyre.Class) *Count {
		if res.Classes[c] == nil {
			res.Classes[c] = &Count{}
		}
		return res.Classes[c]
	}
	hit := make([]bool, len(rows))
	for _, f := range found {
		if f.State != "" && !f.State.Active() {
			continue
		}
		matched, fixed := false, ""
		for i := range rows {
			switch {
			case !rows[i].explains(f):
			case rows[i].Planted():
				hit[i], matched = true, true
			default:
				fixed = rows[i].ID
			}
		}
		if !matched {
			res.False = append(res.False, Wrong{Asset: f.Asset, Weakness: f.Weakness, Locus: f.Locus, Class: f.Class, Row: fixed})
			count(f.Class).False++
		}
	}
	for i := range rows {
		if !rows[i].Planted() {
			continue
		}
		c := count(rows[i].Class)
		res.Planted++
		c.Planted++
		if hit[i] {
			res.Found++
			c.Found++
			continue
		}
		c.Missed++
		res.Missed = append(res.Missed, Missed{ID: rows[i].ID, Class: rows[i].Class, Title: rows[i].Title, Where: rows[i].Where()})
	}
	if res.Planted > 0 {
		res.Share = float64(res.Found) / float64(res.Planted)
	}
	slices.SortFunc(res.False, func(a, b Wrong) int {
		return cmp.Or(cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Locus, b.Locus), cmp.Compare(a.Weakness, b.Weakness))
	})
	return res
}

func (r *Row) explains(f Found) bool {
	return r.MatchesKey(append([]string{f.Weakness}, f.Aliases...)...) &&
		r.MatchesLocus(f.Locus) &&
		r.MatchesAsset(append(append([]string{f.Asset}, f.Addresses...), f.Names...)...)
}

// At returns the indexes of the rows that a place names: ROW-ID; LOCUS or ASSET
// and WEAKNESS; or ASSET, LOCUS and WEAKNESS, as a runbook line prints them.
// Empty parts are left out, as a shell would.
func At(rows []Row, place ...string) []int {
	place = slices.DeleteFunc(slices.Clone(place), func(s string) bool { return s == "" })
	var at []int
	for i := range rows {
		r := &rows[i]
		named := false
		switch len(place) {
		case 1:
			named = r.ID == place[0]
		case 2:
			named = r.MatchesKey(place[1]) &&
				(len(r.Loci) > 0 && r.MatchesLocus(place[0]) || !slices.Contains(r.Assets, "*") && r.MatchesAsset(place[0]))
		case 3:
			named = r.MatchesKey(place[2]) && r.MatchesAsset(place[0]) && r.MatchesLocus(place[1])
		}
		if named {
			at = append(at, i)
		}
	}
	return at
}
