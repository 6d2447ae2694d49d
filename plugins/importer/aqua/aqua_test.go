// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package aqua

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

func TestFix(t *testing.T) {
	for _, tc := range [][3]string{
		{"4.0.5", "3.3.4, 3.4.3, 4.2.3", "4.2.3"},
		{"0.4.0", ">=4.2.2", "4.2.2"},
		{"10.2.1-6", "any in debian 12", ""},
		{"1", "libcrypto6-1.1", ""},
		{"1", "", ""},
	} {
		if got := fixOf(tc[0], tc[1]); got != tc[2] {
			t.Errorf("of %s, from %s: %q, want %q", tc[1], tc[0], got, tc[2])
		}
	}
}

func TestHostile(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{}`, `7`, `{"result":`, `[{"results":{"resources":[]}}`, `{"result":[]} x`, `{"other":1}`,
		`{"result":` + strings.Repeat(`[`, 300), strings.Repeat(`{"results":`, 300),
		`[` + strings.Repeat(`{"cves":[]},`, maxImages) + `{}]`,
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
	piece := `{"name":"CVE-2024-%d000","resource":{"name":"p","format":"npm"},"image_name":"shop","description":"` + strings.Repeat("x", 1900) + `"},`
	const n = 50_000
	r := plugintest.Repeated(`{"result":[`, piece, `{}]}`, n)
	plugintest.Bounded(t, Importer{}, plugin.Input{Name: "big.json", Reader: r}, n, 64)
}

// Real reports, with the number of findings that another tool's tests expect.
func TestCorpus(t *testing.T) {
	plugintest.Corpus(t, Importer{}, "../../../../shared/corpus", "aqua", map[string]string{
		"no_vuln.json":     "is an empty object, which could be anything",
		"over_api_v2.json": "two bulletins name six CVEs each; each of these is a weakness of its own",
	})
}
