// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package wapiti

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

func FuzzImport(f *testing.F) { plugintest.Fuzz(f, Importer{}, "testdata") }

func imported(t *testing.T, in plugin.Input, text string) (*plugintest.Collector, plugin.Report) {
	t.Helper()
	in.Name, in.Reader = "r.xml", strings.NewReader(text)
	c, report, err := plugintest.Import(t.Context(), Importer{}, in)
	if err != nil {
		t.Fatal(err)
	}
	c.Check(t)
	return c, report
}

func report(infos string, parts ...string) string {
	return `<report type="security"><report_infos>` + infos + `</report_infos><vulnerabilities>` + strings.Join(parts, "") + `</vulnerabilities></report>`
}

const target = `<info name="target">https://shop.example.com/a</info>`

func part(category, info, more string) string {
	return fmt.Sprintf(`<vulnerability name="%s"><entries><entry><info>%s</info>%s</entry></entries></vulnerability>`, category, info, more)
}

// What is wrong at a place, as Wapiti's versions word it, by the names that others have for it.
func TestNames(t *testing.T) {
	for _, tc := range []struct{ category, info, more, want string }{
		{"HTTP Secure Headers", "X-Frame-Options is not set", "", "http.frame-options-missing tcp/443"},
		{"TLS/SSL misconfigurations", "Strict Transport Security (HSTS) is not set", "", "http.hsts-missing tcp/443"},
		{"HTTP Strict Transport Security (HSTS)", "Strict-Transport-Security has an invalid value ('max-age' not found)", "", "http.hsts-invalid tcp/443"},
		{"MIME Type Confusion", "X-Content-Type-Options has an invalid value ('nosniff' not found)", "", "http.content-type-options-missing tcp/443"},
		{"Unencrypted Channels", "Redirected to HTTP location : http://x/", `<curl_command>curl "http://shop.example.com/"</curl_command>`, "http.https-redirect-missing tcp/80"},
		{"Secure Flag cookie", "Secure flag is not set in the cookie : a'b: c", "", "http.cookie-without-secure tcp/443#a'b: c"},
		{"Secure Flag cookie", "Secure flag is not set in the cookie : ", "", "wapiti:secure-flag-cookie tcp/443#secure-flag-is-not-set-in-the-cookie"},
		{"HTTP Secure Headers", "X-New is not set", "", "wapiti:http-secure-headers tcp/443#x-new-is-not-set"},
		{"TLS/SSL misconfigurations", "", "", "wapiti:tls-ssl-misconfigurations tcp/443#"},
		// A category of another kind means what it says, whatever the words.
		{"Cross Site Request Forgery", "CSP is not set", "<path>/form?x=1</path>", "wapiti:cross-site-request-forgery https://shop.example.com/form?x=1"},
		{"Cross Site Scripting", "XSS", "<path>/s</path><parameter>q</parameter>", "wapiti:cross-site-scripting https://shop.example.com/s#q"},
	} {
		c, _ := imported(t, plugin.Input{}, report(target, part(tc.category, tc.info, tc.more)))
		if len(c.Findings) != 1 || c.Findings[0].Weakness.Key+" "+c.Findings[0].Locus != tc.want {
			t.Errorf("%s: %s: %+v, want %s", tc.category, tc.info, c.Findings, tc.want)
		}
	}
}

// Who names an asset means the target; another host that was met is itself.
func TestAssets(t *testing.T) {
	other := part("SQL Injection", "x", `<curl_command>curl "https://other.example.com/?id=1"</curl_command>`)
	own := part("SQL Injection", "x", "")
	for name, tc := range map[string]struct {
		in   plugin.Input
		text string
		want string
	}{
		"nothing found":            {plugin.Input{}, report(target), "shop.example.com"},
		"another host":             {plugin.Input{}, report(target, other, own), "shop.example.com other.example.com"},
		"the person's word":        {plugin.Input{Asset: "Shop"}, report(target, other, own), "asset:shop other.example.com"},
		"the person's address":     {plugin.Input{Asset: "Shop", Address: "192.0.2.1"}, report(target, own), "shop"},
		"no target":                {plugin.Input{Asset: "Shop"}, report("", other, own), "asset:shop"},
		"a target that is no site": {plugin.Input{}, report(`<info name="target">x</info>`, own), ""},
	} {
		c, rep := imported(t, tc.in, tc.text)
		var ids []string
		for _, a := range c.Assets {
			ids = append(ids, a.Identifiers[0].Value)
		}
		if got := strings.Join(ids, " "); got != tc.want || (got == "") != (len(rep.Problems) > 0) {
			t.Errorf("%s: %q, want %q; %v", name, got, tc.want, rep.Problems)
		}
		if len(c.Coverage) > 0 {
			t.Errorf("%s: covers %+v", name, c.Coverage)
		}
	}
}

