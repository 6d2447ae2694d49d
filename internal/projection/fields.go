// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
)

// dimension is what the value of a field depends on: all rows with the same code
// in the dimension's column have the same value.
type dimension uint8

const (
	dimNone dimension = iota
	dimAsset
	dimWeakness
	dimLocus
	dimAction
	dimSources
	dimAspect
	dimClass
	dimState
	dimSeverity
	dimBand
	dimFixable
	dimFirstSeen
	dimLastSeen
	dimStateSince
	dimRisk // risk itself: it has no codes
	dimOver // whether risk is above the asset's appetite: 0 or 1
)

// value is what a field says of a code of its dimension; one of the functions is
// there, by the field's type.
type value struct {
	dim    dimension
	truth  func(code uint32) bool
	number func(code uint32) float64
	text   func(code uint32) string
	time   func(code uint32) int64

	// A text is number textOf(code) of a dictionary: what holds for the text needs
	// to be found out only once, and its place in the dictionary's order is its own.
	dict   *texts
	textOf func(code uint32) uint32
	// A list is the set number setOf(code). items makes a function that returns its
	// answer in the same slice each time.
	setOf func(code uint32) uint32
	sets  int // how many there are
	items func() func(set uint32) []string
	// Each code has a text of its own.
	unique bool
	// It depends on facts, too.
	ofFacts bool
}

// fields knows the fields of one kind of row.
type fields interface {
	field(name string) (value, bool)
}

func (s *star) dictText(dim dimension, dict *texts, of func(uint32) uint32) value {
	return value{dim: dim, dict: dict, textOf: of, text: func(c uint32) string { return dict.at(of(c)) }}
}

func (s *star) setList(dim dimension, dict *texts, in *sets, of func(uint32) uint32) value {
	return value{dim: dim, setOf: of, sets: in.len(), items: func() func(uint32) []string {
		var buf []string
		return func(set uint32) []string {
			buf = buf[:0]
			for _, t := range in.at(set) {
				buf = append(buf, dict.at(t))
			}
			return buf
		}
	}}
}

func word(dim dimension, w *words) value {
	return value{dim: dim, text: func(c uint32) string { return w.list[c] }}
}

func (s *star) timeValue(dim dimension) value {
	return value{dim: dim, time: func(c uint32) int64 { return s.times.list[c] }}
}

func same(c uint32) uint32 { return c }

// exposureFields knows the fields of expr.ExposureSchema.
type exposureFields struct{ s *star }

func (x exposureFields) field(name string) (value, bool) {
	if v, ok := x.ofFact(name); ok {
		return v, true
	}
	if v, ok := x.ofWeakness(name); ok {
		return v, true
	}
	return x.ofAsset(name)
}

func (x exposureFields) ofFact(name string) (value, bool) {
	s := x.s
	switch name {
	case "severity":
		return value{dim: dimSeverity, number: func(c uint32) float64 { return float64(c) }}, true
	case "state":
		return word(dimState, &s.states), true
	case "class":
		return word(dimClass, &s.classes), true
	case "aspect":
		return word(dimAspect, &s.aspects), true
	case "band":
		return word(dimBand, &s.bands), true
	case "risk":
		return value{dim: dimRisk}, true
	case "over_appetite":
		return value{dim: dimOver, truth: func(c uint32) bool { return c != 0 }}, true
	case "fix_available":
		return value{dim: dimFixable, truth: func(c uint32) bool { return c != 0 }}, true
	case "locus":
		return s.dictText(dimLocus, &s.loci, same), true
	case "action":
		return value{dim: dimAction, unique: true, text: func(c uint32) string { return gyre.ID(s.ids.list[c]).String() }}, true
	case "sources":
		return s.setList(dimSources, &s.misc, &s.sources, same), true
	case "first_seen":
		return s.timeValue(dimFirstSeen), true
	case "last_seen":
		return s.timeValue(dimLastSeen), true
	case "state_since":
		return s.timeValue(dimStateSince), true
	}
	return value{}, false
}

func (x exposureFields) ofWeakness(name string) (value, bool) {
	s := x.s
	of := s.weaknesses.ref
	switch name {
	case "title":
		return s.dictText(dimWeakness, &s.titles, func(c uint32) uint32 { return of(c).title }), true
	case "weakness":
		return s.dictText(dimWeakness, &s.keys, func(c uint32) uint32 { return of(c).key }), true
	case "aliases":
		return s.setList(dimWeakness, &s.keys, &s.aliases, func(c uint32) uint32 { return of(c).aliases }), true
	case "cwes":
		return s.setList(dimWeakness, &s.misc, &s.cwes, func(c uint32) uint32 { return of(c).cwes }), true
	case "cvss":
		return value{dim: dimWeakness, number: func(c uint32) float64 { return of(c).cvssScore }}, true
	case "intel.kev":
		return value{dim: dimWeakness, truth: func(c uint32) bool { return of(c).kev }}, true
	case "intel.ransomware":
		return value{dim: dimWeakness, truth: func(c uint32) bool { return of(c).ransomware }}, true
	case "intel.epss":
		return value{dim: dimWeakness, number: func(c uint32) float64 { return of(c).epss }}, true
	case "intel.exploit":
		return s.dictText(dimWeakness, &s.misc, func(c uint32) uint32 { return of(c).exploit }), true
	}
	return value{}, false
}

