// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

// TestReportsClose: a later report of one tool closes what it covers and does not
// list, and nothing else.
func TestReportsClose(t *testing.T) {
	const (
		digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
		other  = "sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
	)
	grype := func(day, digest, config, ignored string, names ...string) string {
		var matches []string
		for _, n := range names {
			matches = append(matches, grypeMatch(n))
		}
		return `{"matches":[` + strings.Join(matches, ",") + `],"ignoredMatches":[` + ignored + `],"source":{"type":"image","target":{"userInput":"shop:1","manifestDigest":"` + digest + `"}},
			"distro":{"name":"debian","version":"12"},"descriptor":{"name":"grype","timestamp":"2026-01-` + day + `T00:00:00Z","configuration":{` + config + `}}}`
	}
	bandit := func(day, metrics string, results ...string) string {
		return `{"errors":[],"generated_at":"2026-01-` + day + `T00:00:00Z","metrics":{` + metrics + `"_totals":{"CONFIDENCE.HIGH":1}},"results":[` + strings.Join(results, ",") + `]}`
	}
	issue := func(file, test string) string {
		return `{"code":"1 x\n","filename":"` + file + `","issue_severity":"LOW","issue_text":"x","line_number":1,"test_id":"` + test + `","test_name":"x"}`
	}
	observatory := func(day, status string, tests ...string) string {
		return `{"scan":{"host":"shop.example.com","start_time":"Thu, ` + day + ` Jan 2026 00:00:00 GMT","status_code":` + status + `},"tests":{` + strings.Join(tests, ",") + `}}`
	}
	tested := func(test, pass, result, data string) string {
		return `"` + test + `":{"expectation":"x","pass":` + pass + `,"result":"` + result + `","score_modifier":-5,"data":` + data + `}`
	}
	const noPolicy, noFlags = "csp-not-implemented", "cookies-without-secure-flag"
	site := observatory("01", "200", tested("content-security-policy", "false", noPolicy, "null"), tested("referrer-policy", "false", "referrer-policy-unsafe", "null"),
		tested("cookies", "false", noFlags, `{"lang":{"secure":false},"sid":{"secure":true,"httponly":false}}`))
	both := grype("01", digest, "", "", "a", "b")
	code := bandit("01", `"a.py":{"SEVERITY.LOW":2},"b.py":{"SEVERITY.LOW":1},`, issue("a.py", "B303"), issue("a.py", "B320"), issue("b.py", "B303"))
	for _, c := range []struct {
		name          string
		first, second string
		asset         string
		closed        []string
	}{
		{"Grype no longer lists one", both, grype("02", digest, "", "", "a"), "", []string{"unknown#b"}},
		{"Grype lists both again", both, grype("02", digest, "", "", "a", "b"), "", nil},
		{"Grype lists none", both, grype("02", digest, "", ""), "", []string{"unknown#a", "unknown#b"}},
		{"Grype was told to ignore it", both, grype("02", digest, "", grypeMatch("b"), "a"), "", nil},
		{"Grype was told to leave out what has no fix", both, grype("02", digest, `"only-fixed":true`, "", "a"), "", nil},
		{"Grype's report is older", both, strings.Replace(grype("02", digest, "", "", "a"), "2026-01-02", "2025-12-31", 1), "", nil},
		{"Grype looked at another image", both, grype("02", other, "", "", "a"), "", nil},
		{"Grype looked at what a person calls by one name", both, grype("02", digest, "", "", "a"), "shop", nil},
		{
			"Bandit no longer finds what it finds elsewhere", code,
			bandit("02", `"a.py":{"SEVERITY.LOW":1},"b.py":{"SEVERITY.LOW":1},`, issue("a.py", "B320"), issue("b.py", "B303")), "shop",
			[]string{"a.py:1"},
		},
		{"Bandit shows that it ran one of the two tests", code, bandit("02", `"a.py":{},"b.py":{"SEVERITY.LOW":1},`, issue("b.py", "B303")), "shop", []string{"a.py:1"}},
		{"Bandit did not look at the file", code, bandit("02", `"b.py":{"SEVERITY.LOW":1},`, issue("b.py", "B303")), "shop", nil},
		{"Bandit left something out of the report", code, bandit("02", `"a.py":{"SEVERITY.LOW":1},"b.py":{"SEVERITY.LOW":1},`, issue("b.py", "B303")), "shop", nil},
		{"CycloneDX of one tool, which no longer lists one", bomOf("01", "Syft", "a", "b"), bomOf("02", "Syft", "a"), "shop", []string{"sbom#b"}},
		{"CycloneDX of another tool, which does not list one", bomOf("01", "Syft", "a", "b"), bomOf("02", "Trivy", "a"), "shop", nil},
		{"Bandit was silenced there", code, bandit("02", `"a.py":{"nosec":2},"b.py":{"SEVERITY.LOW":1},`, issue("b.py", "B303")), "shop", nil},
		{
			"the Observatory finds policy and cookies well", site,
			observatory("02", "200", tested("content-security-policy", "true", "csp-implemented-with-no-unsafe", "null"), tested("referrer-policy", "true", "referrer-policy-private", `"same-origin"`),
				tested("cookies", "true", "cookies-secure-with-httponly-sessions", `{"lang":{"secure":true},"sid":{"secure":true,"httponly":true}}`)), "",
			[]string{"tcp/443", "tcp/443", "tcp/443", "tcp/443#lang"},
		},
		{"the Observatory finds another thing in the same header", site, observatory("02", "200", tested("referrer-policy", "false", "referrer-policy-header-invalid", `"x"`)), "", []string{"tcp/443"}},
		{"the Observatory sees no cookies and finds the same otherwise", site, observatory("02", "200", tested("content-security-policy", "false", noPolicy, "null"), tested("cookies", "true", "cookies-not-found", "null")), "", nil},
		{"the Observatory got an error for an answer", site, observatory("02", "503", tested("content-security-policy", "true", "csp-implemented-with-no-unsafe", "null")), "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := openAt(t, filepath.Join(t.TempDir(), "data"), t.TempDir())
			for _, text := range []string{c.first, c.second} {
				a.imported(t, httpapi.Import{Name: "report.json", Asset: c.asset, Body: strings.NewReader(text)})
			}
			var closed []string
			err := a.db.EachExposure(t.Context(), a.workspace.ID, func(e gyre.Exposure) error {
				if e.State == gyre.StateFixed {
					closed = append(closed, e.Locus)
				}
				return nil
			})
			slices.Sort(closed)
			if err != nil || !slices.Equal(closed, c.closed) {
				t.Errorf("closed %v, want %v; %v", closed, c.closed, err)
			}
		})
	}
}

