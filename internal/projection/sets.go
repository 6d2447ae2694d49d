// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
)

// numbers numbers different int64s: times, IDs of actions. It only grows, like
// texts. Code 0 is 0. A few thousand times serve a million exposures, because all that
// a run learns bears the run's time.
type numbers struct{ list []int64 }

type numberWriter struct {
	numbers
	table index
}

func newNumbers() numberWriter {
	var w numberWriter
	w.code(0)
	return w
}

func hashNumber(v int64) uint64 {
	return maphash.Comparable(seed, v)
}

func (w *numberWriter) code(v int64) uint32 {
	h := hashNumber(v)
	code, ok := w.table.find(h, func(c uint32) bool { return w.list[c] == v })
	if ok {
		return code
	}
	code = uint32(len(w.list)) // #nosec -- fewer than 2^32 numbers
	w.list = append(w.list, v)
	w.table.put(h, code, func(c uint32) uint64 { return hashNumber(w.list[c]) })
	return code
}

// sets numbers different sets of codes, each in ascending order. It only grows,
// like texts. Code 0 is the empty set.
type sets struct {
	offs  []uint32 // set i is items[offs[i]:offs[i+1]]
	items []uint32
}

func (s *sets) len() int { return len(s.offs) - 1 }

func (s *sets) at(code uint32) []uint32 { return s.items[s.offs[code]:s.offs[code+1]] }

type setWriter struct {
	sets
	table index
	bytes []byte
}

func newSets() setWriter {
	w := setWriter{sets: sets{offs: []uint32{0}}}
	w.code(nil)
	return w
}

func (w *setWriter) hash(items []uint32) uint64 {
	w.bytes = w.bytes[:0]
	for _, i := range items {
		w.bytes = binary.LittleEndian.AppendUint32(w.bytes, i)
	}
	return maphash.Bytes(seed, w.bytes)
}

// code returns the code of a set. The order of items is kept: sets of names come
// in the order of the names.
func (w *setWriter) code(items []uint32) uint32 {
	h := w.hash(items)
	code, ok := w.table.find(h, func(c uint32) bool { return slices.Equal(w.at(c), items) })
	if ok {
		return code
	}
	code = uint32(w.len()) // #nosec -- fewer than 2^32 sets
	w.items = append(w.items, items...)
	w.offs = append(w.offs, uint32(len(w.items))) // #nosec -- fewer than 2^32 items
	w.table.put(h, code, func(c uint32) uint64 { return w.hash(w.at(c)) })
	return code
}

// words numbers the few words of a vocabulary that is closed, or nearly so.
type words struct{ list []string }

// maxWords is how many words fit. Plug-ins may bring words of their own, but
// not without end: what comes after is the last word.
const maxWords = 256

func (w *words) code(s string) uint8 {
	if i := slices.Index(w.list, s); i >= 0 {
		return uint8(i) // #nosec -- below 256
	}
	if len(w.list) == maxWords-1 {
		s = "other"
	}
	if len(w.list) < maxWords {
		w.list = append(w.list, s)
	}
	return uint8(len(w.list) - 1) // #nosec -- below 256
}

func wordsOf[T ~string](list []T) words {
	var w words
	for _, s := range list {
		w.code(string(s))
	}
	return w
}
