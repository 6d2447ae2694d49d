// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"sync"

	"github.com/gyre-ctem/gyre"
)

// place is a row with its first key.
type place struct {
	key uint64
	row uint32
}

// mark is a place in the order that need not be a row: the keys and the ID.
type mark struct {
	keys []uint64
	id   gyre.ID
}

// picker finds the rows of one page: those that come first behind a mark. It
// keeps the best so far, and the key that a row must not exceed to be among them.
type picker struct {
	t     *table
	keys  []sortKey
	after *mark
	want  int

	best   []place
	room   int
	closed bool  // there are enough
	bound  *mark // then: where the worst of them is
}

// pick returns the first rows behind a mark, in order; one more than limit, if
// there is one.
func (t *table) pick(rows rowset, keys []sortKey, after *mark, limit int) []uint32 {
	p := &picker{t: t, keys: keys, after: after, want: limit + 1}
	p.room = max(2*p.want, p.want+1024)
	p.best = make([]place, 0, p.room)
	pages := (len(rows) + pageWords - 1) / pageWords
	for i := range pages {
		// Rows are in the order of their times, more or less: who wants the newest
		// first finds them at the end.
		at := i
		if keys[0].flip != 0 && keys[0].dim >= dimFirstSeen && keys[0].dim <= dimStateSince {
			at = pages - 1 - i
		}
		giveWay()
		p.page(rows.page(at), at)
	}
	slices.SortFunc(p.best, p.compare)
	p.best = p.best[:min(len(p.best), p.want)]
	out := make([]uint32, len(p.best))
	for i, b := range p.best {
		out[i] = b.row
	}
	return out
}

var keyPages = sync.Pool{New: func() any { return new([pageRows]uint64) }}

func (p *picker) page(rows rowset, at int) {
	first := uint32(at) << pageBits // #nosec -- fewer than 2^32 rows
	k := &p.keys[0]
	n := rows.count()
	if n == 0 {
		return
	}
	if n < pageRows/8 {
		rows.each(func(i uint32) bool { p.offer(k.at(first+i), first+i); return true })
		return
	}
	if k.risk != nil {
		p.riskPage(rows, first, k.risk.pages[at])
		return
	}
	page := keyPages.Get().(*[pageRows]uint64) // nothing else is put there
	defer keyPages.Put(page)
	p.t.fill(k, at, page)
	low := p.low()
	for i, w := range rows {
		part := (*[64]uint64)(page[i<<6:])
		high := p.high()
		for ; w != 0; w &= w - 1 {
			j := bits.TrailingZeros64(w)
			if key := part[j&63]; key >= low && key <= high {
				p.offer(key, first+uint32(i<<6+j)) // #nosec -- fewer than 2^32 rows
				high = p.high()
			}
		}
	}
}

// riskPage is page for an order by risk: it compares risks as they are.
func (p *picker) riskPage(rows rowset, first uint32, risks []float64) {
	flip := p.keys[0].flip
	between := func() (lo, hi float64) {
		a, b := p.low(), p.high()
		if flip != 0 {
			a, b = ^b, ^a
		}
		return numberOf(a), numberOf(b)
	}
	lo, hi := between()
	for i, w := range rows {
		for base := i << 6; w != 0; w &= w - 1 {
			row := base + bits.TrailingZeros64(w)
			if r := risks[row]; r >= lo && r <= hi {
				p.offer(numberKey(r)^flip, first+uint32(row)) // #nosec -- fewer than 2^32 rows
				lo, hi = between()
			}
		}
	}
}

// low and high are the keys between which a row can be among the best.
func (p *picker) low() uint64 {
	if p.after != nil {
		return p.after.keys[0]
	}
	return 0
}

func (p *picker) high() uint64 {
	if p.closed {
		return p.bound.keys[0]
	}
	return math.MaxUint64
}

// offer takes a row if it can be among the best.
func (p *picker) offer(key uint64, row uint32) {
	at := place{key, row}
	if p.after != nil && !p.past(at, p.after) || p.closed && p.past(at, p.bound) {
		return
	}
	p.best = append(p.best, at)
	if len(p.best) == p.room {
		p.cut()
	}
}

// cut keeps the best of what was collected.
func (p *picker) cut() {
	nth(p.best, p.want, p.compare)
	p.best = p.best[:p.want]
	worst := slices.MaxFunc(p.best, p.compare)
	p.bound, p.closed = &mark{keys: []uint64{worst.key}, id: p.t.id(worst.row)}, true
	for i := range p.keys[1:] {
		p.bound.keys = append(p.bound.keys, p.keys[1+i].at(worst.row))
	}
}

// nth orders list so that its n first are in front of the others.
func nth(list []place, n int, compare func(a, b place) int) {
	lo, hi := 0, len(list)-1
	for lo < hi {
		mid := list[(lo+hi)/2]
		i, j := lo, hi
		for i <= j {
			for compare(list[i], mid) < 0 {
				i++
			}
			for compare(list[j], mid) > 0 {
				j--
			}
			if i <= j {
				list[i], list[j] = list[j], list[i]
				i++
				j--
			}
		}
		switch {
		case n-1 <= j:
			hi = j
		case n-1 >= i:
			lo = i
		default:
			return
		}
	}
}

// compare orders two rows; equal keys are ordered by ID, so the order is total.
func (p *picker) compare(a, b place) int {
	if a.key != b.key {
		return cmp.Compare(a.key, b.key)
	}
	for i := range p.keys[1:] {
		k := &p.keys[1+i]
		if c := cmp.Compare(k.at(a.row), k.at(b.row)); c != 0 {
			return c
		}
	}
	return cmp.Compare(p.t.id(a.row), p.t.id(b.row))
}

// past says whether a row comes behind a mark.
func (p *picker) past(at place, m *mark) bool {
	if at.key != m.keys[0] {
		return at.key > m.keys[0]
	}
	for i := range p.keys[1:] {
		if key := p.keys[1+i].at(at.row); key != m.keys[1+i] {
			return key > m.keys[1+i]
		}
	}
	return p.t.id(at.row) > m.id
}
