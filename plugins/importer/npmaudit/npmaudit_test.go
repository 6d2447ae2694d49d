// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package npmaudit

import (
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
)

func TestContract(t *testing.T) { plugintest.TestImporter(t, Importer{}, "testdata") }

func FuzzImport(f *testing.F) { plugintest.Fuzz(f, Importer{}, "testdata") }

// What an advisory is called decides with which other tool's finding one is the same.
func TestNames(t *testing.T) {
	npm6 := func(members string) string {
		return `{"actions":[],"advisories":{"1":{"module_name":"a","findings":[{"version":"1.0.0"}],` + members + `}}}`
	}
	npm7 := func(members string) string {
		return `{"auditReportVersion":2,"vulnerabilities":{"a":{"via":[{` + members + `}]}}}`
	}
	for name, tc := range map[string]struct {
		text string
		want string // key and aliases of each finding
	}{
		"shared with NSWG":        {npm6(`"id":17,"cves":["CVE-2015-9235"]`), "CVE-2015-9235 NSWG-ECO-17"},
		"not shared":              {npm6(`"id":521,"cves":["cve-2017-16082"]`), "CVE-2017-16082 NSP-521"},
		"no CVE":                  {npm6(`"id":1325`), "NSP-1325"},
		"the key is the number":   {npm6(`"cves":[]`), "NSWG-ECO-1"},
		"of GitHub":               {npm6(`"id":1064843,"cves":["CVE-2021-3807"],"url":"https://github.com/advisories/GHSA-93q8-gq69-wqmw"`), "CVE-2021-3807 GHSA-93q8-gq69-wqmw"},
		"of GitHub by itself":     {npm6(`"id":1064843,"github_advisory_id":"GHSA-93q8-gq69-wqmw"`), "GHSA-93q8-gq69-wqmw"},
		"two CVEs":                {npm6(`"id":521,"github_advisory_id":"GHSA-93q8-gq69-wqmw","cves":["CVE-2017-1","CVE-2017-10002","CVE-2017-10003"]`), "CVE-2017-10002 NSP-521, CVE-2017-10003 NSP-521"},
		"a number that changes":   {npm6(`"id":1064843`), ""},
		"npm 7, GitHub":           {npm7(`"source":1064843,"url":"https://github.com/advisories/GHSA-93q8-gq69-wqmw"`), "GHSA-93q8-gq69-wqmw"},
		"npm 7, its own":          {npm7(`"source":900,"url":"https://npmjs.com/advisories/900"`), "NSP-900"},
		"npm 7, its own by link":  {npm7(`"url":"https://www.npmjs.com/advisories/17"`), "NSWG-ECO-17"},
		"npm 7, another's number": {npm7(`"source":1064843,"url":"https://example.com/GHSA-x"`), ""},
	} {
		c, report, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r", Reader: strings.NewReader(tc.text)})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c.Check(t)
		var got []string
		for _, f := range c.Findings {
			got = append(got, strings.Join(append([]string{f.Weakness.Key}, f.Weakness.Aliases...), " "))
		}
		if all := strings.Join(got, ", "); all != tc.want || (tc.want == "") != (len(report.Problems) == 1) {
			t.Errorf("%s: %q, want %q; %v", name, all, tc.want, report.Problems)
		}
	}
}

// The ways on which a package comes in can be more than all the rest of the report.
func TestManyWays(t *testing.T) {
	way := strings.Repeat("builder>", 100) + "a"
	r := plugintest.Repeated(`{"actions":[],"advisories":{"9":{"id":9,"module_name":"a","findings":[{"version":"1.0.0","paths":[`, `"%d>`+way+`",`, `"a"]}]}}}`, 40_000)
	c, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r", Reader: r})
	if err != nil || len(c.Findings) != 1 {
		t.Fatal(err, len(c.Findings))
	}
	c.Check(t)
	data := c.Findings[0].Evidence.Data
	if paths, _ := data["paths"].([]any); len(paths) != maxPaths || data["ways"] != 40_001.0 {
		t.Errorf("%d paths of %v", len(paths), data["ways"])
	}
}

func TestHostile(t *testing.T) {
	const line = `{"type":"auditSummary","data":{}}`
	for _, text := range []string{
		``, `[]`, `{}`, `7`, `{"advisories":`, `{"advisories":[]}`, `{"vulnerabilities":[]}`, `{"advisories":{}} x`, `{"advisories":{}}{"advisories":{}}`,
		`{"advisories":` + strings.Repeat(`{"a":`, 300), `{"vulnerabilities":{"a":` + strings.Repeat(`[`, 300), `{"error":{"code":"ENOLOCK"}}`,
		`{"type":"info","data":"x"}`, line + `7`, line + `{"type":`, line + `{"type"`,
	} {
		_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r", Reader: strings.NewReader(text)})
		if code := gyre.ErrorCode(err); code != gyre.Invalid && code != gyre.TooLarge {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

// A report of 50 MB takes no more memory than a small one, in each of its forms.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 150 MB")
	}
	long := strings.Repeat("x", 1900)
	const n = 25_000
	for name, form := range map[string][3]string{
		"npm 6": {`{"actions":[],"advisories":{`, `"%d":{"module_name":"p%d","cves":["CVE-2024-1000"],"findings":[{"version":"1.0.0"}],"overview":"` + long + `"},`, `"x":{}}}`},
		"npm 7": {`{"auditReportVersion":2,"vulnerabilities":{`, `"p%d":{"via":[{"url":"https://github.com/advisories/GHSA-93q8-gq69-wqmw","title":"` + long + `"}]},`, `"x":{}}}`},
		"Yarn": {
			``, `{"type":"auditAdvisory","data":{"advisory":{"id":%d,"module_name":"p%d","cves":["CVE-2024-1000"],"findings":[{"version":"1.0.0"}],"overview":"` + long + `"}}}` + "\n",
			`{"type":"auditSummary","data":{}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			plugintest.Bounded(t, Importer{}, plugin.Input{Name: "big.json", Reader: plugintest.Repeated(form[0], form[1], form[2], n)}, n, 24)
		})
	}
}

// Real reports, with the number of findings that another tool's tests expect.
func TestCorpus(t *testing.T) {
	known := map[string]string{
		"one_vuln.json":                  "one package has two advisories; each is a weakness of its own",
		"yarn_audit_multiple_cwes2.json": "of an advisory's package two versions are there; each is a sighting, and both are one exposure",
	}
	for _, tool := range []string{"npm_audit", "npm_audit_7_plus", "yarn_audit"} {
		t.Run(tool, func(t *testing.T) { plugintest.Corpus(t, Importer{}, "../../../../shared/corpus", tool, known) })
	}
}
