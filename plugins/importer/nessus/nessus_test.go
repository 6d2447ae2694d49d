// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package nessus

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
)

func TestContract(t *testing.T) { plugintest.TestImporter(t, Importer{}, "testdata") }

func FuzzImport(f *testing.F) { plugintest.Fuzz(f, Importer{}, "testdata") }

func imported(t *testing.T, text string) (*plugintest.Collector, plugin.Report) {
	t.Helper()
	c, report, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r.nessus", Reader: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	c.Check(t)
	return c, report
}

// report is a report of one host.
func report(policy, properties, items string) string {
	return `<NessusClientData_v2><Policy>` + policy + `</Policy><Report><ReportHost name="h.example.com"><HostProperties>` + properties +
		`</HostProperties>` + items + `</ReportHost></Report></NessusClientData_v2>`
}

func plugins(n int) string {
	var b strings.Builder
	b.WriteString(`<Preferences><ServerPreferences><preference><name>plugin_set</name><value>`)
	for i := range n {
		b.WriteString(strconv.Itoa(10000+i) + ";")
	}
	b.WriteString(`</value></preference></ServerPreferences></Preferences>`)
	return b.String()
}

func families(status ...string) string {
	s := `<FamilySelection>`
	for i, v := range status {
		s += fmt.Sprintf(`<FamilyItem><FamilyName>F%d</FamilyName><Status>%s</Status></FamilyItem>`, i, v)
	}
	return s + `<FamilyItem><FamilyName>Port scanners</FamilyName><Status>mixed</Status></FamilyItem>` +
		`<FamilyItem><FamilyName>Policy Compliance</FamilyName><Status>disabled</Status></FamilyItem></FamilySelection>`
}

const (
	ended = `<tag name="HOST_END">x</tag>`
	open  = `<ReportItem port="443" svc_name="www?" protocol="tcp" severity="0" pluginID="11219"/>`
)

func said(id, output string) string {
	return `<ReportItem port="0" protocol="tcp" severity="0" pluginID="` + id + `"><plugin_output>` + output + `</plugin_output></ReportItem>`
}

// What a report covers decides what it closes, so it must never be too much.
func TestCoverage(t *testing.T) {
	whole := plugins(allPlugins) + families("enabled", "enabled")
	for name, tc := range map[string]struct {
		text         string
		judged       bool
		weaknesses   int // 0: all
		credentialed bool
	}{
		"all plugins":                     {text: report(whole, ended, open), judged: true},
		"the host's scan did not end":     {text: report(whole, "", open)},
		"given up as dead":                {text: report(whole, ended, open+said("10180", "The remote host (192.0.2.1) is considered as dead - not scanning"))},
		"nothing answered":                {text: report(whole, ended, said("19506", "Credentialed checks : no"))},
		"a family is off":                 {text: report(plugins(allPlugins)+families("enabled", "disabled"), ended, open)},
		"a family is on in part":          {text: report(plugins(allPlugins)+families("mixed"), ended, open)},
		"no families":                     {text: report(plugins(allPlugins), ended, open)},
		"no plugin set":                   {text: report(families("enabled"), ended, open)},
		"families on, but few plugins":    {text: report(plugins(7)+families("enabled"), ended, open), judged: true, weaknesses: 7},
		"some hundred plugins":            {text: report(plugins(fewPlugins)+families("mixed"), ended, open), judged: true, weaknesses: fewPlugins},
		"some thousand plugins":           {text: report(plugins(fewPlugins+1)+families("mixed"), ended, open)},
		"credentials worked":              {text: report(whole, ended, open+said("19506", "Scan\nCredentialed checks : yes, as 'a' via ssh")), judged: true, credentialed: true},
		"only credentials":                {text: report(whole, ended, said("19506", "Credentialed checks : yes")), judged: true, credentialed: true},
		"a property says it":              {text: report(whole, ended+`<tag name="Credentialed_Scan">true</tag>`, open), judged: true, credentialed: true},
		"local checks were not available": {text: report(whole, ended, open+said("19506", "Credentialed checks : yes")+said("117886", "x")), judged: true},
	} {
		c, _ := imported(t, tc.text)
		var judged []gyre.Coverage
		for _, v := range c.Coverage {
			if v.Judged {
				judged = append(judged, v)
			}
		}
		if !tc.judged {
			if len(judged) > 0 {
				t.Errorf("%s: covers %+v", name, judged)
			}
			continue
		}
		if len(judged) != 1 || len(judged[0].Weaknesses) != tc.weaknesses || judged[0].Credentialed != tc.credentialed {
			t.Errorf("%s: covers %.300v, want %d weaknesses, credentialed %v", name, judged, tc.weaknesses, tc.credentialed)
			continue
		}
		want := []string{"tcp/443", "host"}
		if !strings.Contains(tc.text, `port="443"`) {
			want = want[1:]
		}
		if !slices.Equal(judged[0].Loci, want) {
			t.Errorf("%s: covers %v", name, judged[0].Loci)
		}
	}
}

