// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gitlab

import (
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
)

func TestContract(t *testing.T) { plugintest.TestImporter(t, Importer{}, "testdata") }

func TestRemembers(t *testing.T) { plugintest.Remembers(t, Importer{}, "testdata") }

func FuzzImport(f *testing.F) { plugintest.Fuzz(f, Importer{}, "testdata") }

// A secret, or a hash of it, must not come in by a message, a title or a fingerprint.
func TestSecretsStayOut(t *testing.T) {
	c, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r", Reader: strings.NewReader(
		`{"vulnerabilities":[{"message":"hunter22 found","cve":"a:` + strings.Repeat("ab", 32) + `:x","raw_source_code_extract":"hunter22","location":{"file":"a","start_line":1},
		"identifiers":[{"type":"gitleaks_rule_id","name":"Gitleaks rule ID x","value":"x"}]}]}`,
	)})
	if err != nil || len(c.Findings) != 1 {
		t.Fatal(err, c.Findings)
	}
	f := c.Findings[0]
	if f.Weakness.Class != gyre.Secret || f.Fingerprint != "" || f.Locus != "a:1" || f.Weakness.Key != "gitleaks:x" {
		t.Errorf("%+v", f)
	}
	for _, s := range []string{f.Evidence.Summary, f.Weakness.Title, f.Weakness.Description} {
		if strings.Contains(s, "hunter22") {
			t.Errorf("%q tells the secret", s)
		}
	}
}

// A rule keeps its whole name, or two rules would be one.
func TestLongRules(t *testing.T) {
	rule := "javascript.express.security.audit.express-path-join-resolve-traversal.express-path-join-resolve-traversal"
	c, report, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r", Reader: strings.NewReader(
		`{"vulnerabilities":[{"name":"x","location":{"file":"a","start_line":1},"identifiers":[{"type":"semgrep_id","name":"` + rule + `","value":"` + rule + `"}]}]}`,
	)})
	if err != nil || len(c.Findings) != 1 || c.Findings[0].Weakness.Key != "semgrep:"+rule {
		t.Error(err, c.Findings, report)
	}
}

func TestHostile(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{}`, `7`, `{"vulnerabilities":`, `{"vulnerabilities":[]} x`, `{"vulnerabilities":` + strings.Repeat(`[`, 300),
		`{"vulnerabilities":[{"location":` + strings.Repeat(`{"a":`, 300),
	} {
		_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r", Reader: strings.NewReader(text)})
		if code := gyre.ErrorCode(err); code != gyre.Invalid && code != gyre.TooLarge {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

// A report of 100 MB takes no more memory than a small one.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 100 MB")
	}
	piece := `{"severity":"High","location":{"file":"f%d","start_line":1},"identifiers":[{"type":"semgrep_id","value":"r"}],"description":"` + strings.Repeat("x", 1900) + `"},`
	const n = 50_000
	r := plugintest.Repeated(`{"vulnerabilities":[`, piece, `{}]}`, n)
	plugintest.Bounded(t, Importer{}, plugin.Input{Name: "big.json", Reader: r}, n, 64)
}

// Real reports, with the number of findings that another tool's tests expect.
func TestCorpus(t *testing.T) {
	const same = "the other tool takes the same code at several lines of a file for one; each line is a place"
	known := map[string]string{"gl-sast-report-many-vuln_v14.json": same, "gl-sast-report-many-vuln_v15.json": same}
	for _, tool := range []string{"gitlab_sast", "gitlab_container_scan", "gitlab_dep_scan", "gitlab_secret_detection_report", "gitlab_dast", "gitlab_api_fuzzing"} {
		t.Run(tool, func(t *testing.T) { plugintest.Corpus(t, Importer{}, "../../../../shared/corpus", tool, known) })
	}
}
