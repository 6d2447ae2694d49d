// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gyre-ctem/gyre/plugin"
)

// openGuard allows every path, and counts how often it is asked.
type openGuard struct {
	plugin.Guard
	asked  int
	cancel func()
}

func (g *openGuard) AllowPath(string) error {
	g.asked++
	g.cancel()
	return nil
}

// TestListingStops: a large folder on a slow disk does not hold up a cancelled run.
func TestListingStops(t *testing.T) {
	dir := t.TempDir()
	for i := range 20 {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	g := &openGuard{cancel: cancel}
	f, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.close() }()
	if _, err := f.list(ctx, g, &plugin.Report{}); !errors.Is(err, context.Canceled) {
		t.Errorf("listing ends with %v", err)
	}
	if g.asked != 1 {
		t.Errorf("%d files were looked at after the run was cancelled", g.asked-1)
	}
}

// TestNobodyLeadsAstray: between the judgement and the read somebody puts a link
// in the place of a file, or of a folder above it, that leads out of the target or to
// a file of it that the scope excludes. Nothing of what lies there is read.
func TestNobodyLeadsAstray(t *testing.T) {
	for name, tc := range map[string]struct{ replace, with string }{
		"a file, by one outside":   {"sub/a.txt", "../../secret/a.txt"},
		"a file, by one inside":    {"sub/a.txt", "../private/a.txt"},
		"a folder, by one outside": {"sub", "../secret"},
		"a folder, by one inside":  {"sub", "private"},
	} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			dir := filepath.Join(top, "target")
			write := func(name, text string) {
				t.Helper()
				p := filepath.Join(top, name)
				if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("target/sub/a.txt", "open")
			write("target/private/a.txt", "secret")
			write("secret/a.txt", "secret")
			f, err := openFolder(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.close() }()
			file, err := f.open("sub/a.txt")
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(file)
			_ = file.Close()
			if err != nil || string(text) != "open" {
				t.Fatalf("before: %q, %v", text, err)
			}
			at := filepath.Join(dir, tc.replace)
			if err := os.Rename(at, filepath.Join(top, "aside")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(tc.with, at); err != nil {
				t.Skip("no links here:", err)
			}
			if text, err := os.ReadFile(filepath.Join(dir, "sub/a.txt")); err != nil || string(text) != "secret" {
				t.Fatalf("the link does not lead there: %q, %v", text, err)
			}
			if file, err := f.open("sub/a.txt"); err == nil {
				text, _ := io.ReadAll(file)
				t.Errorf("it was led to %q", text)
			}
		})
	}
}

// TestTargetIsALink: the target itself may be a link; its files are named as the
// target says it.
func TestTargetIsALink(t *testing.T) {
	top := t.TempDir()
	if err := os.WriteFile(filepath.Join(top, "a.txt"), []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"latest.txt": "a.txt", "current": "."} {
		at := filepath.Join(top, link)
		if err := os.Symlink(to, at); err != nil {
			t.Skip("no links here:", err)
		}
		f, err := openFolder(at)
		if err != nil {
			t.Fatal(err)
		}
		names, err := f.list(t.Context(), &openGuard{cancel: func() {}}, &plugin.Report{})
		if err != nil || len(names) != 1 {
			t.Fatalf("%s holds %v, %v", link, names, err)
		}
		file, err := f.open(names[0])
		if err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		if p := f.path(names[0]); filepath.Dir(p) != top && filepath.Dir(p) != at {
			t.Errorf("%s is called %s", names[0], p)
		}
		_ = f.close()
	}
}
