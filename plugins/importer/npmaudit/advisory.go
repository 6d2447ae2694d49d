// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package npmaudit

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

const (
	maxInstalls = 1000 // versions of one package in one project
	maxPaths    = 20   // that are kept of each; there can be a hundred thousand
	maxAdvice   = 5    // dependencies to upgrade for one advisory
)

// advisory is one entry of npm 6's advisories.
type advisory struct {
	ID, Title, Module, Overview, Recommendation, References string
	Affected, Patched, Severity, URL, GHSA                  string

	CVEs []string
	CWE  any // a text or a list
	CVSS struct {
		Score  float64 `json:"score"`
		Vector string  `json:"vectorString"`
	}
	Installs []*install
}

// install is a version of the package that is there.
type install struct {
	Version string
	Paths   []any // ways on which it comes in, the first ones
	Ways    int   // how many there are
	Dev     bool  // only for development
}

// advisory reads an entry piece by piece: the ways alone can be many megabytes.
func (im *importer) advisory(j *document.JSON, id string) error {
	a := &advisory{ID: id}
	texts := map[string]*string{
		"id": &a.ID, "title": &a.Title, "module_name": &a.Module, "overview": &a.Overview, "recommendation": &a.Recommendation,
		"references": &a.References, "vulnerable_versions": &a.Affected, "patched_versions": &a.Patched, "severity": &a.Severity,
		"url": &a.URL, "github_advisory_id": &a.GHSA,
	}
	err := j.Object(func(key string) (err error) {
		switch key {
		case "findings":
			err = j.Array(func(int) error { return im.problem(im.install(j, a)) })
		case "cves":
			err = j.Decode(&a.CVEs)
		case "cwe":
			err = j.Decode(&a.CWE)
		case "cvss":
			err = j.Decode(&a.CVSS)
		default:
			if to := texts[key]; to != nil {
				*to, err = j.Text()
			}
		}
		return im.problem(err)
	})
	if err != nil {
		return err
	}
	im.progress(a.Module)
	a.ID = document.Line(a.ID, 100)
	if a.ID != "" && im.seen[a.ID] {
		return nil
	}
	if len(im.seen) < maxAdvisories {
		im.seen[a.ID] = true
	}
	return im.findings(a)
}

func (im *importer) install(j *document.JSON, a *advisory) error {
	var version string
	var paths []any
	ways, dev := 0, false
	err := j.Object(func(key string) (err error) {
		switch key {
		case "version":
			version, err = j.Text()
		case "paths":
			err = j.Array(func(int) error {
				text, err := j.Text()
				if ways++; len(paths) < maxPaths && text != "" {
					paths = append(paths, document.Line(strings.ReplaceAll(text, ">", " > "), 500))
				}
				return err
			})
		case "dev":
			var text string
			text, err = j.Text()
			dev = text == "true"
		}
		return im.problem(err)
	})
	if err != nil {
		return err
	}
	version = document.Line(version, 200)
	at := slices.IndexFunc(a.Installs, func(i *install) bool { return i.Version == version })
	if at < 0 {
		if len(a.Installs) == maxInstalls {
			im.note("an advisory with more than 1000 versions of one package")
			return nil
		}
		at = len(a.Installs)
		a.Installs = append(a.Installs, &install{Version: version, Dev: dev})
	}
	i := a.Installs[at]
	i.Paths = append(i.Paths, paths[:min(len(paths), maxPaths-len(i.Paths))]...)
	i.Ways += ways
	i.Dev = i.Dev && dev
	return nil
}

// action is one of npm 6's: what to install, and which advisories that resolves.
type action struct {
	Action, Module, Target string
	resolves               []string
}

// action reads which direct dependency to upgrade for an advisory.
func (im *importer) action(j *document.JSON) error {
	var a action
	err := j.Object(func(key string) (err error) {
		switch key {
		case "action":
			a.Action, err = j.Text()
		case "module":
			a.Module, err = j.Text()
		case "target":
			a.Target, err = j.Text()
		case "resolves":
			err = j.Array(func(int) error {
				var way struct {
					ID   any    `json:"id"`
					Path string `json:"path"`
				}
				err := j.Decode(&way)
				id := text(way.ID)
				if err == nil && len(a.resolves) < 1000 && strings.Contains(way.Path, ">") && !slices.Contains(a.resolves, id) {
					a.resolves = append(a.resolves, id)
				}
				return im.problem(err)
			})
		}
		return im.problem(err)
	})
	if a.Action == "install" && a.Module != "" && a.Target != "" {
		for _, id := range a.resolves {
			if list, known := im.advice[id]; len(list) < maxAdvice && (known || len(im.advice) < maxAdvisories) {
				im.advice[id] = append(list, document.Line(a.Module, 200)+" to "+document.Line(a.Target, 100))
			}
		}
	}
	return err
}

