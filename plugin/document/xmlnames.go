// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"encoding/binary"
	"encoding/xml"
)

// name is a name of an element or attribute, as written and as its prefix and the rest.
type name struct {
	raw string
	xml.Name
}

// names are those that came before. A document has a few dozen, each many times,
// so one look at the place where a name was put last finds nearly all of them.
type names struct {
	slots [512]name
	all   map[string]name
}

const maxNames = 4096

func (n *names) slot(b []byte) *name { return &n.slots[hash(b)>>55] }

func (n *names) add(x name) {
	if n.all == nil {
		n.all = map[string]name{}
	}
	if len(n.all) < maxNames {
		n.all[x.raw] = x
	}
}

// words are short texts that came before, so that those that come again are made once.
type words [2048]string

const maxWord = 32

// of is the text as a string.
func (w *words) of(b []byte) string {
	if len(b) == 0 || len(b) > maxWord {
		return string(b)
	}
	slot := &w[hash(b)>>53]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

// hash spreads texts over slots by its upper bits. Who contrives texts that meet in
// one slot gets them made each time, no more.
func hash(b []byte) uint64 {
	const odd = 0x9E3779B97F4A7C15
	h := uint64(len(b)) * odd
	for ; len(b) >= 8; b = b[8:] {
		h = (h ^ h>>32 ^ binary.LittleEndian.Uint64(b)) * odd
	}
	if len(b) >= 4 {
		h = (h ^ h>>32 ^ uint64(binary.LittleEndian.Uint32(b))) * odd
		b = b[4:]
	}
	for _, c := range b {
		h = (h ^ h>>32 ^ uint64(c)) * odd
	}
	return h
}
