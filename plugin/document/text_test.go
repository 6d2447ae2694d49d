// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"strings"
	"testing"
	"unicode"
)

// What is plain already takes a short way; it leads to the same place.
func TestLineAndLines(t *testing.T) {
	for _, s := range []string{
		"", " ", "a", " a", "a ", "a b", "a  b", "a\tb", "a\nb", "\n a\r\n b \n", "é ü", "a\u00a0b", "a\x00b", "a\xffb", "a\u0085b", strings.Repeat("x", 20), strings.Repeat("é", 20), "x\x7fy", "tab\tand\nline",
	} {
		long := shorten(strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " "), 12)
		if got := Line(s, 12); got != long {
			t.Errorf("Line(%q) is %q, not %q", s, got, long)
		}
		lines := shorten(strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				return -1
			}
			return r
		}, strings.ToValidUTF8(s, ""))), 12)
		if got := Lines(s, 12); got != lines {
			t.Errorf("Lines(%q) is %q, not %q", s, got, lines)
		}
	}
}
