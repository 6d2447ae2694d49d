// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"regexp"
	"strconv"
	"strings"

	packageurl "github.com/package-url/packageurl-go"

	"github.com/gyre-ctem/gyre"
)

// Software turns a package URL (purl specification, core and types) into a
// component with the OSV ecosystem, name and version that advisories use. ok
// is false when it is none.
func Software(text string) (c gyre.ComponentSighting, ok bool) {
	p, err := packageurl.FromString(text)
	if err != nil || p.Name == "" {
		return c, false
	}
	q := p.Qualifiers.Map()
	c = gyre.ComponentSighting{PURL: text, Name: p.Name, Version: p.Version}
	join := func(sep string) string {
		if p.Namespace == "" {
			return p.Name
		}
		return p.Namespace + sep + p.Name
	}
	switch p.Type {
	case "deb", "apk", "rpm":
		c.Ecosystem = Distribution(p.Type, p.Namespace, q["distro"])
		c.Source, _, _ = strings.Cut(q["upstream"], "@")
		if c.Source == c.Name {
			c.Source = ""
		}
		if e := q["epoch"]; e != "" && e != "0" && !strings.Contains(c.Version, ":") {
			c.Version = e + ":" + c.Version
		}
		if p.Type == "rpm" && strings.HasSuffix(c.Source, ".src.rpm") {
			c.Source = sourceOfRPM(c.Source)
			if c.Source == c.Name {
				c.Source = ""
			}
		}
	case "npm":
		c.Ecosystem, c.Name = "npm", join("/")
	case "pypi":
		// PEP 503 normal form, in which advisories are written.
		c.Ecosystem, c.Name = "PyPI", strings.ToLower(pep503.ReplaceAllString(p.Name, "-"))
	case "golang":
		c.Ecosystem, c.Name, c.Version = "Go", join("/"), strings.TrimPrefix(p.Version, "v")
	case "maven":
		c.Ecosystem, c.Name = "Maven", join(":")
	case "cargo":
		c.Ecosystem = "crates.io"
	case "gem":
		c.Ecosystem = "RubyGems"
	case "composer":
		c.Ecosystem, c.Name = "Packagist", join("/")
	case "nuget":
		c.Ecosystem = "NuGet"
	case "pub":
		c.Ecosystem = "Pub"
	case "hex":
		c.Ecosystem = "Hex"
	case "cran":
		c.Ecosystem = "CRAN"
	case "hackage":
		c.Ecosystem = "Hackage"
	case "conan":
		c.Ecosystem = "ConanCenter"
	case "swift":
		c.Ecosystem, c.Name = "SwiftURL", join("/")
	case "bitnami":
		c.Ecosystem = "Bitnami"
	case "githubactions":
		c.Ecosystem, c.Name = "GitHub Actions", join("/")
	default:
		c.Ecosystem, c.Name = p.Type, join("/")
	}
	return c, true
}

var (
	pep503  = regexp.MustCompile(`[-_.]+`)
	release = regexp.MustCompile(`^(?:[a-z_]+-)?v?(\d+(?:\.\d+)*)`)
)

// Distribution is the OSV ecosystem of an OS package of a kind (deb, apk, rpm), with the
// release where distro tells it ("debian-12", "12.4"); "" when OSV has none, and then
// nothing is matched.
func Distribution(kind, namespace, distro string) string {
	name, version := strings.ToLower(namespace), ""
	if m := release.FindStringSubmatch(strings.ToLower(distro)); m != nil {
		version = m[1]
	}
	if name == "" {
		name, _, _ = strings.Cut(strings.ToLower(distro), "-")
	}
	parts := strings.Split(version, ".")
	with := func(eco, v string) string {
		if v == "" {
			return eco
		}
		return eco + ":" + v
	}
	switch kind + "/" + name {
	case "deb/debian":
		return with("Debian", parts[0])
	case "deb/ubuntu":
		// OSV marks long-term releases: April of even years.
		if year, err := strconv.Atoi(parts[0]); err == nil && len(parts) > 1 && year%2 == 0 && parts[1] == "04" {
			return "Ubuntu:" + parts[0] + ".04:LTS"
		}
		return with("Ubuntu", version)
	case "apk/alpine":
		if len(parts) > 1 {
			return "Alpine:v" + parts[0] + "." + parts[1]
		}
		return "Alpine"
	case "apk/wolfi":
		return "Wolfi"
	case "apk/chainguard":
		return "Chainguard"
	case "rpm/rocky", "rpm/rocky-linux", "rpm/rockylinux":
		return with("Rocky Linux", parts[0])
	case "rpm/almalinux", "rpm/alma":
		return with("AlmaLinux", parts[0])
	case "rpm/redhat", "rpm/rhel":
		return "Red Hat"
	case "rpm/opensuse", "rpm/opensuse-leap", "rpm/opensuse-tumbleweed":
		return "openSUSE"
	case "rpm/suse", "rpm/sles":
		return "SUSE"
	case "rpm/mageia":
		return with("Mageia", parts[0])
	case "rpm/openeuler":
		return "openEuler"
	}
	return ""
}

// sourceOfRPM is the name in NAME-VERSION-RELEASE.src.rpm.
func sourceOfRPM(file string) string {
	s := strings.TrimSuffix(file, ".src.rpm")
	for range 2 {
		i := strings.LastIndexByte(s, '-')
		if i < 0 {
			return s
		}
		s = s[:i]
	}
	return s
}
