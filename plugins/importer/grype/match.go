// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package grype

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

func errorOf(reason string) error { return fmt.Errorf("%w: %s", document.ErrShape, reason) }

// source is what was scanned. Its target is an object for images and a path for others.
type source struct {
	Type   string `json:"type"`
	Target target `json:"target"`
}

type target struct {
	Path   string
	Input  string
	Digest string // of the manifest: what registries and clusters know an image by
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *target) UnmarshalJSON(raw []byte) error {
	var image struct {
		Input  string `json:"userInput"`
		Digest string `json:"manifestDigest"`
	}
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &t.Path, jsontext.AllowInvalidUTF8(true))
	}
	if err := json.Unmarshal(raw, &image, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return err
	}
	t.Input, t.Digest = image.Input, strings.ToLower(image.Digest)
	return nil
}

// image says whether an image was scanned. Some versions leave the type out.
func (s source) image() bool { return s.Type == "image" || s.Type == "" && s.Target.Digest != "" }

func (s source) subject() gyre.AssetSighting {
	if s.image() {
		return naming.Image(s.Target.Input, s.Target.Digest)
	}
	// A path says where it lay when it was scanned, and not what it is.
	return gyre.AssetSighting{Kind: gyre.Repository}
}

// descriptor says what wrote the report, when and how it was told to.
type descriptor struct {
	Timestamp     string        `json:"timestamp"`
	Configuration configuration `json:"configuration"`
}

type configuration struct {
	OnlyFixed    bool  `json:"only-fixed"`
	OnlyNotFixed bool  `json:"only-notfixed"`
	Exclude      []any `json:"exclude"`
	Ignore       []any `json:"ignore"`
	OldOnlyFixed bool  `json:"onlyFixed"`
}

// narrowed says whether there may be more than is listed. What rules ignore is listed by
// versions that have such a list; of the others nothing is known.
func (c configuration) narrowed() bool {
	return c.OnlyFixed || c.OnlyNotFixed || c.OldOnlyFixed || len(c.Exclude) > 0 || len(c.Ignore) > 0
}

// match is one entry of matches.
type match struct {
	Vulnerability vulnerability   `json:"vulnerability"`
	Related       []vulnerability `json:"relatedVulnerabilities"`
	Artifact      artifact        `json:"artifact"`
}

// vulnerability is one record of a vulnerability, of the distribution, GitHub or NVD.
type vulnerability struct {
	ID          string   `json:"id"`
	DataSource  string   `json:"dataSource"`
	Namespace   string   `json:"namespace"`
	Severity    string   `json:"severity"`
	URLs        []string `json:"urls"`
	Description string   `json:"description"`
	CVSS        []cvss   `json:"cvss"`
	Fix         struct {
		Versions []string `json:"versions"`
		State    string   `json:"state"`
	} `json:"fix"`
	CWEs []struct {
		CWE string `json:"cwe"`
	} `json:"cwes"`

	// Before version 0.10.
	OldLinks  []string `json:"links"`
	OldFix    string   `json:"fixedInVersion"`
	OldCVSSv2 *oldCVSS `json:"cvssV2"`
	OldCVSSv3 *oldCVSS `json:"cvssV3"`
}

type cvss struct {
	Version string `json:"version"`
	Vector  string `json:"vector"`
	Metrics struct {
		Base float64 `json:"baseScore"`
	} `json:"metrics"`
}

type oldCVSS struct {
	Base   float64 `json:"baseScore"`
	Vector string  `json:"vector"`
}

// artifact is the package that a match is about.
type artifact struct {
	Name      string     `json:"name"`
	Version   string     `json:"version"`
	Type      string     `json:"type"`
	PURL      string     `json:"purl"`
	Locations []location `json:"locations"`
	Upstreams []struct {
		Name string `json:"name"`
	} `json:"upstreams"`
}

type location struct {
	Path        string            `json:"path"`
	Annotations map[string]string `json:"annotations"`
}

// path is the file that says that the package is there: the one that Grype marks as
// evidence, else the first.
func (a *artifact) path() string {
	for _, l := range a.Locations {
		if l.Annotations["evidence"] == "primary" {
			return document.Line(l.Path, 600)
		}
	}
	for _, l := range a.Locations {
		if l.Path != "" {
			return document.Line(l.Path, 600)
		}
	}
	return ""
}

func (a *artifact) locus() string { return naming.Place(a.path(), document.Line(a.Name, 400)) }

