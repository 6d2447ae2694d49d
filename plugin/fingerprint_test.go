// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import "testing"

func TestFingerprints(t *testing.T) {
	var f Fingerprints
	for _, c := range []struct {
		rule, file string
		line       int
		print      string
		want       string
	}{
		{"r", "a.go", 3, "x", "x"},
		{"r", "a.go", 9, "x", "x#2"},
		{"r", "a.go", 3, "x", "x"}, // the same finding again
		{"r", "a.go", 12, "x", "x#3"},
		{"r", "a.go", 9, "x", "x#2"},
		{"r", "b.go", 9, "x", "x"},
		{"s", "a.go", 9, "x", "x"},
		{"r", "a.go", 9, "y", "y"},
		{"r", "a.go", 9, "", ""},
	} {
		if got := f.Next(c.rule, c.file, c.line, c.print); got != c.want {
			t.Errorf("%s %s:%d %q: %q, want %q", c.rule, c.file, c.line, c.print, got, c.want)
		}
	}
}

func TestSnippet(t *testing.T) {
	if a, b := Snippet("\tif x  {\n\t\ty()\n"), Snippet("if x {\n    y()"); a != b || a == "" {
		t.Errorf("%q and %q differ", a, b)
	}
	if Snippet("a b") == Snippet("ab") || Snippet(" \n") != "" {
		t.Error("words count")
	}
}
