// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"regexp"
	"strings"

	"github.com/gyre-ctem/gyre"
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

// Keys returns what to look advisories up by for a component: its own name
// and, for distributions whose advisories speak of source packages, that.
func Keys(c gyre.Component) []PackageKey {
	own := KeyOf(c.Ecosystem, c.Name)
	if c.Source == "" || c.Source == c.Name {
		return []PackageKey{own}
	}
	return []PackageKey{KeyOf(c.Ecosystem, c.Source), own}
}
