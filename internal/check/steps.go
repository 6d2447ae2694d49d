// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"maps"
	"regexp"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// step is a template of gyre.Step.
type step struct {
	platform string
	text     template
	commands []template
	config   template
}

// stepNames is what a step may name in braces. The first line comes from the
// caller of Steps, the rest is derived from the locus.
var stepNames = map[string]bool{
	"asset": true, "address": true, "locus": true, "port": true, "path": true, "file": true,
	"name":     true, // principal, bucket, record: the last part of the locus
	"id":       true, // cloud resource
	"account":  true, // of a cloud resource
	"resource": true, // of infrastructure code
	"domain":   true,
	"url":      true, // of a web page; when the caller does not say, guessed from port and path
}

// Steps returns what to do about a check at one place; nothing when it knows no
// such check. placeholders has at least asset, address and locus, and may have
// platform: then only the steps of that platform and those for any are returned, if
// there are some. Values are quoted where they stand in a command. What is not
// known stays visible as <name>.
func (s *Set) Steps(checkID string, placeholders map[string]string) []gyre.Step {
	c, ok := s.byID[checkID]
	if !ok {
		return nil
	}
	values := c.placeValues(placeholders)
	chosen := c.steps
	if p := placeholders["platform"]; p != "" {
		var those []step
		match := false
		for _, st := range c.steps {
			if strings.EqualFold(st.platform, p) || st.platform == "any" {
				those = append(those, st)
				match = match || st.platform != "any"
			}
		}
		if match {
			chosen = those
		}
	}
	out := make([]gyre.Step, 0, len(chosen))
	for _, st := range chosen {
		out = append(out, st.fill(values))
	}
	return out
}

// placeValues adds what the locus says, by the aspect of the check.
func (c *Check) placeValues(given map[string]string) map[string]string {
	v := maps.Clone(given)
	if v == nil {
		v = map[string]string{}
	}
	set := func(key, value string) {
		if v[key] == "" && value != "" {
			v[key] = value
		}
	}
	locus := given["locus"]
	switch c.Aspect {
	case gyre.AspectService, gyre.AspectTLS, gyre.AspectHTTP, gyre.AspectSocket:
		if rest, ok := strings.CutPrefix(locus, "tcp/"); ok {
			port, path, _ := strings.Cut(rest, "/")
			set("port", port)
			set("path", "/"+path)
			scheme := "http"
			if strings.HasSuffix(port, "443") {
				scheme = "https"
			}
			set("url", scheme+"://"+known(v, "address", func(s string) string { return s })+":"+port+"/"+path)
		}
	case gyre.AspectDNS:
		set("domain", given["asset"])
		if rest, ok := strings.CutPrefix(locus, "dns/"); ok {
			_, name, _ := strings.Cut(rest, "/")
			set("name", name)
		}
	case gyre.AspectIdentity:
		set("name", strings.TrimPrefix(locus, "user/"))
	case gyre.AspectCloud:
		set("id", locus)
		if arn := strings.SplitN(locus, ":", 6); arn[0] == "arn" && len(arn) == 6 {
			set("account", arn[4])
		}
		set("name", locus[strings.LastIndexAny(locus, ":/")+1:])
	case gyre.AspectIaC:
		file, resource, _ := strings.Cut(locus, "#")
		set("file", file)
		set("resource", resource)
	case gyre.AspectFile:
		set("file", locus)
	}
	return v
}

func (st step) fill(values map[string]string) gyre.Step {
	plain := func(name string) string {
		return known(values, name, func(s string) string { return clean(s, maxShownText) })
	}
	quoted := func(name string) string {
		return known(values, name, func(s string) string { return quote(st.platform, clean(s, maxShownText)) })
	}
	out := gyre.Step{Platform: st.platform, Text: st.text.fill(plain), Config: st.config.fill(plain)}
	for _, c := range st.commands {
		out.Commands = append(out.Commands, c.fill(quoted))
	}
	return out
}

func known(values map[string]string, name string, write func(string) string) string {
	if v := values[name]; v != "" {
		return write(v)
	}
	return "<" + name + ">"
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_^-]+$`)

// quote makes s one word of the platform's shell. Leading dashes go: an option
// could be smuggled in by one.
func quote(platform, s string) string {
	s = strings.TrimLeft(s, "-")
	if plainWord.MatchString(s) {
		return s
	}
	if windows(platform) {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func windows(platform string) bool {
	p := strings.ToLower(platform)
	return strings.Contains(p, "windows") || strings.Contains(p, "powershell") || strings.Contains(p, "iis") || strings.Contains(p, "active directory")
}

// insideQuotes says whether a placeholder of a command stands between quotes,
// where quoting its value would break out of them.
func insideQuotes(command string) bool {
	for _, at := range placeholder.FindAllStringIndex(command, -1) {
		if command[at[0]] != '{' {
			continue
		}
		var open rune
		for _, r := range command[:at[0]] {
			switch {
			case open == r:
				open = 0
			case open == 0 && (r == '\'' || r == '"'):
				open = r
			}
		}
		if open != 0 {
			return true
		}
	}
	return false
}

// serverWords tells platforms by what servers say of themselves.
var serverWords = []struct{ word, platform string }{
	{"openresty", "nginx"},
	{"nginx", "nginx"},
	{"apache", "Apache httpd"},
	{"microsoft-iis", "IIS"},
	{"caddy", "Caddy"},
	{"haproxy", "HAProxy"},
}

// platformOf returns the platform among the steps of the check that a fact
// demonstrably is about, "" when that cannot be told.
func (c *Check) platformOf(data map[string]any) string {
	var said []string
	for _, key := range []string{"headers.server", "technologies", "product", "banner", "provider", "format"} {
		if v, ok := lookup(data, key); ok {
			said = append(said, show(v))
		}
	}
	text := strings.ToLower(strings.Join(said, "\n"))
	for _, st := range c.steps {
		if st.platform == "any" {
			continue
		}
		if strings.Contains(text, strings.ToLower(st.platform)) {
			return st.platform
		}
		for _, w := range serverWords {
			if w.platform == st.platform && strings.Contains(text, w.word) {
				return st.platform
			}
		}
	}
	return ""
}
