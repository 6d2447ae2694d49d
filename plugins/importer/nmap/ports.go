// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package nmap

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// ports is a set of port numbers.
type ports struct {
	set  [65536 / 64]uint64
	n    int
	loci []string // of loci, once asked for
}

func (p *ports) put(port int) {
	if w, bit := &p.set[port/64], uint64(1)<<(port%64); *w&bit == 0 {
		*w |= bit
		p.n++
	}
}

func (p *ports) has(port int) bool { return p.set[port/64]&(1<<(port%64)) != 0 }

// add reads a list such as "22,80,8000-8100".
func (p *ports) add(list string) error {
	for part := range strings.SplitSeq(list, ",") {
		if part == "" {
			continue
		}
		from, to, isRange := strings.Cut(part, "-")
		a, err := strconv.ParseUint(from, 10, 16)
		b := a
		if err == nil && isRange {
			b, err = strconv.ParseUint(to, 10, 16)
		}
		if err != nil || a > b {
			return fmt.Errorf("%q is not a list of ports", document.Line(part, 40))
		}
		for n := a; n <= b; n++ {
			p.put(int(n)) // #nosec -- at most 65535
		}
	}
	return nil
}

// list returns the loci of the set: "tcp/*" when it holds every port.
func (p *ports) list(proto string) []string {
	if p.loci != nil || p.n == 0 {
		return p.loci
	}
	if p.n >= 65535 {
		p.loci = []string{proto + "/*"}
		return p.loci
	}
	p.loci = make([]string, 0, p.n)
	for port := range 65536 {
		if p.has(port) {
			p.loci = append(p.loci, proto+"/"+strconv.Itoa(port))
		}
	}
	return p.loci
}

// ports reads the ports element: those listed one by one, and what is said of
// the rest.
func (r *run) ports(h *host) error {
	groups := 0
	err := r.x.Children(func(el xml.StartElement) error {
		switch el.Name.Local {
		case "extraports":
			groups++
			closed := document.Attr(el, "state") == "closed"
			h.allClosed = closed && groups == 1
			return r.x.Children(func(el xml.StartElement) error {
				// Since version 7.92 the report lists these ports.
				if proto, list := document.Attr(el, "proto"), document.Attr(el, "ports"); closed && list != "" {
					if err := h.closedAt(proto).add(list); err != nil {
						r.problem("extraports", "%v", err)
					}
				}
				return nil
			})
		case "port":
			return r.port(h, el)
		}
		return nil
	})
	if groups == 0 {
		h.allClosed = true // every port of the scan is listed
	}
	return err
}

func (h *host) closedAt(proto string) *ports {
	p := h.closed[proto]
	if p == nil {
		p = &ports{}
		h.closed[proto] = p
	}
	return p
}

func (r *run) port(h *host, el xml.StartElement) error {
	proto := document.Attr(el, "protocol")
	n, err := strconv.ParseUint(document.Attr(el, "portid"), 10, 16)
	if err != nil || proto != "tcp" && proto != "udp" {
		if proto == "sctp" || proto == "ip" {
			return nil
		}
		r.problem("port", "%q/%q is not a port", document.Line(proto, 20), document.Line(document.Attr(el, "portid"), 20))
		return nil
	}
	s := service{transport: proto, port: int(n), data: map[string]any{"port": int64(n), "transport": proto}} // #nosec -- at most 65535
	state := ""
	err = r.x.Children(func(el xml.StartElement) error {
		switch el.Name.Local {
		case "state":
			state = document.Attr(el, "state")
		case "service":
			return s.read(r.x, el)
		case "script":
			return s.script(r.x, el)
		}
		return nil
	})
	if err != nil {
		return err
	}
	switch state {
	case "open":
		h.services = append(h.services, s)
	case "closed":
		h.closedAt(proto).put(s.port)
	case "filtered", "open|filtered", "closed|filtered", "unfiltered":
		h.unanswered = true
	}
	return nil
}

// cover says what was demonstrably looked at: that the host is there, the closed
// ports, and the open ones whose service was probed.
func (r *run) cover(h *host, ref gyre.Ref) error {
	if err := r.out.Cover(gyre.Coverage{Asset: ref, Aspect: gyre.AspectHost}); err != nil {
		return err
	}
	probed := map[string][]string{}
	var tls, judged []string
	guessed := false
	for _, s := range h.services {
		if s.probed {
			probed[s.transport] = append(probed[s.transport], s.locus())
			if r.scripts {
				judged = append(judged, s.locus())
			}
		} else {
			guessed = true
		}
		if s.tls != nil {
			tls = append(tls, s.locus())
		}
	}
	for _, proto := range []string{"tcp", "udp"} {
		loci := probed[proto]
		all := r.scanned[proto]
		switch closed := h.closed[proto]; {
		case all != nil && h.allClosed && !h.unanswered && !guessed:
			loci = all.list(proto) // the common case shares one list among all hosts
		case all != nil && h.allClosed && !h.unanswered:
			rest := *all
			rest.loci = nil
			for _, s := range h.services {
				if s.transport == proto && !s.probed && rest.has(s.port) {
					rest.set[s.port/64] &^= 1 << (s.port % 64)
					rest.n--
				}
			}
			loci = rest.list(proto)
		case closed != nil:
			loci = slices.Concat(loci, closed.list(proto))
		}
		if len(loci) == 0 {
			continue
		}
		// A closed port has neither certificate nor page; an open one that
		// was not asked for them may have.
		if err := r.out.Cover(gyre.Coverage{Asset: ref, Aspect: gyre.AspectService, Loci: loci}); err != nil {
			return err
		}
	}
	if len(tls) > 0 {
		if err := r.out.Cover(gyre.Coverage{Asset: ref, Aspect: gyre.AspectTLS, Loci: tls}); err != nil {
			return err
		}
	}
	if len(judged) > 0 {
		return r.out.Cover(gyre.Coverage{Asset: ref, Aspect: gyre.AspectService, Loci: judged, Judged: true})
	}
	return nil
}
