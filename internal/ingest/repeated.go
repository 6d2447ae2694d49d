// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"encoding/binary"
	"hash/maphash"
	"math"

	"github.com/gyre-ctem/gyre"
)

// A report says the same of the same few weaknesses again and again. What a run
// has stored of one need not be compared with what is stored for each batch, as long as
// nobody else has changed anything: the number of the workspace's newest event says so.

// said is what a report says of a weakness, whole: its key, and a sum of the rest.
type said struct {
	key string
	sum uint64
}

// named is a stored weakness and its key.
type named struct {
	id  gyre.ID
	key string
}

// repeated are the weaknesses of which saying the same again changes nothing.
type repeated struct {
	seq int64 // the workspace's newest event when they were last known to be true
	ids map[said]named
}

// maxRepeated bounds what is kept: some 100 bytes each.
const maxRepeated = 50_000

// at drops everything unless nobody has changed anything since.
func (r *repeated) at(seq int64) map[said]named {
	if r.seq != seq || len(r.ids) > maxRepeated {
		clear(r.ids)
	}
	return r.ids
}

// learn takes over what a committed transaction has shown.
func (r *repeated) learn(w *write) {
	if w.renamed {
		clear(r.ids)
	}
	if r.ids == nil {
		r.ids = map[said]named{}
	}
	for k, id := range w.learned {
		r.ids[k] = id
	}
	r.seq = w.tx.Seq()
}

var saidSeed = maphash.MakeSeed()

// saidOf sums up a weakness in normal form.
func saidOf(w *gyre.Weakness) said {
	var h maphash.Hash
	h.SetSeed(saidSeed)
	text := func(s string) {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		_, _ = h.Write(n[:]) // of a hash: never fails
		_, _ = h.WriteString(s)
	}
	number := func(n uint64) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], n)
		_, _ = h.Write(b[:])
	}
	for _, s := range [...]string{string(w.Class), w.Title, w.Description, w.CVSS, w.Remediation} {
		text(s)
	}
	for _, list := range [...][]string{w.Aliases, w.CWEs, w.References, w.Related} {
		number(uint64(len(list)))
		for _, s := range list {
			text(s)
		}
	}
	number(uint64(w.ID))       // #nosec G115 -- only compared
	number(uint64(w.Severity)) // #nosec G115 -- only compared
	number(math.Float64bits(w.CVSSScore))
	number(uint64(w.Published.UnixMicro())) // #nosec G115 -- only compared
	return said{w.Key, h.Sum64()}
}
