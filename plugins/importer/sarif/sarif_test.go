// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package sarif

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
)

func TestContract(t *testing.T) { plugintest.TestImporter(t, Importer{}, "testdata") }

func TestRemembers(t *testing.T) { plugintest.Remembers(t, Importer{}, "testdata") }

func FuzzImport(f *testing.F) { plugintest.Fuzz(f, Importer{}, "testdata") }

func imported(t *testing.T, text string) (*plugintest.Collector, plugin.Report) {
	t.Helper()
	c, report, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r.sarif", Reader: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	c.Check(t)
	return c, report
}

func TestSeverity(t *testing.T) {
	for _, tc := range []struct {
		rule, level string
		want        gyre.Severity
	}{
		{`{"id":"r"}`, ``, gyre.SeverityMedium},
		{`{"id":"r"}`, `"level":"error",`, gyre.SeverityHigh},
		{`{"id":"r"}`, `"level":"note",`, gyre.SeverityLow},
		{`{"id":"r"}`, `"level":"none",`, gyre.SeverityInfo},
		{`{"id":"r","defaultConfiguration":{"level":"error"}}`, ``, gyre.SeverityHigh},
		{`{"id":"r","properties":{"security-severity":"9.1"}}`, `"level":"note",`, gyre.SeverityCritical},
		{`{"id":"r","properties":{"security-severity":4.2}}`, ``, gyre.SeverityMedium},
		{`{"id":"r","properties":{"security-severity":"none"}}`, `"level":"error",`, gyre.SeverityHigh},
		{`{"id":"r","properties":{"tags":["maintainability"]}}`, `"level":"error",`, gyre.SeverityInfo},
		{`{"id":"r","properties":{"tags":["reliability","security"]}}`, `"level":"error",`, gyre.SeverityHigh},
	} {
		c, _ := imported(t, `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x","rules":[`+tc.rule+`]}},"results":[{`+tc.level+`"ruleId":"r","message":{"text":"m"}}]}]}`)
		if len(c.Findings) != 1 || c.Findings[0].Severity != tc.want {
			t.Errorf("%s %s: %+v, want %s", tc.rule, tc.level, c.Findings, tc.want)
		}
	}
}

// A run that did not succeed, or does not say what it looked at, closes nothing.
func TestCoverage(t *testing.T) {
	const rules = `"tool":{"driver":{"name":"x","rules":[{"id":"a"},{"id":"CVE-2024-1234"}]}},"results":[]`
	const files = `"artifacts":[{"location":{"uri":"main.c"}}]`
	for name, tc := range map[string]struct {
		run  string
		want []string
	}{
		"whole":         {rules + `,` + files + `,"invocations":[{"executionSuccessful":true}]`, []string{"x:a", "CVE-2024-1234"}},
		"no invocation": {rules + `,` + files, nil},
		"failed":        {rules + `,` + files + `,"invocations":[{"executionSuccessful":false}]`, nil},
		"one failed":    {rules + `,` + files + `,"invocations":[{"executionSuccessful":true},{"executionSuccessful":false}]`, nil},
		"no files":      {rules + `,"invocations":[{"executionSuccessful":true}]`, nil},
		"no rules":      {`"tool":{"driver":{"name":"x"}},` + files + `,"invocations":[{"executionSuccessful":true}]`, nil},
	} {
		c, _ := imported(t, `{"version":"2.1.0","runs":[{`+tc.run+`}]}`)
		var got []string
		for _, v := range c.Coverage {
			if !v.Judged || !slices.Equal(v.Loci, []string{"main.c", "main.c:*", "main.c#*"}) {
				t.Errorf("%s: %+v", name, v)
			}
			got = append(got, v.Weaknesses...)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: covers %v, want %v", name, got, tc.want)
		}
	}
}

// Several batches and runs, findings that share a fingerprint, runs of one asset,
// and problems of either reading: all of it comes out of memory as it came first.
func TestRemembersWhatChanges(t *testing.T) {
	var results strings.Builder
	for i := range 2 * plugin.BatchSize {
		fmt.Fprintf(&results, `{"ruleId":"r%d","message":{"id":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"index":0},"region":{"startLine":%d,"snippet":{"text":"same"}}}}]},`, i%3, i+1)
	}
	run := `{"results":[` + results.String() + `7],"artifacts":[{"location":{"uri":"a.c"}},8],"invocations":[{"executionSuccessful":true,"startTimeUtc":"2024-05-01T10:00:00Z"}],` +
		`"tool":{"driver":{"name":"x","rules":[{"id":"r0","messageStrings":{"m":{"text":"said"}}},{"id":"r1"},9]}}}`
	text := `{"runs":[` + run + `,` + run + `,3],"version":"2.1.0"}`
	if !plugintest.SameFromMemory(t, Importer{}, "r.sarif", []byte(text)) {
		t.Error("nothing is kept")
	}
}

