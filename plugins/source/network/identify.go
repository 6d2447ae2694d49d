// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

// tlsPorts usually begin with a TLS handshake: asking them in plain text first
// would only cost a round.
var tlsPorts = []uint16{443, 465, 636, 853, 989, 990, 992, 993, 995, 2376, 4443, 5986, 6443, 8443, 8834, 9443, 10250}

// identify finds out what answers at an open port.
func (l *look) identify(ctx context.Context, addr netip.AddrPort, names []string) *port {
	out := &port{number: addr.Port(), pages: map[string]map[string]any{}}
	p := &peer{guard: l.guard, addr: addr, pace: l.pace, thorough: l.thorough}
	said := p.greeting(ctx)
	if s := greets(ctx, p, said); s != nil {
		out.settle(s, p)
		out.knowsTLS = true // it spoke in plain text at once
		return out
	}
	if len(said) == 0 {
		if s := expected(ctx, p); s != nil {
			out.settle(s, p)
			out.knowsTLS = true
			return out
		}
	}
	tlsFirst := slices.Contains(tlsPorts, addr.Port())
	if len(said) == 0 && tlsFirst && l.secure(ctx, p, out, names) {
		return out
	}
	page, raw := p.get(ctx, "/")
	switch {
	case page != nil && !page.wantsTLS():
		out.knowsTLS = true // an answer in plain text
		l.web(ctx, p, page, out)
		return out
	case page == nil:
		if s := greets(ctx, p, raw); s != nil {
			out.settle(s, p)
			out.knowsTLS = true
			return out
		}
	}
	// What answers plain text with anything but a TLS record does not speak TLS.
	mayTLS := len(said) == 0 && !tlsFirst && (len(raw) == 0 || raw[0] == tlsAlert || raw[0] == tlsHandshake)
	if mayTLS && l.secure(ctx, p, out, names) {
		return out
	}
	if page != nil { // it said that it wants TLS, but does not speak it
		l.web(ctx, p, page, out)
		return out
	}
	if len(said)+len(raw) == 0 {
		p.pace.answer = max(p.pace.answer/4, time.Second) // it is likely to stay silent
	}
	if s := asks(ctx, p); s != nil {
		out.settle(s, p)
		out.knowsTLS = true
		return out
	}
	if len(said) == 0 {
		said = raw
	}
	out.unknown(said, p)
	l.notes.limit("%s: accepts connections, but what it is could not be seen", addr)
	return out
}

// secure looks at the port by TLS, and at what is inside. False: TLS is not
// spoken there, or nobody can say.
func (l *look) secure(ctx context.Context, p *peer, out *port, names []string) bool {
	spoke, fact, conclusive := l.handshakes(ctx, p, names)
	if !spoke {
		return false
	}
	out.tls, out.knowsTLS = fact, conclusive
	p.secure = true
	defer func() { p.secure = false }()
	if l.only != nil && l.only.Aspect == "tls" {
		return true
	}
	page, raw := p.get(ctx, "/")
	if page != nil {
		l.web(ctx, p, page, out)
		return true
	}
	if len(raw) == 0 {
		raw = p.greeting(ctx)
	}
	s := greets(ctx, p, raw)
	if s == nil {
		s = asks(ctx, p)
	}
	if s == nil {
		out.unknown(raw, p)
		l.notes.limit("%s: speaks TLS, but what is inside could not be seen", p.addr)
		return true
	}
	out.settle(s, p)
	return true
}

// service is what was learned of a service that is no web server.
type service struct {
	protocol string
	facts    map[string]any
	// partial: a test of this protocol could not be made or was cut short, so
	// that the facts say less than they could.
	partial bool
}

func (out *port) settle(s *service, p *peer) {
	out.service = out.base(s.protocol, p)
	for k, v := range s.facts {
		out.service[k] = v
	}
	out.knowsService = !s.partial
	out.noWeb = true
}

// unknown: the port is open, and that is all. It covers nothing: a service that
// is overloaded looks the same.
func (out *port) unknown(said []byte, p *peer) {
	out.service = out.base("unknown", p)
	if b := printable(said, bannerLimit); b != "" {
		out.service["banner"] = b
	}
}

func (out *port) base(protocol string, p *peer) map[string]any {
	return map[string]any{"port": int64(out.number), "transport": "tcp", "protocol": protocol, "tls": p.secure}
}

const bannerLimit = 512

// The first byte of TLS records (RFC 8446, section 5.1).
const (
	tlsAlert     = 0x15
	tlsHandshake = 0x16
)
