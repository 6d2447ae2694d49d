// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package nessus

import (
	"encoding/xml"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
)

const (
	hostLocus        = "host" // the place of what belongs to no port
	complianceFamily = "Policy Compliance"
	aspectOT         = gyre.Aspect("tenable.ot")

	maxText   = 2 << 10 // bytes of each text
	maxCVEs   = 500     // of one item
	maxListed = 20      // references, CWEs, plugins
	maxPorts  = 65_536  // of one host
)

// item is one ReportItem.
type item struct {
	id, name, family, kind string
	severity               gyre.Severity
	locus                  string

	synopsis, description, solution, output string
	risk                                    string
	cves, cwes, references                  []string
	cvss                                    string
	score                                   float64
	rank                                    int // version of the CVSS vector
	scored                                  string
	published                               time.Time
}

// item reads one ReportItem: a fact about the host, or findings.
func (r *run) item(h *host, el xml.StartElement) error {
	it := item{
		id: document.Line(document.Attr(el, "pluginID"), 20), name: document.Line(document.Attr(el, "pluginName"), 300),
		family: document.Line(document.Attr(el, "pluginFamily"), 100), severity: -1,
	}
	line := r.x.Line()
	if err := r.x.Children(func(el xml.StartElement) error { return r.itemChild(&it, el) }); err != nil {
		return err
	}
	number, err := strconv.ParseUint(document.Attr(el, "port"), 10, 16)
	protocol := strings.ToLower(document.Attr(el, "protocol"))
	switch {
	case !isNumber(it.id) || err != nil:
		r.problem("%s: a ReportItem without plugin or port", r.x.PlaceAt(line))
		return nil
	case it.family == complianceFamily:
		r.compliance++
		return nil
	case number == 0:
		it.locus = hostLocus
	case protocol == "tcp" || protocol == "udp":
		it.locus = protocol + "/" + strconv.FormatUint(number, 10)
		h.port(it.locus, protocol, int(number)).take(document.Attr(el, "svc_name"), &it) // #nosec -- 16 bits
	default:
		r.problem("%s: protocol %q", r.x.PlaceAt(line), document.Line(protocol, 20))
		return nil
	}
	h.notice(&it)
	if it.severity = severityOf(document.Attr(el, "severity"), it.risk); it.severity > gyre.SeverityInfo {
		h.add(&it, r.policy.name)
	}
	return nil
}

func (r *run) itemChild(it *item, el xml.StartElement) error {
	take := func(to *string) error {
		text, err := r.x.Text()
		if *to == "" {
			*to = document.Lines(text, maxText)
		}
		return err
	}
	var word string
	switch el.Name.Local {
	case "synopsis":
		return take(&it.synopsis)
	case "description":
		return take(&it.description)
	case "solution":
		return take(&it.solution)
	case "plugin_output":
		return take(&it.output)
	case "risk_factor", "cvss_vector", "cvss3_vector", "cvss4_vector", "cvss_base_score", "cvss3_base_score", "cvss4_base_score",
		"cve", "cwe", "see_also", "xref", "plugin_type", "cvss_score_source", "vuln_publication_date":
		if err := take(&word); err != nil {
			return err
		}
		it.word(el.Name.Local, word)
	}
	return nil
}

var secretLine = regexp.MustCompile(`(?im)(\b(?:password|passwd|passphrase|secret|community(?: string| name)?)\b[^:=\n]{0,20}[:=][ \t]*)\S[^\n]*`)

// isCVE says whether an id is "CVE-", four digits, "-", and four to ten digits.
func isCVE(id string) bool {
	rest, ok := strings.CutPrefix(id, "CVE-")
	if !ok || len(rest) < len("2014-1234") || len(rest) > len("2014-1234567890") || rest[4] != '-' {
		return false
	}
	for i := range len(rest) {
		if i != 4 && (rest[i] < '0' || rest[i] > '9') {
			return false
		}
	}
	return true
}

// leftOut is a text without the values of passwords and the like.
func leftOut(s string) string {
	if !maySayASecret(s) {
		return s
	}
	return secretLine.ReplaceAllString(s, "${1}(left out)")
}

// maySayASecret says whether any word of secretLine begins here: looking for
// them takes a tenth of the time of the pattern.
func maySayASecret(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case 'p', 'P', 's', 'S', 'c', 'C':
			for _, word := range [...]string{"pass", "secret", "community"} {
				if len(s)-i >= len(word) && strings.EqualFold(s[i:i+len(word)], word) {
					return true
				}
			}
		default:
			if s[i] >= utf8.RuneSelf { // letters that fold to these
				return true
			}
		}
	}
	return false
}

func (it *item) word(element, word string) {
	rank := 2
	switch {
	case strings.HasPrefix(element, "cvss3"):
		rank = 3
	case strings.HasPrefix(element, "cvss4"):
		rank = 4
	}
	switch element {
	case "risk_factor":
		it.risk = word
	case "plugin_type":
		it.kind = word
	case "cvss_score_source":
		it.scored = strings.ToUpper(document.Line(word, 40))
	case "cvss_vector", "cvss3_vector", "cvss4_vector":
		it.rate(rank)
		if rank == it.rank {
			it.cvss = strings.TrimPrefix(strings.TrimPrefix(document.Line(word, 200), "CVSS2#"), "CVSS4#")
		}
	case "cvss_base_score", "cvss3_base_score", "cvss4_base_score":
		it.rate(rank)
		if f, err := strconv.ParseFloat(word, 64); err == nil && f >= 0 && f <= 10 && rank == it.rank {
			it.score = f
		}
	case "cve":
		if id := strings.ToUpper(word); isCVE(id) && len(it.cves) < maxCVEs && !slices.Contains(it.cves, id) {
			it.cves = append(it.cves, id)
		}
	case "cwe", "xref":
		if id, isXref := strings.CutPrefix(word, "CWE:"); (element == "cwe" || isXref) && isNumber(id) {
			it.cwes = listed(it.cwes, "CWE-"+id)
		}
	case "see_also":
		for _, link := range strings.Fields(word) {
			if strings.HasPrefix(link, "http://") || strings.HasPrefix(link, "https://") {
				it.references = listed(it.references, document.Line(link, 500))
			}
		}
	case "vuln_publication_date":
		if t, err := time.Parse("2006/01/02", word); err == nil {
			it.published = t
		}
	}
}

