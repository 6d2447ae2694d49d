// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	maxSortKeys  = 4
)

// defaultSort is the order of lists when none is asked for.
var defaultSort = []string{"-risk"}

// listing is what a list answers: the rows of the page and what holds of all.
type listing struct {
	page []uint32
	info gyre.ListInfo
}

// list answers a query. now is what the word now in it means.
func (t *table) list(q gyre.ListQuery, now time.Time) (*listing, error) {
	limit := q.Limit
	switch {
	case limit == 0:
		limit = defaultLimit
	case limit < 0 || limit > maxLimit:
		return nil, gyre.FieldErrorf(gyre.Invalid, "limit", "must be from 1 to %d", maxLimit)
	}
	names := q.Sort
	if len(names) == 0 {
		names = defaultSort
	}
	if len(names) > maxSortKeys {
		return nil, gyre.FieldErrorf(gyre.TooLarge, "sort", "at most %d fields", maxSortKeys)
	}
	defer t.turn.end()
	keys := make([]sortKey, len(names))
	for i, s := range names {
		var err error
		if keys[i], err = t.sortKey(s); err != nil {
			return nil, err
		}
	}
	for _, f := range q.Facets {
		if err := t.checkFacet(f); err != nil {
			return nil, err
		}
	}
	found, err := t.find(q.Filter, now)
	if err != nil {
		return nil, err
	}
	l := &listing{}
	if l.page, err = found.page(t, names, keys, q, limit); err != nil {
		return nil, err
	}
	l.info.Total, l.info.Risk, l.info.Seq = found.total, found.risk, t.s.seq
	if len(l.page) > limit {
		l.page = l.page[:limit]
		l.info.Next = cursorOf(t, keys, l.page[limit-1])
	}
	if len(q.Facets) > 0 {
		l.info.Facets = make(map[string][]gyre.FacetValue, len(q.Facets))
		for _, f := range q.Facets {
			l.info.Facets[f] = found.facet(t, f)
		}
	}
	return l, nil
}

// compile compiles and binds a filter; nil for none.
func (t *table) compile(filter string, now time.Time) (*condition, *expr.Filter, error) {
	f, err := expr.CompileFilter(t.schema, filter, now)
	if err != nil || f == nil {
		return nil, nil, err
	}
	apart, err := f.Cond()
	if err != nil {
		return nil, nil, err
	}
	c, err := t.bind(apart)
	return c, f, err
}

// cursor is where a page ended: the sort, the last row's values and its ID.
type cursor struct {
	Sort []string `json:"s"`
	Keys []any    `json:"k"`
	ID   gyre.ID  `json:"i"`
}

func cursorOf(t *table, keys []sortKey, row uint32) string {
	c := cursor{ID: t.id(row)}
	for _, k := range keys {
		c.Sort = append(c.Sort, k.name)
		if k.number != nil {
			c.Keys = append(c.Keys, k.number(row))
		} else {
			c.Keys = append(c.Keys, k.text(row))
		}
	}
	b, _ := json.Marshal(c) // numbers and strings
	return base64.RawURLEncoding.EncodeToString(b)
}

func readCursor(s string, sortBy []string, keys []sortKey) (*mark, error) {
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
	m := &mark{id: c.ID}
	for i, k := range keys {
		number, isNumber := c.Keys[i].(float64)
		text, isText := c.Keys[i].(string)
		switch {
		case k.number != nil && isNumber:
			m.keys = append(m.keys, numberKey(number)^k.flip)
		case k.text != nil && isText:
			m.keys = append(m.keys, k.keyOf(text)^k.flip)
		default:
			return nil, bad()
		}
	}
	return m, nil
}
