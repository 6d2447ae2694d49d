// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
)

// What is plain already takes a short way; it leads to the same place.
func TestLineAndLines(t *testing.T) {
	for _, s := range []string{
		"", " ", "a", " a", "a ", "a b", "a  b", "a\tb", "a\nb", "\n a\r\n b \n", "é ü", "a\u00a0b", "a\x00b", "a\xffb", "a\u0085b", strings.Repeat("x", 20), strings.Repeat("é", 20), "x\x7fy", "tab\tand\nline",
	} {
		sameLines(t, s)
	}
	dice := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- a test's
	for range 20_000 {
		b := []byte(strings.Repeat("plain text!", 4)[:dice.IntN(40)])
		for range dice.IntN(4) {
			if len(b) > 0 {
				b[dice.IntN(len(b))] = " \n\t\x1f\x7f~\x80\xa0!"[dice.IntN(9)]
			}
		}
		sameLines(t, string(b))
	}
}

func sameLines(t *testing.T, s string) {
	t.Helper()
	for _, most := range []int{12, 100} {
		long := shorten(strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " "), most)
		if got := Line(s, most); got != long {
			t.Errorf("Line(%q) is %q, not %q", s, got, long)
		}
		lines := shorten(strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				return -1
			}
			return r
		}, strings.ToValidUTF8(s, ""))), most)
		if got := Lines(s, most); got != lines {
			t.Errorf("Lines(%q) is %q, not %q", s, got, lines)
		}
	}
}
