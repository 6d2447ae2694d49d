// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"testing"

	"github.com/gyre-ctem/gyre"
)

func FuzzMatch(f *testing.F) {
	f.Add([]byte(debianOpenSSL), "Debian:12", "openssl", "3.0.1-1")
	f.Add([]byte(npmBranches), "npm", "left", "4.0.0")
	f.Add([]byte(`{"id":"X","affected":[{"package":{"ecosystem":"Maven","name":"g:a"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1-x"},{"limit":"2"}]}]}]}`), "Maven", "g:a", "1.0-SNAPSHOT")
	f.Fuzz(func(t *testing.T, osv []byte, ecosystem, name, version string) {
		a, err := Parse(osv)
		if err != nil {
			return
		}
		if _, err := a.Encode(); err != nil {
			t.Fatal(err)
		}
		c := gyre.Component{Ecosystem: ecosystem, Name: name, Version: version, Location: "/f"}
		hits := Match(c, []*Advisory{&a}, Skipped{})
		for _, fd := range Findings(gyre.Host, c, hits) {
			if fd.Weakness.Key == "" || fd.Weakness.Title == "" {
				t.Fatalf("finding without key or title: %+v", fd)
			}
			if fd.Remedy.Fixed != "" {
				if n, err := Compare(ecosystem, fd.Remedy.Fixed, version); err == nil && n <= 0 {
					t.Fatalf("fix %q is not after %q", fd.Remedy.Fixed, version)
				}
			}
		}
	})
}

func FuzzCompare(f *testing.F) {
	f.Add("Debian", "1:2.3-4", "1:2.3-5")
	f.Add("PyPI", "1.0rc1", "1!2.0.post3")
	f.Add("Packagist", "1.0.x-dev", "2.0")
	f.Fuzz(func(_ *testing.T, ecosystem, a, b string) {
		_, _ = Compare(ecosystem, a, b)
	})
}