// TestListsOfTwoTools: what one tool does not list stays as another one listed it,
// and goes when that one does not list it any more.
func TestListsOfTwoTools(t *testing.T) {
	a := openAt(t, filepath.Join(t.TempDir(), "data"), t.TempDir())
	for _, c := range []struct{ day, tool, lists, want string }{
		{"01", "Syft", "a b c", "a b c"},
		{"02", "Trivy", "a d", "a b c d"},
		{"03", "Syft", "b", "a b d"},
		{"04", "Trivy", "d", "b d"},
	} {
		a.imported(t, httpapi.Import{Name: "sbom.json", Asset: "shop", Body: strings.NewReader(bomOf(c.day, c.tool, strings.Fields(c.lists)...))})
		var names []string
		err := a.db.EachAsset(t.Context(), a.workspace.ID, func(asset gyre.Asset) error {
			all, err := a.db.Components(t.Context(), a.workspace.ID, asset.ID, 0, 100)
			for _, x := range all {
				names = append(names, x.Name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("after %s of %s listed %q there are %q, want %q", c.tool, c.day, c.lists, got, c.want)
		}
	}
}

// bomOf is a CycloneDX list of packages that have a weakness.
func bomOf(day, tool string, names ...string) string {
	var components, vulnerabilities []string
	for _, n := range names {
		components = append(components, `{"type":"library","bom-ref":"`+n+`","name":"`+n+`","version":"1","purl":"pkg:npm/`+n+`@1"}`)
		vulnerabilities = append(vulnerabilities, `{"id":"CVE-2024-0001","affects":[{"ref":"`+n+`"}]}`)
	}
	return `{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"timestamp":"2026-01-` + day + `T00:00:00Z","tools":{"components":[{"type":"application","name":"` + tool + `","version":"` + day + `"}]},
		"component":{"type":"container","name":"shop","version":"1"}},"components":[` + strings.Join(components, ",") + `],"vulnerabilities":[` + strings.Join(vulnerabilities, ",") + `]}`
}

func grypeMatch(name string) string {
	return `{"vulnerability":{"id":"CVE-2024-0001","severity":"High"},"artifact":{"name":"` + name + `","version":"1","type":"npm","locations":[]}}`
}
