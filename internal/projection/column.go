// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"math/bits"
	"slices"

	"github.com/gyre-ctem/gyre"
)

// Columns are kept in pages, so that a change copies a page and not the column.
const (
	pageBits  = 14
	pageRows  = 1 << pageBits
	pageMask  = pageRows - 1
	pageWords = pageRows / 64
)

// column is a column in pages. One writer changes it; freeze gives readers a
// column that no longer changes and shares all pages that the writer does not
// touch. Adding never disturbs readers: they do not look beyond their last row.
type column[T any] struct {
	pages  [][]T
	shared bool   // readers have this list of pages
	own    []bool // pages that readers do not have
	// touched: something was added or changed since takeTouched.
	touched bool
}

func (c *column[T]) at(row uint32) T { return c.pages[row>>pageBits][row&pageMask] }

func (c *column[T]) ref(row uint32) *T { return &c.pages[row>>pageBits][row&pageMask] }

func (c *column[T]) add(v T) {
	c.touched = true
	c.unshare()
	last := len(c.pages) - 1
	if last < 0 || len(c.pages[last]) == pageRows {
		var page []T
		if last >= 0 { // a small workspace gets small pages
			page = make([]T, 0, pageRows)
		}
		c.pages, c.own = append(c.pages, page), append(c.own, true)
		last++
	}
	c.pages[last] = append(c.pages[last], v)
}

func (c *column[T]) set(row uint32, v T) { *c.change(row) = v }

// change returns a value that the writer may write to.
func (c *column[T]) change(row uint32) *T {
	p := row >> pageBits
	c.changePage(int(p))
	return &c.pages[p][row&pageMask]
}

// changePage returns a page that the writer may write to.
func (c *column[T]) changePage(p int) []T {
	c.touched = true
	if !c.own[p] {
		c.unshare()
		old := c.pages[p]
		c.pages[p] = append(make([]T, 0, cap(old)), old...)
		c.own[p] = true
	}
	return c.pages[p]
}

func (c *column[T]) takeTouched() bool {
	was := c.touched
	c.touched = false
	return was
}

func (c *column[T]) unshare() {
	if c.shared {
		c.pages, c.shared = slices.Clone(c.pages), false
	}
}

func (c *column[T]) freeze() column[T] {
	c.shared = true
	clear(c.own)
	return column[T]{pages: c.pages}
}

// trim gives back what the last page has in reserve.
func (c *column[T]) trim() {
	if n := len(c.pages); n > 0 {
		c.pages[n-1] = slices.Clip(append([]T(nil), c.pages[n-1]...))
	}
}

// rowset is a set of rows, one bit each.
type rowset []uint64

func newRowset(rows int) rowset { return make(rowset, (rows+63)/64) }

func (s rowset) has(row uint32) bool {
	return int(row>>6) < len(s) && s[row>>6]>>(row&63)&1 != 0
}

func (s rowset) put(row uint32)  { s[row>>6] |= 1 << (row & 63) }
func (s rowset) drop(row uint32) { s[row>>6] &^= 1 << (row & 63) }

func (s rowset) count() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// each calls f for the rows of the set in order, until it says no.
func (s rowset) each(f func(row uint32) bool) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			if !f(uint32(i<<6 + bits.TrailingZeros64(w))) { // #nosec -- fewer than 2^32 rows
				return
			}
		}
	}
}

// page is the part of the set that belongs to a page of rows.
func (s rowset) page(p int) rowset {
	return s[min(p*pageWords, len(s)):min((p+1)*pageWords, len(s))]
}

// ids finds rows by ID. IDs ascend with few exceptions, so the column of IDs is
// its own index: rows below base are in order, the others are listed in order.
type ids struct {
	base   uint32
	late   []uint32
	shared bool
}

func (x *ids) find(id gyre.ID, of func(row uint32) gyre.ID) (uint32, bool) {
	lo, hi := uint32(0), x.base
	for lo < hi {
		mid := (lo + hi) / 2
		if of(mid) < id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < x.base && of(lo) == id {
		return lo, true
	}
	if i, ok := x.findLate(id, of); ok {
		return x.late[i], true
	}
	return 0, false
}

func (x *ids) findLate(id gyre.ID, of func(row uint32) gyre.ID) (int, bool) {
	return slices.BinarySearchFunc(x.late, id, func(row uint32, id gyre.ID) int {
		switch got := of(row); {
		case got < id:
			return -1
		case got > id:
			return 1
		}
		return 0
	})
}

// add takes the row that was added last.
func (x *ids) add(row uint32, id gyre.ID, of func(row uint32) gyre.ID) {
	if row == x.base && (row == 0 || of(row-1) < id) {
		x.base++
		return
	}
	i := len(x.late)
	if i > 0 && of(x.late[i-1]) > id {
		i, _ = x.findLate(id, of)
		if x.shared {
			x.late, x.shared = slices.Clone(x.late), false
		}
	}
	x.late = slices.Insert(x.late, i, row)
}

func (x *ids) freeze() ids {
	x.shared = true
	return ids{base: x.base, late: x.late}
}
