// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"fmt"
	"strconv"
	"strings"
)

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// The scanner's own plugins: port scanner, service detection, scan information.
var scannerPlugins = []int{10180, 11219, 19506, 22964, 45590}

// writeNessus writes a scan of the whole estate, with credentials and all plugins.
func writeNessus(w *writer, e *estate) error {
	w.put(`<?xml version="1.0" ?>`, "\n<NessusClientData_v2>\n<Policy><policyName>Everything, with credentials</policyName>\n<Preferences><ServerPreferences>\n",
		"<preference><name>plugin_set</name><value>")
	for _, id := range scannerPlugins {
		w.put(strconv.Itoa(id), ";")
	}
	for n := range e.flaws {
		for _, f := range []flaw{{n, false}, {n, true}} {
			w.put(strconv.Itoa(f.plugin(false)), ";", strconv.Itoa(f.plugin(true)), ";")
		}
	}
	// Plugins that find nothing here.
	for n := range max(0, 12_000-4*e.flaws) {
		w.put(strconv.Itoa(50_000+n), ";")
	}
	w.put("</value></preference>\n</ServerPreferences></Preferences>\n<FamilySelection>\n")
	for _, name := range []string{"General", "Misc.", "Web Servers", "Service detection", "Settings", "Example Local Security Checks"} {
		w.put("<FamilyItem><FamilyName>", name, "</FamilyName><Status>enabled</Status></FamilyItem>\n")
	}
	w.put("</FamilySelection>\n</Policy>\n<Report name=\"Generated\" xmlns:cm=\"http://www.nessus.org/cm\">\n")
	err := e.each(func(host int, sights []sight) error {
		e.nessusHost(w, host, sights)
		return w.err
	})
	w.put("</Report>\n</NessusClientData_v2>\n")
	return err
}

func (e *estate) nessusHost(w *writer, host int, sights []sight) {
	name, day := hostName(host), "Mon Mar  2"
	if e.Changed > 0 { // a week later
		day = "Mon Mar  9"
	}
	w.put(`<ReportHost name="`, name, `"><HostProperties>`, "\n")
	for _, tag := range [][2]string{
		{"HOST_START", day + " 10:00:00 2026"},
		{"HOST_END", day + " 10:20:00 2026"},
		{"Credentialed_Scan", "true"},
		{"policy-used", "Everything, with credentials"},
		{"operating-system", "Example Linux 12"},
		{"system-type", "general-purpose"},
		{"host-ip", hostAddress(host)},
		{"host-fqdn", name},
		{"bios-uuid", hostMachine(e.Seed, host)},
		{"mac-address", fmt.Sprintf("02:00:%02X:%02X:%02X:%02X", host>>24&255, host>>16&255, host>>8&255, host&255)},
	} {
		w.put(`<tag name="`, tag[0], `">`, tag[1], "</tag>\n")
	}
	w.put("</HostProperties>\n")
	info := func(port int, svc string, id int, plugin, family, output string) {
		p := strconv.Itoa(port)
		w.put(`<ReportItem port="`, p, `" svc_name="`, svc, `" protocol="tcp" severity="0" pluginID="`, strconv.Itoa(id), `" pluginName="`, plugin, `" pluginFamily="`, family,
			"\">\n<plugin_type>remote</plugin_type>\n<risk_factor>None</risk_factor>\n<plugin_output>", output, "</plugin_output>\n</ReportItem>\n")
	}
	open := map[int]bool{}
	for i := range sights {
		if p := sights[i].pkg; p.port > 0 && !open[p.port] {
			open[p.port] = true
			info(p.port, p.svc, 11219, "Nessus SYN scanner", "Port scanners", "Port "+strconv.Itoa(p.port)+"/tcp was found to be open")
		}
	}
	if !open[22] {
		info(22, "ssh", 11219, "Nessus SYN scanner", "Port scanners", "Port 22/tcp was found to be open")
	}
	for i := range sights {
		nessusItem(w, &sights[i])
	}
	info(0, "general", 19506, "Nessus Scan Information", "Settings", "Information about this scan :\n\nCredentialed checks : yes, as 'audit' via ssh\n")
	w.put("</ReportHost>\n")
}

var riskFactors = []string{"None", "Low", "Medium", "High", "Critical"}

func nessusItem(w *writer, s *sight) {
	f, p := s.flaw, s.pkg
	svc, family, kind := "general", "Example Local Security Checks", "local"
	if p.port > 0 {
		svc, family, kind = p.svc, "Misc.", "remote"
	}
	severity := f.severity()
	title := escape.Replace(f.title(p))
	if s.again {
		title += " (remote check)"
	}
	w.put(`<ReportItem port="`, strconv.Itoa(p.port), `" svc_name="`, svc, `" protocol="tcp" severity="`, strconv.Itoa(severity), `" pluginID="`,
		strconv.Itoa(f.plugin(s.again)), `" pluginName="`, title, `" pluginFamily="`, family, "\">\n")
	if cve := f.cve(); cve != "" {
		w.put("<cve>", cve, "</cve>\n")
	}
	score := strconv.FormatFloat(f.score(), 'f', 1, 64)
	w.put("<cvss3_base_score>", score, "</cvss3_base_score>\n<cvss3_vector>CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:L</cvss3_vector>\n",
		"<description>", escape.Replace(f.description(p)), "</description>\n<fname>", p.name, ".nasl</fname>\n",
		"<plugin_name>", title, "</plugin_name>\n<plugin_type>", kind, "</plugin_type>\n<risk_factor>", riskFactors[severity], "</risk_factor>\n",
		"<see_also>https://advisories.example.com/", p.name, "</see_also>\n<solution>Upgrade ", p.name, " to version ", f.fixed(), " or later.</solution>\n",
		"<synopsis>The remote host has a version of ", p.name, " that is affected by a weakness.</synopsis>\n",
		"<plugin_output>\n  Path              : /usr/lib/", p.name, "\n  Installed version : 1.0.0\n  Fixed version     : ", f.fixed(), "\n</plugin_output>\n</ReportItem>\n")
}
