// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package sarif

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// result is a result object (section 3.27), as far as it is used.
type result struct {
	RuleID    string `json:"ruleId"`
	RuleIndex *int   `json:"ruleIndex"`
	Rule      struct {
		ID        string `json:"id"`
		Index     *int   `json:"index"`
		Component struct {
			Index *int `json:"index"`
		} `json:"toolComponent"`
	} `json:"rule"`
	Kind     string `json:"kind"`
	Level    string `json:"level"`
	Baseline string `json:"baselineState"`
	Message  struct {
		text
		ID        string   `json:"id"`
		Arguments []string `json:"arguments"`
	} `json:"message"`
	Locations []resultLocation `json:"locations"`
	// Some tools write numbers or nested objects here; only texts are fingerprints.
	Fingerprints        map[string]any `json:"fingerprints"`
	PartialFingerprints map[string]any `json:"partialFingerprints"`
	Suppressions        []struct {
		Status string `json:"status"`
	} `json:"suppressions"`
	Properties map[string]any `json:"properties"`
}

// resultLocation is a location object (section 3.28).
type resultLocation struct {
	Physical struct {
		Artifact location `json:"artifactLocation"`
		Region   struct {
			Line    int  `json:"startLine"`
			Snippet text `json:"snippet"`
		} `json:"region"`
	} `json:"physicalLocation"`
	Logical []struct {
		Full string `json:"fullyQualifiedName"`
		Name string `json:"name"`
	} `json:"logicalLocations"`
}

// reported says whether the result stands: it is a failure, it is still there
// and nobody has suppressed it (sections 3.27.9, 3.27.24, 3.35.3).
func (x *result) reported() bool {
	switch x.Kind {
	case "pass", "notApplicable", "informational":
		return false
	}
	if x.Baseline == "absent" {
		return false
	}
	for _, s := range x.Suppressions {
		if s.Status == "" || s.Status == "accepted" {
			return false
		}
	}
	return true
}

// rule finds the rule of a result by id, else by index into the tool component.
func (r *run) ruleOf(x *result) (id string, u *rule) {
	id = x.RuleID
	if id == "" {
		id = x.Rule.ID
	}
	if id == "" {
		index := x.RuleIndex
		if index == nil {
			index = x.Rule.Index
		}
		component := 0
		if c := x.Rule.Component.Index; c != nil {
			component = *c + 1
		}
		if index != nil && component >= 0 && component < len(r.components) && *index >= 0 && *index < len(r.components[component]) {
			id = r.components[component][*index]
		}
	}
	if u = r.rules[id]; u == nil {
		// A hierarchical id names a more general rule (section 3.52.4).
		for at := strings.LastIndexByte(id, '/'); u == nil && at > 0; at = strings.LastIndexByte(id[:at], '/') {
			u = r.rules[id[:at]]
		}
	}
	return id, u
}

const maxPlaces = 200 // of one result

// findings are one for each place that a result names. The specification means
// several locations for one change that touches all of them (section 3.27.12), but
// tools list every occurrence there.
func (r *run) findings(x *result) []gyre.Finding {
	if !x.reported() {
		return nil
	}
	id, u := r.ruleOf(x)
	if u == nil {
		u = &rule{}
	}
	if u.kind == nil || u.kind.id != id || u.kind.tool != r.tool {
		u.kind = &ruleKind{id: id, tool: r.tool}
		u.kind.weakness, u.kind.aspect = r.weakness(id, u)
	}
	w, aspect := u.kind.weakness, u.kind.aspect
	message := document.Lines(x.message(u), 4000)
	if c := cwes(append(words(x.Properties["cwe"]), words(x.Properties["tags"])...)); len(w.CWEs) == 0 {
		w.CWEs = c
	}
	if w.Title == "" && aspect != gyre.AspectSecret { // a message may hold the secret
		w.Title = document.Line(firstLine(message), 200)
	}
	if w.Title == "" {
		w.Title = w.Key
	}
	w.Severity = severityOf(x, u, w)
	places := x.Locations[:min(len(x.Locations), maxPlaces)]
	if len(places) == 0 {
		places = make([]resultLocation, 1)
	}
	out := make([]gyre.Finding, 0, len(places))
	for i := range places {
		f := gyre.Finding{
			Asset: r.ref, Weakness: w, Aspect: aspect, Severity: w.Severity,
			Evidence: gyre.Evidence{Summary: document.Line(firstLine(message), 500), Data: map[string]any{"tool": r.tool, "rule": document.Line(id, 200)}},
			Remedy:   gyre.Remedy{Kind: gyre.RemedyText, Text: u.help},
		}
		if f.Evidence.Summary == "" {
			f.Evidence.Summary = w.Title
		}
		if message != f.Evidence.Summary && message != "" {
			f.Evidence.Data["message"] = message
		}
		print := x.fingerprint()
		if print != "" {
			f.Evidence.Data["fingerprint"] = print
		}
		r.place(&places[i], &f, message)
		r.print(&places[i], &f, print)
		out = append(out, f)
	}
	return out
}

