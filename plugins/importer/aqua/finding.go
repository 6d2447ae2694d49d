// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package aqua

import (
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// systems are Aqua's formats of packages of operating systems.
var systems = map[string]string{"deb": "deb", "apk": "apk", "rpm": "rpm"}

// languages are the ecosystems of its other formats.
var languages = map[string]string{
	"npm": "npm", "javascript": "npm", "python": "PyPI", "pip": "PyPI", "java": "Maven", "jar": "Maven", "gem": "RubyGems", "ruby": "RubyGems",
	"go": "Go", "golang": "Go", "nuget": "NuGet", "dotnet": "NuGet", "php": "Packagist", "composer": "Packagist", "rust": "crates.io",
}

// resource is a package or a file of the image.
type resource struct {
	Format  string `json:"format"`
	Path    string `json:"path"`
	Name    string `json:"name"`
	Version string `json:"version"`
}

// file is what says that the package is there. Of npm Aqua names the folder.
func (r *resource) file() string {
	if r.Format == "npm" && r.Path != "" && path.Base(r.Path) == path.Base(r.Name) {
		return document.Line(r.Path+"/package.json", 600)
	}
	return document.Line(r.Path, 600)
}

// vulnerability is one record of a vulnerability, in the words of the API and of the scanner.
type vulnerability struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Published   string `json:"publish_date"`
	Severity    string `json:"aqua_severity"`
	Vendor      string `json:"vendor_severity"`
	NVD3        string `json:"nvd_cvss3_severity"`
	ScannerNVD3 string `json:"nvd_severity_v3"`
	NVD2        string `json:"nvd_severity"`

	Score       any    `json:"aqua_score"`
	Vector      string `json:"aqua_vectors"`
	Score3      any    `json:"nvd_cvss3_score"`
	Vector3     string `json:"nvd_cvss3_vectors"`
	ScanScore3  any    `json:"nvd_score_v3"`
	ScanVector3 string `json:"nvd_vectors_v3"`
	Score2      any    `json:"nvd_cvss2_score"`
	Vector2     string `json:"nvd_cvss2_vectors"`

	URL       string          `json:"nvd_url"`
	VendorURL string          `json:"vendor_url"`
	Fix       string          `json:"fix_version"`
	Solution  string          `json:"solution"`
	CWEs      any             `json:"cwe_info"` // a list of objects, or an empty object
	Refers    []vulnerability `json:"referenced_vulnerabilities"`
}

// entry is one of the API's.
type entry struct {
	vulnerability
	Resource resource `json:"resource"`
	Image    string   `json:"image_name"`
	Digest   string   `json:"image_digest"`
	OS       string   `json:"os"`
	Release  string   `json:"os_version"`
}

func (e *entry) findings() []gyre.Finding { return e.vulnerability.at(&e.Resource) }

// scanned is a resource as the scanner writes it.
type scanned struct {
	Resource        resource        `json:"resource"`
	Vulnerabilities []vulnerability `json:"vulnerabilities"`
	Secrets         []struct {
		Type string `json:"type"`
	} `json:"sensitive_data_items"`
}

func (s *scanned) findings() []gyre.Finding {
	var out []gyre.Finding
	for i := range s.Vulnerabilities {
		out = append(out, s.Vulnerabilities[i].at(&s.Resource)...)
	}
	file := document.Line(s.Resource.Path, 600)
	seen := map[string]bool{}
	for _, secret := range s.Secrets {
		kind := document.Line(secret.Type, 100)
		if kind == "" || file == "" || seen[kind] { // where in the file each lies is not said
			continue
		}
		seen[kind] = true
		out = append(out, gyre.Finding{
			Weakness: gyre.Weakness{Key: "aqua:" + strings.ToLower(kind), Class: gyre.Secret, Title: kind + " in an image", Severity: gyre.SeverityHigh, CWEs: []string{"CWE-798"}},
			Aspect:   gyre.AspectSecret, Locus: file, Severity: gyre.SeverityHigh,
			Evidence: gyre.Evidence{Summary: kind + " in " + file, Data: map[string]any{"file": file, "type": kind}},
			Remedy:   gyre.Remedy{Kind: gyre.RemedyText, Text: "Take it out of the image, and replace it: whoever had the image has it."},
		})
	}
	return out
}

// archive is a file of Java, whose name says what it holds.
var archive = regexp.MustCompile(`^(.+?)-(\d[\w.-]*)\.[jwe]ar$`)

