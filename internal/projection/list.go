// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	maxSortKeys  = 4
	// A facet lists this many values at the most, the most frequent first.
	maxFacetValues = 100
)

// table is what a list runs over: rows with columns, an ID for the tie-break.
type table struct {
	schema      *expr.Schema
	columns     expr.Columns
	rows        int
	id          func(row int) gyre.ID
	defaultSort []string
}

// listing is a list that was asked for, compiled.
type listing struct {
	match  func(row int) bool
	keys   []sortKey
	after  *cursor
	limit  int
	facets []facet
}

// sortKey orders rows by one field.
type sortKey struct {
	field  string
	desc   bool
	number func(row int) float64
	text   func(row int) string
}

// cursor is where a page ended: the sort, the last row's keys and its ID.
type cursor struct {
	Sort []string `json:"s"`
	Keys []any    `json:"k"`
	ID   gyre.ID  `json:"i"`
}

func (t *table) compile(q gyre.ListQuery, now time.Time) (*listing, error) {
	filter, err := expr.CompileFilter(t.schema, q.Filter, now)
	if err != nil {
		return nil, err
	}
	l := &listing{match: func(int) bool { return true }, limit: q.Limit}
	if filter != nil {
		if l.match, err = filter.Bind(t.columns); err != nil {
			return nil, err
		}
	}
	switch {
	case l.limit == 0:
		l.limit = defaultLimit
	case l.limit < 0 || l.limit > maxLimit:
		return nil, gyre.FieldErrorf(gyre.Invalid, "limit", "must be from 1 to %d", maxLimit)
	}
	sortBy := q.Sort
	if len(sortBy) == 0 {
		sortBy = t.defaultSort
	}
	if len(sortBy) > maxSortKeys {
		return nil, gyre.FieldErrorf(gyre.TooLarge, "sort", "at most %d fields", maxSortKeys)
	}
	for _, s := range sortBy {
		k, err := t.sortKey(s)
		if err != nil {
			return nil, err
		}
		l.keys = append(l.keys, k)
	}
	if l.after, err = readCursor(q.After, sortBy, l.keys); err != nil {
		return nil, err
	}
	for _, f := range q.Facets {
		fc, err := t.facet(f)
		if err != nil {
			return nil, err
		}
		l.facets = append(l.facets, fc)
	}
	return l, nil
}

func (t *table) sortKey(s string) (sortKey, error) {
	name, desc := strings.CutPrefix(s, "-")
	k := sortKey{field: s, desc: desc}
	f, ok := t.schema.Field(name)
	if !ok {
		return k, gyre.FieldErrorf(gyre.Invalid, "sort", "%s have no field %q", t.schema.Name, name)
	}
	switch f.Type {
	case expr.Number, expr.Severity:
		k.number = t.columns.Number(name)
	case expr.Time:
		at := t.columns.Time(name)
		k.number = func(r int) float64 { return float64(at(r)) } // exact: below 2^53
	case expr.Bool:
		is := t.columns.Bool(name)
		k.number = func(r int) float64 {
			if is(r) {
				return 1
			}
			return 0
		}
	case expr.Text:
		k.text = t.columns.Text(name)
	default:
		return k, gyre.FieldErrorf(gyre.Invalid, "sort", "%q is a list; lists have no order", name)
	}
	return k, nil
}

