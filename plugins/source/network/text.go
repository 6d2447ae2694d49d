// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// The forms that a fact may hold, and what peers send in the form that people may read.

func ints(list []uint16) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = int64(v)
	}
	return out
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// printable makes text out of what a stranger sent: valid UTF-8, without
// control characters, at most limit bytes.
func printable(b []byte, limit int) string {
	s := strings.ToValidUTF8(string(b[:min(len(b), 4*limit)]), "")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return s
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line)
}
