// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
)

const (
	// A star remembers what the last so many filters found, for those who page
	// through a list or sort it differently, and for many who look at the same.
	maxResults = 24
	// A facet lists this many values at the most, the most frequent first.
	maxFacetValues = 100
)

// result is what a filter finds.
type result struct {
	rows  rowset
	total int
	risk  float64

	mu     sync.Mutex
	facets map[string][]gyre.FacetValue
	pages  map[string][]uint32 // by order, cursor and limit
}

// A result remembers this many pages: those that many people open.
const maxPages = 32

// page picks the rows of a page, one more than limit if there is one.
func (r *result) page(t *table, sortBy []string, keys []sortKey, q gyre.ListQuery, limit int) ([]uint32, error) {
	name := strings.Join(append([]string{strconv.Itoa(limit), q.After}, sortBy...), "\x00")
	r.mu.Lock()
	rows, ok := r.pages[name]
	r.mu.Unlock()
	if ok {
		return rows, nil
	}
	t.turn.take()
	prepare(keys)
	after, err := readCursor(q.After, sortBy, keys)
	if err != nil {
		return nil, err
	}
	rows = t.pick(r.rows, keys, after, limit)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pages) < maxPages {
		if r.pages == nil {
			r.pages = map[string][]uint32{}
		}
		r.pages[name] = rows
	}
	return rows, nil
}

// results remembers results by table and filter, the newest last.
type results struct {
	mu   sync.Mutex
	list []*pending
}

type pending struct {
	of, filter string
	result     func() (*result, error)
	there      atomic.Bool  // result need not be waited for
	ends       atomic.Int64 // when it is no longer so, in nanoseconds; 0: it stays so
}

// A filter that speaks of now finds the same for this long: not everybody who
// looks at a list of the last thirty days needs to have it worked out anew.
const nowLasts = time.Second

// find returns what a filter finds. Those who ask for the same at the same
// time wait for the first.
func (t *table) find(filter string, now time.Time) (*result, error) {
	r := &t.s.results
	r.mu.Lock()
	i := slices.IndexFunc(r.list, func(p *pending) bool { return p.filter == filter && p.of == t.schema.Name })
	if i >= 0 && r.list[i].ended(now) {
		r.list = slices.Delete(r.list, i, i+1)
		i = -1
	}
	if i >= 0 {
		p := r.list[i]
		r.list = append(slices.Delete(r.list, i, i+1), p)
		r.mu.Unlock()
		if !p.there.Load() {
			t.turn.take()
		}
		return p.result()
	}
	p := &pending{of: t.schema.Name, filter: filter}
	p.result = sync.OnceValues(func() (*result, error) {
		found, usesNow, err := t.search(filter, now)
		if usesNow {
			p.ends.Store(now.Add(nowLasts).UnixNano())
		}
		p.there.Store(true)
		if err != nil {
			r.forget(p)
		}
		return found, err
	})
	if len(r.list) == maxResults {
		r.list = slices.Delete(r.list, 0, 1)
	}
	r.list = append(r.list, p)
	r.mu.Unlock()
	t.turn.take()
	return p.result()
}

func (p *pending) ended(now time.Time) bool {
	ends := p.ends.Load()
	return ends != 0 && now.UnixNano() >= ends
}

func (r *results) forget(p *pending) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = slices.DeleteFunc(r.list, func(x *pending) bool { return x == p })
}

// search runs a filter. usesNow says that it may find something else later.
func (t *table) search(filter string, now time.Time) (found *result, usesNow bool, err error) {
	cond, f, err := t.compile(filter, now)
	if err != nil {
		return nil, false, err
	}
	found = &result{rows: t.live}
	if cond != nil {
		found.rows = cond.run(t.live)
	}
	found.total, found.risk = found.rows.count(), t.riskOf(found.rows)
	return found, f.UsesNow(), nil
}

func (t *table) checkFacet(name string) error {
	f, ok := t.schema.Field(name)
	if !ok {
		return gyre.FieldErrorf(gyre.Invalid, "facets", "%s have no field %q", t.schema.Name, name)
	}
	if f.Type == expr.Number || f.Type == expr.Time {
		return gyre.FieldErrorf(gyre.Invalid, "facets", "%q is a number or a time; only words have facets", name)
	}
	return nil
}

