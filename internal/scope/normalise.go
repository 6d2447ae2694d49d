// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package scope

import (
	"cmp"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// Normalise returns the scope in the form that is stored: networks masked,
// names in lower case without a trailing dot, paths clean, intensity and name
// server ports filled in. It repairs nothing: what is wrong stays wrong.
func Normalise(s gyre.Scope) gyre.Scope {
	s.Name = strings.TrimSpace(s.Name)
	s.Owner = strings.TrimSpace(s.Owner)
	s.Intensity = cmp.Or(s.Intensity, gyre.IntensityGentle)
	s.Targets = slices.Clone(s.Targets)
	for i := range s.Targets {
		normaliseTarget(&s.Targets[i])
	}
	s.Exclusions = eachOf(s.Exclusions, normalisePlace)
	s.Inventory = eachOf(s.Inventory, normalisePlace)
	s.Hours = slices.Clone(s.Hours)
	for i, w := range s.Hours {
		w.Days = eachOf(w.Days, strings.ToLower)
		s.Hours[i] = w
	}
	return s
}

func eachOf(list []string, f func(string) string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, f(s))
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func normaliseTarget(t *gyre.Target) {
	t.CIDR = strings.TrimSpace(t.CIDR)
	if p, err := parsePrefix(t.CIDR); err == nil {
		t.CIDR = p.String()
	}
	t.Domain = normaliseName(t.Domain)
	t.Ports = strings.TrimSpace(t.Ports)
	if t.Root != "" {
		t.Root = filepath.Clean(t.Root)
	}
	if t.File != "" {
		t.File = filepath.Clean(t.File)
	}
	if a, err := netip.ParseAddr(strings.TrimSpace(t.Address)); err == nil {
		t.Address = a.Unmap().String()
	}
	t.Nameserver = strings.TrimSpace(t.Nameserver)
	if t.Nameserver != "" {
		if host, port, err := splitNameserver(t.Nameserver); err == nil {
			t.Nameserver = net.JoinHostPort(host, strconv.Itoa(int(port)))
		}
	}
}

func normaliseName(s string) string {
	return strings.ToLower(strings.TrimSuffix(strings.TrimSpace(s), "."))
}

// normalisePlace is for entries that are an address, a network, a folder or a name.
func normalisePlace(s string) string {
	if filepath.IsAbs(s) {
		return filepath.Clean(s)
	}
	if p, err := parsePrefix(s); err == nil {
		if p.IsSingleIP() {
			return p.Addr().String()
		}
		return p.String()
	}
	return normaliseName(s)
}

// parsePrefix reads an address or a CIDR; IPv4 in IPv6 clothes becomes IPv4.
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		if a.Zone() != "" {
			return netip.Prefix{}, gyre.Errorf(gyre.Invalid, "%q has an interface name in it", s)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, gyre.Errorf(gyre.Invalid, "%q is neither an address nor a CIDR", s)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, gyre.Errorf(gyre.Invalid, "%q reaches beyond the IPv4 addresses that it starts in", s)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// splitNameserver reads host, host:port or an IPv6 address; the port defaults to 53.
func splitNameserver(s string) (host string, port uint16, err error) {
	bad := gyre.Errorf(gyre.Invalid, "%q is not host or host:port", s)
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().String(), 53, nil
	}
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		host, text = s, "53"
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", 0, bad
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().String(), uint16(n), nil
	}
	if host = normaliseName(host); checkName(host) != nil {
		return "", 0, bad
	}
	return host, uint16(n), nil
}
