// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package dns is the source that examines a DNS zone: what protects its mail,
// whether it is signed, whether strangers may copy it, and aliases that lead
// nowhere.
//
// plugins/all registers it. Invariants: it asks only the target's name server
// (or the system's), through the guard; only an answer counts, so that a server
// that is silent, refuses or does not know closes nothing.
package dns

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Source implements plugin.Source.
type Source struct {
	// resolvConf is the file that names the system's servers.
	resolvConf string
}

// New returns the source.
func New() *Source { return &Source{resolvConf: "/etc/resolv.conf"} }

var _ plugin.Source = (*Source)(nil)

// Info implements plugin.Source.
func (*Source) Info() plugin.Info {
	return plugin.Info{
		Name: "dns", Title: "DNS zone", Version: "1",
		Description: "Examines a DNS zone: mail policies, zone transfer, signatures, aliases that lead nowhere.",
	}
}

// Accepts implements plugin.Source.
func (*Source) Accepts(t gyre.Target) bool { return t.Domain != "" }

// Aspects implements plugin.Source.
func (*Source) Aspects() []gyre.Aspect { return []gyre.Aspect{gyre.AspectDNS} }

// Run implements plugin.Source.
func (s *Source) Run(ctx context.Context, req plugin.Request, emit plugin.Emit) (plugin.Report, error) {
	domain := strings.ToLower(strings.TrimSuffix(req.Target.Domain, "."))
	if req.Scope.Intensity == gyre.IntensityPassive {
		return plugin.Report{Limits: []string{"the scope is passive: nothing was asked"}}, nil
	}
	if excluded(req.Scope, domain) {
		return plugin.Report{Limits: []string{domain + " is excluded by the scope: nothing was asked"}}, nil
	}
	servers, own, err := s.servers(req.Target)
	if err != nil {
		return plugin.Report{}, err
	}
	log := req.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	progress := req.Progress
	if progress == nil {
		progress = func(int, int, string) {}
	}
	z := &zone{
		scope: req.Scope, domain: domain, apex: domain, own: own, log: log, progress: progress,
		asker: newAsker(req.Guard, servers, req.Scope.Intensity), ref: gyre.Ref("domain:" + domain),
	}
	defer z.asker.close()
	if req.Only != nil {
		if !slices.ContainsFunc(req.Only.Asset.Identifiers, func(id gyre.Identifier) bool {
			return id.Type == gyre.IDFQDN && id.Value == domain
		}) {
			return plugin.Report{}, gyre.Errorf(gyre.Conflict, "asset %q is not the domain %s", req.Only.Asset.Name, domain)
		}
		z.only, z.ref = req.Only.Locus, gyre.RefID(req.Only.Asset.ID)
	} else {
		z.batch.Assets = append(z.batch.Assets, gyre.AssetSighting{
			Ref: z.ref, Kind: gyre.Domain, Name: domain, Zone: req.Target.Zone,
			Identifiers: []gyre.Identifier{{Type: gyre.IDFQDN, Value: domain}},
		})
	}
	if err := z.examine(ctx); err != nil {
		return z.report, err
	}
	if len(z.loci) > 0 {
		z.batch.Coverage = append(z.batch.Coverage, gyre.Coverage{Asset: z.ref, Aspect: gyre.AspectDNS, Loci: z.loci})
	}
	if z.exists {
		if err := emit(ctx, &z.batch); err != nil {
			return z.report, fmt.Errorf("hand over %s: %w", domain, err)
		}
	}
	return z.report, ctx.Err()
}

// servers are the name servers to ask. own: they are the target's, not the system's.
func (s *Source) servers(t gyre.Target) (list []string, own bool, err error) {
	if t.Nameserver != "" {
		server := t.Nameserver
		if _, _, err := net.SplitHostPort(server); err != nil {
			server = net.JoinHostPort(strings.Trim(server, "[]"), "53")
		}
		return []string{server}, true, nil
	}
	conf, err := dns.ClientConfigFromFile(s.resolvConf)
	if err != nil || len(conf.Servers) == 0 {
		return nil, false, gyre.Errorf(gyre.Unavailable, "target %s names no name server, and %s names none either", t.Domain, s.resolvConf)
	}
	for _, host := range conf.Servers[:min(len(conf.Servers), 3)] {
		list = append(list, net.JoinHostPort(host, conf.Port))
	}
	return list, false, nil
}

// excluded says whether the scope excludes a name or one above it.
func excluded(s gyre.Scope, name string) bool {
	return slices.ContainsFunc(s.Exclusions, func(e string) bool {
		e = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(e), "."))
		parent, below := strings.CutPrefix(e, "*.")
		return strings.HasSuffix(name, "."+parent) || !below && name == e
	})
}
