// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package locus says when two places are one. Every tool writes places in its
// own way; this package writes them in one way, and tells what of a place makes an
// exposure the same one (its key) from what only says where it lies today (its locus).
//
//	aspect              locus, for people                  key, for identity
//	service, tls, …     tcp/443                            the same
//	http                tcp/443/admin?id                   the same: a path, names of parameters, never values
//	any, a URL          https://host/login?user#user       the same: #NAME is the parameter that lets the attack in
//	package             /var/lib/dpkg/status#OpenSSL       dpkg#openssl: a system has one package database
//	package             /app/package-lock.json#left-pad    app/package-lock.json#left-pad, no version
//	package             sbom#left-pad                      #left-pad: vague, see Place.Vague
//	code, secret, file  src/main.go:17                     src/main.go~HASH with a fingerprint, else src/main.go:17
//	iac                 main.tf#aws_s3_bucket.logs         the same
//	identity            user/Svc-Backup                    user/svc-backup: directories ignore case
//	cloud               an ARN or a resource id            Azure's ids in lower case, others the same
//
// It is pure: no clock, no I/O. internal/ingest uses it, and whoever explains to
// people why two observations are one.
//
// Invariants, held by properties and fuzzing: Normal(a, Normal(a, s)) is
// Normal(a, s); the key of a locus in normal form is the key of what it was made from;
// neither panics on any text.
package locus

import (
	"regexp"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// Hint is what a finding says beside its locus that tells places apart.
type Hint struct {
	// Ecosystem of the package, as OSV names it ("Debian:12"); empty: not known.
	Ecosystem string
	// Fingerprint of the code, the same when only its line moves; see gyre.Finding.
	Fingerprint string
}

// Place is a place in normal form.
type Place struct {
	Locus string
	Key   string
	// Weaker are keys that the place would have in the words of a source that
	// knows less: no fingerprint, no path. An exposure that is known by one of them only is this one.
	Weaker []string
	// Vague: the source names a package and not where it lies, so it speaks of
	// the package wherever it lies on the asset. SameThing finds those places.
	Vague bool
}

// Of returns the place of a finding. locus should be in normal form.
func Of(aspect gyre.Aspect, locus string, h Hint) Place {
	p := Place{Locus: locus, Key: locus}
	switch {
	case isURL(locus):
	case aspect == gyre.AspectPackage:
		p.Key, p.Vague = packageKey(locus, h.Ecosystem)
		if vague := unplaced(p.Key); !p.Vague {
			p.Weaker = append(p.Weaker, vague)
		}
	case isFile(aspect):
		p.Key = strings.TrimPrefix(locus, "/")
		if h.Fingerprint != "" {
			p.Weaker = append(p.Weaker, p.Key)
			file, _ := cutLine(p.Key)
			p.Key = file + "~" + hash(h.Fingerprint)
		}
	case aspect == gyre.AspectIdentity:
		p.Key = strings.ToLower(locus)
	case aspect == gyre.AspectCloud:
		if lower := strings.ToLower(locus); strings.HasPrefix(lower, "/subscriptions/") {
			p.Key = lower
		}
	}
	// Exposures from before there were keys are known by their locus.
	if p.Key != locus && !has(p.Weaker, locus) {
		p.Weaker = append(p.Weaker, locus)
	}
	return p
}

// SameThing says whether a key is a place of what a vague key names.
func SameThing(vague, key string) bool {
	return len(key) > len(vague) && vague != "" && vague[0] == '#' && strings.HasSuffix(key, vague)
}

// Tells says how exactly a locus tells where something lies: of two for one
// place, people are shown the one that tells more.
func Tells(aspect gyre.Aspect, locus string) int {
	if aspect != gyre.AspectPackage {
		return 1
	}
	where, _, cut := strings.Cut(locus, "#")
	if !cut || nowhere[strings.ToLower(where)] || strings.HasPrefix(locus, "pkg:") {
		return 0
	}
	return 1
}

func has(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

var (
	portFirst = regexp.MustCompile(`^(?i:(tcp|udp|sctp))[/:]([0-9]{1,6})(?:$|([/ ?#].*)$)`)
	portLast  = regexp.MustCompile(`^([0-9]{1,6})/(?i:(tcp|udp|sctp))$`)
)

// Normal is the normal form of a locus. Names keep their case: it is what people read.
func Normal(aspect gyre.Aspect, s string) string {
	s = strings.TrimSpace(s)
	if m := portLast.FindStringSubmatch(s); m != nil {
		return strings.ToLower(m[2]) + "/" + number(m[1])
	}
	if m := portFirst.FindStringSubmatch(s); m != nil {
		rest := m[3]
		if strings.HasPrefix(rest, "/") {
			rest = pathAndQuery(rest)
		}
		return strings.ToLower(m[1]) + "/" + number(m[2]) + rest
	}
	if isURL(s) {
		return normalURL(s)
	}
	switch {
	case aspect == gyre.AspectPackage || aspect == gyre.AspectIaC:
		if aspect == gyre.AspectPackage && strings.HasPrefix(s, "pkg:") {
			return s
		}
		file, rest, cut := strings.Cut(s, "#")
		if file = normalFile(file); cut {
			file += "#" + strings.TrimSpace(rest)
		}
		return strings.TrimSpace(file)
	case isFile(aspect):
		return normalFile(s)
	}
	return s
}

// NormalPattern is Normal for a pattern of coverage: what ends in "*" is a
// prefix, of which only the part that is whole can be put in normal form.
func NormalPattern(aspect gyre.Aspect, s string) string {
	prefix, open := strings.CutSuffix(strings.TrimSpace(s), "*")
	if !open {
		return Normal(aspect, s)
	}
	if m := portPrefix.FindStringSubmatch(prefix); m != nil {
		prefix = strings.ToLower(m[1]) + "/" + strings.TrimLeft(m[2], "0") + m[3]
	} else if isFile(aspect) || aspect == gyre.AspectPackage {
		prefix = strings.TrimPrefix(strings.ReplaceAll(prefix, `\`, "/"), "./")
	}
	return prefix + "*"
}

var portPrefix = regexp.MustCompile(`^(?i:(tcp|udp|sctp))[/:]([0-9]{1,6})(.*)$`)

// number is a port without leading zeros.
func number(digits string) string {
	if s := strings.TrimLeft(digits, "0"); s != "" {
		return s
	}
	return "0"
}

func isFile(a gyre.Aspect) bool {
	return a == gyre.AspectCode || a == gyre.AspectSecret || a == gyre.AspectFile
}

// Form says in words what a key is made of.
func Form(aspect gyre.Aspect, key string) string {
	switch {
	case isURL(key):
		return "URL without default port, values of parameters and credentials"
	case aspect == gyre.AspectPackage:
		where, _, cut := strings.Cut(key, "#")
		switch {
		case cut && where == "":
			return "package, wherever it lies on the asset"
		case cut && !strings.Contains(where, "/") && isDatabase(where):
			return "package in the system's " + where + " database"
		}
		return "package in a file, without version"
	case isFile(aspect) && strings.Contains(key, "~"):
		return "file and fingerprint of the code, whatever its line"
	case isFile(aspect):
		return "file and line"
	case portFirst.MatchString(key):
		return "port"
	case key == "":
		return "the asset itself"
	}
	return "the place as sources write it"
}

func isDatabase(name string) bool {
	for _, db := range systemPackages {
		if db.name == name {
			return true
		}
	}
	return false
}
