// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package snyk

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

// Where a package lies decides with which other tool's finding one is the same.
func TestPlace(t *testing.T) {
	for name, tc := range map[string]struct {
		v    vulnerability
		p    project
		want string // file, name and ecosystem
	}{
		"a manifest":                    {vulnerability{Package: "a", Manager: "npm"}, project{Display: `web\package-lock.json`}, "web/package-lock.json#a npm"},
		"a manifest, not displayed":     {vulnerability{Package: "g:a", Manager: "gradle"}, project{Target: "build.gradle"}, "build.gradle#g:a Maven"},
		"of the system":                 {vulnerability{Package: "openssl", Name: "openssl/libssl3", Manager: "debian:12"}, project{isImg: true}, "#libssl3 Debian:12"},
		"of the system, one name":       {vulnerability{Package: "bash", Name: "bash", Manager: "alpine:3.18"}, project{isImg: true}, "#bash Alpine:v3.18"},
		"of a system that OSV has not":  {vulnerability{Package: "a", Name: "a/b", Manager: "amzn:2"}, project{isImg: true}, "#b amzn"},
		"in an image, direct":           {vulnerability{Package: "@s/a", Manager: "npm", From: []string{"x", "@s/a@1"}}, project{image: &project{}, Target: "/srv/package.json"}, "/srv/node_modules/@s/a/package.json#@s/a npm"},
		"in an image, not direct":       {vulnerability{Package: "a", Manager: "npm", From: []string{"x", "y", "a"}}, project{image: &project{}, Target: "/srv/package.json"}, "#a npm"},
		"in an image, another language": {vulnerability{Package: "a", Manager: "pip", From: []string{"x", "a"}}, project{image: &project{}, Target: "/srv/requirements.txt"}, "#a PyPI"},
		"a Go module keeps its path":    {vulnerability{Package: "golang.org/x/net", Name: "golang.org/x/net/http2", Manager: "gomodules"}, project{Display: "go.mod"}, "go.mod#golang.org/x/net Go"},
	} {
		pkg, file, ecosystem := tc.v.place(&tc.p)
		if got := file + "#" + pkg + " " + ecosystem; got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// A number of the Node Security Platform is one of the Node.js security group up to 356 only.
func TestNodeSecurity(t *testing.T) {
	v := vulnerability{ID: "SNYK-1", Identifiers: map[string][]any{"NSP": {"17", 565.0, "x"}}}
	if got := strings.Join(v.names(), " "); got != "SNYK-1 NSWG-ECO-17 NSP-565 " {
		t.Errorf("%q", got)
	}
}

func TestHostile(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{}`, `7`, `{"vulnerabilities":`, `[{"vulnerabilities":[]}`, `{"vulnerabilities":[]} x`,
		`{"vulnerabilities":[],"applications":` + strings.Repeat(`[{"applications":`, 200),
		`[` + strings.Repeat(`{"vulnerabilities":[]},`, maxProjects) + `{}]`,
	} {
		_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r", Reader: strings.NewReader(text)})
		if code := gyre.ErrorCode(err); code != gyre.Invalid && code != gyre.TooLarge {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

// A report of 200 MB takes no more memory than a small one.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 200 MB")
	}
	piece := `{"id":"SNYK-JS-%d","severity":"high","packageName":"p%d","version":"1","description":"` + strings.Repeat("x", 1800) + `"},`
	const n = 100_000
	r := plugintest.Repeated(`{"vulnerabilities":[`, piece, `{"id":"SNYK-JS-A","packageName":"a"}],"projectName":"big"}`, n)
	plugintest.Bounded(t, Importer{}, plugin.Input{Name: "big.json", Reader: r}, n, 64)
}

// Real reports, with the number of findings that another tool's tests expect.
func TestCorpus(t *testing.T) {
	plugintest.Corpus(t, Importer{}, "../../../../shared/corpus", "snyk", map[string]string{
		"single_project_many_vulns.json":   "three issues have two CVEs each; each is a weakness of its own",
		"single_project_upgrade_libs.json": "one issue, listed four times, has two CVEs; each is a weakness of its own",
		"snykcontainer_issue_9270.json":    "12 of them are in the application that the image holds, which the other tool leaves out",
	})
}
