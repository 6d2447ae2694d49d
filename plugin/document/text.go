// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line makes a string out of a report fit to be one line of a name, a locus or a
// title: valid UTF-8 without control characters, white space joined, at most max
// bytes; a longer one ends in "…".
func Line(s string, maxBytes int) string {
	if len(s) <= maxBytes && isLine(s) {
		return s
	}
	return shorten(strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " "), maxBytes)
}

// Lines is Line for a text of several lines.
func Lines(s string, maxBytes int) string {
	if isLines(s) {
		return shorten(strings.TrimSpace(s), maxBytes)
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return shorten(strings.TrimSpace(s), maxBytes)
}

// isLine says that a text is a line as it is: most are.
func isLine(s string) bool {
	space := true // as if one came before
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := eight(s[i:])
		spaces := zeros(x ^ low*' ')
		if unusual(x) != 0 || spaces&(spaces<<8) != 0 || space && spaces&0x80 != 0 {
			return false
		}
		space = spaces>>63 != 0
	}
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ':
			if space {
				return false
			}
			space = true
		case c < ' ' || c > '~':
			return false
		default:
			space = false
		}
	}
	return s == "" || !space
}

// isLines says that a text has nothing in it that Lines would leave out.
func isLines(s string) bool {
	i := 0
	for i+8 <= len(s) {
		found := unusual(eight(s[i:]))
		if found == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(found) / 8
		if c := s[i]; c != '\n' && c != '\t' {
			return false
		}
		i++
	}
	for ; i < len(s); i++ {
		if c := s[i]; (c < ' ' || c > '~') && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

func shorten(s string, maxBytes int) string {
	if len(s) <= maxBytes {
		return s
	}
	cut := maxBytes - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