// print gives a finding in code the fingerprint by which it is known when its
// line moves: the tool's, else that of the snippet.
func (r *run) print(l *resultLocation, f *gyre.Finding, print string) {
	line := l.Physical.Region.Line
	if line <= 0 || f.Locus == "" || f.Aspect != gyre.AspectCode && f.Aspect != gyre.AspectSecret {
		return
	}
	if print == "" && f.Aspect != gyre.AspectSecret {
		print = plugin.Snippet(l.Physical.Region.Snippet.String())
	}
	file := strings.TrimSuffix(f.Locus, ":"+strconv.Itoa(line))
	f.Fingerprint = r.prints.Next(f.Weakness.Key, file, line, print)
}

// notOfCode are fingerprints of something else: of the commit, of the whole file, of a column.
var notOfCode = regexp.MustCompile(`(?i)column|file|tags?hash|commit|author|email|date|message|csv|row`)

// fingerprint is the tool's own, or empty. What is short or has words is a
// remark in the place of one ("requires login").
func (x *result) fingerprint() string {
	for _, prints := range []map[string]any{x.Fingerprints, x.PartialFingerprints} {
		for _, name := range fingerprintNames(prints) {
			if s, _ := prints[name].(string); len(s) >= 8 && !strings.ContainsAny(s, " \t\n") && !notOfCode.MatchString(name) {
				return document.Line(name+":"+s, 300)
			}
		}
	}
	return ""
}

