// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"runtime"
	"sync"
)

// memo is what was worked out from one dimension alone: sort keys of its codes,
// and which of them conditions hold for. All states in which the dimension is the
// same have the same memo, so while exposures change nothing of it is worked out again.
type memo struct {
	mu    sync.Mutex
	keys  remembered[*ordered]
	found remembered[rowset]
}

// ordered is the sort keys of codes, ascending; order is the dictionary's, for
// texts: it may have grown since.
type ordered struct {
	keys  []uint64
	order *ranking
}

const (
	// Sort keys take eight bytes a code; what was found takes a bit.
	maxKeys  = 4
	maxFound = 32
	// For fewer codes nothing is remembered.
	minMemo = 1000
)

// remembered keeps the last few values that were put there.
type remembered[T any] struct {
	byName map[string]T
	names  []string // the newest last
}

func (r *remembered[T]) put(name string, v T, most int) {
	if r.byName == nil {
		r.byName = map[string]T{}
	}
	if _, there := r.byName[name]; !there {
		r.names = append(r.names, name)
	}
	r.byName[name] = v
	if len(r.names) > most {
		delete(r.byName, r.names[0])
		r.names = r.names[1:]
	}
}

// recall returns what is remembered of a memo, or works it out; a memo may be
// nil. What is the same for two is sometimes worked out twice.
func recall[T any](m *memo, of func(*memo) *remembered[T], name string, most int, workOut func() (T, error)) (T, error) {
	if m == nil {
		return workOut()
	}
	m.mu.Lock()
	v, ok := of(m).byName[name]
	m.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := workOut()
	if err != nil {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	of(m).put(name, v, most)
	return v, nil
}

// memo returns the memo of a dimension, if it has one.
func (s *star) memo(d dimension) *memo {
	switch {
	case d == dimAsset && s.assetCount >= minMemo:
		return s.memos.assets
	case d == dimWeakness && s.weaknessCount >= minMemo:
		return s.memos.weaknesses
	case d == dimLocus && s.loci.len() >= minMemo:
		return s.memos.loci
	}
	return nil
}

// memos are those of a state.
type memos struct {
	assets, weaknesses, loci *memo
	lociKnown                int
}

// renewMemos forgets what is no longer so.
func (b *builder) renewMemos() {
	if b.assets.takeTouched() {
		b.memos.assets = &memo{}
	}
	if b.weaknesses.takeTouched() {
		b.memos.weaknesses = &memo{}
	}
	if n := b.loci.len(); n != b.memos.lociKnown {
		b.memos.loci, b.memos.lociKnown = &memo{}, n
	}
}

// processors are as many places as there are processors. Who passes over a
// million rows takes one until it has its answer: eight questions one or two at a time are
// answered sooner, on the whole, than eight at once, and a short one need not wait for
// a share of each long one's turns.
var processors = make(chan struct{}, runtime.GOMAXPROCS(0))

// giveWay is called for each page of a pass: whoever needs a processor for a moment
// only, to bring the state up to date or to hand out what is known, need not wait for the pass.
func giveWay() { runtime.Gosched() }

// turn is a question's place. It must be taken before a lock that others wait
// for with theirs, and what they wait for must not take one.
type turn struct{ taken bool }

func (t *turn) take() {
	if !t.taken {
		processors <- struct{}{}
		t.taken = true
	}
}

func (t *turn) end() {
	if t.taken {
		<-processors
		t.taken = false
	}
}
