// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// mergedPair is two real reports of different tools, and what was found in the
// reports themselves, by hand and by scripts that know nothing of Gyre, to be the same in both.
type mergedPair struct {
	name          string
	first, second string // reports
	// What the importing person says that both are about. An address says that it is a host
	// on which both are installed: by itself one report is of an image and one of a repository.
	asset, address string
	alone          [2]int // exposures of each by itself
	// become says how many exposures of each are one with another of the same
	// report, once the other report has said that two of its names are of one weakness.
	become [2]int
	merged []string // what both see: weakness, place, and how many if more than one
}

var mergedPairs = []mergedPair{
	{
		name:  "Aqua's API and Snyk of the image of Juice Shop",
		first: "aqua/over_api_v2.json", second: "snyk/snykcontainer_issue_9270.json", asset: "juice-shop",
		alone: [2]int{109, 30},
		// Snyk says that NSP 17 is CVE-2015-9235 and NSP 154 is CVE-2017-16016. Aqua lists both
		// names of each, the first of them in two folders.
		become: [2]int{3, 0},
		merged: slices.Concat(juiceShop, []string{
			"CVE-2010-4756 dpkg#libc6", "CVE-2018-20796 dpkg#libc6", "CVE-2019-1010022 dpkg#libc6", "CVE-2019-1010023 dpkg#libc6",
			"CVE-2019-1010024 dpkg#libc6", "CVE-2019-1010025 dpkg#libc6", "CVE-2019-9192 dpkg#libc6", "CVE-2023-4813 dpkg#libc6",
			"CVE-2023-4039 dpkg#libgcc-s1", "CVE-2023-4039 dpkg#libgomp1", "CVE-2023-4039 dpkg#libstdc++6", // Snyk: gcc-10/libgcc-s1 …
			"CVE-2023-5678 dpkg#libssl1-1", "CVE-2023-5678 dpkg#openssl", // Aqua: DLA-3942-1, which names it
		}),
	},
	{
		name:  "Aqua's scanner and Snyk of the image of Juice Shop",
		first: "aqua/aqua_devops_issue_10611.json", second: "snyk/snykcontainer_issue_9270.json", asset: "juice-shop",
		alone:  [2]int{101, 30}, // Aqua's with three files of keys
		merged: juiceShop,
	},
	{
		name:  "Trivy, by GitLab, and Snyk of the same packages of npm in the same versions",
		first: "gitlab_container_scan/issue6639_v15.json", second: "snyk/single_project_upgrade_libs.json", asset: "acme-review", address: "192.0.2.10",
		alone: [2]int{97, 44}, // 98 findings of Trivy, of which one is listed twice
		// Trivy lists GHSA-gf8q-jrpm-jvxq and CVE-2022-0122; Snyk says that they are one.
		become: [2]int{1, 0},
		merged: []string{
			"CVE-2021-43138 package-lock.json#async", "CVE-2021-44906 package-lock.json#minimist",
			"CVE-2022-0155 package-lock.json#follow-redirects", "CVE-2022-0536 package-lock.json#follow-redirects",
			"CVE-2022-0122 package-lock.json#node-forge", "CVE-2022-24771 package-lock.json#node-forge", "CVE-2022-24772 package-lock.json#node-forge",
			"CVE-2022-24773 package-lock.json#node-forge",
			"GHSA-5rrq-pxf6-6jx5 package-lock.json#node-forge", // Snyk: SNYK-JS-NODEFORGE-2331908, which has that GHSA and no CVE
		},
	},
	{
		name:  "Grype and Trivy, by GitLab, of images of Debian 10 with the same libc6",
		first: "anchore_grype/many_vulns2.json", second: "gitlab_container_scan/gl-container-scanning-report-5-vuln_v14.json", asset: "python:3.7.10",
		alone:  [2]int{1567, 5},
		merged: []string{"CVE-2019-25013 dpkg#libc6", "CVE-2020-1751 dpkg#libc6", "CVE-2020-1752 dpkg#libc6", "CVE-2021-3326 dpkg#libc6"},
	},
	{
		name:  "Bandit, and GitLab's analysers some time before, of the code of DefectDojo",
		first: "bandit/dd2.json", second: "gitlab_sast/gl-sast-report-many-vuln_v15.json", asset: "django-DefectDojo",
		alone: [2]int{164, 467}, // Bandit lists line 51 of migrate_surveys.py twice for B608
		// By file, test and the hash of the code, which hold where lines have moved; passwords by file and line.
		merged: []string{
			"bandit:B105 dojo/okta.py 2",
			"bandit:B303 dojo/tools/blackduck/parser.py", "bandit:B303 dojo/tools/cobalt/parser.py", "bandit:B303 dojo/tools/ibm_app/parser.py",
			"bandit:B303 dojo/tools/immuniweb/parser.py", "bandit:B303 dojo/tools/kiuwan/parser.py", "bandit:B303 dojo/tools/retirejs/parser.py",
			"bandit:B303 dojo/tools/vcg/parser.py 2",
			"bandit:B308 dojo/finding/views.py", "bandit:B308 dojo/forms.py 4", "bandit:B308 dojo/reports/widgets.py 16",
			"bandit:B308 dojo/templatetags/display_tags.py 27", "bandit:B308 dojo/templatetags/navigation_tags.py 3",
			"bandit:B320 dojo/tools/sonarqube_api/importer.py",
			"bandit:B703 dojo/finding/views.py", "bandit:B703 dojo/forms.py 4", "bandit:B703 dojo/reports/widgets.py 12",
			"bandit:B703 dojo/templatetags/display_tags.py 26", "bandit:B703 dojo/templatetags/navigation_tags.py",
		},
	},
	{
		name:  "nsp and npm audit of the application vulnerable-node",
		first: "nsp/scan.json", second: "npm_audit/many_vuln.json", asset: "vulnerable-node",
		alone: [2]int{5, 5}, // nsp lists one on four ways and one on two
		// nsp has the numbers of its advisories, npm audit these and the CVEs. Neither says where a package lies.
		merged: []string{
			"CVE-2016-10539 #negotiator", // 106
			"CVE-2017-16082 #pg",         // 521
			"CVE-2017-16119 #fresh",      // 526
			"CVE-2017-16137 #debug",      // 534
			"CVE-2017-16138 #mime",       // 535
		},
	},
	{
		name:  "Wapiti and Mozilla's Observatory of demo.defectdojo.org", // both name it
		first: "wapiti/demo.xml", second: "mozilla_observatory/demo.json",
		alone:  [2]int{3, 3}, // Wapiti lists each two to four times, at the page /dashboard
		merged: []string{"http.cookie-without-secure tcp/443#csrftoken", "http.csp-missing tcp/443", "http.hsts-missing tcp/443"},
	},
	{
		name:  "Wapiti and Mozilla's Observatory of juice-shop.herokuapp.com",
		first: "wapiti/juicyshop.xml", second: "mozilla_observatory/juicy.json",
		alone:  [2]int{3, 5}, // the Observatory's with plain HTTP that stays, and scripts without integrity
		merged: []string{"http.csp-missing tcp/443", "http.hsts-missing tcp/443", "http.xss-protection-missing tcp/443"},
	},
}

