// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package nmap imports what "nmap -oX" writes (nmap.dtd, xmloutputversion 1.04
// and 1.05): hosts, their open ports and services, certificates, and what the
// vulnerability scripts found. plugins/all registers it; nothing else imports it.
//
// Covered are the ports that answered, open or closed. Filtered ports are not:
// no answer shows nothing. What a port's service is, is covered only when nmap
// probed it (-sV); a name out of the port table is a guess and is left out.
package nmap

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// Importer reads Nmap XML.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "nmap", Title: "Nmap XML", Version: "1",
		Description: "Hosts, ports and services out of nmap -oX, with certificates and vulnerability scripts.",
	}
}

// Detect implements plugin.Importer: the outermost element is nmaprun.
func (Importer) Detect(_ string, head []byte) int {
	if el, ok := document.Root(head); ok && el.Name.Local == "nmaprun" {
		return 100
	}
	return 0
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	r := &run{
		in: in, x: document.NewXML(ctx, in.Name, in.Reader), out: plugin.NewBatcher(ctx, emit),
		scanned: map[string]*ports{},
	}
	root, err := r.x.Root()
	if err != nil {
		return r.report, err
	}
	if root.Name.Local != "nmaprun" {
		return r.report, gyre.FieldErrorf(gyre.Invalid, r.x.Place(), "the outermost element is %q, not nmaprun", root.Name.Local)
	}
	r.scripts = strings.Contains(document.Attr(root, "args"), "vuln")
	r.report.Looked = document.Date(document.Attr(root, "start"))
	err = r.x.Children(func(el xml.StartElement) error {
		switch el.Name.Local {
		case "scaninfo":
			return r.scanInfo(el)
		case "host":
			return r.host()
		case "runstats":
			return r.x.Children(func(el xml.StartElement) error {
				if el.Name.Local == "finished" {
					r.exit(el)
				}
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return r.report, err
	}
	if err := r.x.End(); err != nil {
		return r.report, err
	}
	if !r.finished {
		r.problem("runstats", "does not say that the scan ended")
	}
	return r.report, r.out.Flush()
}

type run struct {
	in       plugin.Input
	x        *document.XML
	out      *plugin.Batcher
	report   plugin.Report
	scanned  map[string]*ports // by protocol
	hosts    int
	scripts  bool // vulnerability scripts were asked for
	finished bool
}

const maxProblems = 100

func (r *run) problem(place, format string, args ...any) {
	if len(r.report.Problems) < maxProblems {
		r.report.Problems = append(r.report.Problems, gyre.Problem{Place: r.in.Name + ":" + place, Reason: fmt.Sprintf(format, args...)})
	}
}

func (r *run) exit(el xml.StartElement) {
	r.finished = true
	// Before version 5.35 nmap did not say how a scan ended; the document's end is then all there is.
	if exit := document.Attr(el, "exit"); exit != "" && exit != "success" {
		r.problem("runstats", "the scan ended with %s: %s", document.Line(exit, 80), document.Line(document.Attr(el, "errormsg"), 300))
	}
}

func (r *run) scanInfo(el xml.StartElement) error {
	proto := document.Attr(el, "protocol")
	if proto != "tcp" && proto != "udp" {
		return nil
	}
	set := &ports{}
	if err := set.add(document.Attr(el, "services")); err != nil {
		r.problem("scaninfo", "services: %v", err)
		return nil
	}
	r.scanned[proto] = set
	return nil
}

// host is what is known of the host that is being read.
type host struct {
	up         bool
	ip         string
	mac        string
	vendor     string
	names      []string
	fqdns      []string
	os         string
	services   []service
	closed     map[string]*ports // demonstrably closed, by protocol
	unanswered bool              // some ports did not answer, and the report does not list which
	allClosed  bool              // the ports that are not listed are all closed
}

func (r *run) host() error {
	h := host{closed: map[string]*ports{}}
	err := r.x.Children(func(el xml.StartElement) error {
		switch el.Name.Local {
		case "status":
			h.up = document.Attr(el, "state") == "up"
		case "address":
			h.address(el)
		case "hostnames":
			return r.x.Children(func(el xml.StartElement) error {
				h.hostname(el)
				return nil
			})
		case "os":
			return r.x.Children(func(el xml.StartElement) error {
				if el.Name.Local == "osmatch" && h.os == "" {
					if n, err := strconv.Atoi(document.Attr(el, "accuracy")); err == nil && n >= 90 {
						h.os = document.Line(document.Attr(el, "name"), 200)
					}
				}
				return nil
			})
		case "ports":
			return r.ports(&h)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !h.up || h.ip == "" && h.mac == "" && len(h.names)+len(h.fqdns) == 0 {
		return nil
	}
	r.hosts++
	r.in.Progress(r.hosts, 0, h.ip)
	return r.emitHost(&h, gyre.Ref("host"+strconv.Itoa(r.hosts)))
}

func (h *host) address(el xml.StartElement) {
	addr := document.Attr(el, "addr")
	switch document.Attr(el, "addrtype") {
	case "ipv4", "ipv6", "":
		if a, err := netip.ParseAddr(addr); err == nil && h.ip == "" {
			h.ip = a.Unmap().WithZone("").String()
		}
	case "mac":
		h.mac = strings.ToLower(document.Line(addr, 40))
		h.vendor = document.Line(document.Attr(el, "vendor"), 100)
	}
}

// hostname keeps the names that a person typed as names that mean something
// everywhere; what reverse lookups say holds in this network only.
func (h *host) hostname(el xml.StartElement) {
	name := strings.TrimSuffix(strings.ToLower(document.Line(document.Attr(el, "name"), 253)), ".")
	switch {
	case name == "" || strings.ContainsAny(name, " "):
	case document.Attr(el, "type") == "user" && strings.Contains(name, "."):
		if _, err := netip.ParseAddr(name); err != nil && !slices.Contains(h.fqdns, name) && len(h.fqdns) < 50 {
			h.fqdns = append(h.fqdns, name)
		}
	case !slices.Contains(h.names, name) && len(h.names) < 50:
		h.names = append(h.names, name)
	}
}

func (r *run) emitHost(h *host, ref gyre.Ref) error {
	a := gyre.AssetSighting{Ref: ref, Kind: gyre.Host, Zone: r.in.Zone}
	names := slices.Concat(h.fqdns, h.names)
	for _, n := range h.fqdns {
		a.Identifiers = append(a.Identifiers, gyre.Identifier{Type: gyre.IDFQDN, Value: n})
	}
	for _, n := range h.names {
		a.Identifiers = append(a.Identifiers, gyre.Identifier{Type: gyre.IDHostname, Value: n, Zone: r.in.Zone})
	}
	if h.mac != "" {
		a.Identifiers = append(a.Identifiers, gyre.Identifier{Type: gyre.IDMAC, Value: h.mac})
	}
	if h.ip != "" {
		a.Identifiers = append(a.Identifiers, gyre.Identifier{Type: gyre.IDIP, Value: h.ip, Zone: r.in.Zone})
	}
	a.Name = append(names, h.ip, h.mac)[0]
	if a.Name == "" {
		a.Name = h.mac
	}
	for k, v := range map[string]string{"os": h.os, "mac_vendor": h.vendor} {
		if v != "" {
			if a.Attributes == nil {
				a.Attributes = map[string]string{}
			}
			a.Attributes[k] = v
		}
	}
	if err := r.out.Asset(a); err != nil {
		return err
	}
	open := make([]any, 0, len(h.services))
	for _, s := range h.services {
		if s.transport == "tcp" {
			open = append(open, int64(s.port))
		}
	}
	data := map[string]any{"open_ports": open}
	if h.ip != "" {
		data["address"] = h.ip
	}
	if len(names) > 0 {
		data["names"] = anys(names)
	}
	if err := r.out.Fact(gyre.Fact{Asset: ref, Aspect: gyre.AspectHost, Data: data}); err != nil {
		return err
	}
	for i := range h.services {
		if err := h.services[i].emit(r.out, ref); err != nil {
			return err
		}
	}
	return r.cover(h, ref)
}

func anys(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}
