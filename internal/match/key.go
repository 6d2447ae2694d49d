// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"regexp"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/package-url/packageurl-go"
)

// PackageKey is what advisories are looked up by. Ecosystem has no release
// ("Debian", not "Debian:12"); Name is in the ecosystem's normal form.
type PackageKey struct {
	Ecosystem string
	Name      string
}

var pypiSeparators = regexp.MustCompile(`[-_.]+`)

// KeyOf normalises an ecosystem and a package name.
func KeyOf(ecosystem, name string) PackageKey {
	base, _, _ := strings.Cut(ecosystem, ":")
	switch base {
	case "PyPI": // PEP 503
		name = pypiSeparators.ReplaceAllString(strings.ToLower(name), "-")
	case "npm", "Packagist", "NuGet", "Hex", "Pub":
		name = strings.ToLower(name)
	}
	return PackageKey{Ecosystem: base, Name: name}
}

// ComponentKey returns what to look advisories up by for a component: its
// source package where the distribution's advisories speak of those, else its
// own name. ok is false when no ecosystem is known.
func ComponentKey(c gyre.Component) (key PackageKey, ok bool) {
	name := c.Name
	if c.Source != "" {
		name = c.Source
	}
	if c.Ecosystem == "" || name == "" || c.Version == "" {
		return PackageKey{}, false
	}
	return KeyOf(c.Ecosystem, name), true
}

// comparedVersion is the version that advisories are held against. A binary
// package can have another version than its source; the purl then says so.
func comparedVersion(c gyre.Component) string {
	if c.Source == "" || !strings.Contains(c.PURL, "sourceversion=") {
		return c.Version
	}
	if p, err := packageurl.FromString(c.PURL); err == nil {
		if v := p.Qualifiers.Map()["sourceversion"]; v != "" {
			return v
		}
	}
	return c.Version
}

// sameRelease says whether an advisory for one release of an ecosystem speaks
// of a component of another: "Ubuntu:22.04:LTS" does of "Ubuntu:22.04".
// Advisories without a release speak of all. Ubuntu Pro's do not count, because
// their fixes are not in the archive that the component came from.
func sameRelease(component, advisory string) bool {
	if component == advisory {
		return true
	}
	cb, cr, _ := strings.Cut(component, ":")
	ab, ar, _ := strings.Cut(advisory, ":")
	if cb != ab {
		return false
	}
	if ar == "" {
		return true
	}
	switch cb {
	case "Ubuntu":
		return strings.TrimSuffix(cr, ":LTS") == strings.TrimSuffix(ar, ":LTS")
	case "Debian", "AlmaLinux", "Rocky Linux":
		major := func(s string) string { m, _, _ := strings.Cut(s, "."); return m }
		return cr != "" && major(cr) == major(ar)
	case "Alpine":
		return cr != "" && strings.TrimPrefix(cr, "v") == strings.TrimPrefix(ar, "v")
	}
	return false
}