// rate keeps the newest version of CVSS only.
func (it *item) rate(version int) {
	if version > it.rank {
		it.rank, it.cvss, it.score = version, "", 0
	}
}

func listed(list []string, s string) []string {
	if len(list) < maxListed && !slices.Contains(list, s) {
		return append(list, s)
	}
	return list
}

func severityOf(number, risk string) gyre.Severity {
	if n, err := strconv.Atoi(number); err == nil && n >= int(gyre.SeverityInfo) && n <= int(gyre.SeverityCritical) {
		return gyre.Severity(n)
	}
	if s, err := gyre.ParseSeverity(risk); err == nil {
		return s
	}
	return gyre.SeverityInfo // "None"
}

// notice takes what a plugin says of the scan itself.
func (h *host) notice(it *item) {
	switch it.id {
	case "19506": // Nessus Scan Information
		for line := range strings.Lines(it.output) {
			key, value, _ := strings.Cut(line, ":")
			if strings.EqualFold(strings.TrimSpace(key), "Credentialed checks") {
				if h.credentialed = "no"; strings.HasPrefix(strings.TrimSpace(value), "yes") {
					h.credentialed = "yes"
				}
			}
		}
	case "10180": // Ping the remote host
		h.dead = h.dead || strings.Contains(it.output, "considered as dead")
	case "21745", "104410", "110385", "110695", "117885", "117886":
		// Local checks did not run, or with too few rights.
		h.localFailed = true
	}
}

// add makes findings out of an item.
func (h *host) add(it *item, policy string) {
	keys := it.cves
	if len(keys) == 0 {
		keys = []string{keyOf(it.id)}
	}
	size := len(it.synopsis) + len(it.description) + len(it.solution) + len(it.output)
	if len(h.findings)+len(keys) > maxFindings || h.text+size > maxHostText {
		h.dropped += len(keys)
		return
	}
	h.text += size
	for _, key := range keys {
		f, at := it.finding(key, policy), place{key, it.locus}
		i, again := h.at[at]
		if !again {
			h.at[at] = len(h.findings)
			h.findings, h.local = append(h.findings, f), append(h.local, it.kind != "remote")
			continue
		}
		// Another plugin, or the same with another output, at the same place.
		old := h.findings[i]
		also, _ := old.Evidence.Data["also"].([]any)
		if f.Severity > old.Severity {
			f, old = old, f
		}
		if w := &old.Weakness; w.CVSSScore < f.Weakness.CVSSScore {
			w.CWEs, w.CVSS, w.CVSSScore, w.Published = f.Weakness.CWEs, f.Weakness.CVSS, f.Weakness.CVSSScore, f.Weakness.Published
		}
		h.findings[i] = old
		if id := f.Evidence.Data["plugin"]; id != old.Evidence.Data["plugin"] && len(also) < maxListed && !slices.Contains(also, id) {
			old.Evidence.Data["also"] = append(also, id)
		}
		h.local[i] = h.local[i] && it.kind != "remote"
	}
}

func (it *item) finding(key, policy string) gyre.Finding {
	title := it.name
	if title == "" {
		title = key
	}
	w := gyre.Weakness{
		Key: key, Class: gyre.Vulnerability, Title: title, Description: it.description, Severity: it.severity,
		Remediation: it.solution, References: it.references,
	}
	// The plugin's rating is that of its worst CVE.
	if len(it.cves) < 2 || it.scored == key {
		w.CWEs, w.CVSS, w.CVSSScore, w.Published = it.cwes, it.cvss, it.score, it.published
	}
	if len(it.cves) == 0 && it.kind != "local" && !strings.Contains(it.name, "Vulnerabilit") {
		w.Class = gyre.Misconfiguration
	}
	if it.solution == "n/a" {
		w.Remediation = ""
	}
	id, _ := strconv.ParseInt(it.id, 10, 64) // isNumber has looked
	data := map[string]any{"plugin": id, "name": it.name}
	if it.family != "" {
		data["family"] = it.family
	}
	if policy != "" {
		data["policy"] = policy
	}
	output := leftOut(it.output)
	if output != "" {
		data["output"] = output
	}
	summary := it.synopsis
	if summary == "" {
		summary = title
	}
	f := gyre.Finding{
		Weakness: w, Aspect: gyre.AspectService, Locus: it.locus, Severity: it.severity,
		Evidence: gyre.Evidence{Summary: document.Line(summary, 500), Data: data},
	}
	if w.Remediation != "" {
		f.Remedy = gyre.Remedy{Kind: gyre.RemedyText, Text: w.Remediation}
	}
	if it.family == tenableOT {
		f.Aspect = aspectOT
	}
	return f
}
