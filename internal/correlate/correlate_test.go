// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package correlate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/correlate"
)

// ties reads "a b" (a report), "a=b" (an advisory), "a!b" (a person).
func ties(list ...string) []gyre.Tie {
	var out []gyre.Tie
	for _, s := range list {
		for sep, by := range map[string]gyre.TieRank{" ": gyre.TieReport, "=": gyre.TieAdvisory, "!": gyre.TiePerson} {
			if a, b, ok := strings.Cut(s, sep); ok {
				out = append(out, gyre.Tie{Name: a, Other: b, By: by})
			}
		}
	}
	return out
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		name  string
		ties  []string
		apart []correlate.Apart
		want  map[string]string
	}{
		{"one tie", []string{"GHSA-x=CVE-1"}, nil, map[string]string{"GHSA-x": "CVE-1", "CVE-1": "CVE-1"}},
		{
			"a chain",
			[]string{"GO-1=GHSA-x", "GHSA-x=CVE-1", "SNYK-1 GO-1"},
			nil,
			map[string]string{"GO-1": "CVE-1", "GHSA-x": "CVE-1", "SNYK-1": "CVE-1", "CVE-1": "CVE-1"},
		},
		{"no CVE", []string{"GO-1=GHSA-x", "PYSEC-1 GO-1"}, nil, map[string]string{"GO-1": "GHSA-x", "GHSA-x": "GHSA-x", "PYSEC-1": "GHSA-x"}},
		{
			"a bulletin ties to none",
			[]string{"DSA-1=CVE-1", "DSA-1=CVE-2", "GHSA-x=CVE-1", "DSA-1 GHSA-x"},
			nil,
			map[string]string{"DSA-1": "DSA-1", "GHSA-x": "CVE-1", "CVE-1": "CVE-1", "CVE-2": "CVE-2"},
		},
		{"a bulletin for one", []string{"DSA-1=CVE-1"}, nil, map[string]string{"DSA-1": "CVE-1", "CVE-1": "CVE-1"}},
		{"advisories before reports", []string{"GHSA-x=CVE-1", "GHSA-x CVE-2"}, nil, map[string]string{"GHSA-x": "CVE-1", "CVE-1": "CVE-1", "CVE-2": "CVE-2"}},
		{"persons before advisories", []string{"GHSA-x=CVE-1", "GHSA-x!CVE-2"}, nil, map[string]string{"GHSA-x": "CVE-2", "CVE-1": "CVE-1", "CVE-2": "CVE-2"}},
		{
			"a report's chain between two CVEs is cut",
			[]string{"GHSA-x=CVE-1", "GHSA-y=CVE-2", "GHSA-x GHSA-y", "GO-1=GHSA-y"},
			nil,
			map[string]string{"GHSA-x": "CVE-1", "GHSA-y": "CVE-2", "GO-1": "CVE-2", "CVE-1": "CVE-1", "CVE-2": "CVE-2"},
		},
		{
			"kept apart",
			[]string{"GHSA-x=CVE-1", "GO-1=GHSA-x"},
			[]correlate.Apart{{From: "GO-1", Other: "CVE-1"}},
			map[string]string{"GHSA-x": "CVE-1", "GO-1": "GO-1", "CVE-1": "CVE-1"},
		},
		{
			"a rule of a tool",
			[]string{"semgrep:sqli!CWE-89", "codeql:py/sqli!CWE-89"},
			nil,
			map[string]string{"semgrep:sqli": "CWE-89", "codeql:py/sqli": "CWE-89", "CWE-89": "CWE-89"},
		},
	} {
		if d := cmp.Diff(c.want, correlate.Resolve(nil, ties(c.ties...), c.apart)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

// TestProperties: the order does not matter, a group has one CVE at most, a key
// is in its own group, and what is kept apart is apart.
func TestProperties(t *testing.T) {
	names := []string{"CVE-1", "CVE-2", "CVE-3", "GHSA-a", "GHSA-b", "GO-1", "PYSEC-1", "x:1", "y:2"}
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(names)
		all := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) gyre.Tie {
			return gyre.Tie{Name: name.Draw(rt, "name"), Other: name.Draw(rt, "other"), By: rapid.SampledFrom([]gyre.TieRank{gyre.TieReport, gyre.TieAdvisory, gyre.TieAdvisory, gyre.TiePerson}).Draw(rt, "by")}
		}), 0, 12).Draw(rt, "ties")
		apart := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) correlate.Apart {
			return correlate.Apart{From: name.Draw(rt, "from"), Other: name.Draw(rt, "other")}
		}), 0, 2).Draw(rt, "apart")
		got := correlate.Resolve(names, all, apart)
		if d := cmp.Diff(got, correlate.Resolve(names, rapid.Permutation(all).Draw(rt, "order"), rapid.Permutation(apart).Draw(rt, "order"))); d != "" {
			rt.Fatalf("the order matters:\n%s", d)
		}
		for n, key := range got {
			if correlate.IsCVE(n) && key != n {
				rt.Fatalf("%s became %s", n, key)
			}
			if got[key] != key {
				rt.Fatalf("%s is of %s, which is of %s", n, key, got[key])
			}
		}
		person := map[[2]string]bool{}
		for _, x := range all {
			if x.By == gyre.TiePerson {
				person[[2]string{x.Name, x.Other}], person[[2]string{x.Other, x.Name}] = true, true
			}
		}
		for _, a := range apart {
			if a.From != a.Other && len(person) == 0 && got[a.From] == got[a.Other] {
				rt.Fatalf("%s and %s are one", a.From, a.Other)
			}
		}
	})
}