// at is a finding of a package, or one for each of the CVEs that a bulletin names.
func (v *vulnerability) at(r *resource) []gyre.Finding {
	name, file, version := document.Line(r.Name, 400), r.file(), document.Line(r.Version, 200)
	if name == "" && file != "" {
		name = path.Base(file)
		if m := archive.FindStringSubmatch(name); m != nil {
			name, version = m[1], m[2]
		}
	}
	if name == "" || name == "/" {
		return nil
	}
	all := []vulnerability{*v}
	if !naming.IsCVE(v.Name) && len(v.Refers) > 0 {
		all = all[:0]
		for _, ref := range v.Refers[:min(len(v.Refers), 100)] {
			if ref.Severity == "" {
				ref.Severity = ref.NVD3
			}
			ref.Fix, ref.Solution = v.Fix, v.Solution
			all = append(all, ref)
		}
	}
	var out []gyre.Finding
	for i := range all {
		one := &all[i]
		w, ok := one.weakness()
		if !ok {
			continue
		}
		if one.Name != v.Name {
			w.Related = []string{document.Line(v.Name, 100)}
		}
		data := map[string]any{}
		for k, s := range map[string]string{"package": name, "version": version, "format": r.Format, "reported_as": v.Name, "fixed": v.Fix} {
			if s = document.Line(s, 500); s != "" {
				data[k] = s
			}
		}
		ecosystem := document.Line(r.Format, 60) // of systems, the image tells the release
		if e := languages[ecosystem]; e != "" {
			ecosystem = e
		}
		out = append(out, gyre.Finding{
			Weakness: w, Aspect: gyre.AspectPackage, Locus: naming.Place(file, name), Severity: w.Severity,
			Evidence: gyre.Evidence{Summary: strings.TrimSpace(w.Key + " affects " + name + " " + version), Data: data},
			Remedy: gyre.Remedy{
				Kind: gyre.RemedyUpgrade, Ecosystem: ecosystem, Package: name, Current: version,
				Fixed: fixOf(version, v.Fix), Location: file, Text: document.Lines(v.Solution, 2000),
			},
		})
	}
	return out
}

// fixOf chooses among "3.3.4, 3.4.3, 4.2.3". Others are words ("any in debian 12"), ranges
// (">=4.2.2"), or name the package too ("libcrypto6-1.1").
func fixOf(current, text string) string {
	var fixed []string
	for _, v := range strings.Split(document.Line(text, 500), ",") {
		v = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(v), ">="))
		if v != "" && '0' <= v[0] && v[0] <= '9' && !strings.ContainsAny(v, " <>") {
			fixed = append(fixed, v)
		}
	}
	return document.Line(naming.Fix(current, fixed), 200)
}

func (v *vulnerability) weakness() (gyre.Weakness, bool) {
	w := gyre.Weakness{Class: gyre.Vulnerability, Description: document.Lines(v.Description, 8000), References: naming.Links(v.VendorURL, v.URL)}
	if !naming.Weakness(&w, document.Line(v.Name, 100)) {
		return w, false
	}
	list, _ := v.CWEs.([]any)
	for _, c := range list {
		if c, ok := c.(map[string]any); ok {
			id, _ := c["Id"].(string)
			w.CWEs = naming.CWE(w.CWEs, id)
		}
	}
	if t, err := time.Parse(time.DateOnly, v.Published); err == nil {
		w.Published = t
	}
	naming.Rate(&w, "3.1", v.Vector3, number(v.Score3))
	naming.Rate(&w, "3.1", v.ScanVector3, number(v.ScanScore3))
	naming.Rate(&w, "3.1", v.Vector, number(v.Score))
	naming.Rate(&w, "2", v.Vector2, number(v.Score2))
	w.Severity = gyre.SeverityMedium
	for _, word := range []string{v.Severity, v.Vendor, v.NVD3, v.ScannerNVD3, v.NVD2} {
		if s, ok := naming.Severity(word); ok {
			w.Severity = s
			break
		}
	}
	return w, true
}

// oldCVE is one of the older report of an image.
type oldCVE struct {
	File     string `json:"file"`
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Score    any    `json:"score"`
	Scale    string `json:"score_version"`
	URL      string `json:"url"`
	Solution string `json:"solution"`
	Fix      string `json:"fix_version"`
}

// findings: file is a path, or the name of a package of the system.
func (c *oldCVE) findings() []gyre.Finding {
	v := vulnerability{Name: c.Name, Severity: c.Severity, URL: c.URL, Solution: c.Solution, Fix: c.Fix}
	if _, version, ok := strings.Cut(c.Scale, "v"); ok && strings.HasPrefix(version, "2") {
		v.Score2 = c.Score
	} else {
		v.Score3 = c.Score
	}
	r := resource{Name: c.File}
	if strings.Contains(c.File, "/") {
		r = resource{Path: c.File}
	}
	return v.at(&r)
}
