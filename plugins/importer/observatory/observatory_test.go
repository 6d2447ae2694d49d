// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package observatory

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/naming"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
)

func TestContract(t *testing.T) { plugintest.TestImporter(t, Importer{}, "testdata") }

func TestRemembers(t *testing.T) { plugintest.Remembers(t, Importer{}, "testdata") }

func FuzzImport(f *testing.F) { plugintest.Fuzz(f, Importer{}, "testdata") }

// imported imports a result of the given tests, behind what the scan says of itself.
func imported(t *testing.T, scan string, tests ...string) (*plugintest.Collector, plugin.Report) {
	t.Helper()
	c, report, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r.json", Reader: strings.NewReader(
		`{"tests":{` + strings.Join(tests, ",") + `},"scan":{` + scan + `}}`,
	)})
	if err != nil {
		t.Fatal(err)
	}
	c.Check(t)
	return c, report
}

func result(test, result string, more ...string) string {
	return fmt.Sprintf(`%q:{"pass":false,"result":%q%s}`, test, result, strings.Join(append([]string{""}, more...), ","))
}

// finds are the findings as NAME PLACE.
func finds(c *plugintest.Collector) (all []string) {
	for _, f := range c.Findings {
		all = append(all, f.Weakness.Key+" "+f.Locus)
	}
	slices.Sort(all)
	return all
}

// Of which site a report is, and at which port what it says stands.
func TestSite(t *testing.T) {
	csp := result("content-security-policy", "csp-not-implemented")
	way := func(urls string) string { return result("redirection", "redirection-missing", `"route":[`+urls+`]`) }
	for name, tc := range map[string]struct {
		scan     string
		tests    []string
		id, want string
	}{
		"nobody says":             {``, []string{csp}, "file:r.json", "http.csp-missing tcp/443"},
		"the scan says":           {`"host":"Shop.example.com"`, []string{csp}, "shop.example.com", "http.csp-missing tcp/443"},
		"the first address does":  {``, []string{csp, way(`"http://shop.example.com/","https://www.example.com/"`)}, "shop.example.com", "http.csp-missing tcp/443,http.https-redirect-missing tcp/80"},
		"other ports":             {``, []string{way(`"http://shop:8080/","https://shop:8443/"`), csp}, "shop", "http.csp-missing tcp/8443,http.https-redirect-missing tcp/8080"},
		"there is no HTTPS":       {``, []string{csp, way(`"http://192.0.2.1/"`), result("strict-transport-security", "hsts-not-implemented-no-https")}, "192.0.2.1", "http.csp-missing tcp/80,http.https-missing tcp/80,http.https-redirect-missing tcp/80"},
		"what is no address":      {``, []string{csp, way(`"ftp://x/","nowhere"`)}, "file:r.json", "http.csp-missing tcp/443,http.https-redirect-missing tcp/80"},
		"the way before the scan": {`"host":"other.example.com"`, []string{way(`"http://shop.example.com/"`)}, "shop.example.com", "http.https-redirect-missing tcp/80"},
	} {
		c, _ := imported(t, tc.scan, tc.tests...)
		if len(c.Assets) != 1 || c.Assets[0].Identifiers[0].Value != tc.id || strings.Join(finds(c), ",") != tc.want {
			t.Errorf("%s: %+v %v", name, c.Assets, finds(c))
		}
	}
}

