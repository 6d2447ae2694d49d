// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
)

// Fingerprints tells findings of one report apart that have one fingerprint
// because the same code is there more than once: within a file, the second line
// that has it is the second, whatever its number. The zero value is ready. It holds some
// twenty bytes for each finding that has a fingerprint. Not safe for concurrent use.
type Fingerprints struct {
	seed  maphash.Seed
	lines map[uint64]int32   // the first line of each
	more  map[uint64][]int32 // and the others
}

// Next is the gyre.Finding.Fingerprint of a finding of a rule at a line of a
// file. print is what the tool, or Snippet, says of the code; empty stays empty.
func (f *Fingerprints) Next(rule, file string, line int, print string) string {
	if print == "" {
		return ""
	}
	if f.lines == nil {
		f.seed, f.lines, f.more = maphash.MakeSeed(), map[uint64]int32{}, map[uint64][]int32{}
	}
	key := maphash.String(f.seed, rule+"\x00"+file+"\x00"+print)
	at := int32(line) // #nosec G115 -- a line that overflows is told apart as well
	first, known := f.lines[key]
	if !known {
		f.lines[key] = at
	}
	if !known || first == at {
		return print
	}
	n := slices.Index(f.more[key], at)
	if n < 0 {
		n = len(f.more[key])
		f.more[key] = append(f.more[key], at)
	}
	return print + "#" + strconv.Itoa(n+2)
}

// Snippet is the fingerprint of a piece of code: of its text without the space
// between its words, so that it stays when code is indented. Do not use it on
// secrets, whose hash would tell them.
func Snippet(code string) string {
	text := strings.Join(strings.Fields(code), " ")
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return "snippet:" + hex.EncodeToString(sum[:12])
}
