// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre/internal/httpapi"
)

// TestNPMAuditMeets: what npm audit finds is one with what tools find that say where the
// package is listed or lies, whichever came first; and another advisory is another exposure.
func TestNPMAuditMeets(t *testing.T) {
	const (
		npm6 = `{"actions":[],"advisories":{"17":{"id":17,"module_name":"slow","cves":["CVE-2015-9235"],"findings":[{"version":"0.4.0","paths":["web>slow"]}],"patched_versions":">=4.2.2","severity":"high"}}}`
		npm7 = `{"auditReportVersion":2,"vulnerabilities":{"slow":{"name":"slow","via":[{"source":1099001,"title":"Slow","url":"https://github.com/advisories/GHSA-c7hr-j4mj-j2w6","severity":"high","range":"<4.2.2"},"other"],
			"nodes":["node_modules/slow"],"fixAvailable":true}}}`
		nsp  = `[{"id":17,"module":"slow","version":"0.4.0","vulnerable_versions":"<4.2.2","patched_versions":">=4.2.2","cvss_score":7.5,"title":"Slow","path":["shop@1.0.0","web@1.0.0","slow@0.4.0"],"advisory":"https://nodesecurity.io/advisories/17"}]`
		nsp2 = `[{"id":521,"module":"slow","version":"0.4.0","vulnerable_versions":"<4.2.2","patched_versions":">=4.2.2","cvss_score":7.5,"title":"Slow","path":["shop@1.0.0","slow@0.4.0"],"advisory":"https://nodesecurity.io/advisories/521"}]`
		snyk = `{"vulnerabilities":[{"id":"SNYK-JS-SLOW-1","title":"Slow","severity":"high","identifiers":{"CVE":["CVE-2015-9235"],"NSP":[17],"GHSA":["GHSA-c7hr-j4mj-j2w6"]},
			"packageName":"slow","version":"0.4.0","packageManager":"npm","fixedIn":["4.2.2"],"from":["shop@1.0.0","web@1.0.0","slow@0.4.0"],"isUpgradable":false}],
			"dependencyCount":9,"org":"retail","packageManager":"npm","projectName":"shop","displayTargetFile":"web/package-lock.json"}`
		aqua = `{"count":1,"page":1,"pagesize":50,"result":[{"name":"CVE-2015-9235","fix_version":"4.2.2","aqua_severity":"high","resource":{"type":"package","format":"npm","path":"/srv/shop/node_modules/slow","name":"slow","version":"0.4.0"},
			"image_name":"shop:latest","os":"debian","os_version":"11.10"}]}`
		lock, folder = "web/package-lock.json#slow", "srv/shop/node_modules/slow/package.json#slow"
	)
	for _, c := range []struct {
		name, first, second string
		merged              string // what both see
		all                 int    // exposures
	}{
		{"npm 7 and Snyk, by GHSA", npm7, snyk, "CVE-2015-9235 " + lock, 1},
		{"npm 6 and Snyk", npm6, snyk, "CVE-2015-9235 " + lock, 1},
		{"npm 6 and Aqua", npm6, aqua, "CVE-2015-9235 " + folder, 1},
		{"nsp and Snyk, by its number", nsp, snyk, "CVE-2015-9235 " + lock, 1},
		{"nsp and npm 6", nsp, npm6, "CVE-2015-9235 #slow", 1},
		{"nsp, of another advisory, and npm 6", nsp2, npm6, "", 2},
		{"npm 7 and Aqua, while nobody said that the GHSA is that CVE", npm7, aqua, "", 2},
	} {
		for _, texts := range [][2]string{{c.first, c.second}, {c.second, c.first}} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				a := openAt(t, filepath.Join(t.TempDir(), "data"), t.TempDir())
				for _, text := range texts { // the address says that all of it is on one host
					a.imported(t, httpapi.Import{Name: "report.json", Asset: "shop", Address: "192.0.2.10", Body: strings.NewReader(text)})
				}
				want := []string(nil)
				if c.merged != "" {
					want = []string{c.merged}
				}
				if merged, all := a.seenByTwo(t, a.workspace.ID); !slices.Equal(merged, want) || all != c.all {
					t.Errorf("both see %q of %d exposures, want %q of %d", merged, all, want, c.all)
				}
			})
		}
	}
}