// facet counts the values of a field among the rows that were found.
func (r *result) facet(t *table, name string) []gyre.FacetValue {
	r.mu.Lock()
	known, ok := r.facets[name]
	r.mu.Unlock()
	if ok {
		return known
	}
	t.turn.take()
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.facets[name]; ok { // somebody was faster
		return known
	}
	v, _ := t.field(name)
	counts := make([]uint32, t.size(v.dim))
	t.count(v.dim, r.rows, counts)
	var out []gyre.FacetValue
	switch {
	case v.dict != nil:
		out = countTexts(counts, v)
	case v.setOf != nil:
		out = countSets(counts, v)
	default:
		out = countWords(counts, v, v.wordOf())
	}
	if r.facets == nil {
		r.facets = map[string][]gyre.FacetValue{}
	}
	r.facets[name] = out
	return out
}

// wordOf returns the word that stands for each code.
func (v value) wordOf() func(code uint32) string {
	switch {
	case v.text != nil:
		return v.text
	case v.truth != nil:
		return func(c uint32) string {
			if v.truth(c) {
				return "true"
			}
			return "false"
		}
	}
	return func(c uint32) string { return gyre.Severity(v.number(c)).String() }
}

// countTexts sums counts of codes by their text's code.
func countTexts(counts []uint32, v value) []gyre.FacetValue {
	byText := make([]uint32, v.dict.len())
	for code, n := range counts {
		if n > 0 {
			byText[v.textOf(uint32(code))] += n // #nosec -- an index
		}
	}
	return top(byText, v.dict.at)
}

// countSets counts each member of each set.
func countSets(counts []uint32, v value) []gyre.FacetValue {
	bySet := make([]uint32, v.sets)
	for code, n := range counts {
		if n > 0 {
			bySet[v.setOf(uint32(code))] += n // #nosec -- an index
		}
	}
	byWord := map[string]uint32{}
	items := v.items()
	for set, n := range bySet {
		if n > 0 {
			for _, w := range items(uint32(set)) { // #nosec -- an index
				byWord[w] += n
			}
		}
	}
	return topOf(byWord)
}

// countWords sums counts of codes by their word.
func countWords(counts []uint32, v value, word func(uint32) string) []gyre.FacetValue {
	if v.unique {
		return top(counts, word)
	}
	byWord := map[string]uint32{}
	for code, n := range counts {
		if n > 0 {
			byWord[word(uint32(code))] += n // #nosec -- an index
		}
	}
	return topOf(byWord)
}

func topOf(byWord map[string]uint32) []gyre.FacetValue {
	counts, names := make([]uint32, 0, len(byWord)), make([]string, 0, len(byWord))
	for w, n := range byWord {
		counts, names = append(counts, n), append(names, w)
	}
	return top(counts, func(c uint32) string { return names[c] })
}

// top returns the most frequent values; equally frequent ones in the order of their names.
func top(counts []uint32, name func(code uint32) string) []gyre.FacetValue {
	least := leastOf(counts, maxFacetValues)
	values := []gyre.FacetValue{}
	for code, n := range counts {
		if n > least {
			values = append(values, gyre.FacetValue{Value: name(uint32(code)), Count: int(n)}) // #nosec -- an index
		}
	}
	for _, word := range firstOf(counts, least, maxFacetValues-len(values), name) {
		values = append(values, gyre.FacetValue{Value: word, Count: int(least)})
	}
	slices.SortFunc(values, func(a, b gyre.FacetValue) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
	})
	return values
}

// firstOf returns the first n names of codes with a count.
func firstOf(counts []uint32, count uint32, n int, name func(code uint32) string) []string {
	var first []string
	for code, c := range counts {
		if c != count {
			continue
		}
		word := name(uint32(code)) // #nosec -- an index
		if len(first) == n && word >= first[n-1] {
			continue
		}
		at, _ := slices.BinarySearch(first, word)
		first = slices.Insert(first[:min(len(first), n-1)], at, word)
	}
	return first
}

// leastOf returns the count that the n most frequent have at least; 1 at the least.
func leastOf(counts []uint32, n int) uint32 {
	var best []uint32
	least := uint32(1)
	for _, c := range counts {
		if c < least {
			continue
		}
		if best = append(best, c); len(best) == 4*n {
			slices.SortFunc(best, func(a, b uint32) int { return cmp.Compare(b, a) })
			best = best[:n]
			least = best[n-1]
		}
	}
	if len(best) < n {
		return least
	}
	slices.SortFunc(best, func(a, b uint32) int { return cmp.Compare(b, a) })
	return max(least, best[n-1])
}