// juiceShop is what is the same in the packages of npm, in the same versions.
var juiceShop = []string{
	"CVE-2020-15084 juice-shop/node_modules/express-jwt/package.json#express-jwt",
	"CVE-2015-9235 juice-shop/node_modules/jsonwebtoken/package.json#jsonwebtoken",
	"CVE-2022-23539 juice-shop/node_modules/jsonwebtoken/package.json#jsonwebtoken",
	"CVE-2022-23540 juice-shop/node_modules/jsonwebtoken/package.json#jsonwebtoken",
	"CVE-2022-23541 juice-shop/node_modules/jsonwebtoken/package.json#jsonwebtoken",
	"CVE-2016-1000237 juice-shop/node_modules/sanitize-html/package.json#sanitize-html",
	"CVE-2017-16016 juice-shop/node_modules/sanitize-html/package.json#sanitize-html",
	"CVE-2021-26539 juice-shop/node_modules/sanitize-html/package.json#sanitize-html",
	"CVE-2021-26540 juice-shop/node_modules/sanitize-html/package.json#sanitize-html",
	"CVE-2022-25887 juice-shop/node_modules/sanitize-html/package.json#sanitize-html",
}

// count is how many exposures a line of merged stands for.
func count(line string) int {
	if f := strings.Fields(line); len(f) == 3 {
		n, _ := strconv.Atoi(f[2])
		return n
	}
	return 1
}

