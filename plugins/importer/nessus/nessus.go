// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package nessus imports Nessus v2 reports (.nessus, root NessusClientData_v2):
// hosts, the services their ports carry, and what the plugins found.
// plugins/all registers it; nothing else imports it.
//
// A plugin that names CVEs is one finding for each of them, because that is what other
// tools and advisories speak of; its number is evidence and no alias, for one plugin
// stands for many CVEs and one CVE for many plugins. A plugin without a CVE is the
// weakness nessus.NUMBER. Several plugins that name one CVE at one place are one
// finding: the worst of them speaks, the others are listed. Plugins of severity 0
// are facts and no findings. A finding's place is its port, or "host" for port 0.
//
// # What a report proves
//
// A report lists what was found, not what was looked for. It says which plugins the
// policy selected (plugin_set, FamilySelection) and which ports answered. So a host
// is covered as follows, and otherwise not at all:
//
//   - The host's scan ended (HOST_END), it was not given up as dead, and something answered.
//   - Ports are those that some plugin reported on. A port that is not in the report may
//     be closed or filtered, which the report does not tell apart.
//   - When the policy selects every family, and so all of the scanner's plugins, every
//     weakness is covered that Nessus itself has reported before. When it selects a few
//     plugins, those are covered by their names nessus.NUMBER; their CVEs are not
//     known to a report in which they found nothing. Anything between covers nothing.
//   - The port scanners, compliance audits and Tenable.ot are left out of "every family":
//     the first find no weaknesses, audits are not imported, and what Tenable.ot finds has an
//     aspect of its own which no report covers.
//   - With credentials only when the scan says that they worked, and no plugin says
//     that local checks could not run.
//
// A plugin that is selected may still stay silent because the policy scans less
// thoroughly or less paranoidly than before. The report does not say so plugin by
// plugin; import the reports of one policy where this matters.
//
// A report is dated by the first of its hosts' starts (HOST_START_TIMESTAMP, or else
// HOST_START, which is in the scanner's own time and is taken to be UTC).
package nessus

import (
	"context"
	"encoding/xml"
	"fmt"
	"strconv"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// Importer reads Nessus v2 XML.
type Importer struct{}

const rootName = "NessusClientData_v2"

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "nessus", Title: "Nessus", Version: "1",
		Description: "Hosts, services and findings out of Nessus v2 reports (.nessus).",
	}
}

// Detect implements plugin.Importer: the outermost element says so.
func (Importer) Detect(_ string, head []byte) int {
	if el, ok := document.Root(head); ok && el.Name.Local == rootName {
		return 100
	}
	return 0
}

const maxProblems = 100

type run struct {
	in         plugin.Input
	x          *document.XML
	out        *plugin.Batcher
	report     plugin.Report
	policy     policy
	hosts      int
	findings   []gyre.Finding // of the host before, for the space that they took
	compliance int            // results of compliance audits, which are left out
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	r := &run{in: in, x: document.NewXML(ctx, in.Name, in.Reader), out: plugin.NewBatcher(ctx, emit)}
	root, err := r.x.Root()
	if err != nil {
		return r.report, err
	}
	if root.Name.Local != rootName {
		return r.report, gyre.FieldErrorf(gyre.Invalid, r.x.Place(), "the outermost element is %q, not %s", document.Line(root.Name.Local, 60), rootName)
	}
	err = r.x.Children(func(el xml.StartElement) error {
		switch el.Name.Local {
		case "Policy":
			return r.readPolicy()
		case "Report":
			return r.x.Children(func(el xml.StartElement) error {
				if el.Name.Local == "ReportHost" {
					return r.host(el)
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
	if r.compliance > 0 {
		r.report.Limits = append(r.report.Limits, fmt.Sprintf("%d results of compliance audits are not imported", r.compliance))
	}
	if !r.policy.whole() && len(r.policy.few()) == 0 && r.hosts > 0 {
		r.report.Limits = append(r.report.Limits, "the policy does not show that all plugins were selected, or which few; the report closes nothing")
	}
	return r.report, r.out.Flush()
}

func (r *run) problem(format string, args ...any) {
	if len(r.report.Problems) < maxProblems {
		r.report.Problems = append(r.report.Problems, gyre.Problem{Place: r.x.Place(), Reason: fmt.Sprintf(format, args...)})
	}
}

// host reads one ReportHost. What it says of credentials, and of plugins that
// name the same CVE, may come last; so a host is held until its end.
func (r *run) host(el xml.StartElement) error {
	h := &host{target: document.Line(document.Attr(el, "name"), 253), at: map[place]int{}, ports: map[string]*port{}, findings: r.findings[:0]}
	err := r.x.Children(func(el xml.StartElement) error {
		switch el.Name.Local {
		case "HostProperties":
			return r.x.Children(func(el xml.StartElement) error {
				if el.Name.Local != "tag" {
					return nil
				}
				text, err := r.x.Text()
				if err == nil {
					h.property(document.Attr(el, "name"), text)
				}
				return err
			})
		case "ReportItem":
			return r.item(h, el)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if h.dropped > 0 {
		r.problem("host %s has more findings than are kept of one host: %d are left out", h.target, h.dropped)
	}
	r.hosts++
	r.report.Looked = document.Earliest(r.report.Looked, h.began())
	r.in.Progress(r.hosts, 0, h.target)
	err = r.emitHost(h, gyre.Ref("host"+strconv.Itoa(r.hosts)))
	clear(h.findings) // so that what they hold can go
	r.findings = h.findings
	return err
}