func fingerprintNames(m map[string]any) []string {
	var names []string
	for name, v := range m {
		if s, ok := v.(string); ok && s != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// packageOf is what trivy writes into its messages about a package: lines such
// as "Installed Version: 1.2.3", by what stands before the colon.
func packageOf(message string) map[string]string {
	pkg := make(map[string]string, 3)
	for line := range strings.Lines(message) {
		name, rest, ok := strings.Cut(line, ":")
		if !ok || name != "Package" && name != "Installed Version" && name != "Fixed Version" {
			continue
		}
		rest = strings.TrimLeft(rest, " ")
		if end := strings.IndexAny(rest, "\t\n\f\r "); end >= 0 {
			rest = rest[:end]
		}
		if rest != "" {
			pkg[name] = document.Line(rest, 200)
		}
		if len(pkg) == 3 {
			break
		}
	}
	return pkg
}

// place sets the locus: PATH:LINE for code, PATH#PACKAGE for packages, else the
// logical location.
func (r *run) place(l *resultLocation, f *gyre.Finding, message string) {
	var pkg map[string]string
	if f.Aspect == gyre.AspectPackage {
		pkg = packageOf(message)
		f.Remedy.Package, f.Remedy.Current, f.Remedy.Fixed = pkg["Package"], pkg["Installed Version"], pkg["Fixed Version"]
		if f.Remedy.Fixed != "" {
			f.Remedy.Text = "Upgrade " + f.Remedy.Package + " to " + f.Remedy.Fixed + " or later."
		}
	}
	file := r.path(l.Physical.Artifact)
	switch {
	case file != "" && f.Aspect == gyre.AspectPackage:
		f.Locus = file
		f.Remedy.Location = file
		if p := pkg["Package"]; p != "" {
			f.Locus += "#" + p
		}
	case file != "" && l.Physical.Region.Line > 0:
		f.Locus = file + ":" + strconv.Itoa(l.Physical.Region.Line)
	case file != "":
		f.Locus = file
	default:
		for _, logical := range l.Logical {
			if f.Locus == "" {
				f.Locus = document.Line(logical.Full, 500)
			}
			if f.Locus == "" {
				f.Locus = document.Line(logical.Name, 500)
			}
		}
	}
	// A secret's line is the secret.
	if s := l.Physical.Region.Snippet.String(); s != "" && f.Aspect != gyre.AspectSecret {
		f.Evidence.Data["snippet"] = document.Lines(s, 1000)
	}
	if f.Aspect == gyre.AspectSecret {
		delete(f.Evidence.Data, "message")
		f.Evidence.Summary = f.Weakness.Title
	}
}

var placeholder = regexp.MustCompile(`\{\d{1,3}\}`)

// message fills a message out of the rule's strings (section 3.11).
func (x *result) message(u *rule) string {
	s := x.Message.String()
	if s == "" && x.Message.ID != "" {
		s = u.messages[x.Message.ID]
	}
	if len(x.Message.Arguments) == 0 {
		return s
	}
	return placeholder.ReplaceAllStringFunc(s, func(p string) string {
		n, err := strconv.Atoi(p[1 : len(p)-1])
		if err != nil || n >= len(x.Message.Arguments) {
			return p
		}
		return document.Line(x.Message.Arguments[n], 500)
	})
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

var (
	cvePattern  = regexp.MustCompile(`(?i)\bCVE-\d{4}-\d{4,10}`)
	ghsaPattern = regexp.MustCompile(`(?i)\bGHSA(?:-[23456789cfghjmpqrvwx]{4}){3}\b`)
	cwePattern  = regexp.MustCompile(`(?i)\bCWE[-_: ]?0*(\d{1,5})\b`)

	secretTools = []string{"gitleaks", "trufflehog", "detect-secrets", "secretscanner", "ggshield", "whispers", "talisman", "secret"}
	configTools = []string{"checkov", "tfsec", "terrascan", "kics", "dockle", "hadolint", "kube-linter", "kubescape", "kubesec", "cfn-lint", "tflint"}
	// Rules tagged with these and not with security are about the quality of code.
	qualityTags = []string{"maintainability", "readability", "reliability", "correctness", "style", "performance", "testability", "documentation"}
	secretCWEs  = []string{"CWE-798", "CWE-259", "CWE-321", "CWE-312"}
)

func cwes(texts []string) []string {
	var out []string
	for _, t := range texts {
		if m := cwePattern.FindStringSubmatch(t); m != nil && m[1] != "" && len(out) < 20 {
			if id := "CWE-" + m[1]; !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// ruleKind is what a rule of a tool finds under one id, kept because a rule finds it often.
type ruleKind struct {
	id, tool string
	weakness gyre.Weakness
	aspect   gyre.Aspect
}

// weakness is what a rule finds. A rule that is named after a CVE or GHSA is that;
// others belong to their tool.
func (r *run) weakness(id string, u *rule) (gyre.Weakness, gyre.Aspect) {
	tool := strings.ToLower(r.tool)
	w := gyre.Weakness{
		Class: gyre.Vulnerability, Title: u.title, Description: u.description, Remediation: u.help,
		CWEs: u.cwes,
	}
	if strings.HasPrefix(u.link, "http://") || strings.HasPrefix(u.link, "https://") {
		w.References = []string{u.link}
	}
	cve, ghsa := cvePattern.FindString(id), ghsaPattern.FindString(id)
	if cve != "" || ghsa != "" {
		w.CVSSScore = u.securitySeverity
		if ghsa != "" {
			w.Key = "GHSA" + strings.ToLower(ghsa[4:])
		}
		if cve != "" {
			if w.Key != "" {
				w.Aliases = []string{w.Key}
			}
			w.Key = strings.ToUpper(cve)
		}
		return w, gyre.AspectPackage
	}
	w.Key = document.Line(tool+":"+id, 300)
	isTool := func(names []string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.Contains(tool, n) })
	}
	switch {
	case isTool(secretTools) || slices.ContainsFunc(u.tags, func(t string) bool { return strings.Contains(strings.ToLower(t), "secret") }),
		slices.ContainsFunc(u.cwes, func(c string) bool { return slices.Contains(secretCWEs, c) }):
		w.Class = gyre.Secret
		return w, gyre.AspectSecret
	case isTool(configTools):
		w.Class = gyre.Misconfiguration
	}
	return w, gyre.AspectCode
}

// severityOf prefers the score that GitHub's convention puts beside the rule
// (security-severity), then the level of the result, then that of the rule. Rules
// about the quality of code are information.
func severityOf(x *result, u *rule, w gyre.Weakness) gyre.Severity {
	if w.Class == gyre.Vulnerability && u.securitySeverity == 0 && len(w.CWEs) == 0 &&
		slices.ContainsFunc(u.tags, func(t string) bool { return slices.Contains(qualityTags, strings.ToLower(t)) }) &&
		!slices.ContainsFunc(u.tags, func(t string) bool { return strings.Contains(strings.ToLower(t), "security") }) {
		return gyre.SeverityInfo
	}
	if s := number(x.Properties["security-severity"]); s > 0 {
		return gyre.SeverityOfCVSS(s)
	}
	if u.securitySeverity > 0 {
		return gyre.SeverityOfCVSS(u.securitySeverity)
	}
	level := x.Level
	if level == "" {
		level = u.level
	}
	switch level {
	case "error":
		return gyre.SeverityHigh
	case "note":
		return gyre.SeverityLow
	case "none":
		return gyre.SeverityInfo
	}
	if w.Class == gyre.Secret {
		return gyre.SeverityHigh
	}
	return gyre.SeverityMedium // "warning" is what the specification takes when nothing is said
}