// TestCorpusMerged: of two real reports of different tools about one thing, what is
// in both is one exposure, with both as its sources, and nothing else is made one;
// whichever came first. See docs/corpus.md.
func TestCorpusMerged(t *testing.T) {
	corpusReports(t) // skips where there are none
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			a := openOn(t, filepath.Join(t.TempDir(), "data"), t.TempDir(), storetest.URL(t, engine))
			for i, p := range mergedPairs {
				if engine == store.Postgres && i%2 != 0 && os.Getenv("GYRE_CORPUS") != "all" {
					continue // a sample
				}
				t.Run(p.name, func(t *testing.T) {
					a.merge(t, p, p.first, p.second, p.alone, p.become)
				})
				t.Run(p.name+", the other way round", func(t *testing.T) {
					a.merge(t, p, p.second, p.first, [2]int{p.alone[1], p.alone[0]}, [2]int{p.become[1], p.become[0]})
				})
			}
		})
	}
}

func (a *App) merge(t *testing.T, p mergedPair, first, second string, alone, become [2]int) {
	t.Helper()
	ws, err := a.db.EnsureWorkspace(t.Context(), p.name+first)
	if err != nil {
		t.Fatal(err)
	}
	take := func(file string) gyre.RunCounts {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(corpusFolder, "reports", filepath.FromSlash(file))) // #nosec G304 -- the test's own data
		if err != nil {
			t.Fatal(err)
		}
		u := a.importedInto(t, ws.ID, httpapi.Import{Name: filepath.Base(file), Asset: p.asset, Address: p.address, Body: bytes.NewReader(text), Again: true})
		run, err := a.db.Run(t.Context(), ws.ID, u.Run)
		if err != nil {
			t.Fatal(err)
		}
		return run.Counts
	}
	both := 0
	for _, line := range p.merged {
		both += count(line)
	}
	if got := take(first); got.Created != alone[0] || got.NewAssets != 1 {
		t.Errorf("%s by itself: %+v; want %d exposures of one asset", first, got, alone[0])
	}
	got := take(second)
	if got.Created != alone[1]-both-become[1] || got.NewAssets != 0 || got.Closed != 0 || got.Reopened != 0 {
		t.Errorf("%s after it: %+v; want %d more exposures and nothing else", second, got, alone[1]-both-become[1])
	}
	merged, all := a.seenByTwo(t, ws.ID)
	if d := cmp.Diff(slices.Sorted(slices.Values(p.merged)), merged); d != "" {
		t.Errorf("what both see (-want +got):\n%s", d)
	}
	if want := alone[0] + alone[1] - become[0] - become[1] - both; all != want {
		t.Errorf("%d exposures, want %d", all, want)
	}
	// What each says again changes nothing, also now that it is not alone.
	for _, file := range []string{first, second} {
		if again := take(file); again.Created+again.Closed+again.Reopened+again.NewAssets != 0 {
			t.Errorf("%s again: %+v", file, again)
		}
	}
	if again, n := a.seenByTwo(t, ws.ID); n != all || !slices.Equal(again, merged) {
		t.Errorf("after both again: %d exposures, want %d; %s", n, all, cmp.Diff(merged, again))
	}
}

// seenByTwo are the exposures that two sources see, as lines of mergedPair.merged,
// and how many exposures there are.
func (a *App) seenByTwo(t *testing.T, ws gyre.ID) (merged []string, all int) {
	t.Helper()
	keys := map[gyre.ID]string{}
	if err := a.db.EachWeakness(t.Context(), ws, func(w gyre.Weakness) error { keys[w.ID] = w.Key; return nil }); err != nil {
		t.Fatal(err)
	}
	var exposures []gyre.Exposure
	if err := a.db.EachExposure(t.Context(), ws, func(e gyre.Exposure) error { exposures = append(exposures, e); return nil }); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range exposures {
		observations, err := a.db.Observations(t.Context(), ws, e.ID)
		if err != nil {
			t.Fatal(err)
		}
		sources := map[string]bool{}
		for _, o := range observations {
			sources[o.Source] = true
		}
		if len(sources) < 2 {
			continue
		}
		place := e.Place
		if e.Aspect != gyre.AspectPackage { // a file: without the hash of its code, or its line
			place, _, _ = strings.Cut(place, "~")
			place, _, _ = strings.Cut(place, ":")
		}
		seen[keys[e.Weakness]+" "+place]++
	}
	for line, n := range seen {
		if n > 1 {
			line += " " + strconv.Itoa(n)
		}
		merged = append(merged, line)
	}
	slices.Sort(merged)
	return merged, len(exposures)
}
