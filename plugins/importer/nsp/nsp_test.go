// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package nsp

import (
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
)

func TestContract(t *testing.T) { plugintest.TestImporter(t, Importer{}, "testdata") }

func FuzzImport(f *testing.F) { plugintest.Fuzz(f, Importer{}, "testdata") }

// What the report calls its project, unless a person says what it is.
func TestProject(t *testing.T) {
	for name, tc := range map[string]struct {
		in   plugin.Input
		path string
		want string // name and identifier
	}{
		"the project":   {plugin.Input{Name: "r"}, `"shop@1.0.0","a@1"`, "shop pkg:npm/shop"},
		"with a scope":  {plugin.Input{Name: "r"}, `"@acme/Shop@1.0.0","a@1"`, "@acme/Shop pkg:npm/%40acme/shop"},
		"no version":    {plugin.Input{Name: "r"}, `"@acme/shop","a@1"`, "@acme/shop pkg:npm/%40acme/shop"},
		"no way":        {plugin.Input{Name: "r"}, `"a@1"`, "r file:r"},
		"a person says": {plugin.Input{Name: "r", Asset: "The Shop"}, `"shop@1.0.0","a@1"`, "The Shop asset:the shop"},
	} {
		tc.in.Reader = strings.NewReader(`[{"id":1,"module":"a","path":[` + tc.path + `]},{"id":2,"module":"b","path":[` + tc.path + `]}]`)
		c, _, err := plugintest.Import(t.Context(), Importer{}, tc.in)
		if err != nil || len(c.Assets) != 1 || len(c.Findings) != 2 {
			t.Fatal(name, err, c.Assets, c.Findings)
		}
		c.Check(t)
		if a := c.Assets[0]; a.Kind != gyre.Repository || a.Name+" "+a.Identifiers[0].Value != tc.want {
			t.Errorf("%s: %+v, want %s", name, a, tc.want)
		}
	}
}

func TestHostile(t *testing.T) {
	projects := strings.Builder{}
	for i := range maxProjects + 1 {
		projects.WriteString(`{"id":1,"module":"a","path":["p` + strings.Repeat("x", i%100) + string(rune('a'+i/100)) + `","a"]},`)
	}
	for _, text := range []string{
		``, `{}`, `7`, `[`, `[{"id":1`, `[] x`, `[` + strings.Repeat(`[`, 300), `[{"id":` + strings.Repeat(`{"a":`, 300), `[` + projects.String() + `{}]`,
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
	piece := `{"id":521,"module":"p%d","version":"1.0.0","path":["shop@1","p%d@1"],"overview":"` + strings.Repeat("x", 1900) + `"},`
	const n = 50_000
	plugintest.Bounded(t, Importer{}, plugin.Input{Name: "big.json", Reader: plugintest.Repeated(`[`, piece, `{"id":1,"module":"a"}]`, n)}, n, 64)
}

// Real reports, with the number of findings that another tool's tests expect.
func TestCorpus(t *testing.T) {
	plugintest.Corpus(t, Importer{}, "../../../../shared/corpus", "nsp", map[string]string{"none.json": "is an empty list, which could be anything"})
}
