// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package bandit

import (
	"slices"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
)

func TestContract(t *testing.T) { plugintest.TestImporter(t, Importer{}, "testdata") }

func FuzzImport(f *testing.F) { plugintest.Fuzz(f, Importer{}, "testdata") }

// What a report covers decides what it closes, so it must never be too much.
func TestCoverage(t *testing.T) {
	const result = `{"filename":"a.py","test_id":"B303","test_name":"x","issue_text":"x","issue_severity":"LOW","line_number":1}`
	for name, tc := range map[string]struct {
		errors, metrics, results string
		want                     []string // files
	}{
		"whole":                  {``, `"a.py":{"SEVERITY.LOW":1},"b.py":{},`, result, []string{"a.py", "b.py"}},
		"nothing found anywhere": {``, `"a.py":{},"b.py":{},`, ``, nil}, // which tests ran is not known
		"some left out":          {``, `"a.py":{"SEVERITY.LOW":2},"b.py":{},`, result, []string{"b.py"}},
		"some silenced":          {``, `"a.py":{"SEVERITY.LOW":1,"nosec":1},"b.py":{"skipped_tests":2},`, result, nil},
		"a file that failed":     {`{"filename":"./b.py","reason":"syntax"}`, `"a.py":{"SEVERITY.LOW":1},"b.py":{},`, result, []string{"a.py"}},
		"a result unreadable":    {``, `"a.py":{"SEVERITY.LOW":1},`, result + `,7`, nil},
		"no files":               {``, ``, result, nil},
	} {
		c, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r", Reader: strings.NewReader(
			`{"errors":[` + tc.errors + `],"metrics":{` + tc.metrics + `"_totals":{"CONFIDENCE.HIGH":1}},"results":[` + tc.results + `]}`,
		)})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c.Check(t)
		var got []string
		for _, v := range c.Coverage {
			if !v.Judged || v.Aspect != gyre.AspectCode || !slices.Equal(v.Weaknesses, []string{"bandit:B303"}) {
				t.Errorf("%s: covers %+v", name, v)
			}
			for i := 0; i < len(v.Loci); i += 2 {
				got = append(got, v.Loci[i])
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: covers %v, want %v", name, got, tc.want)
		}
	}
}

func TestHostile(t *testing.T) {
	for _, text := range []string{``, `[]`, `{}`, `7`, `{"results":`, `{"results":[]} x`, `{"results":` + strings.Repeat(`[`, 300)} {
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
	piece := `{"filename":"f%d.py","test_id":"B303","test_name":"x","issue_text":"x","line_number":1,"code":"1 ` + strings.Repeat("x", 1900) + `"},`
	const n = 50_000
	r := plugintest.Repeated(`{"results":[`, piece, `{"filename":"f","test_id":"B1"}]}`, n)
	plugintest.Bounded(t, Importer{}, plugin.Input{Name: "big.json", Reader: r}, n, 64)
}

// Real reports, with the number of findings that another tool's tests expect.
func TestCorpus(t *testing.T) {
	plugintest.Corpus(t, Importer{}, "../../../../shared/corpus", "bandit", nil)
}
