// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"math"
	"math/bits"

	"github.com/gyre-ctem/gyre/internal/expr"
)

// What follows runs over a million rows for a question: it looks at columns
// page by page, 64 rows at a time, and allocates nothing.

// sparse is how many of 64 rows must be asked for so that looking at all of
// them is cheaper than at each.
const sparse = 12

// lookUp finds the rows whose code is in a set.
func (t *table) lookUp(d dimension, found rowset) func(mask, out rowset) {
	switch c := t.codes(d); {
	case c.c8 != nil:
		return byPage(c.c8, found, lookUpSmall)
	case c.c16 != nil:
		return byPage(c.c16, found, lookUpPage[uint16])
	case c.c32 != nil:
		return byPage(c.c32, found, lookUpPage[uint32])
	}
	return t.lookUpOver(found)
}

func byPage[T any](c *column[T], found rowset, page func(codes []T, found, mask, out rowset)) func(mask, out rowset) {
	return func(mask, out rowset) {
		for p, codes := range c.pages {
			if m := mask.page(p); len(m) > 0 {
				page(codes, found, m, out.page(p))
			}
			giveWay()
		}
	}
}

func lookUpPage[T uint16 | uint32](codes []T, found, mask, out rowset) {
	for i, m := range mask {
		base := i << 6
		var hit uint64
		if base+64 <= len(codes) && bits.OnesCount64(m) > sparse {
			for _, c := range codes[base : base+64] { // each bit comes in at the top
				hit = hit>>1 | found[c>>6]>>(c&63)<<63
			}
			out[i] = hit & m
			continue
		}
		for ; m != 0; m &= m - 1 {
			j := bits.TrailingZeros64(m)
			c := codes[base+j]
			hit |= (found[c>>6] >> (c & 63) & 1) << j
		}
		out[i] = hit
	}
}

func lookUpSmall(codes []uint8, found, mask, out rowset) {
	var has [maxWords]uint64
	for c := range has {
		if found.has(uint32(c)) { // #nosec -- below 256
			has[c] = 1
		}
	}
	for i, m := range mask {
		base := i << 6
		var hit uint64
		if base+64 <= len(codes) && bits.OnesCount64(m) > sparse {
			for _, c := range codes[base : base+64] {
				hit = hit>>1 | has[c]<<63
			}
			out[i] = hit & m
			continue
		}
		for ; m != 0; m &= m - 1 {
			j := bits.TrailingZeros64(m)
			hit |= has[codes[base+j]] << j
		}
		out[i] = hit
	}
}

// lookUpOver finds the rows that are above their asset's appetite, or those
// that are not.
func (t *table) lookUpOver(found rowset) func(mask, out rowset) {
	limits := t.s.appetites()
	has := [2]uint64{found[0] & 1, found[0] >> 1 & 1}
	return func(mask, out rowset) {
		for p, assets := range t.s.facts.asset.pages {
			risk, m, o := t.s.facts.risk.pages[p], mask.page(p), out.page(p)
			giveWay()
			for i, w := range m {
				var hit uint64
				for ; w != 0; w &= w - 1 {
					j := bits.TrailingZeros64(w)
					row := i<<6 + j
					limit := limits[assets[row]]
					hit |= has[oneIf(limit > 0 && risk[row] > limit)] << j
				}
				o[i] = hit
			}
		}
	}
}

// bindRisk compares risk with a constant.
func (t *table) bindRisk(c expr.Comparison) *condition {
	lo, hi := math.Inf(-1), math.Inf(1)
	switch c.Op {
	case "==", "!=":
		lo, hi = c.Value, c.Value
	case "<":
		hi = math.Nextafter(c.Value, math.Inf(-1))
	case "<=":
		hi = c.Value
	case ">":
		lo = math.Nextafter(c.Value, math.Inf(1))
	case ">=":
		lo = c.Value
	}
	if c.Op == ">" && math.IsInf(c.Value, 1) || c.Op == "<" && math.IsInf(c.Value, -1) {
		lo, hi = 1, 0 // nothing
	}
	flip := uint64(0)
	if c.Op == "!=" {
		flip = ^flip
	}
	share := min(max((min(hi, 100)-max(lo, 0))/100, 0), 1)
	if flip != 0 {
		share = 1 - share
	}
	return &condition{cost: 1, share: share, find: func(mask, out rowset) {
		for p, risk := range t.s.facts.risk.pages {
			m, o := mask.page(p), out.page(p)
			giveWay()
			for i, w := range m {
				if w == 0 {
					o[i] = 0
					continue
				}
				var hit uint64
				for j, r := range risk[i<<6 : min(i<<6+64, len(risk))] {
					if lo <= r && r <= hi {
						hit |= 1 << j
					}
				}
				o[i] = (hit ^ flip) & w
			}
		}
	}}
}

// count adds to counts how often each code occurs among the rows of a set.
func (t *table) count(d dimension, rows rowset, counts []uint32) {
	if d == t.rowsAre {
		rows.each(func(row uint32) bool { counts[row]++; return true })
		return
	}
	switch c := t.codes(d); {
	case c.c8 != nil:
		countSmall(c.c8, rows, counts)
	case c.c16 != nil:
		countColumn(c.c16, rows, counts)
	case c.c32 != nil:
		countColumn(c.c32, rows, counts)
	default:
		code := t.codeOf(d)
		rows.each(func(row uint32) bool { counts[code(row)]++; return true })
	}
}

func countColumn[T uint16 | uint32](c *column[T], rows rowset, counts []uint32) {
	for p, codes := range c.pages {
		giveWay()
		for i, m := range rows.page(p) {
			base := i << 6
			if m == ^uint64(0) {
				for _, code := range codes[base : base+64] {
					counts[code]++
				}
				continue
			}
			for ; m != 0; m &= m - 1 {
				counts[codes[base+bits.TrailingZeros64(m)]]++
			}
		}
	}
}

// countSmall counts in two places in turn: adding to the same one again and again waits
// for the addition before.
func countSmall(c *column[uint8], rows rowset, counts []uint32) {
	var even, odd [maxWords]uint32
	for p, codes := range c.pages {
		giveWay()
		for i, m := range rows.page(p) {
			base := i << 6
			if m == ^uint64(0) {
				part := codes[base : base+64]
				for j := 0; j < 64; j += 2 {
					even[part[j]]++
					odd[part[j+1]]++
				}
				continue
			}
			for ; m != 0; m &= m - 1 {
				even[codes[base+bits.TrailingZeros64(m)]]++
			}
		}
	}
	for code := range counts {
		counts[code] += even[code] + odd[code]
	}
}
