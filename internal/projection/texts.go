// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
)

// Texts lie one behind the other in chunks; an offset is the chunk's number and
// the place in it.
const (
	chunkBits = 16
	chunkSize = 1 << chunkBits
)

// texts numbers different texts. It only grows: a code always means the same
// text, and readers of an older state do not see the newer codes. Code 0 is "".
type texts struct {
	chunks []string
	offs   []uint32
	ranks  *ranks
}

func (t *texts) len() int { return len(t.offs) }

func (t *texts) at(code uint32) string {
	o := t.offs[code]
	c := t.chunks[o>>chunkBits][o&(chunkSize-1):]
	n, k := uint64(c[0]), 1
	if n >= 0x80 {
		n &= 0x7f
		for shift := 7; ; shift += 7 {
			b := c[k]
			k++
			n |= uint64(b&0x7f) << shift
			if b < 0x80 {
				break
			}
		}
	}
	return c[k : k+int(n)] // #nosec -- a length that was written
}

// textWriter adds texts.
type textWriter struct {
	texts
	open  *strings.Builder // the last chunk
	table index
}

func newTexts() textWriter {
	w := textWriter{texts: texts{ranks: &ranks{}}}
	w.code("")
	return w
}

// code returns the code of a text, a new one where it is new.
func (w *textWriter) code(s string) uint32 {
	h := maphash.String(seed, s)
	code, ok := w.table.find(h, func(c uint32) bool { return w.at(c) == s })
	if ok {
		return code
	}
	code = uint32(len(w.offs)) // #nosec -- fewer than 2^32 texts
	var head [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(head[:], uint64(len(s)))
	if w.open == nil || w.open.Len()+n+len(s) > chunkSize && w.open.Len() > 0 {
		w.open = &strings.Builder{}
		if len(w.chunks) > 0 {
			w.open.Grow(max(chunkSize, n+len(s)))
		}
		w.chunks = append(w.chunks, "")
	}
	w.offs = append(w.offs, uint32(len(w.chunks)-1)<<chunkBits|uint32(w.open.Len())) // #nosec -- below 2^16 chunks
	w.open.Write(head[:n])
	w.open.WriteString(s)
	w.chunks[len(w.chunks)-1] = w.open.String()
	w.table.put(h, code, func(c uint32) uint64 { return maphash.String(seed, w.at(c)) })
	return code
}

// trim gives back what the list of texts has in reserve.
func (w *textWriter) trim() { w.offs = slices.Clone(w.offs) }

func (w *textWriter) freeze() texts {
	t := w.texts
	w.chunks = slices.Clone(w.chunks) // the last one changes as it is filled
	return t
}

var seed = maphash.MakeSeed()

// index is an open hash table of codes.
type index struct {
	slots []uint32 // code+1, 0 for empty
	n     int
}

func (x *index) find(h uint64, same func(code uint32) bool) (uint32, bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	mask := uint64(len(x.slots) - 1) // #nosec G115 -- a length
	for i := h & mask; x.slots[i] != 0; i = (i + 1) & mask {
		if c := x.slots[i] - 1; same(c) {
			return c, true
		}
	}
	return 0, false
}

// put adds a code that is not there.
func (x *index) put(h uint64, code uint32, hash func(code uint32) uint64) {
	if 4*(x.n+1) > 3*len(x.slots) {
		old := x.slots
		x.slots = make([]uint32, max(16, 2*len(old)))
		for _, s := range old {
			if s != 0 {
				x.place(hash(s-1), s)
			}
		}
	}
	x.place(h, code+1)
	x.n++
}

func (x *index) place(h uint64, slot uint32) {
	mask := uint64(len(x.slots) - 1) // #nosec G115 -- a length
	i := h & mask
	for x.slots[i] != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = slot
}

// ranking is the order of texts.
type ranking struct {
	texts texts
	order []uint32
}

// ranks is what was found out about the texts of a dictionary: their newest order,
// which serves those who know fewer of them, too; and for which of them the last
// few conditions hold, so that a search is done once and not for each state.
type ranks struct {
	mu  sync.Mutex
	now *ranking

	answers map[string][]verdict // by what was asked
	asked   []string             // the newest last
}

// verdict says whether a condition holds for a text.
type verdict uint8

const (
	unknown verdict = iota
	fails
	holds
)

const maxAnswers = 16

// recall returns what is known of n texts; the slice is the caller's.
func (r *ranks) recall(what string, n int) []verdict {
	out := make([]verdict, n)
	r.mu.Lock()
	defer r.mu.Unlock()
	copy(out, r.answers[what])
	return out
}

// remember keeps what was found out. The slice must not be changed afterwards.
func (r *ranks) remember(what string, known []verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, there := r.answers[what]; !there {
		r.asked = append(r.asked, what)
	}
	if len(r.asked) > maxAnswers {
		delete(r.answers, r.asked[0])
		r.asked = r.asked[1:]
	}
	if r.answers == nil {
		r.answers = map[string][]verdict{}
	}
	r.answers[what] = known
}

// ranking orders the texts; those that came since the last time are merged in.
func (t *texts) ranking() *ranking {
	r := t.ranks
	r.mu.Lock()
	defer r.mu.Unlock()
	var old []uint32
	if r.now != nil {
		if old = r.now.order; len(old) >= t.len() {
			return r.now
		}
	}
	added := make([]uint32, 0, t.len()-len(old))
	for c := len(old); c < t.len(); c++ {
		added = append(added, uint32(c)) // #nosec -- fewer than 2^32 texts
	}
	slices.SortFunc(added, func(a, b uint32) int { return strings.Compare(t.at(a), t.at(b)) })
	next := &ranking{texts: *t, order: make([]uint32, 0, t.len())}
	for len(old) > 0 || len(added) > 0 {
		from := &added
		if len(added) == 0 || len(old) > 0 && t.at(old[0]) < t.at(added[0]) {
			from = &old
		}
		next.order, *from = append(next.order, (*from)[0]), (*from)[1:]
	}
	r.now = next
	return next
}

// keys are numbers, by code, that order texts among each other, and with texts
// that have no code.
func (r *ranking) keys() []uint64 {
	keys := make([]uint64, len(r.order))
	for i, c := range r.order {
		keys[c] = 2*uint64(i) + 1 // #nosec -- an index
	}
	return keys
}

func (r *ranking) keyOf(s string) uint64 {
	i, ok := slices.BinarySearchFunc(r.order, s, func(c uint32, s string) int { return strings.Compare(r.texts.at(c), s) })
	if ok {
		return 2*uint64(i) + 1 // #nosec -- an index
	}
	return 2 * uint64(i) // #nosec -- an index
}
