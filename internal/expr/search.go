// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"
	"unicode/utf8"
)

// needle finds a text in others without regard to case. ASCII needles, which
// is nearly all of them, cost no allocation.
type needle struct {
	lower string
	ascii bool
}

func newNeedle(s string) needle {
	n := needle{lower: strings.ToLower(s), ascii: true}
	for i := range len(n.lower) {
		if n.lower[i] >= utf8.RuneSelf {
			n.ascii = false
		}
	}
	return n
}

func (n needle) in(s string) bool {
	if !n.ascii {
		return strings.Contains(strings.ToLower(s), n.lower)
	}
	if n.lower == "" {
		return true
	}
	first := n.lower[0]
	for i := 0; i+len(n.lower) <= len(s); i++ {
		if lowerByte(s[i]) != first {
			continue
		}
		j := 1
		for j < len(n.lower) && lowerByte(s[i+j]) == n.lower[j] {
			j++
		}
		if j == len(n.lower) {
			return true
		}
	}
	return false
}

func lowerByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
