// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package dns

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/gyre-ctem/gyre"
)

// usualNames are labels that organisations often give to what others host for them.
var usualNames = []string{
	"www", "mail", "dev", "staging", "stage", "test", "shop", "store", "blog", "status", "api", "vpn", "old", "beta", "demo", "docs", "help",
	"support", "portal", "cdn", "assets", "static", "app", "apps", "admin", "autodiscover", "ftp", "git", "intranet", "jobs", "careers",
	"news", "press", "partner", "events", "go", "m", "webmail", "remote", "sso", "login",
}

const (
	maxAliases    = 500
	cnamePrefix   = "dns/CNAME/"
	maxChainSteps = 8
)

// axfr asks for the whole zone, where the server is the target's own. whole:
// every record of the zone was received.
func (z *zone) axfr(ctx context.Context) (records []dns.RR, whole bool, err error) {
	const locus = "dns/AXFR"
	if z.only != "" && z.only != locus {
		return nil, false, nil
	}
	if !z.own {
		z.limit("%s: not tried, because the target names no name server of its own", locus)
		return nil, false, nil
	}
	server := z.asker.servers[0]
	count, records, whole, err := z.asker.transfer(ctx, z.apex)
	data := map[string]any{"domain": z.domain, "nameserver": server, "transfer_allowed": count > 1}
	switch {
	case errors.Is(err, errRefused):
	case err != nil && count <= 1:
		return nil, false, z.note(ctx, locus, err)
	case count <= 1:
		z.limit("%s: the transfer broke off at once", locus)
		return nil, false, nil
	default:
		data["records"] = int64(count)
	}
	z.fact(locus, data)
	return records, whole, nil
}

// names looks at aliases and at the hosts that names lead to.
func (z *zone) names(ctx context.Context, records []dns.RR, whole bool) error {
	if z.only != "" && !strings.HasPrefix(z.only, cnamePrefix) {
		return nil
	}
	var list []string
	add := func(name string) {
		if !slices.Contains(list, name) && len(list) < maxAliases && !excluded(z.scope, name) {
			list = append(list, name)
		}
	}
	if z.only != "" {
		add(strings.TrimPrefix(z.only, cnamePrefix))
	} else {
		add(z.domain)
		for _, label := range usualNames {
			add(label + "." + z.domain)
		}
		for _, rr := range records {
			name := rr.Header().Name
			if _, ok := rr.(*dns.CNAME); ok && dns.IsSubDomain(dns.Fqdn(z.domain), name) && !strings.HasPrefix(name, "*") {
				add(plain(name))
			}
			z.relate(rr)
		}
	}
	wild, err := z.wildcard(ctx)
	if err != nil {
		return err
	}
	all := whole && len(list) < maxAliases
	for _, name := range list {
		if err := z.alias(ctx, name, wild, &all); err != nil {
			return err
		}
	}
	if all && z.only == "" {
		// The zone was seen as a whole: an alias that is not in it is gone.
		z.covered(cnamePrefix + "*")
	}
	return nil
}

// wildcard is the target of an alias for names that do not exist, else "".
func (z *zone) wildcard(ctx context.Context) (string, error) {
	m, err := z.query(ctx, strings.ToLower(rand.Text()[:16])+"."+z.domain, dns.TypeCNAME)
	if err != nil {
		return "", z.note(ctx, "wildcard", err)
	}
	return target(m, ""), nil
}

// target is what the name is an alias of in an answer; any name's with "".
func target(m *dns.Msg, name string) string {
	for _, rr := range m.Answer {
		if c, ok := rr.(*dns.CNAME); ok && (name == "" || strings.EqualFold(c.Hdr.Name, dns.Fqdn(name))) {
			return plain(c.Target)
		}
	}
	return ""
}

// alias follows one name. all is set to false when there was no answer.
func (z *zone) alias(ctx context.Context, name, wild string, all *bool) error {
	m, err := z.query(ctx, name, dns.TypeA)
	if err != nil {
		*all = false
		return z.note(ctx, name, err)
	}
	for _, rr := range m.Answer {
		z.relate(rr)
	}
	locus := cnamePrefix + name
	to := target(m, name)
	if to == "" || to == wild && z.only == "" {
		z.covered(locus)
		return nil
	}
	dangling, err := z.gone(ctx, to)
	if err != nil {
		*all = false
		z.batch.Facts = append(z.batch.Facts, gyre.Fact{
			Asset: z.ref, Aspect: gyre.AspectDNS, Locus: locus, Data: map[string]any{"domain": z.domain, "name": name, "target": to},
		})
		return z.note(ctx, name+" is an alias of "+to, err)
	}
	z.fact(locus, map[string]any{"domain": z.domain, "name": name, "target": to, "dangling": dangling})
	return nil
}

// gone says whether the end of a chain of aliases does not exist.
func (z *zone) gone(ctx context.Context, name string) (bool, error) {
	for range maxChainSteps {
		m, err := z.query(ctx, name, dns.TypeA)
		if err != nil {
			return false, err
		}
		if m.Rcode == dns.RcodeNameError {
			return true, nil
		}
		next := target(m, name)
		if next == "" {
			return false, nil
		}
		name = next
	}
	return false, errors.New("the chain of aliases is too long")
}

// relate ties the domain to a host that one of its names leads to, when the
// host's address is in the scope.
func (z *zone) relate(rr dns.RR) {
	var ip net.IP
	switch rr := rr.(type) {
	case *dns.A:
		ip = rr.A
	case *dns.AAAA:
		ip = rr.AAAA
	}
	addr, ok := netip.AddrFromSlice(ip)
	if !ok || z.only != "" || !dns.IsSubDomain(dns.Fqdn(z.domain), strings.ToLower(rr.Header().Name)) {
		return
	}
	addr = addr.Unmap()
	where, inScope := z.zoneOf(addr)
	if !inScope || z.related[addr.String()] {
		return
	}
	if z.related == nil {
		z.related = map[string]bool{}
	}
	z.related[addr.String()] = true
	ref := gyre.Ref("ip:" + addr.String())
	z.batch.Assets = append(z.batch.Assets, gyre.AssetSighting{
		Ref: ref, Kind: gyre.Host, Name: addr.String(), Zone: where, KnownOnly: true,
		Identifiers: []gyre.Identifier{{Type: gyre.IDIP, Value: addr.String(), Zone: where}},
	})
	z.batch.Relations = append(z.batch.Relations, gyre.RelationSighting{From: z.ref, To: ref, Type: gyre.ResolvesTo})
}

// zoneOf is the zone of the network target that holds the address.
func (z *zone) zoneOf(a netip.Addr) (gyre.Zone, bool) {
	for _, t := range z.scope.Targets {
		p, err := netip.ParsePrefix(t.CIDR)
		if err == nil && p.Contains(a) {
			return t.Zone, true
		}
		if one, err := netip.ParseAddr(t.CIDR); err == nil && one.Unmap() == a {
			return t.Zone, true
		}
	}
	return "", false
}
