// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package remediate

import (
	"encoding/xml"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/gyre-ctem/gyre"
)

const maxShown = 300 // characters of a name or version in a text

// clean makes a string out of a report fit for a line of text: no control or
// direction-changing characters, no endless names.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxShown {
		s = string(r[:maxShown]) + "…"
	}
	return s
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_^-]+$`)

// quote makes s one word for a POSIX shell. Leading dashes go, because no
// package or host is called so, and an option could be smuggled in by one.
func quote(s string) string {
	s = strings.TrimLeft(clean(s), "-")
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func quoteAll(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = quote(w)
	}
	return strings.Join(q, " ")
}

// grepNames joins names to alternatives of an extended regular expression
// that stands between single quotes.
func grepNames(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = strings.ReplaceAll(regexp.QuoteMeta(clean(n)), "'", ".")
	}
	return strings.Join(q, "|")
}

func rubyString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `#`, `\#`).Replace(clean(s)) + `"`
}

func mavenConfig(file, pkg, version string) string {
	group, artifact, ok := strings.Cut(pkg, ":")
	if !ok {
		group, artifact = pkg, pkg
	}
	if strings.HasPrefix(file, "build.gradle") || file == "gradle.lockfile" || file == "buildscript-gradle.lockfile" {
		coord := strings.NewReplacer(`\`, "", `"`, "", "$", "").Replace(clean(group + ":" + artifact + ":" + version))
		return "// " + clean(file) + "\ndependencies {\n  constraints {\n    implementation(\"" + coord + "\")\n  }\n}"
	}
	esc := func(s string) string {
		var b strings.Builder
		if err := xml.EscapeText(&b, []byte(clean(s))); err != nil {
			return ""
		}
		return b.String()
	}
	return "<!-- pom.xml -->\n<dependencyManagement>\n  <dependencies>\n    <dependency>\n      <groupId>" + esc(group) +
		"</groupId>\n      <artifactId>" + esc(artifact) + "</artifactId>\n      <version>" + esc(version) +
		"</version>\n    </dependency>\n  </dependencies>\n</dependencyManagement>"
}

// Runbook fills {asset}, {address}, {weakness} and {locus} of a scope's runbook
// template. In a link (http, https) values are escaped for URLs, in anything else
// they are quoted for a POSIX shell. Values are never searched for placeholders;
// a word in braces that is none of these stays.
func Runbook(template string, it Item) string {
	escape := quote
	if strings.HasPrefix(template, "https://") || strings.HasPrefix(template, "http://") {
		escape = func(s string) string { return url.QueryEscape(clean(s)) }
	}
	v := placeholders(it)
	return strings.NewReplacer(
		"{asset}", escape(v["asset"]), "{address}", escape(v["address"]),
		"{weakness}", escape(v["weakness"]), "{locus}", escape(v["locus"]),
	).Replace(template)
}

// placeholders is what a guide's step or a runbook can name, as it is: whoever puts
// a value into a command quotes it. Guides derive the rest from the locus.
func placeholders(it Item) map[string]string {
	v := map[string]string{"asset": it.Asset.Name, "address": address(it.Asset), "weakness": it.Weakness.Key, "locus": it.Exposure.Locus}
	if it.Exposure.Aspect == gyre.AspectCloud {
		// The locus is the resource's id; people and commands mostly want its name.
		v["name"], v["account"] = it.Asset.Name, it.Asset.Attributes["account"]
	}
	return v
}

// address is the best way to name an asset on the network.
func address(a *gyre.Asset) string {
	best, rank := a.Name, 0
	for _, id := range a.Identifiers {
		r := map[gyre.IdentifierType]int{gyre.IDIP: 3, gyre.IDFQDN: 2, gyre.IDHostname: 1}[id.Type]
		if r > rank {
			best, rank = id.Value, r
		}
	}
	return best
}
