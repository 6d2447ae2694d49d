// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// inventory is what the organisation knows of: addresses, networks, and names
// with the addresses that the scope's own name servers give for them.
type inventory struct {
	networks []netip.Prefix
	names    map[string]bool
	byAddr   map[netip.Addr][]string
	open     bool // some names could not be resolved, so more addresses may be listed
}

const maxInventoryNames = 2000

func newInventory(ctx context.Context, s gyre.Scope, guard plugin.Guard, wait pace) *inventory {
	inv := &inventory{names: map[string]bool{}, byAddr: map[netip.Addr][]string{}}
	for _, entry := range s.Inventory {
		if p, err := prefixOf(entry); err == nil {
			inv.networks = append(inv.networks, p)
			continue
		}
		inv.names[strings.ToLower(strings.TrimSuffix(strings.TrimSpace(entry), "."))] = true
	}
	dead := map[string]bool{}
	for i, name := range sortedKeys(inv.names) {
		server := nameserverFor(s, name)
		if server == "" || dead[server] || i >= maxInventoryNames {
			inv.open = true
			continue
		}
		addrs, err := lookup(ctx, guard, server, name, wait)
		if err != nil {
			inv.open, dead[server] = true, true
		}
		for _, a := range addrs {
			inv.byAddr[a] = append(inv.byAddr[a], name)
		}
	}
	return inv
}

// nameserverFor is the name server of the domain target that holds the name.
func nameserverFor(s gyre.Scope, name string) string {
	for _, t := range s.Targets {
		if t.Domain != "" && t.Nameserver != "" && dns.IsSubDomain(dns.Fqdn(t.Domain), dns.Fqdn(name)) {
			return t.Nameserver
		}
	}
	return ""
}

func lookup(ctx context.Context, guard plugin.Guard, server, name string, wait pace) ([]netip.Addr, error) {
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(server, "53")
	}
	c, err := guard.DialContext(ctx, "udp", server)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	client := &dns.Client{Net: "udp", Timeout: wait.answer}
	var addrs []netip.Addr
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		q := new(dns.Msg)
		q.SetQuestion(dns.Fqdn(name), kind)
		answer, _, err := client.ExchangeWithConnContext(ctx, q, &dns.Conn{Conn: c})
		if err != nil {
			return nil, err
		}
		if answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError {
			return nil, gyre.Errorf(gyre.Unavailable, "%s answers %s", server, dns.RcodeToString[answer.Rcode])
		}
		for _, rr := range answer.Answer {
			var ip net.IP
			switch rr := rr.(type) {
			case *dns.A:
				ip = rr.A
			case *dns.AAAA:
				ip = rr.AAAA
			}
			if a, ok := netip.AddrFromSlice(ip); ok {
				addrs = append(addrs, a.Unmap())
			}
		}
	}
	return addrs, nil
}

func (inv *inventory) any() bool { return len(inv.networks)+len(inv.names) > 0 }

func (inv *inventory) namesOf(a netip.Addr) []string { return inv.byAddr[a] }

// lists says whether the address or a name of it is in the inventory, and
// whether that can be said at all.
func (inv *inventory) lists(a netip.Addr, names []string) (listed, known bool) {
	in := slices.ContainsFunc(inv.networks, func(p netip.Prefix) bool { return p.Contains(a) }) || len(inv.byAddr[a]) > 0 ||
		slices.ContainsFunc(names, func(n string) bool { return inv.names[strings.ToLower(n)] })
	return in, in || !inv.open
}
