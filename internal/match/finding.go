// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// Findings turns hits on a stored component into findings on its asset, whose
// kind decides the class: what a vendor ships is third-party risk.
func Findings(kind gyre.AssetKind, c gyre.Component, hits []Hit) []gyre.Finding {
	findings := make([]gyre.Finding, 0, len(hits))
	for _, h := range hits {
		findings = append(findings, h.finding(kind, c))
	}
	return findings
}

// Locus is the place of a package weakness.
func Locus(c gyre.Component) string { return c.Location + "#" + c.Name }

func (h Hit) finding(kind gyre.AssetKind, c gyre.Component) gyre.Finding {
	w := h.Weakness(c.Name)
	if kind == gyre.Vendor {
		w.Class = gyre.ThirdParty
	}
	ids := make([]any, 0, len(h.Advisories))
	for _, a := range h.Advisories {
		ids = append(ids, a.ID)
	}
	data := map[string]any{
		"advisories": ids, "package": c.Name, "version": c.Version, "location": c.Location,
		"ecosystem": c.Ecosystem, "affected": h.affectedText(),
	}
	if c.PURL != "" {
		data["purl"] = c.PURL
	}
	if c.Source != "" && c.Source != c.Name {
		data["source_package"] = c.Source
	}
	summary := fmt.Sprintf("%s %s is installed; no fixed version is published", c.Name, c.Version)
	if h.Fixed != "" {
		data["fixed"] = h.Fixed
		summary = fmt.Sprintf("%s %s is installed; fixed in %s", c.Name, c.Version, h.Fixed)
	}
	return gyre.Finding{
		Asset: gyre.RefID(c.Asset), Weakness: w, Aspect: gyre.AspectPackage, Locus: Locus(c),
		Severity: w.Severity, Evidence: gyre.Evidence{Summary: summary, Data: data},
		Remedy: gyre.Remedy{
			// Packages built from one source are upgraded together.
			Kind: gyre.RemedyUpgrade, Ecosystem: c.Ecosystem, Package: cmp.Or(c.Source, c.Name),
			Current: c.Version, Fixed: h.Fixed, Location: c.Location,
		},
	}
}

// Weakness describes what the advisories of the hit tell of its key.
func (h Hit) Weakness(pkg string) gyre.Weakness {
	r := h.rate()
	w := gyre.Weakness{
		Key: h.Key, Class: gyre.Vulnerability, Severity: r.severity, CVSS: r.vector, CVSSScore: r.score,
	}
	for _, a := range h.Advisories {
		w.Aliases = append(w.Aliases, a.Names(h.Key)...)
		w.CWEs = append(w.CWEs, a.CWEs...)
		w.References = append(w.References, a.References...)
		if w.Title == "" {
			w.Title = a.Summary
		}
		if w.Description == "" {
			w.Description = a.Details
		}
		if !a.Published.IsZero() && (w.Published.IsZero() || a.Published.Before(w.Published)) {
			w.Published = a.Published
		}
		if a.malicious() {
			w.Class, w.Severity = gyre.SupplyChain, gyre.SeverityCritical
		}
	}
	if w.Title == "" {
		w.Title = firstLine(w.Description)
	}
	if w.Title == "" {
		w.Title = h.Key + " in " + pkg
	}
	w.Aliases, w.CWEs, w.References = unique(w.Aliases), unique(w.CWEs), unique(w.References)
	slices.Sort(w.Aliases)
	slices.Sort(w.CWEs)
	w.References = w.References[:min(len(w.References), maxReferences)]
	return w
}

// malicious says whether the advisory is about a release that was made to do
// harm, not about a mistake: OSV's own list, or code that was planted
// (CWE-506 embedded malicious code, CWE-912 hidden functionality).
func (a Advisory) malicious() bool {
	return strings.HasPrefix(a.ID, "MAL-") || slices.Contains(a.CWEs, "CWE-506") || slices.Contains(a.CWEs, "CWE-912")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return clip(strings.TrimSpace(strings.TrimLeft(line, "#* ")), 200)
}

// affectedText says in words which versions the advisories call affected.
func (h Hit) affectedText() string {
	var parts []string
	for _, f := range h.Affected {
		for _, r := range f.Ranges {
			from := ""
			for _, e := range r.Events {
				switch {
				case e.Introduced == "0":
					from = ""
				case e.Introduced != "":
					from = "≥ " + e.Introduced + " "
				case e.Fixed != "":
					parts = append(parts, from+"< "+e.Fixed)
				case e.LastAffected != "":
					parts = append(parts, from+"≤ "+e.LastAffected)
				}
			}
			if n := len(r.Events); n > 0 && r.Events[n-1].Introduced != "" {
				parts = append(parts, strings.TrimSpace(from+"and later"))
			}
		}
		if len(f.Ranges) == 0 {
			parts = append(parts, fmt.Sprintf("%d listed versions", len(f.Versions)))
		}
	}
	return clip(strings.Join(unique(parts), ", "), 300)
}
