// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package nmap

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

func imported(t *testing.T, text string) (*plugintest.Collector, plugin.Report) {
	t.Helper()
	c, report, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r.xml", Reader: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	c.Check(t)
	return c, report
}

func scan(info, ports, exit string) string {
	return `<nmaprun args="nmap -sV"><scaninfo protocol="tcp" services="` + info + `"/><host><status state="up"/><address addr="192.0.2.1" addrtype="ipv4"/><ports>` +
		ports + `</ports></host><runstats><finished exit="` + exit + `"/></runstats></nmaprun>`
}

// What a scan covers decides what it closes, so it must never be too much.
func TestCoverage(t *testing.T) {
	const open = `<port protocol="tcp" portid="80"><state state="open"/><service name="http" method="probed"/></port>`
	const guess = `<port protocol="tcp" portid="80"><state state="open"/><service name="http" method="table"/></port>`
	for name, tc := range map[string]struct {
		info, ports string
		want        []string
	}{
		"all ports, the rest closed":         {"1-65535", open + `<extraports state="closed" count="65534"/>`, []string{"tcp/*"}},
		"three ports, the rest closed":       {"22,80,443", open + `<extraports state="closed" count="2"/>`, []string{"tcp/22", "tcp/443", "tcp/80"}},
		"a guessed service is not covered":   {"22,80,443", guess + `<extraports state="closed" count="2"/>`, []string{"tcp/22", "tcp/443"}},
		"filtered ports are not covered":     {"22,80,443", open + `<extraports state="filtered" count="2"/>`, []string{"tcp/80"}},
		"two groups, nobody says which":      {"22,80,443", open + `<extraports state="closed" count="1"/><extraports state="filtered" count="1"/>`, []string{"tcp/80"}},
		"two groups, listed":                 {"22,80,443", open + `<extraports state="closed"><extrareasons proto="tcp" ports="22"/></extraports><extraports state="filtered"/>`, []string{"tcp/22", "tcp/80"}},
		"a single port that did not answer":  {"22,80", open + `<port protocol="tcp" portid="22"><state state="filtered"/></port>`, []string{"tcp/80"}},
		"a single port that is closed":       {"22,80", open + `<port protocol="tcp" portid="22"><state state="closed"/></port>`, []string{"tcp/22", "tcp/80"}},
		"the list of ports cannot be read":   {"x", open + `<extraports state="closed" count="2"/>`, []string{"tcp/80"}},
		"nothing answered":                   {"22,80", `<extraports state="filtered" count="2"/>`, nil},
		"a port that is not a number":        {"22", `<port protocol="tcp" portid="70000"><state state="open"/></port><extraports state="filtered"/>`, nil},
		"a protocol that is not looked into": {"22", `<port protocol="sctp" portid="7"><state state="open"/></port><extraports state="filtered"/>`, nil},
	} {
		c, _ := imported(t, scan(tc.info, tc.ports, "success"))
		var got []string
		for _, v := range c.Coverage {
			if v.Judged {
				t.Errorf("%s: claims to have judged", name)
			}
			if v.Aspect == gyre.AspectService {
				got = append(got, v.Loci...)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: covers %v, want %v", name, got, tc.want)
		}
	}
}

func TestUnfinishedScanIsPartial(t *testing.T) {
	for _, text := range []string{
		scan("80", "", "error"),
		`<nmaprun><host><status state="up"/><address addr="192.0.2.1" addrtype="ipv4"/></host></nmaprun>`,
	} {
		if _, report := imported(t, text); len(report.Problems) == 0 {
			t.Errorf("%s: no problem reported, so the run would close exposures", text)
		}
	}
}

func TestHostile(t *testing.T) {
	laughs := `<!DOCTYPE nmaprun [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><nmaprun args="&b;">`
	for _, text := range []string{laughs, `<nmaprun><host></nmaprun>`, `<other/>`, strings.Repeat("<nmaprun>", 400)} {
		_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r.xml", Reader: strings.NewReader(text)})
		if code := gyre.ErrorCode(err); code != gyre.Invalid && code != gyre.TooLarge {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

// Half a million ports go by in the memory of a few.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 60 MB")
	}
	piece := `<host><status state="up"/><address addr="10.1.2.3" addrtype="ipv4"/><hostnames><hostname name="h%d" type="PTR"/></hostnames><ports><extraports state="closed" count="65530"/>` +
		strings.Repeat(`<port protocol="tcp" portid="80"><state state="open"/><service name="http" product="x" method="probed"/><script id="s" output="`+strings.Repeat("y", 500)+`"/></port>`, 5) + `</ports></host>`
	const n = 16_000
	r := plugintest.Repeated(`<nmaprun args="nmap"><scaninfo protocol="tcp" services="1-65535"/>`, piece, `<runstats><finished exit="success"/></runstats></nmaprun>`, n)
	plugintest.Bounded(t, Importer{}, plugin.Input{Name: "big.xml", Reader: r}, n, 64)
}

// The peer whose numbers these are makes a finding of each open port, which is a
// fact here, and judged by checks.
func TestCorpus(t *testing.T) {
	plugintest.Corpus(t, Importer{}, "../../../../shared/corpus", "nmap", map[string]string{
		"issue4406.xml":           "25 open ports, which are facts here; the other rows are exploits that vulners lists for 8 CVEs, and each CVE is one finding",
		"nmap_script_vulners.xml": "one open port and two CVEs; the port is a fact here",
	})
}
