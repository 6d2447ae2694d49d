// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package locus

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"strings"
)

// normalFile writes a file's name with slashes, without scheme, "." and "..".
// What is no path (a fully qualified name of a function) passes as it is.
func normalFile(s string) string {
	file, line := cutLine(s)
	for {
		before := file
		file = strings.TrimSpace(strings.ReplaceAll(file, `\`, "/"))
		if len(file) > 7 && strings.EqualFold(file[:7], "file://") {
			file = file[7:]
		}
		if file != "" {
			file = path.Clean(file)
		}
		// A drive's letter, with the slash that URIs put before it.
		if len(file) > 2 && file[0] == '/' && letter(file[1]) && file[2] == ':' {
			file = file[1:]
		}
		if len(file) > 1 && file[1] == ':' && 'a' <= file[0] && file[0] <= 'z' && (len(file) == 2 || file[2] == '/') {
			file = strings.ToUpper(file[:1]) + file[1:]
		}
		if file == before {
			return file + line
		}
	}
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// cutLine parts PATH:LINE. The line keeps its colon.
func cutLine(s string) (file, line string) {
	i := len(s)
	for i > 0 && '0' <= s[i-1] && s[i-1] <= '9' {
		i--
	}
	if i < 2 || i == len(s) || s[i-1] != ':' {
		return s, ""
	}
	return s[:i-1], s[i-1:]
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:10])
}

var spaces = regexp.MustCompile(`\s+`)

// systemPackages are the package databases of operating systems. A system has
// one of each, so where the file lies says nothing.
var systemPackages = []struct{ name, path string }{
	{"dpkg", "var/lib/dpkg/"},
	{"apk", "lib/apk/db/"},
	{"apk", "usr/lib/apk/db/"},
	{"rpm", "var/lib/rpm/"},
	{"rpm", "usr/lib/sysimage/rpm/"},
	{"rpm", "usr/share/rpm/"},
	{"pacman", "var/lib/pacman/local"},
	{"portage", "var/db/pkg/"},
}

// systemEcosystems are the ecosystems of OSV, and types of purl, that such a database serves.
var systemEcosystems = map[string]string{
	"debian": "dpkg", "ubuntu": "dpkg", "deb": "dpkg", "echo": "dpkg",
	"alpine": "apk", "wolfi": "apk", "chainguard": "apk", "apk": "apk", "minimos": "apk",
	"red hat": "rpm", "rocky linux": "rpm", "almalinux": "rpm", "suse": "rpm", "opensuse": "rpm", "mageia": "rpm", "openeuler": "rpm",
	"photon os": "rpm", "azure linux": "rpm", "rpm": "rpm", "amazon linux": "rpm", "oracle linux": "rpm", "fedora": "rpm", "centos": "rpm",
	"alpm": "pacman", "arch linux": "pacman",
}

// nowhere are what tools write when they do not know where a package lies.
var nowhere = map[string]bool{"": true, "sbom": true, "bom": true, "unknown": true, "unknown-file": true, ".": true, "/": true}

// packageKey is the key of a package's place: PATH#NAME, DATABASE#NAME, or
// #NAME when all that is known is the name.
func packageKey(locus, ecosystem string) (key string, vague bool) {
	where, name, cut := strings.Cut(locus, "#")
	if strings.HasPrefix(locus, "pkg:") {
		where, name, ecosystem = "", locus, strings.ToLower(purlType(locus))
		cut = true
	}
	if !cut {
		// A path alone, such as an archive, is a place of its own; a coordinate
		// with a version (npm/left-pad@1.0.0) is a name.
		if at := strings.LastIndexByte(locus, '@'); at > 0 && at+1 < len(locus) && '0' <= locus[at+1] && locus[at+1] <= '9' && !strings.Contains(locus[at:], "/") {
			return "#" + packageName(locus), true
		}
		return strings.TrimPrefix(locus, "/"), false
	}
	name = packageName(name)
	where = strings.TrimPrefix(where, "/")
	for _, db := range systemPackages {
		if strings.HasPrefix(where+"/", db.path) {
			return db.name + "#" + name, false
		}
	}
	if !nowhere[strings.ToLower(where)] { // such as another system's database in a chroot
		return where + "#" + name, false
	}
	base, _, _ := strings.Cut(strings.ToLower(ecosystem), ":")
	if db := systemEcosystems[base]; db != "" {
		return db + "#" + name, false
	}
	return "#" + name, true
}

// unplaced is the key that a package has for who does not know where it lies.
func unplaced(key string) string {
	if at := strings.LastIndexByte(key, '#'); at >= 0 {
		return key[at:]
	}
	return "#" + key
}

func purlType(purl string) string {
	typ, _, _ := strings.Cut(strings.TrimLeft(strings.TrimPrefix(purl, "pkg:"), "/"), "/")
	return typ
}

var separators = regexp.MustCompile(`[-_.]+`)

// packageName is a package's name as far as tools agree on it: without version,
// qualifiers and Maven's group, which half of them leave out; and folded as PyPI
// folds (PEP 503), which joins no two packages that lie at one place and have one weakness.
func packageName(name string) string {
	name = strings.TrimSpace(name)
	if rest, is := strings.CutPrefix(name, "pkg:"); is {
		rest, _, _ = strings.Cut(rest, "?")
		rest, _, _ = strings.Cut(rest, "#")
		typ, path, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
		name = path
		switch strings.ToLower(typ) {
		case "deb", "rpm", "apk", "maven", "alpm": // the namespace is a vendor or a group
			name = path[strings.LastIndexByte(path, '/')+1:]
		}
	}
	if at := strings.LastIndexByte(name, '@'); at > 0 && !strings.Contains(name[at:], "/") {
		name = name[:at]
	}
	name = strings.ReplaceAll(name, "%40", "@")
	if at := strings.LastIndexByte(name, ':'); at >= 0 && at+1 < len(name) {
		name = name[at+1:]
	}
	name = strings.ReplaceAll(spaces.ReplaceAllString(name, " "), "#", "%23")
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}
