// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"math"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
)

// sortKey orders rows by one field. Each value has a key, a number that orders
// as the value does, or the other way round when the order descends.
type sortKey struct {
	name string // with its "-"
	flip uint64 // all ones for a descending order

	dim  dimension
	code func(row uint32) uint32
	// order works keys and keyOf out; it is called when a page must be picked. Keys
	// are by code, ascending; risk has none, its key is made of the number itself.
	order func() *ordered
	keys  []uint64
	risk  *column[float64]

	// What a cursor holds: the value of a row, and the key of such a value.
	number func(row uint32) float64
	text   func(row uint32) string
	keyOf  func(text string) uint64
}

func (k *sortKey) at(row uint32) uint64 {
	if k.risk != nil {
		return numberKey(k.risk.at(row)) ^ k.flip
	}
	return k.keys[k.code(row)] ^ k.flip
}

// numberKey orders as floats do.
func numberKey(f float64) uint64 {
	if f == 0 {
		f = 0 // there are two zeros, and they are equal
	}
	b := math.Float64bits(f)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

// numberOf is the number that has a key; keys beyond those of all numbers give an infinity.
func numberOf(key uint64) float64 {
	f := math.Float64frombits(key &^ (1 << 63))
	if key>>63 == 0 {
		f = math.Float64frombits(^key)
	}
	if math.IsNaN(f) {
		return math.Inf(int(key>>62&2) - 1)
	}
	return f
}

func (t *table) sortKey(s string) (sortKey, error) {
	name, desc := strings.CutPrefix(s, "-")
	k := sortKey{name: s}
	if desc {
		k.flip = ^k.flip
	}
	f, ok := t.schema.Field(name)
	if !ok {
		return k, gyre.FieldErrorf(gyre.Invalid, "sort", "%s have no field %q", t.schema.Name, name)
	}
	if f.Type == expr.TextList {
		return k, gyre.FieldErrorf(gyre.Invalid, "sort", "%q is a list; lists have no order", name)
	}
	v, _ := t.field(name)
	k.dim = v.dim
	if v.dim == dimRisk {
		k.risk = &t.s.facts.risk
		k.number = k.risk.at
		return k, nil
	}
	k.code = t.codeOf(v.dim)
	if v.text != nil {
		k.text = func(row uint32) string { return v.text(k.code(row)) }
	} else {
		number := v.toNumber()
		k.number = func(row uint32) float64 { return number(k.code(row)) }
	}
	k.order = func() *ordered { return t.orderOf(name, v) }
	return k, nil
}

// prepare makes keys ready to compare.
func prepare(keys []sortKey) {
	for i := range keys {
		if k := &keys[i]; k.order != nil {
			o := k.order()
			k.keys = o.keys
			if o.order != nil {
				k.keyOf = o.order.keyOf
			}
		}
	}
}

// toNumber returns the function that says a value that is no text as a number.
func (v value) toNumber() func(code uint32) float64 {
	switch {
	case v.time != nil:
		return func(c uint32) float64 { return float64(v.time(c)) } // exact: below 2^53
	case v.truth != nil:
		return func(c uint32) float64 { return float64(oneIf(v.truth(c))) }
	}
	return v.number
}

// orderOf returns the sort keys of a field's codes.
func (t *table) orderOf(name string, v value) *ordered {
	m := t.s.memo(v.dim)
	if v.ofFacts {
		m = nil
	}
	o, _ := recall(m, func(m *memo) *remembered[*ordered] { return &m.keys }, name, maxKeys, func() (*ordered, error) {
		t.turn.take()
		if v.text != nil {
			return t.textKeys(v), nil
		}
		number := v.toNumber()
		return &ordered{keys: t.keys(v.dim, func(c uint32) uint64 { return numberKey(number(c)) })}, nil
	})
	return o
}

// textKeys orders by the places of texts in their dictionary's order.
func (t *table) textKeys(v value) *ordered {
	dict, of := v.dict, v.textOf
	if dict == nil { // some words, or IDs: order them here
		w := newTexts()
		codes := make([]uint32, t.size(v.dim))
		for c := range codes {
			codes[c] = w.code(v.text(uint32(c))) // #nosec -- an index
		}
		dict, of = &w.texts, func(c uint32) uint32 { return codes[c] }
	}
	r := dict.ranking()
	keys := r.keys()
	return &ordered{keys: t.keys(v.dim, func(c uint32) uint64 { return keys[of(c)] }), order: r}
}

func (t *table) keys(d dimension, key func(code uint32) uint64) []uint64 {
	keys := make([]uint64, t.size(d))
	for c := range keys {
		keys[c] = key(uint32(c)) // #nosec -- an index
	}
	return keys
}

// fill writes the keys of a page of rows.
func (t *table) fill(k *sortKey, p int, out *[pageRows]uint64) {
	if k.risk != nil {
		for i, r := range k.risk.pages[p] {
			out[i] = numberKey(r) ^ k.flip
		}
		return
	}
	if k.dim == t.rowsAre {
		for i, key := range k.keys[p<<pageBits : min((p+1)<<pageBits, len(k.keys))] {
			out[i] = key ^ k.flip
		}
		return
	}
	switch c := t.codes(k.dim); {
	case c.c8 != nil:
		fillPage(k, c.c8.pages[p], out)
	case c.c16 != nil:
		fillPage(k, c.c16.pages[p], out)
	case c.c32 != nil:
		fillPage(k, c.c32.pages[p], out)
	default:
		for i := range t.s.facts.risk.pages[p] {
			out[i] = k.at(uint32(p<<pageBits + i)) // #nosec -- fewer than 2^32 rows
		}
	}
}

func fillPage[T uint8 | uint16 | uint32](k *sortKey, codes []T, out *[pageRows]uint64) {
	keys, flip := k.keys, k.flip
	for i, c := range codes {
		out[i] = keys[c] ^ flip
	}
}