// compare orders two rows; equal keys are ordered by ID, so the order is total.
func (t *table) compare(keys []sortKey, a, b int) int {
	for _, k := range keys {
		c := 0
		if k.number != nil {
			c = cmp.Compare(k.number(a), k.number(b))
		} else {
			c = strings.Compare(k.text(a), k.text(b))
		}
		if k.desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(t.id(a), t.id(b))
}

// past says whether a row comes after the cursor.
func (t *table) past(l *listing, row int) bool {
	for i, k := range l.keys {
		c := 0
		if k.number != nil {
			c = cmp.Compare(k.number(row), l.after.Keys[i].(float64)) // readCursor checks
		} else {
			c = strings.Compare(k.text(row), l.after.Keys[i].(string)) // readCursor checks
		}
		if k.desc {
			c = -c
		}
		if c != 0 {
			return c > 0
		}
	}
	return t.id(row) > l.after.ID
}

// run passes over the rows once. visit is called for every row that matches.
// It returns the rows of the page, in order, and the cursor of the next.
func (t *table) run(l *listing, visit func(row int)) (page []int, total int, next string) {
	page = make([]int, 0, min(l.limit+1, t.rows))
	for row := range t.rows {
		if !l.match(row) {
			continue
		}
		total++
		visit(row)
		for i := range l.facets {
			l.facets[i].count(row)
		}
		if l.after != nil && !t.past(l, row) {
			continue
		}
		// Keep the first limit+1 rows in order: most rows fail the first comparison.
		if len(page) == l.limit+1 {
			if t.compare(l.keys, row, page[l.limit]) >= 0 {
				continue
			}
			page = page[:l.limit]
		}
		at := sort.Search(len(page), func(i int) bool { return t.compare(l.keys, row, page[i]) < 0 })
		page = slices.Insert(page, at, row)
	}
	if len(page) > l.limit {
		page = page[:l.limit]
		next = t.cursor(l, page[l.limit-1])
	}
	return page, total, next
}

func (t *table) cursor(l *listing, row int) string {
	c := cursor{ID: t.id(row)}
	for _, k := range l.keys {
		c.Sort = append(c.Sort, k.field)
		if k.number != nil {
			c.Keys = append(c.Keys, k.number(row))
		} else {
			c.Keys = append(c.Keys, k.text(row))
		}
	}
	b, _ := json.Marshal(c) // numbers and strings
	return base64.RawURLEncoding.EncodeToString(b)
}

func readCursor(s string, sortBy []string, keys []sortKey) (*cursor, error) {
	if s == "" {
		return nil, nil
	}
	bad := func() error {
		return gyre.FieldErrorf(gyre.Invalid, "after", "is not a cursor of this list and order; start from the first page")
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, bad()
	}
	var c cursor
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&c); err != nil || !slices.Equal(c.Sort, sortBy) || len(c.Keys) != len(keys) {
		return nil, bad()
	}
	for i, k := range keys {
		_, isNumber := c.Keys[i].(float64)
		_, isText := c.Keys[i].(string)
		if (k.number != nil && !isNumber) || (k.text != nil && !isText) {
			return nil, bad()
		}
	}
	return &c, nil
}

// facet counts the values of one field.
type facet struct {
	name   string
	value  func(row int) string
	values func(row int) []string
	counts map[string]int
}

func (t *table) facet(name string) (facet, error) {
	fc := facet{name: name, counts: map[string]int{}}
	f, ok := t.schema.Field(name)
	switch {
	case !ok:
		return fc, gyre.FieldErrorf(gyre.Invalid, "facets", "%s have no field %q", t.schema.Name, name)
	case f.Type == expr.Text:
		fc.value = t.columns.Text(name)
	case f.Type == expr.TextList:
		fc.values = t.columns.TextList(name)
	case f.Type == expr.Severity:
		number := t.columns.Number(name)
		fc.value = func(r int) string { return gyre.Severity(number(r)).String() }
	case f.Type == expr.Bool:
		is := t.columns.Bool(name)
		fc.value = func(r int) string {
			if is(r) {
				return "true"
			}
			return "false"
		}
	default:
		return fc, gyre.FieldErrorf(gyre.Invalid, "facets", "%q is a number or a time; only words have facets", name)
	}
	return fc, nil
}

func (f *facet) count(row int) {
	if f.value != nil {
		f.counts[f.value(row)]++
		return
	}
	for _, v := range f.values(row) {
		f.counts[v]++
	}
}

func (l *listing) facetValues() map[string][]gyre.FacetValue {
	if len(l.facets) == 0 {
		return nil
	}
	out := make(map[string][]gyre.FacetValue, len(l.facets))
	for _, f := range l.facets {
		values := make([]gyre.FacetValue, 0, len(f.counts))
		for v, n := range f.counts {
			values = append(values, gyre.FacetValue{Value: v, Count: n})
		}
		slices.SortFunc(values, func(a, b gyre.FacetValue) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
		})
		out[f.name] = values[:min(len(values), maxFacetValues)]
	}
	return out
}
