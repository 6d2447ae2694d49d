// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package naming writes what reports call things in the way in which the estate
// knows them: assets, weaknesses, packages, versions. Two importers that use it
// speak of the same thing in the same words, whatever their tools say.
//
// Importers import it. It does no I/O and knows no format of a report. Invariant: what
// it returns passes the contract of importers (plugin/plugintest).
package naming

import (
	"net/netip"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// The limits of names.
const (
	maxAsset = 200
	maxID    = 400
)

// Subject is the asset that a report is about. What the importing person says of it
// (Input.Asset, Input.Address) comes before what the report says (own); a report
// of which neither says anything is about itself, by the name of its file.
//
// A person who names an asset means the thing and not one build of it. Then the report's own
// identifiers do not count: the digest of one image would part it from the next.
func Subject(in plugin.Input, own gyre.AssetSighting) gyre.AssetSighting {
	a := own
	a.Zone, a.Identifiers = in.Zone, nil
	named := document.Line(in.Asset, maxAsset)
	address, err := netip.ParseAddr(in.Address)
	switch {
	case err == nil:
		a.Kind, a.Name = gyre.Host, named
		Identify(&a, gyre.IDHostname, named)
		Identify(&a, gyre.IDIP, address.Unmap().WithZone("").String())
	case named != "":
		a.Name = named
		Identify(&a, gyre.IDURI, "asset:"+named)
	default:
		for _, i := range own.Identifiers {
			Identify(&a, i.Type, i.Value)
		}
	}
	if len(a.Identifiers) == 0 {
		Identify(&a, gyre.IDURI, "file:"+in.Name)
	}
	for _, n := range []string{document.Line(own.Name, maxAsset), document.Line(in.Name, maxAsset), a.Identifiers[0].Value} {
		if a.Name == "" {
			a.Name = n
		}
	}
	return a
}

// Identify adds an identifier in normal form; an empty value adds none.
func Identify(a *gyre.AssetSighting, t gyre.IdentifierType, value string) {
	value = strings.TrimLeft(strings.TrimRight(strings.ToLower(document.Line(value, maxID)), ". "), " ")
	if value == "" || (t == gyre.IDHostname || t == gyre.IDFQDN) && strings.Contains(value, " ") {
		return
	}
	i := gyre.Identifier{Type: t, Value: value}
	if t.Zoned() {
		i.Zone = a.Zone
	}
	for _, have := range a.Identifiers {
		if have == i {
			return
		}
	}
	a.Identifiers = append(a.Identifiers, i)
}

// Image is a container image by its reference and the digest of its manifest;
// either may be empty.
func Image(reference, digest string) gyre.AssetSighting {
	a := gyre.AssetSighting{Kind: gyre.Image, Name: document.Line(reference, maxAsset)}
	if IsDigest(digest) {
		Identify(&a, gyre.IDDigest, digest)
		Attribute(&a, "digest", digest)
	}
	if a.Name != "" {
		Identify(&a, gyre.IDURI, "image:"+a.Name)
	} else {
		a.Name = document.Line(digest, maxAsset)
	}
	return a
}

// IsDigest says whether a text is the digest of a manifest.
func IsDigest(s string) bool {
	hex, ok := strings.CutPrefix(strings.ToLower(s), "sha256:")
	return ok && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}

// Attribute sets an attribute of an asset where the report says something.
func Attribute(a *gyre.AssetSighting, key, value string) {
	if value = document.Line(value, maxAsset); value == "" {
		return
	}
	if a.Attributes == nil {
		a.Attributes = map[string]string{}
	}
	a.Attributes[key] = value
}

// Links are those of a list that a browser can open, each once and at most twenty.
func Links(all ...string) []string {
	var out []string
	seen := map[string]bool{}
	for _, l := range all {
		if l = document.Line(l, 500); (strings.HasPrefix(l, "https://") || strings.HasPrefix(l, "http://")) && !seen[l] && len(out) < 20 {
			seen[l] = true
			out = append(out, l)
		}
	}
	return out
}

// Severity reads the words that tools use; false when it is none of them, or one
// that says nothing ("unknown").
func Severity(word string) (gyre.Severity, bool) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "critical", "urgent":
		return gyre.SeverityCritical, true
	case "high", "important", "error":
		return gyre.SeverityHigh, true
	case "medium", "moderate", "warning":
		return gyre.SeverityMedium, true
	case "low", "minor":
		return gyre.SeverityLow, true
	case "info", "informational", "information", "none", "negligible", "note":
		return gyre.SeverityInfo, true
	}
	return 0, false
}

// Place is where a package lies: in the file that says so, or it is not known where.
func Place(file, name string) string {
	if file == "" {
		file = "unknown"
	}
	return file + "#" + name
}
