// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"archive/zip"
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/gyre-ctem/gyre"
)

// sharedFeeds is a mirror of real feeds beside the checkout; tests skip without it.
const sharedFeeds = "../../../shared/feeds/osv/"

func load(t testing.TB, ecosystem string) map[PackageKey][]*Advisory {
	t.Helper()
	z, err := zip.OpenReader(sharedFeeds + ecosystem + "/all.zip")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no mirror of the OSV feed beside the checkout")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	index := map[PackageKey][]*Advisory{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		a, err := Parse(b)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		for _, k := range a.Packages() {
			index[k] = append(index[k], &a)
		}
	}
	return index
}

func TestRealAdvisories(t *testing.T) {
	for _, tc := range []struct {
		ecosystem, folder, name, version string
		key, fixed                       string
	}{
		{"Go", "Go", "golang.org/x/net", "0.16.0", "CVE-2023-39325", "0.17.0"},
		// 1.21.4 ends the first range, but the same advisory affects it again.
		{"Go", "Go", "stdlib", "1.21.2", "CVE-2023-45283", "1.21.5"},
		{"PyPI", "PyPI", "Jinja2", "2.10.0", "CVE-2019-10906", "2.10.1"},
		{"AlmaLinux:8", "AlmaLinux", "openssl", "1:1.1.1k-5.el8_5", "CVE-2022-0778", "1:1.1.1k-6.el8_5"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			index := load(t, tc.folder)
			c := gyre.Component{Ecosystem: tc.ecosystem, Name: tc.name, Version: tc.version, Location: "/x"}
			skipped := Skipped{}
			found := false
			for _, h := range Match(c, index[KeyOf(c.Ecosystem, c.Name)], skipped) {
				if h.Key == tc.key {
					found = true
					if h.Fixed != tc.fixed {
						t.Errorf("%s is fixed in %q, want %q", h.Key, h.Fixed, tc.fixed)
					}
				}
				if n, err := Compare(c.Ecosystem, h.Fixed, c.Version); h.Fixed != "" && (err != nil || n <= 0) {
					t.Errorf("%s: fix %q is not after %q (%v)", h.Key, h.Fixed, c.Version, err)
				}
			}
			if !found {
				t.Errorf("%s %s does not have %s", tc.name, tc.version, tc.key)
			}
			if len(skipped) > 0 {
				t.Errorf("skipped %v", skipped)
			}
		})
	}
}

// TestListedVersionsAgree holds the evaluation of ranges against the versions
// that the database itself lists as affected.
func TestListedVersionsAgree(t *testing.T) {
	index := load(t, "PyPI")
	checked, wrong := 0, 0
	for key, list := range index {
		for _, a := range list {
			for i := range a.Affected {
				f := &a.Affected[i]
				if KeyOf(f.Ecosystem, f.Name) != key || len(f.Ranges) == 0 || i > 0 {
					continue
				}
				for _, text := range f.Versions {
					v, err := parseVersion("PyPI", text)
					if err != nil {
						continue // names that PEP 440 does not know
					}
					in := false
					for _, r := range f.Ranges {
						yes, _, err := r.affects(v)
						in = in || yes && err == nil
					}
					checked++
					if !in {
						wrong++
					}
				}
			}
		}
	}
	if checked < 10_000 {
		t.Fatalf("checked %d versions only", checked)
	}
	if wrong*100 > checked {
		t.Errorf("%d of %d listed versions lie in no range", wrong, checked)
	}
	t.Logf("%d of %d listed versions lie in no range", wrong, checked)
}

func BenchmarkMatch(b *testing.B) {
	index := load(b, "PyPI")
	c := gyre.Component{Ecosystem: "PyPI", Name: "django", Version: "3.2.0", Location: "/x"}
	list := index[KeyOf(c.Ecosystem, c.Name)]
	b.ReportMetric(float64(len(list)), "advisories")
	for b.Loop() {
		if len(Match(c, list, nil)) == 0 {
			b.Fatal("no hit")
		}
	}
}