func TestSeverity(t *testing.T) {
	for _, tc := range []struct {
		severity, risk string
		want           gyre.Severity
	}{
		{"4", "Low", gyre.SeverityCritical},
		{"1", "", gyre.SeverityLow},
		{"", "High", gyre.SeverityHigh},
		{"9", "Medium", gyre.SeverityMedium},
		{"x", "", gyre.SeverityInfo},
		{"0", "Critical", gyre.SeverityInfo}, // somebody said that it is none
	} {
		c, _ := imported(t, report("", ended, `<ReportItem port="1" protocol="TCP" severity="`+tc.severity+`" pluginID="1" pluginName="n"><risk_factor>`+tc.risk+`</risk_factor></ReportItem>`))
		got := gyre.SeverityInfo
		if len(c.Findings) == 1 {
			got = c.Findings[0].Severity
		}
		if got != tc.want {
			t.Errorf("severity %q, risk factor %q: %v, want %v", tc.severity, tc.risk, got, tc.want)
		}
	}
}

// A finding that may need credentials is not taken for one that needs none, for
// else a scan without any would close it.
func TestCredentialed(t *testing.T) {
	for _, tc := range []struct {
		kind, scan string
		want       bool
	}{
		{"remote", "yes", false},
		{"local", "yes", true},
		{"combined", "yes", true},
		{"local", "no", false},
		{"local", "", true},
	} {
		items := `<ReportItem port="0" protocol="tcp" severity="2" pluginID="1" pluginName="n"><plugin_type>` + tc.kind + `</plugin_type></ReportItem>`
		if tc.scan != "" {
			items += said("19506", "Credentialed checks : "+tc.scan)
		}
		c, _ := imported(t, report("", ended, items))
		if len(c.Findings) != 1 || c.Findings[0].Credentialed != tc.want {
			t.Errorf("%s plugin, credentials %q: %+v", tc.kind, tc.scan, c.Findings)
		}
	}
}

func TestSecretsAreNotKept(t *testing.T) {
	c, _ := imported(t, report("", ended, `<ReportItem port="22" protocol="tcp" severity="4" pluginID="1" pluginName="n">
		<plugin_output>Login : admin
Password : hunter2
community name: hunter2</plugin_output></ReportItem>`))
	if len(c.Findings) != 1 || strings.Contains(fmt.Sprint(c.Findings), "hunter2") || !strings.Contains(fmt.Sprint(c.Findings), "admin") {
		t.Errorf("%+v", c.Findings)
	}
}