// findings are one for each version of the package that is there, and for each CVE.
func (im *importer) findings(a *advisory) error {
	name := document.Line(a.Module, 400)
	cves := make([]string, 0, len(a.CVEs))
	for _, id := range a.CVEs[:min(len(a.CVEs), 20)] {
		if id = strings.TrimSpace(id); naming.IsCVE(id) && !slices.Contains(cves, id) {
			cves = append(cves, id)
		}
	}
	own := []string{naming.NodeSecurity(a.ID), a.ghsa()}
	if len(cves) == 0 {
		cves = []string{""}
	}
	if len(cves) > 1 && own[0] != "" { // the GHSA may be of one CVE, and nobody says of which
		own = own[:1]
	}
	if len(a.Installs) == 0 {
		a.Installs = []*install{{}}
	}
	for _, cve := range cves {
		w := a.weakness()
		if name == "" || !naming.Weakness(&w, append(slices.Clone(own), cve)...) {
			im.note("an advisory without a name or a package")
			return nil
		}
		if title := document.Line(a.Title, 200); title != "" {
			w.Title = title
		}
		for _, i := range a.Installs {
			if err := im.out.Finding(im.finding(a, i, name, w)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (im *importer) finding(a *advisory, i *install, name string, w gyre.Weakness) gyre.Finding {
	r := gyre.Remedy{
		Kind: gyre.RemedyUpgrade, Ecosystem: "npm", Package: name, Current: i.Version,
		Fixed: document.Line(naming.Patched(i.Version, a.Patched), 200), Text: document.Lines(a.Recommendation, 2000),
	}
	if im.form == yarn {
		r.Location = "yarn.lock"
	}
	if list := im.advice[a.ID]; len(list) > 0 {
		r.Text = strings.TrimSpace(r.Text + "\nWhere it comes in by another package, upgrade that: " + strings.Join(list, ", ") + ".")
	}
	data := map[string]any{}
	for k, s := range map[string]string{"package": name, "version": i.Version, "advisory": a.ID, "affected": a.Affected, "patched": a.Patched} {
		if s = document.Line(s, 500); s != "" {
			data[k] = s
		}
	}
	if len(i.Paths) > 0 {
		data["paths"] = i.Paths
	}
	if i.Ways > len(i.Paths) {
		data["ways"] = float64(i.Ways)
	}
	if i.Dev {
		data["dev"] = true
	}
	return gyre.Finding{
		Asset: asset, Weakness: w, Aspect: gyre.AspectPackage, Locus: naming.Place("", name), Severity: w.Severity,
		Evidence: gyre.Evidence{Summary: strings.TrimSpace(w.Key + " affects " + name + " " + i.Version), Data: data}, Remedy: r,
	}
}

// weakness is what the advisory says of it, without its names.
func (a *advisory) weakness() gyre.Weakness {
	w := gyre.Weakness{Class: gyre.Vulnerability, Description: document.Lines(a.Overview, 8000)}
	w.References = naming.Links(append([]string{a.URL}, links.FindAllString(a.References, 50)...)...)
	w.CWEs = cwes(a.CWE)
	naming.Rate(&w, "3.1", a.CVSS.Vector, a.CVSS.Score)
	w.Severity = severity(a.Severity, &w)
	return w
}

func severity(word string, w *gyre.Weakness) gyre.Severity {
	s, ok := naming.Severity(word)
	switch {
	case ok:
		return s
	case w.CVSSScore > 0:
		return gyre.SeverityOfCVSS(w.CVSSScore)
	}
	return gyre.SeverityMedium
}

var (
	links  = regexp.MustCompile(`https?://[^\s()<>\[\]"]+`)
	ghsaID = regexp.MustCompile(`GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}`)
	cweID  = regexp.MustCompile(`(?i)CWE-\d+`)
)

// ghsa is GitHub's name of the advisory: its own member, or in the link to it.
func (a *advisory) ghsa() string {
	if id := ghsaID.FindString(a.GHSA); id != "" {
		return id
	}
	return ghsaID.FindString(document.Line(a.URL, 300))
}

// cwes reads "CWE-400", ["CWE-400"] and, as npm's registry once wrote, a list in a text.
func cwes(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		for _, id := range cweID.FindAllString(document.Line(v, 1000), 20) {
			out = naming.CWE(out, id)
		}
	case []any:
		for _, e := range v[:min(len(v), 20)] {
			if s, ok := e.(string); ok {
				out = naming.CWE(out, s)
			}
		}
	}
	return out
}
