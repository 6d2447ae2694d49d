// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package scope

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// reach is what a scope's targets and exclusions come to: sets of addresses,
// names and folders. Entries that cannot be read authorise nothing.
type reach struct {
	networks []network
	resolver bool // a domain target asks the system's name servers
	// nameservers are host:port of domain targets, in normal form.
	nameservers []nameserver

	noNetworks []netip.Prefix
	noNames    []string // in normal form; "*.example.org" is everything below
	noFolders  []string
	broken     []string // exclusions that cannot be read: with one, nothing is allowed

	folders []string
}

type network struct {
	prefix netip.Prefix
	ports  *[1 << 16]bool
}

type nameserver struct {
	host string // address or name
	port uint16
}

func newReach(s gyre.Scope) *reach {
	r := &reach{}
	lists := map[string]*[1 << 16]bool{}
	for _, t := range s.Targets {
		switch {
		case t.CIDR != "":
			p, err := parsePrefix(strings.TrimSpace(t.CIDR))
			if err != nil || p.Addr().BitLen()-p.Bits() > maxHostBits {
				continue
			}
			set, known := lists[t.Ports]
			if !known {
				ports, err := gyre.ParsePorts(t.Ports)
				if err != nil {
					continue
				}
				set = new([1 << 16]bool)
				for _, port := range ports {
					set[port] = true
				}
				lists[t.Ports] = set
			}
			r.networks = append(r.networks, network{p, set})
		case t.Domain != "" && t.Nameserver == "":
			r.resolver = true
		case t.Domain != "":
			if host, port, err := splitNameserver(strings.TrimSpace(t.Nameserver)); err == nil {
				r.nameservers = append(r.nameservers, nameserver{host, port})
			}
		case t.Root != "" && filepath.IsAbs(t.Root):
			r.folders = append(r.folders, filepath.Clean(t.Root))
		case t.File != "" && filepath.IsAbs(t.File):
			r.folders = append(r.folders, filepath.Clean(t.File))
		}
	}
	for _, e := range s.Exclusions {
		e = strings.TrimSpace(e)
		switch p, err := parsePrefix(e); {
		case e == "":
		case filepath.IsAbs(e):
			r.noFolders = append(r.noFolders, filepath.Clean(e))
		case err == nil:
			r.noNetworks = append(r.noNetworks, p)
		case checkName(strings.TrimPrefix(normaliseName(e), "*.")) == nil:
			r.noNames = append(r.noNames, normaliseName(e))
		default:
			r.broken = append(r.broken, e)
		}
	}
	return r
}

// contains says whether the address lies in a CIDR target, at any port.
func (r *reach) contains(a netip.Addr) bool {
	a = a.Unmap()
	return slices.ContainsFunc(r.networks, func(n network) bool { return n.prefix.Contains(a) })
}

// allows says whether a TCP connection to the address and port is what a CIDR
// target asks for.
func (r *reach) allows(ap netip.AddrPort) bool {
	a := ap.Addr().Unmap()
	return slices.ContainsFunc(r.networks, func(n network) bool { return n.prefix.Contains(a) && n.ports[ap.Port()] })
}

// excludes says whether an exclusion names the address.
func (r *reach) excludes(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(r.noNetworks, func(p netip.Prefix) bool { return p.Contains(a) })
}

// excludesName says whether an exclusion names the host or a domain above it.
func (r *reach) excludesName(host string) bool {
	host = normaliseName(host)
	for _, n := range r.noNames {
		parent, below := strings.CutPrefix(n, "*.")
		if strings.HasSuffix(host, "."+parent) || !below && host == n {
			return true
		}
	}
	return false
}

// loopback says whether all networks are this machine's own.
func (r *reach) loopback() bool {
	return len(r.networks) > 0 && !slices.ContainsFunc(r.networks, func(n network) bool { return !n.prefix.Addr().IsLoopback() })
}

// within says whether path is folder or lies in it; both are clean.
func within(path, folder string) bool {
	if path == folder || folder == string(filepath.Separator) {
		return true
	}
	return strings.HasPrefix(path, folder+string(filepath.Separator))
}