// What a report covers decides what it closes, so it must never be too much.
func TestCoverage(t *testing.T) {
	jar := func(cookies string) string {
		return result("cookies", "cookies-secure-with-httponly-sessions", `"data":{`+cookies+`}`)
	}
	for name, tc := range map[string]struct {
		scan, test string
		want       string // weakness at place, of the shared names
	}{
		"a header that is set":       {``, result("content-security-policy", "csp-implemented-with-unsafe-inline"), "http.csp-missing@tcp/443"},
		"one that is not":            {``, result("content-security-policy", "csp-not-implemented"), ""},
		"one that is not understood": {``, result("x-frame-options", "x-frame-options-header-invalid"), ""},
		"one that stands elsewhere":  {``, result("x-frame-options", "x-frame-options-implemented-via-csp"), "http.frame-options-invalid@tcp/443 http.frame-options-missing@tcp/443"},
		"one that is not needed":     {``, result("x-xss-protection", "x-xss-protection-not-needed-due-to-csp"), ""},
		"one that is listed":         {``, result("strict-transport-security", "hsts-preloaded"), "http.https-missing@tcp/443 http.https-missing@tcp/80"},
		"no HTTPS":                   {``, result("strict-transport-security", "hsts-not-implemented-no-https"), ""},
		"a way to HTTPS":             {``, result("redirection", "redirection-not-to-https-on-initial-redirection"), "http.https-redirect-missing@tcp/80"},
		"a way that is not":          {``, result("redirection", "redirection-not-to-https"), ""},
		"an answer that is an error": {`"status_code":503`, result("content-security-policy", "csp-implemented-with-no-unsafe"), ""},
		"what could not be tested":   {``, result("subresource-integrity", "html-not-parsable"), ""},
		"a test that is not known":   {``, result("x-new", "x-new-fine"), ""},
		"no other site's requests":   {``, result("cross-origin-resource-sharing", "cross-origin-resource-sharing-not-implemented"), "http.cors-any-origin@tcp/443 http.cors-any-origin@tcp/443/#cors"},
		"cookies with flags":         {``, jar(`"sid":{"secure":true,"httponly":true},"lang":{"secure":true,"httponly":false}`), "http.cookie-insecure@tcp/443 http.cookie-without-httponly@tcp/443#sid http.cookie-without-secure@tcp/443#lang http.cookie-without-secure@tcp/443#sid"},
		"a flag that nobody knows":   {``, jar(`"sid":{"secure":true}`), "http.cookie-without-secure@tcp/443#sid"},
		"no cookies":                 {``, result("cookies", "cookies-not-found"), ""},
	} {
		c, _ := imported(t, tc.scan, tc.test)
		var got []string
		for _, v := range c.Coverage {
			if !v.Judged || v.Loci == nil || v.Weaknesses == nil {
				t.Errorf("%s: covers %+v", name, v)
			}
			for _, w := range v.Weaknesses {
				for _, at := range v.Loci {
					if !strings.HasPrefix(w, "observatory:") {
						got = append(got, w+"@"+at)
					}
				}
			}
		}
		slices.Sort(got)
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%s: covers %q, want %q", name, s, tc.want)
		}
		if known := prefixes[strings.Split(tc.test, `"`)[1]] != ""; (len(c.Coverage) > 0) != (known && tc.scan == "" && !strings.Contains(tc.test, "html")) {
			t.Errorf("%s: covers %+v", name, c.Coverage)
		}
	}
}

// No result is found and shown not to be there at once.
func TestNothingIsRefutedByItself(t *testing.T) {
	for result, name := range shared {
		if slices.Contains(refutes(result), name) {
			t.Errorf("%s says that there is %s, and that there is not", result, name)
		}
		known := false
		for _, p := range prefixes {
			known = known || strings.HasPrefix(result, p)
		}
		if !known || naming.OnSite(name, naming.Site{}).Weakness.Title == "" {
			t.Errorf("%s: %s", result, name)
		}
	}
}

func TestPartial(t *testing.T) {
	for _, scan := range []string{`"state":"ABORTED"`, `"state":7`} {
		if _, report := imported(t, scan, result("cookies", "cookies-not-found")); len(report.Problems) != 1 {
			t.Errorf("%s: %+v", scan, report)
		}
	}
	for _, test := range []string{`"cookies":7`, `"cookies":{}`, `"cookies":{"result":{}}`} {
		if c, report := imported(t, ``, test, result("x-frame-options", "x-frame-options-not-implemented")); len(report.Problems) != 1 || len(c.Findings) != 1 {
			t.Errorf("%s: %+v, %d findings", test, report, len(c.Findings))
		}
	}
}

func TestHostile(t *testing.T) {
	for _, text := range []string{``, `[]`, `{}`, `7`, `{"tests":`, `{"tests":{}} x`, `{"tests":` + strings.Repeat(`[`, 300)} {
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
	piece := `"x-frame-options":{"pass":false,"result":"x-frame-options-%d","score_description":"` + strings.Repeat("x", 1900) + `"},`
	const n = 50_000
	r := plugintest.Repeated(`{"tests":{`, piece, `"cookies":{"pass":true,"result":"html-not-parsable"}}}`, n)
	plugintest.Bounded(t, Importer{}, plugin.Input{Name: "big.json", Reader: r}, n, 64)
}

// The peer whose numbers these are makes a finding of each test, also of those that were passed.
func TestCorpus(t *testing.T) {
	plugintest.Corpus(t, Importer{}, "../../../../shared/corpus", "mozilla_observatory", map[string]string{
		"demo.json":             "9 of 12 tests were passed; the one cookie that it saw lacks one flag",
		"juicy.json":            "7 of 12 tests were passed",
		"mozilla_no_vuln.json":  "all 4 tests were passed",
		"nmap_scanme_2022.json": "6 of 12 tests were passed",
	})
}
