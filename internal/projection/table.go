// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"math/bits"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
)

// table is what a list runs over: the rows of a star that are there, and their fields.
type table struct {
	s      *star
	schema *expr.Schema
	fields
	rows int
	live rowset
	id   func(row uint32) gyre.ID
	// rowsAre is the dimension whose codes the rows are; dimNone for facts, which
	// have a column of codes for each dimension.
	rowsAre dimension
	turn    turn
}

func (s *star) exposureTable() *table {
	return &table{s: s, schema: expr.ExposureSchema, fields: exposureFields{s}, rows: s.factCount, live: s.live, id: s.factID}
}

func (s *star) assetTable() *table {
	return &table{s: s, schema: expr.AssetSchema, fields: assetFields{s}, rows: s.assetCount, live: s.assetLive, id: s.assetID, rowsAre: dimAsset}
}

// riskOf adds up the risk of the active exposures of the rows of a set.
func (t *table) riskOf(rows rowset) (sum float64) {
	if t.rowsAre == dimAsset {
		of := t.s.totals().assets
		rows.each(func(row uint32) bool { sum += of[row].risk; return true })
		return sum
	}
	active := t.s.activeStates()
	for p, risk := range t.s.facts.risk.pages {
		state := t.s.facts.state.pages[p]
		giveWay()
		for i, w := range rows.page(p) {
			for base := i << 6; w != 0; w &= w - 1 {
				row := base + bits.TrailingZeros64(w)
				if active[state[row]] != 0 {
					sum += risk[row]
				}
			}
		}
	}
	return sum
}

// codes is the column of codes of one dimension; one of the columns is there.
type codes struct {
	c8   *column[uint8]
	c16  *column[uint16]
	c32  *column[uint32]
	over bool // worked out from risk and asset
}

func (t *table) codes(d dimension) codes {
	f := &t.s.facts
	switch d {
	case dimAsset:
		return codes{c32: &f.asset}
	case dimWeakness:
		return codes{c32: &f.weakness}
	case dimLocus:
		return codes{c32: &f.locus}
	case dimAction:
		return codes{c32: &f.action}
	case dimFirstSeen:
		return codes{c32: &f.firstSeen}
	case dimLastSeen:
		return codes{c32: &f.lastSeen}
	case dimStateSince:
		return codes{c32: &f.stateSince}
	case dimSources:
		return codes{c16: &f.sources}
	case dimAspect:
		return codes{c8: &f.aspect}
	case dimClass:
		return codes{c8: &f.class}
	case dimState:
		return codes{c8: &f.state}
	case dimSeverity:
		return codes{c8: &f.severity}
	case dimBand:
		return codes{c8: &f.band}
	case dimFixable:
		return codes{c8: &f.fixable}
	}
	return codes{over: true}
}

// size is how many codes a dimension has.
func (t *table) size(d dimension) int {
	s := t.s
	switch d {
	case dimAsset:
		return s.assetCount
	case dimWeakness:
		return s.weaknessCount
	case dimLocus:
		return s.loci.len()
	case dimAction:
		return len(s.ids.list)
	case dimFirstSeen, dimLastSeen, dimStateSince:
		return len(s.times.list)
	case dimSources:
		return s.sources.len()
	case dimAspect:
		return len(s.aspects.list)
	case dimClass:
		return len(s.classes.list)
	case dimState:
		return len(s.states.list)
	case dimBand:
		return len(s.bands.list)
	case dimSeverity:
		return int(gyre.SeverityCritical) + 1
	}
	return 2
}

// codeOf returns a function that finds the code of a row in a dimension.
func (t *table) codeOf(d dimension) func(row uint32) uint32 {
	if d == t.rowsAre {
		return same
	}
	switch c := t.codes(d); {
	case c.c8 != nil:
		return func(row uint32) uint32 { return uint32(c.c8.at(row)) }
	case c.c16 != nil:
		return func(row uint32) uint32 { return uint32(c.c16.at(row)) }
	case c.c32 != nil:
		return c.c32.at
	}
	f, limits := &t.s.facts, t.s.appetites()
	return func(row uint32) uint32 {
		limit := limits[f.asset.at(row)]
		return uint32(oneIf(limit > 0 && f.risk.at(row) > limit))
	}
}

// appetites is the risk that the scopes of each asset tolerate; 0: no scope says.
func (s *star) appetites() []float64 {
	limits := make([]float64, s.assetCount)
	for row := range limits {
		limits[row] = s.members[s.assets.ref(uint32(row)).member].appetite // #nosec -- an index
	}
	return limits
}

// rowColumns shows all fields of a table to a filter that speaks of more than
// one dimension.
type rowColumns struct {
	t *table
	// tabled: fields are worked out for all codes first, which pays for many rows.
	tabled bool
}

var _ expr.Columns = rowColumns{}

// Bool implements expr.Columns.
func (c rowColumns) Bool(field string) func(int) bool {
	v, _ := c.t.field(field)
	return ofRow(c, v.dim, v.truth)
}

// Number implements expr.Columns.
func (c rowColumns) Number(field string) func(int) float64 {
	v, _ := c.t.field(field)
	if v.dim == dimRisk {
		risk := c.t.s.facts.risk.pages
		return func(row int) float64 { return risk[row>>pageBits][row&pageMask] }
	}
	return ofRow(c, v.dim, v.number)
}

// Text implements expr.Columns.
func (c rowColumns) Text(field string) func(int) string {
	v, _ := c.t.field(field)
	return ofRow(c, v.dim, v.text)
}

// Time implements expr.Columns.
func (c rowColumns) Time(field string) func(int) int64 {
	v, _ := c.t.field(field)
	return ofRow(c, v.dim, v.time)
}

// TextList implements expr.Columns.
func (c rowColumns) TextList(field string) func(int) []string {
	v, _ := c.t.field(field)
	if v.items == nil {
		return nil
	}
	items := v.items()
	c.tabled = false // items returns its answer in the same slice each time
	return ofRow(c, v.dim, func(code uint32) []string { return items(v.setOf(code)) })
}

func ofRow[T any](c rowColumns, d dimension, of func(code uint32) T) func(int) T {
	if of == nil {
		return nil
	}
	t := c.t
	if !c.tabled || d == t.rowsAre || t.size(d) > t.rows/2 {
		code := t.codeOf(d)
		return func(row int) T { return of(code(uint32(row))) } // #nosec -- fewer than 2^32 rows
	}
	values := make([]T, t.size(d))
	for code := range values {
		values[code] = of(uint32(code)) // #nosec -- an index
	}
	switch c := t.codes(d); {
	case c.c8 != nil:
		return fromTable(c.c8, values)
	case c.c16 != nil:
		return fromTable(c.c16, values)
	case c.c32 != nil:
		return fromTable(c.c32, values)
	}
	code := t.codeOf(d)
	return func(row int) T { return values[code(uint32(row))] } // #nosec -- fewer than 2^32 rows
}

func fromTable[C uint8 | uint16 | uint32, T any](c *column[C], values []T) func(int) T {
	pages := c.pages
	return func(row int) T { return values[pages[row>>pageBits][row&pageMask]] }
}