func TestSeverity(t *testing.T) {
	for _, tc := range []struct {
		version, level string
		want           gyre.Severity
	}{
		{"Wapiti 3.0.4", "4", gyre.SeverityCritical},
		{"Wapiti 3.0.4", "1", gyre.SeverityLow},
		{"Wapiti 3.2.10", "0", gyre.SeverityInfo},
		{"Wapiti 3.0.3", "1", gyre.SeverityHigh},
		{"Wapiti 2.3.0", "3", gyre.SeverityLow},
		{"", "3", gyre.SeverityHigh},
		{"", "x", gyre.SeverityMedium},
	} {
		c, _ := imported(t, plugin.Input{}, report(target+`<info name="generatorVersion">`+tc.version+`</info>`, part("Path Traversal", "x", "<level>"+tc.level+"</level>")))
		if len(c.Findings) != 1 || c.Findings[0].Severity != tc.want {
			t.Errorf("%s, level %s: %+v", tc.version, tc.level, c.Findings)
		}
	}
}

func TestSecretsAreNotKept(t *testing.T) {
	const request = `<path>/login?token=hunter2</path><http_request>POST /login HTTP/1.1
Cookie: sid=hunter2

user=x%27&amp;password=hunter2</http_request><curl_command>curl "https://shop.example.com/login?token=hunter2" -b "sid=hunter2"</curl_command>`
	for _, part := range []string{
		part("Weak credentials", "Credentials found for URL x : admin / hunter2", request+"<parameter>password</parameter>"),
		part("SQL Injection", "x", request+"<parameter>user</parameter>"),
	} {
		c, _ := imported(t, plugin.Input{}, report(target, part))
		f := c.Findings[0]
		f.Locus, _, _ = strings.Cut(f.Locus, "?") // the values are left out of what is stored of it
		if strings.Contains(fmt.Sprint(f), "hunter2") {
			t.Errorf("%+v", f)
		}
	}
}

func TestRepeatsAreOne(t *testing.T) {
	csp := part("Content Security Policy Configuration", "CSP is not set", "<path>/a</path>")
	c, _ := imported(t, plugin.Input{}, report(target, csp, strings.ReplaceAll(csp, "/a", "/b"), part("SQL Injection", "x", "<path>/a</path>"), part("SQL Injection", "x", "<path>/b</path>")))
	var got []string
	for _, f := range c.Findings {
		got = append(got, f.Locus)
	}
	if !slices.Equal(got, []string{"tcp/443", "https://shop.example.com/a", "https://shop.example.com/b"}) {
		t.Errorf("%v", got)
	}
}

func TestHostile(t *testing.T) {
	laughs := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><report>&b;</report>`
	for _, text := range []string{laughs, `<report><vulnerabilities></report>`, `<other/>`, strings.Repeat("<report>", 400), `<report/>`, `<report><report_infos/></report><x/>`} {
		_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r.xml", Reader: strings.NewReader(text)})
		if code := gyre.ErrorCode(err); code != gyre.Invalid && code != gyre.TooLarge {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

// A report of 60 MB takes no more memory than a small one.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 60 MB")
	}
	piece := `<entry><method>GET</method><path>/p%d</path><level>3</level><parameter>q</parameter><info>` + strings.Repeat("y", 500) + `</info><http_request>` + strings.Repeat("z", 500) +
		`</http_request><curl_command>curl "https://shop.example.com/p%d?q=1"</curl_command></entry>`
	const n = 50_000
	r := plugintest.Repeated(`<report><report_infos>`+target+`</report_infos><vulnerabilities><vulnerability name="Cross Site Scripting"><entries>`, piece, `</entries></vulnerability></vulnerabilities></report>`, n)
	plugintest.Bounded(t, Importer{}, plugin.Input{Name: "big.xml", Reader: r}, n, 32)
}

// Real reports, with the number of findings that another tool's tests expect.
func TestCorpus(t *testing.T) {
	plugintest.Corpus(t, Importer{}, "../../../../shared/corpus", "wapiti", nil)
}
