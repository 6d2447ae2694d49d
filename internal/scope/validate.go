// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package scope

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gyre-ctem/gyre"
)

// Limits of a scope. A network of maxHostBits is about a million addresses.
const (
	maxHostBits = 20 // /12 in IPv4, /108 in IPv6
	maxEntries  = 10_000
	maxTargets  = 1_000
	maxText     = 4_096
	maxWord     = 80
)

// Validate says what is wrong with a scope. Each fault is a gyre.Invalid (or
// TooLarge) with a Field such as "targets[2].cidr"; several are joined.
func Validate(s gyre.Scope) error {
	v := &faults{}
	v.text("name", s.Name, maxWord)
	if strings.TrimSpace(s.Name) == "" {
		v.add("name", "is missing")
	}
	v.text("description", s.Description, maxText)
	v.text("owner", s.Owner, 200)
	v.text("selector", s.Selector, maxText)
	v.text("runbook", s.Runbook, maxText)
	if s.Worth < 0 {
		v.add("worth", "is negative")
	}
	if s.Criticality < gyre.CriticalityUnset || s.Criticality > gyre.CriticalityCrown {
		v.add("criticality", "is %d; 1 (low) to 4 (crown jewel) was expected", s.Criticality)
	}
	if !(s.RiskAppetite >= 0 && s.RiskAppetite <= 100) {
		v.add("risk_appetite", "is %v; 0 to 100 was expected", s.RiskAppetite)
	}
	switch s.Intensity {
	case "", gyre.IntensityPassive, gyre.IntensityGentle, gyre.IntensityNormal:
	default:
		v.add("intensity", "is %q; passive, gentle or normal was expected", s.Intensity)
	}
	if len(s.Targets) == 0 {
		v.add("targets", "are missing: a scope names at least one thing to look at")
	}
	v.count("targets", len(s.Targets), maxTargets)
	v.count("exclusions", len(s.Exclusions), maxEntries)
	v.count("inventory", len(s.Inventory), maxEntries)
	v.count("hours", len(s.Hours), 100)
	if err := v.err(); gyre.ErrorCode(err) == gyre.TooLarge {
		return err
	}
	for i, t := range s.Targets {
		v.target(fmt.Sprintf("targets[%d]", i), t)
	}
	for i, e := range s.Exclusions {
		v.place(fmt.Sprintf("exclusions[%d]", i), e, true)
	}
	for i, e := range s.Inventory {
		v.place(fmt.Sprintf("inventory[%d]", i), e, false)
	}
	for i, w := range s.Hours {
		v.window(fmt.Sprintf("hours[%d]", i), w)
	}
	v.nameservers(s)
	return v.err()
}

type faults struct{ list []error }

func (v *faults) add(field, format string, args ...any) {
	v.list = append(v.list, gyre.FieldErrorf(gyre.Invalid, field, format, args...))
}

func (v *faults) err() error {
	if len(v.list) == 1 {
		return v.list[0]
	}
	return errors.Join(v.list...)
}

func (v *faults) count(field string, n, limit int) {
	if n > limit {
		// First in the list, so that the whole error has its code.
		v.list = append([]error{gyre.FieldErrorf(gyre.TooLarge, field, "has %d entries; at most %d are possible", n, limit)}, v.list...)
	}
}

func (v *faults) text(field, s string, limit int) {
	switch {
	case !utf8.ValidString(s):
		v.add(field, "is not UTF-8")
	case utf8.RuneCountInString(s) > limit:
		v.add(field, "is longer than %d characters", limit)
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }):
		v.add(field, "has control characters in it")
	}
}