// systems are the kinds of packages whose ecosystem the distribution says.
var systems = map[string]bool{"deb": true, "rpm": true, "apk": true}

// software is the package in the words of advisories.
func (im *importer) software(a *artifact) gyre.ComponentSighting {
	c, ok := naming.Software(a.PURL)
	if !ok {
		c = gyre.ComponentSighting{Name: a.Name}
	}
	if systems[a.Type] {
		name, _, _ := strings.Cut(strings.TrimPrefix(a.PURL, "pkg:"+a.Type+"/"), "/")
		if d := im.scan.Distro; d.Name != "" {
			name = d.Name
		}
		if e := naming.Distribution(a.Type, name, im.scan.Distro.Version); e != "" {
			c.Ecosystem = e
		}
	}
	c.Version = document.Line(a.Version, 200)
	return c
}

func (im *importer) finding(m *match) (gyre.Finding, bool) {
	a := &m.Artifact
	name := document.Line(a.Name, 400)
	w, ok := m.weakness()
	if !ok || name == "" {
		return gyre.Finding{}, false
	}
	c := im.software(a)
	fixes := m.Vulnerability.Fix.Versions
	if m.Vulnerability.OldFix != "" {
		fixes = []string{m.Vulnerability.OldFix}
	}
	r := gyre.Remedy{
		Kind: gyre.RemedyUpgrade, Ecosystem: c.Ecosystem, Package: name, Current: c.Version,
		Fixed: document.Line(naming.Fix(c.Version, fixes), 200), Location: a.path(),
	}
	if r.Fixed == "" && m.Vulnerability.Fix.State == "wont-fix" {
		r.Text = "The distribution does not fix it."
	}
	data := map[string]any{}
	for k, v := range map[string]string{
		"package": name, "version": c.Version, "type": a.Type, "purl": a.PURL, "vulnerability": m.Vulnerability.ID,
		"namespace": m.Vulnerability.Namespace, "fix_state": m.Vulnerability.Fix.State, "fixed": strings.Join(fixes, ", "),
	} {
		if v = document.Line(v, 500); v != "" {
			data[k] = v
		}
	}
	return gyre.Finding{
		Asset: asset, Weakness: w, Aspect: gyre.AspectPackage, Locus: a.locus(), Severity: w.Severity,
		Evidence: gyre.Evidence{Summary: strings.TrimSpace(w.Key + " affects " + name + " " + c.Version), Data: data}, Remedy: r,
	}, true
}

// weakness is what the records of a match say of the vulnerability as such. The
// distribution's own word on how bad it is counts before that of others.
func (m *match) weakness() (gyre.Weakness, bool) {
	v := &m.Vulnerability
	w := gyre.Weakness{Class: gyre.Vulnerability, Description: document.Lines(v.Description, 8000)}
	names := []string{document.Line(v.ID, 100)}
	links := append([]string{v.DataSource}, append(v.URLs, v.OldLinks...)...)
	for i := range m.Related {
		r := &m.Related[i]
		names = append(names, document.Line(r.ID, 100))
		links = append(append(links, r.DataSource), r.URLs...)
		if w.Description == "" {
			w.Description = document.Lines(r.Description, 8000)
		}
	}
	if !naming.Weakness(&w, names...) {
		return w, false
	}
	w.References = naming.Links(links...)
	for _, r := range append([]vulnerability{*v}, m.Related...) {
		r.rate(&w)
		for _, c := range r.CWEs {
			w.CWEs = naming.CWE(w.CWEs, c.CWE)
		}
	}
	severity, ok := naming.Severity(v.Severity)
	switch {
	case ok:
		w.Severity = severity
	case w.CVSSScore > 0:
		w.Severity = gyre.SeverityOfCVSS(w.CVSSScore)
	default:
		w.Severity = gyre.SeverityMedium
	}
	return w, true
}

// rate takes the score of the newest version of CVSS; of two of one version the first.
func (v *vulnerability) rate(w *gyre.Weakness) {
	for _, c := range v.CVSS {
		naming.Rate(w, c.Version, c.Vector, c.Metrics.Base)
	}
	if c := v.OldCVSSv3; c != nil {
		naming.Rate(w, "3", c.Vector, c.Base)
	}
	if c := v.OldCVSSv2; c != nil {
		naming.Rate(w, "2", c.Vector, c.Base)
	}
}