func (x exposureFields) ofAsset(name string) (value, bool) {
	s := x.s
	switch name {
	case "asset.id":
		return value{dim: dimAsset, unique: true, text: func(c uint32) string { return s.assets.ref(c).id.String() }}, true
	case "asset.name", "asset.kind", "asset.zone", "asset.owner", "asset.internet_facing", "asset.criticality", "asset.tags":
		return assetFields{s}.field(name[len("asset."):])
	case "scope":
		return value{
			dim: dimAsset, setOf: func(c uint32) uint32 { return s.assets.ref(c).member }, sets: len(s.members),
			items: func() func(uint32) []string { return func(set uint32) []string { return s.members[set].names } },
		}, true
	}
	return value{}, false
}

// assetFields knows the fields of expr.AssetSchema.
type assetFields struct{ s *star }

func (x assetFields) field(name string) (value, bool) {
	s := x.s
	of := s.assets.ref
	switch name {
	case "name":
		return s.dictText(dimAsset, &s.names, func(c uint32) uint32 { return of(c).name }), true
	case "kind":
		return s.dictText(dimAsset, &s.misc, func(c uint32) uint32 { return of(c).kind }), true
	case "zone":
		return s.dictText(dimAsset, &s.misc, func(c uint32) uint32 { return of(c).zone }), true
	case "owner":
		return s.dictText(dimAsset, &s.misc, func(c uint32) uint32 { return of(c).owner }), true
	case "os":
		return s.dictText(dimAsset, &s.misc, func(c uint32) uint32 { return of(c).os }), true
	case "internet_facing":
		return value{dim: dimAsset, truth: func(c uint32) bool { return of(c).facing }}, true
	case "criticality":
		return value{dim: dimAsset, number: func(c uint32) float64 { return float64(of(c).criticality) }}, true
	case "tags":
		return s.setList(dimAsset, &s.misc, &s.tags, func(c uint32) uint32 { return of(c).tags }), true
	case "first_seen":
		return value{dim: dimAsset, time: func(c uint32) int64 { return s.times.list[of(c).firstSeen] }}, true
	case "last_seen":
		return value{dim: dimAsset, time: func(c uint32) int64 { return s.times.list[of(c).lastSeen] }}, true
	case "exposures":
		t := s.totals()
		return value{dim: dimAsset, ofFacts: true, number: func(c uint32) float64 { return float64(t.assets[c].exposures) }}, true
	case "risk":
		t := s.totals()
		return value{dim: dimAsset, ofFacts: true, number: func(c uint32) float64 { return t.assets[c].risk }}, true
	case "max_band":
		t := s.totals()
		return value{dim: dimAsset, ofFacts: true, text: func(c uint32) string { return string(t.maxBand(c)) }}, true
	}
	return value{}, false
}

// dimColumns shows the codes of one dimension as rows to a filter that speaks of
// nothing else.
type dimColumns struct {
	fields fields
	dim    dimension
}

var _ expr.Columns = dimColumns{}

func (c dimColumns) value(field string) value {
	v, ok := c.fields.field(field)
	if !ok || v.dim != c.dim {
		return value{}
	}
	return v
}

// Bool implements expr.Columns.
func (c dimColumns) Bool(field string) func(int) bool { return byRow(c.value(field).truth) }

// Number implements expr.Columns.
func (c dimColumns) Number(field string) func(int) float64 { return byRow(c.value(field).number) }

// Text implements expr.Columns.
func (c dimColumns) Text(field string) func(int) string { return byRow(c.value(field).text) }

// Time implements expr.Columns.
func (c dimColumns) Time(field string) func(int) int64 { return byRow(c.value(field).time) }

// TextList implements expr.Columns.
func (c dimColumns) TextList(field string) func(int) []string {
	v := c.value(field)
	if v.items == nil {
		return nil
	}
	items := v.items()
	return func(row int) []string { return items(v.setOf(uint32(row))) } // #nosec -- fewer than 2^32 rows
}

func byRow[T any](f func(uint32) T) func(int) T {
	if f == nil {
		return nil
	}
	return func(row int) T { return f(uint32(row)) } // #nosec -- fewer than 2^32 rows
}