// One entry of the wrong shape is a problem; what stands behind it is read.
func TestEntriesOfTheWrongShape(t *testing.T) {
	const results = `"results":[{"ruleIndex":1,"message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"index":1},"region":{"startLine":2}}}]}]`
	for name, run := range map[string]string{
		"a rule":        `{"tool":{"driver":{"rules":[7,{"id":"r","shortDescription":{"text":"said"}}],"name":"x"}},"artifacts":[{},{"location":{"uri":"a.c"}}],` + results + `}`,
		"rules":         `{"tool":{"driver":{"name":"x"},"extensions":[{"rules":7},8,{"rules":[9]}]},"artifacts":[{},{"location":{"uri":"a.c"}}],` + results + `}`,
		"an artifact":   `{"artifacts":[7,{"location":{"uri":"a.c"}}],"tool":{"driver":{"name":"x"}},` + results + `}`,
		"a base":        `{"originalUriBaseIds":{"a":7,"b":{"uri":"file:///src/"}},"artifacts":[{},{"location":{"uri":"file:///src/a.c"}}],"tool":{"driver":{"name":"x"}},` + results + `}`,
		"an invocation": `{"invocations":[7,{"executionSuccessful":true}],"versionControlProvenance":[7,8],"tool":{"driver":{"name":"x"}},"artifacts":[{},{"location":{"uri":"a.c"}}],` + results + `}`,
		"the driver":    `{"tool":{"driver":7,"extensions":[]},"properties":[],"artifacts":[{},{"location":{"uri":"a.c"}}],` + results + `}`,
	} {
		c, report := imported(t, `{"version":"2.1.0","runs":[`+run+`,{"tool":{"driver":{"name":"y"}},`+results+`}]}`)
		if len(c.Findings) != 2 || c.Findings[0].Locus != "a.c:2" || len(report.Problems) == 0 || c.Findings[1].Weakness.Key != "y:" {
			t.Errorf("%s: %d findings, %v", name, len(c.Findings), report.Problems)
		}
		if name == "a rule" && (len(c.Findings) == 0 || c.Findings[0].Weakness.Title != "said") {
			t.Errorf("rules behind one that is none are lost: %+v", c.Findings)
		}
	}
}

func TestSecretsAreNotKept(t *testing.T) {
	c, _ := imported(t, `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"Gitleaks"}},"results":[{"ruleId":"k","message":{"text":"found hunter2"},
		"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a"},"region":{"startLine":1,"snippet":{"text":"hunter2"}}}}]}]}]}`)
	if len(c.Findings) != 1 || c.Findings[0].Weakness.Class != gyre.Secret {
		t.Fatalf("%+v", c.Findings)
	}
	f := c.Findings[0]
	for _, v := range f.Evidence.Data {
		if s, ok := v.(string); ok && strings.Contains(s, "hunter2") {
			t.Errorf("the secret is in the evidence: %+v", f.Evidence)
		}
	}
	if strings.Contains(f.Evidence.Summary+f.Weakness.Title+f.Weakness.Description, "hunter2") {
		t.Errorf("the secret is in a text: %+v", f)
	}
}

func TestHostile(t *testing.T) {
	for _, text := range []string{
		``, `{}`, `[]`, `{"version":"2.0.0","runs":[]}`, `{"version":"2.1.0","runs":7}`, `{"version":"2.1.0","runs":[{"results":[{}]}]} trailing`,
		`{"version":"2.1.0","runs":` + strings.Repeat("[", 300), `{"version":"2.1.0","runs":[` + strings.Repeat("{},", maxRuns) + `{}]}`,
	} {
		_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r", Reader: strings.NewReader(text)})
		if code := gyre.ErrorCode(err); code != gyre.Invalid && code != gyre.TooLarge {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 100 MB")
	}
	piece := `{"ruleId":"r","message":{"text":"` + strings.Repeat("x", 800) + `"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/f%d.c"},"region":{"startLine":%d}}}]},`
	const n = 100_000
	r := plugintest.Repeated(`{"version":"2.1.0","runs":[{"results":[`, piece, `{}],"tool":{"driver":{"name":"big","rules":[{"id":"r"}]}}}]}`, n)
	plugintest.Bounded(t, Importer{}, plugin.Input{Name: "big.sarif", Reader: r}, n, 64)
}

func TestCorpus(t *testing.T) {
	plugintest.Corpus(t, Importer{}, "../../../../shared/corpus", "sarif", map[string]string{
		"SuppressionTestCurrent.sarif": "three of its four results are suppressed",
		"appendix_k4.sarif":            "its result is suppressed, status accepted",
		"appendix_k.sarif":             "its result is suppressed; the draft it was written for called the status state",
	})
}