func TestHostile(t *testing.T) {
	laughs := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><NessusClientData_v2>&b;</NessusClientData_v2>`
	for _, text := range []string{laughs, `<NessusClientData_v2><Report></NessusClientData_v2>`, `<other/>`, strings.Repeat("<NessusClientData_v2>", 400), `<NessusClientData_v2/><x/>`} {
		_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r.nessus", Reader: strings.NewReader(text)})
		if code := gyre.ErrorCode(err); code != gyre.Invalid && code != gyre.TooLarge {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	// What is wrong with one item is said, and the next is read.
	good := `<ReportItem port="80" protocol="tcp" severity="2" pluginID="2" pluginName="n"/>`
	for _, bad := range []string{
		`<ReportItem port="70000" protocol="tcp" severity="2" pluginID="1"/>`, `<ReportItem port="x" protocol="tcp" severity="2" pluginID="1"/>`,
		`<ReportItem port="1" protocol="sctp" severity="2" pluginID="1"/>`, `<ReportItem port="1" protocol="tcp" severity="2" pluginID="a;b"/>`, `<ReportItem/>`,
	} {
		if c, rep := imported(t, report("", ended, bad+good)); len(rep.Problems) != 1 || len(c.Findings) != 1 {
			t.Errorf("%s: %v, %d findings", bad, rep.Problems, len(c.Findings))
		}
	}
}

// More of one host than can be held makes the import partial, so that it closes nothing.
func TestTooManyFindingsOfOneHost(t *testing.T) {
	var items strings.Builder
	for i := range maxFindings + 5 {
		fmt.Fprintf(&items, `<ReportItem port="80" protocol="tcp" severity="2" pluginID="%d" pluginName="n"/>`, i+1)
	}
	c, rep := imported(t, report("", ended, items.String()))
	if len(c.Findings) != maxFindings || len(rep.Problems) != 1 {
		t.Errorf("%d findings, %v", len(c.Findings), rep.Problems)
	}
}

// Half a million findings go by in the memory of one host's.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 60 MB")
	}
	piece := `<ReportHost name="h%d.example.com"><HostProperties><tag name="host-ip">10.1.2.3</tag></HostProperties>` +
		strings.Repeat(`<ReportItem port="80" svc_name="www" protocol="tcp" severity="2" pluginID="4%d" pluginName="n"><plugin_output>`+strings.Repeat("y", 500)+`</plugin_output></ReportItem>`, 10) + `</ReportHost>`
	const n = 8_000
	r := plugintest.Repeated(`<NessusClientData_v2><Report>`, piece, `</Report></NessusClientData_v2>`, n)
	plugintest.Bounded(t, Importer{}, plugin.Input{Name: "big.nessus", Reader: r}, n, 32)
}

// The peer whose numbers these are makes one finding of a plugin however many
// CVEs it names, and findings of what is only information.
func TestCorpus(t *testing.T) {
	const csv = "a table of the same tool, and not this format"
	plugintest.Corpus(t, Importer{}, "../../../../shared/corpus", "tenable/nessus", map[string]string{
		"nessus-template.csv": csv, "nessus_many_vuln.csv": csv,
		"nessus_many_vuln.xml":      "all of it is information",
		"nessus_v_unknown.xml":      "the peer joins what is equal on several hosts and counts information; here it is what stands on each host",
		"nessus_with_cvssv3.nessus": "23 items are information; the others name 138 CVEs, some of them twice at one place",
	})
	plugintest.Corpus(t, Importer{}, "../../../../shared/corpus", "tenable/nessus_was", map[string]string{
		"nessus_was_many_vuln.csv": csv,
		"nessus_was_many_vuln.xml": "one of its five items is information",
	})
}

// TestLooked: a report is dated by the first host's start; the scanner's own
// time counts only where the world's is not given.
func TestLooked(t *testing.T) {
	host := func(tags string) string {
		return `<ReportHost name="h"><HostProperties>` + tags + `</HostProperties></ReportHost>`
	}
	late := host(`<tag name="HOST_START">2021-03-12T12:34:30.12031+00:00</tag>`)
	for _, c := range []struct{ hosts, want string }{
		{late, "2021-03-12T12:34:30.12031Z"},
		{late + host(`<tag name="HOST_START">Mon Mar  1 10:00:00 2021</tag>`), "2021-03-01T10:00:00Z"},
		{host(`<tag name="HOST_START">Wed Mar 23 14:31:51 2022</tag><tag name="HOST_START_TIMESTAMP">1648042311</tag>`), "2022-03-23T13:31:51Z"},
		{host(`<tag name="HOST_START">never</tag>`), "0001-01-01T00:00:00Z"},
	} {
		_, report := imported(t, `<NessusClientData_v2><Report>`+c.hosts+`</Report></NessusClientData_v2>`)
		if got := report.Looked.Format(time.RFC3339Nano); got != c.want {
			t.Errorf("%s: dated %s, want %s", c.hosts, got, c.want)
		}
	}
}