func (v *faults) target(at string, t gyre.Target) {
	kinds := 0
	for _, s := range []string{t.CIDR, t.Domain, t.Root, t.File} {
		if s != "" {
			kinds++
		}
	}
	if kinds != 1 {
		v.add(at, "names %d of cidr, domain, root and file; exactly one was expected", kinds)
		return
	}
	only := func(field, value string, allowed bool, with string) {
		if value != "" && !allowed {
			v.add(at+"."+field, "belongs to a target with %s", with)
		}
	}
	only("ports", t.Ports, t.CIDR != "", "cidr")
	only("nameserver", t.Nameserver, t.Domain != "", "domain")
	only("asset", t.Asset, t.Root != "" || t.File != "", "root or file")
	only("address", t.Address, t.Root != "" || t.File != "", "root or file")
	only("format", t.Format, t.File != "", "file")
	v.word(at+".zone", string(t.Zone))
	v.word(at+".format", t.Format)
	v.text(at+".asset", t.Asset, 200)
	if t.Address != "" {
		if _, err := netip.ParseAddr(t.Address); err != nil {
			v.add(at+".address", "%q is not an IP address", t.Address)
		}
	}
	switch {
	case t.CIDR != "":
		v.network(at+".cidr", t.CIDR)
		if _, err := gyre.ParsePorts(t.Ports); err != nil {
			v.add(at+".ports", "%v", err)
		}
	case t.Domain != "":
		if err := checkName(normaliseName(t.Domain)); err != nil {
			v.add(at+".domain", "%v", err)
		}
	case t.Root != "":
		v.path(at+".root", t.Root)
	case t.File != "":
		v.path(at+".file", t.File)
	}
}

func (v *faults) network(at, s string) {
	p, err := parsePrefix(strings.TrimSpace(s))
	switch {
	case err != nil:
		v.add(at, "%v", err)
	case p.Addr().BitLen()-p.Bits() > maxHostBits:
		v.add(at, "%s is too large a network: at most /%d is possible", p, p.Addr().BitLen()-maxHostBits)
	case p.Addr().IsMulticast():
		v.add(at, "%s is a multicast network", p)
	case p.Addr().IsUnspecified():
		v.add(at, "%s starts at the unspecified address", p)
	}
}

func (v *faults) path(at, s string) {
	v.text(at, s, maxText)
	if !filepath.IsAbs(s) {
		v.add(at, "%q is not an absolute path", s)
	}
}

func (v *faults) word(at, s string) {
	v.text(at, s, maxWord)
	if strings.TrimSpace(s) != s || strings.ContainsAny(s, "\n\t") {
		v.add(at, "%q begins or ends with blanks, or has lines", s)
	}
}

// place is an address, a network, a name, or (where folders are possible) an absolute path.
func (v *faults) place(at, s string, folders bool) {
	s = strings.TrimSpace(s)
	if filepath.IsAbs(s) {
		if !folders {
			v.add(at, "%q is a folder; an address or a name was expected", s)
		}
		v.text(at, s, maxText)
		return
	}
	if _, err := parsePrefix(s); err == nil {
		return
	} else if strings.ContainsAny(s, "/:") || looksNumeric(s) {
		v.add(at, "%v", err)
		return
	}
	if err := checkName(strings.TrimPrefix(normaliseName(s), "*.")); err != nil {
		v.add(at, "%v", err)
	}
}

// nameservers must be authorised like any other thing that is touched: a CIDR
// target holds their address. One given by name is judged when it is resolved.
func (v *faults) nameservers(s gyre.Scope) {
	reach := newReach(s)
	for i, t := range s.Targets {
		if t.Domain == "" || t.Nameserver == "" {
			continue
		}
		at := fmt.Sprintf("targets[%d].nameserver", i)
		host, _, err := splitNameserver(strings.TrimSpace(t.Nameserver))
		if err != nil {
			v.add(at, "%v", err)
			continue
		}
		addr, err := netip.ParseAddr(host)
		switch {
		case err != nil:
		case !reach.contains(addr):
			v.add(at, "%s lies in no cidr target of this scope", addr)
		case reach.excludes(addr):
			v.add(at, "%s is excluded by this scope", addr)
		}
	}
}

// looksNumeric: a name whose last label has no letter is a mistyped address
// ("10.0.0.1-9"); no top-level domain is like that.
func looksNumeric(s string) bool {
	last := s[strings.LastIndexByte(s, '.')+1:]
	return last != "" && strings.Trim(last, "0123456789-") == ""
}

// checkName says whether s, in normal form, is a domain name (RFC 1035 2.3.1,
// with the underscores that real zones have).
func checkName(s string) error {
	if s == "" || len(s) > 253 {
		return fmt.Errorf("a domain name has 1 to 253 characters")
	}
	if looksNumeric(s) {
		return fmt.Errorf("%q is not a domain name", s)
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return fmt.Errorf("%q is not a domain name", s)
		}
		for _, r := range label {
			if r != '-' && r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
				return fmt.Errorf("%q is not a domain name (%q is not possible in it; write international names in their xn-- form)", s, r)
			}
		}
	}
	return nil
}
