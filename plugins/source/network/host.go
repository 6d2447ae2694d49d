// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/gyre-ctem/gyre"
)

// port is what was learned of one open port.
type port struct {
	number uint16
	// Facts; nil is none. pages maps what follows tcp/PORT to a web fact.
	service, tls map[string]any
	pages        map[string]map[string]any
	// What an answer was had for. noWeb: it is something else than a web server,
	// so that every web place is covered; otherwise webLoci are.
	knowsService, knowsTLS, noWeb bool
	webLoci                       []string
}

// closer looks at the open ports of a host and says what it learned.
func (l *look) closer(ctx context.Context, h *host) (*gyre.Batch, error) {
	var open []uint16
	decided, refusedAny := true, false
	for i, s := range h.states {
		switch s {
		case opened:
			open = append(open, h.ports[i])
		case closed:
			refusedAny = true
		default:
			decided = false
		}
	}
	if len(open) == 0 && !refusedAny {
		return nil, nil // nobody there: nothing to say
	}
	names := slices.Concat(l.names, l.inventory.namesOf(h.addr))
	var found []*port
	if l.only == nil || l.only.Aspect != gyre.AspectHost {
		var err error
		if found, err = l.ports(ctx, h.addr, open, names); err != nil {
			return nil, err
		}
	}
	b := &gyre.Batch{}
	ref := l.introduce(b, h.addr, names, len(open) > 0)
	l.hostFact(b, ref, h.addr, open, names, decided)
	var service, tls, web []string
	for i, s := range h.states {
		if s == closed {
			at := l.loci[h.ports[i]]
			service, tls, web = append(service, at.at), append(tls, at.at), append(web, at.at, at.below)
		}
	}
	for _, p := range found {
		at := l.loci[p.number]
		l.fact(b, ref, gyre.AspectService, at.at, p.service)
		l.fact(b, ref, gyre.AspectTLS, at.at, p.tls)
		for _, suffix := range sortedKeys(p.pages) {
			l.fact(b, ref, gyre.AspectHTTP, at.at+suffix, p.pages[suffix])
		}
		if p.knowsService {
			service = append(service, at.at)
		}
		if p.knowsTLS {
			tls = append(tls, at.at)
		}
		if p.noWeb {
			web = append(web, at.at, at.below)
		}
		for _, suffix := range p.webLoci {
			web = append(web, at.at+suffix)
		}
	}
	l.cover(b, ref, gyre.AspectService, service)
	l.cover(b, ref, gyre.AspectTLS, tls)
	l.cover(b, ref, gyre.AspectHTTP, web)
	return b, nil
}

// ports looks at open ports, a few at a time, within the time of one host.
func (l *look) ports(ctx context.Context, addr netip.Addr, open []uint16, names []string) ([]*port, error) {
	const atOnce = 4
	hostCtx, cancel := context.WithTimeout(ctx, l.pace.host)
	defer cancel()
	var mu sync.Mutex
	var found []*port
	left := 0
	group := errgroup.Group{}
	group.SetLimit(atOnce)
	for _, number := range open {
		group.Go(func() error {
			if hostCtx.Err() != nil {
				mu.Lock()
				left++
				mu.Unlock()
				return nil
			}
			p := l.identify(hostCtx, netip.AddrPortFrom(addr, number), names)
			mu.Lock()
			found = append(found, p)
			mu.Unlock()
			return nil
		})
	}
	_ = group.Wait() // it has no errors of its own
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if left > 0 {
		l.notes.limit("%s: %d open ports were not looked at closer: the host took more than %s", addr, left, l.pace.host)
	}
	slices.SortFunc(found, func(a, b *port) int { return int(a.number) - int(b.number) })
	return found, nil
}

// introduce names the asset. An address that merely refuses everything is no
// sign of a host that nobody knew.
func (l *look) introduce(b *gyre.Batch, addr netip.Addr, names []string, alive bool) gyre.Ref {
	if l.only != nil {
		return gyre.RefID(l.only.Asset.ID)
	}
	s := gyre.AssetSighting{
		Ref: gyre.Ref("ip:" + addr.String()), Kind: gyre.Host, Name: addr.String(), Zone: l.zone, KnownOnly: !alive,
		Identifiers: []gyre.Identifier{{Type: gyre.IDIP, Value: addr.String(), Zone: l.zone}},
	}
	if len(names) > 0 {
		s.Name = names[0]
	}
	b.Assets = append(b.Assets, s)
	return s.Ref
}

func (l *look) hostFact(b *gyre.Batch, ref gyre.Ref, addr netip.Addr, open []uint16, names []string, decided bool) {
	if l.only != nil && l.only.Aspect != gyre.AspectHost {
		return
	}
	if len(open) == 0 {
		if decided {
			b.Coverage = append(b.Coverage, gyre.Coverage{Asset: ref, Aspect: gyre.AspectHost})
		}
		return
	}
	data := map[string]any{"address": addr.String(), "open_ports": ints(open)}
	if len(names) > 0 {
		data["names"] = texts(names)
	}
	listed, known := l.inventory.lists(addr, names)
	if known && l.inventory.any() {
		data["listed"] = listed
	}
	l.fact(b, ref, gyre.AspectHost, "", data)
	if known {
		b.Coverage = append(b.Coverage, gyre.Coverage{Asset: ref, Aspect: gyre.AspectHost})
		return
	}
	l.notes.limit("%s: names of the inventory cannot be resolved, so it is not known whether it is listed", addr)
}

// fact adds a fact, unless a retest asked for another place.
func (l *look) fact(b *gyre.Batch, ref gyre.Ref, aspect gyre.Aspect, locus string, data map[string]any) {
	if data == nil || l.only != nil && (aspect != l.only.Aspect || locus != l.place) {
		return
	}
	b.Facts = append(b.Facts, gyre.Fact{Asset: ref, Aspect: aspect, Locus: locus, Data: data})
}

func (l *look) cover(b *gyre.Batch, ref gyre.Ref, aspect gyre.Aspect, loci []string) {
	if l.only != nil {
		if aspect != l.only.Aspect || !slices.ContainsFunc(loci, func(c string) bool {
			prefix, open := strings.CutSuffix(c, "*")
			return c == l.place || open && strings.HasPrefix(l.place, prefix)
		}) {
			return
		}
		loci = []string{l.place}
	}
	if len(loci) > 0 {
		b.Coverage = append(b.Coverage, gyre.Coverage{Asset: ref, Aspect: aspect, Loci: loci})
	}
}
