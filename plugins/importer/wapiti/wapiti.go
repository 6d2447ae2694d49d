// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package wapiti imports the XML report of Wapiti, which attacks web applications, of
// version 3. plugins/all registers it; nothing else imports it.
//
// What it says of a whole site (a header or a flag of a cookie that is missing) goes by the name
// that Gyre's own checks and other importers have for it (plugin/naming), once for the site,
// whatever page Wapiti saw it at. All else goes by Wapiti's category, such as
// wapiti:sql-injection, at the page and the parameter that lets the attack in.
//
// The report lists every category that Wapiti knows, not those that were looked for, and not the
// pages. So it covers nothing.
package wapiti

import (
	"bytes"
	"context"
	"encoding/xml"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// Importer reads Wapiti's XML.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "wapiti", Title: "Wapiti XML", Version: "1",
		Description: "Weaknesses of web applications, as Wapiti found them.",
	}
}

// Detect implements plugin.Importer: a report that Wapiti says it generated.
func (Importer) Detect(_ string, head []byte) int {
	if el, ok := document.Root(head); ok && el.Name.Local == "report" && bytes.Contains(head, []byte(`"generatorName">wapiti<`)) {
		return 95
	}
	return 0
}

const (
	maxProblems   = 100
	maxHosts      = 1000
	maxRepeats    = 20_000 // of which it is known that they are some
	maxReferences = 20
)

type importer struct {
	in     plugin.Input
	x      *document.XML
	out    *plugin.Batcher
	report plugin.Report

	target naming.Site // Host is empty while it is not known
	early  bool        // before levels rose with severity
	hosts  map[string]gyre.Ref
	seen   map[string]bool // weaknesses and places
	done   int
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	im := &importer{
		in: in, x: document.NewXML(ctx, in.Name, in.Reader), out: plugin.NewBatcher(ctx, emit),
		hosts: map[string]gyre.Ref{}, seen: map[string]bool{},
	}
	root, err := im.x.Root()
	if err != nil {
		return im.report, err
	}
	if root.Name.Local != "report" {
		return im.report, gyre.FieldErrorf(gyre.Invalid, im.x.Place(), "the outermost element is %q, not report", root.Name.Local)
	}
	described := false
	err = im.x.Children(func(el xml.StartElement) error {
		switch el.Name.Local {
		case "report_infos":
			described = true
			return im.describe()
		case "vulnerabilities", "anomalies": // additionals are technologies that it recognised
			return im.x.Children(func(el xml.StartElement) error { return im.category(document.Attr(el, "name")) })
		}
		return nil
	})
	if err != nil {
		return im.report, err
	}
	if err := im.x.End(); err != nil {
		return im.report, err
	}
	if !described {
		return im.report, gyre.FieldErrorf(gyre.Invalid, im.x.Place(), "does not say what generated it, so it is not of Wapiti")
	}
	return im.report, im.out.Flush()
}

func (im *importer) note(reason string) {
	if len(im.report.Problems) < maxProblems {
		im.report.Problems = append(im.report.Problems, gyre.Problem{Place: im.x.Place(), Reason: document.Line(reason, 500)})
	}
}

// describe reads how the report describes itself. The asset is there also when nothing is wrong with it.
func (im *importer) describe() error {
	err := im.x.Children(func(el xml.StartElement) error {
		name := document.Attr(el, "name")
		switch name {
		case "target", "dateOfScan", "generatorVersion":
		default:
			return nil
		}
		text, err := im.x.Text()
		if err != nil {
			return err
		}
		switch name {
		case "target":
			site, ok := naming.SiteOf(text)
			if !ok {
				im.note("the target is no address of a web server")
			}
			im.target = site
		case "dateOfScan":
			im.report.Looked = document.Date(text, time.RFC1123Z)
		case "generatorVersion":
			im.early = early(text)
		}
		return nil
	})
	if err == nil && im.target.Host != "" {
		_, err = im.asset(im.target)
	}
	return err
}

// early says that a version is older than 3.0.4, in which 1 became the lowest level.
func early(text string) bool {
	_, version, _ := strings.Cut(text, " ")
	return strings.HasPrefix(version, "2.") || slices.Contains([]string{"3.0.0", "3.0.1", "3.0.2", "3.0.3"}, version)
}

// asset is the host of a site; it is emitted once. Who names an asset means the one that was the target:
// what Wapiti followed to other hosts is said of these.
func (im *importer) asset(s naming.Site) (gyre.Ref, error) {
	if ref := im.hosts[s.Host]; ref != "" {
		return ref, nil
	}
	if len(im.hosts) == maxHosts {
		return "", nil
	}
	in := im.in
	if s.Host != im.target.Host {
		in.Asset, in.Address = "", ""
	}
	a := naming.Subject(in, naming.Host(s.Host))
	a.Ref = gyre.Ref("host:" + s.Host)
	im.hosts[s.Host] = a.Ref
	return a.Ref, im.out.Asset(a)
}
