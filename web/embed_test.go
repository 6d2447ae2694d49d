// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"io/fs"
	"testing"
)

// TestFS holds that the answer of FS agrees with what is there, and that a built
// page obeys the policy that the server sends: no inline script, nothing from elsewhere.
func TestFS(t *testing.T) {
	console, built := FS()
	if _, err := fs.Stat(console, ".gitkeep"); err != nil {
		t.Errorf("the placeholder is gone: %v", err)
	}
	page, err := fs.ReadFile(console, "index.html")
	if built != (err == nil) {
		t.Fatalf("built = %v, but reading index.html gives %v", built, err)
	}
	if !built {
		t.Skip("no console built")
	}
	for _, banned := range []string{"http://", "https://", "<style", "onload="} {
		if bytes.Contains(page, []byte(banned)) {
			t.Errorf("index.html holds %q", banned)
		}
	}
	for rest := page; ; {
		i := bytes.Index(rest, []byte("<script"))
		if i < 0 {
			return
		}
		rest = rest[i+1:]
		tag := rest[:bytes.IndexByte(rest, '>')]
		if !bytes.Contains(tag, []byte(`src="/`)) {
			t.Errorf("inline script <%s>", tag)
		}
	}
}
