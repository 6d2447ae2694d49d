// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package cyclonedx imports CycloneDX bills of materials, JSON and XML, version
// 1.0 to 1.6 (ECMA-424), with the vulnerabilities that tools write into them.
// plugins/all registers it; nothing else imports it.
//
// One document is one asset: what metadata.component names, or what the importing
// person says ("vendor:NAME" makes it a supplier). Its key does not depend on the
// serial number, because each new bill of the same thing has another.
//
// A vulnerability whose analysis says that it is not there (not_affected,
// false_positive, resolved) is not reported. Components cover the asset's packages
// unless the document calls itself incomplete; a document that holds components and a list
// of vulnerabilities covers these as well.
package cyclonedx

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// Importer reads CycloneDX.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "cyclonedx", Title: "CycloneDX", Version: "1",
		Description: "Components and vulnerabilities out of a CycloneDX bill of materials, JSON or XML.",
	}
}

const namespace = "http://cyclonedx.org/schema/bom/1."

// Detect implements plugin.Importer: bomFormat says so, or the outermost element.
func (Importer) Detect(_ string, head []byte) int {
	if el, ok := document.Root(head); ok {
		if el.Name.Local == "bom" && strings.HasPrefix(el.Name.Space, namespace) {
			return 100
		}
		return 0
	}
	m := document.Members(head)
	if m["bomFormat"] == "CycloneDX" || strings.Contains(m["$schema"], "cyclonedx.org/schema/bom") {
		return 100
	}
	return 0
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	b := &bom{in: in, out: plugin.NewBatcher(ctx, emit), refs: map[string]*component{}, externals: map[string]gyre.Ref{}}
	r, first, err := peek(in.Reader)
	if err != nil {
		return b.report, readError(ctx, in.Name, err)
	}
	if first == '<' {
		err = b.readXML(document.NewXML(ctx, in.Name, r))
	} else {
		err = b.readJSON(document.NewJSON(ctx, in.Name, r))
	}
	if err != nil {
		return b.report, err
	}
	return b.report, b.end()
}

// The limits of what is kept in memory while a document streams by.
const (
	maxHeld     = 20_000  // components and vulnerabilities that wait for the metadata
	maxRefs     = 200_000 // components that vulnerabilities can refer to by a name of the document's own
	maxProblems = 100
	location    = "sbom" // of components whose document does not say where they lie
)

// bom is a document that is being read.
type bom struct {
	in     plugin.Input
	out    *plugin.Batcher
	report plugin.Report

	serial     string
	root       component // metadata.component
	supplier   string
	introduced bool
	incomplete bool
	hasParts   bool // components were listed
	judged     bool // vulnerabilities were listed

	held      []component     // until the asset is known
	vulns     []vulnerability // until the components are known
	refs      map[string]*component
	externals map[string]gyre.Ref // assets of other documents, by serial number
	count     int
	lost      int // references to components that are not known
}

const asset = gyre.Ref("asset")

// component is one entry of components.
type component struct {
	ref, kind, group, name, version, purl, location string
}

func (b *bom) problem(place, reason string) {
	if len(b.report.Problems) < maxProblems {
		b.report.Problems = append(b.report.Problems, gyre.Problem{Place: place, Reason: reason})
	}
}

// maxTools bounds how many of the tools that made a document are named.
const maxTools = 10

// madeBy adds to the names of the tools that made the document; they are
// in order, so that it does not matter in which one they are written.
func (b *bom) madeBy(name string) {
	name = strings.ToLower(document.Line(name, 80))
	var all []string
	if b.report.Tool != "" {
		all = strings.Split(b.report.Tool, ", ")
	}
	if name == "" || len(all) == maxTools || slices.Contains(all, name) {
		return
	}
	all = append(all, name)
	slices.Sort(all)
	b.report.Tool = strings.Join(all, ", ")
}

// metadataRead says that what the document is about is known now.
func (b *bom) metadataRead() error {
	if b.root.name == "" || b.introduced {
		return nil
	}
	return b.introduce()
}

func (b *bom) add(c component) error {
	b.hasParts = true
	if !b.introduced {
		if len(b.held) < maxHeld {
			b.held = append(b.held, c)
			return nil
		}
		if err := b.introduce(); err != nil {
			return err
		}
	}
	return b.emit(c)
}

// introduce emits the asset, and the components that waited for it.
func (b *bom) introduce() error {
	b.introduced = true
	if err := b.out.Asset(b.sighting()); err != nil {
		return err
	}
	held := b.held
	b.held = nil
	for _, c := range held {
		if err := b.emit(c); err != nil {
			return err
		}
	}
	return nil
}

func (b *bom) emit(c component) error {
	if b.count++; b.count%1000 == 0 {
		b.in.Progress(b.count, 0, c.name)
	}
	if c.ref != "" && len(b.refs) < maxRefs {
		kept := c
		b.refs[c.ref] = &kept
	}
	s, ok := c.sighting()
	if !ok {
		return nil
	}
	s.Asset = asset
	return b.out.Component(s)
}

// sighting turns a component into what advisories can be matched with. Files,
// devices, data and the like are no software packages.
func (c component) sighting() (gyre.ComponentSighting, bool) {
	s, ok := naming.Software(c.purl)
	if !ok {
		switch c.kind {
		case "file", "device", "data", "cryptographic-asset", "machine-learning-model", "device-driver", "platform":
			return s, false
		}
		s = gyre.ComponentSighting{Name: c.name, Version: c.version}
		if c.group != "" {
			s.Name = c.group + "/" + c.name
		}
	}
	if s.Version == "" {
		s.Version = c.version
	}
	s.Name, s.Version, s.Source = document.Line(s.Name, 400), document.Line(s.Version, 200), document.Line(s.Source, 400)
	s.PURL, s.Location = document.Line(c.purl, 1000), document.Line(c.location, 1000)
	if s.Location == "" {
		s.Location = location
	}
	return s, s.Name != ""
}

// sighting is the asset that the document is about.
func (b *bom) sighting() gyre.AssetSighting {
	c := b.root
	a := gyre.AssetSighting{Ref: asset, Kind: gyre.Repository, Zone: b.in.Zone, Name: document.Line(b.in.Asset, 200)}
	switch c.kind {
	case "container":
		a.Kind = gyre.Image
	case "operating-system":
		a.Kind = gyre.Host
	case "device", "firmware":
		a.Kind = gyre.Device
	}
	id := func(t gyre.IdentifierType, value string) {
		if value = strings.TrimSuffix(strings.ToLower(document.Line(value, 400)), "."); value == "" {
			return
		}
		i := gyre.Identifier{Type: t, Value: value}
		if t.Zoned() {
			i.Zone = b.in.Zone
		}
		a.Identifiers = append(a.Identifiers, i)
	}
	name := c.name
	if c.group != "" {
		name = c.group + "/" + c.name
	}
	vendor, isVendor := strings.CutPrefix(a.Name, "vendor:")
	switch {
	case isVendor:
		a.Kind, a.Name = gyre.Vendor, strings.TrimSpace(vendor)
		id(gyre.IDURI, "vendor:"+a.Name)
	case b.in.Address != "":
		a.Kind = gyre.Host
		if a.Name != "" {
			id(gyre.IDHostname, a.Name)
		}
		id(gyre.IDIP, normalAddress(b.in.Address))
	case a.Name != "":
		id(gyre.IDURI, "asset:"+a.Name)
	case c.purl != "":
		id(gyre.IDURI, withoutVersion(c.purl))
	case name != "":
		id(gyre.IDURI, "cyclonedx:"+name)
	case b.serial != "":
		id(gyre.IDURI, b.serial)
	}
	if len(a.Identifiers) == 0 {
		id(gyre.IDURI, "file:"+b.in.Name)
	}
	if digest := strings.ToLower(c.version); a.Kind == gyre.Image && strings.HasPrefix(digest, "sha256:") {
		id(gyre.IDDigest, digest)
	}
	for _, n := range []string{document.Line(name, 200), document.Line(b.in.Name, 200), a.Identifiers[0].Value} {
		if a.Name == "" {
			a.Name = n
		}
	}
	for k, v := range map[string]string{"version": c.version, "supplier": b.supplier, "product": name} {
		if v = document.Line(v, 300); v != "" && v != a.Name {
			if a.Attributes == nil {
				a.Attributes = map[string]string{}
			}
			a.Attributes[k] = v
		}
	}
	return a
}

// end emits what waited for the whole document, and what it covered.
func (b *bom) end() error {
	if !b.introduced && (b.hasParts || b.root.name != "" || b.hasOwnVulnerabilities()) {
		if err := b.introduce(); err != nil {
			return err
		}
	}
	if err := b.reportHeld(); err != nil {
		return err
	}
	if b.lost > 0 {
		b.problem(b.in.Name, strconv.Itoa(b.lost)+" references to components that the document does not list")
	}
	switch {
	case b.incomplete:
		b.report.Limits = append(b.report.Limits, b.in.Name+": calls itself incomplete, so nothing is taken to be gone that it does not list")
	case b.hasParts && b.lost == 0:
		if err := b.out.Cover(gyre.Coverage{Asset: asset, Aspect: gyre.AspectPackage}); err != nil {
			return err
		}
		if b.judged {
			if err := b.out.Cover(gyre.Coverage{Asset: asset, Aspect: gyre.AspectPackage, Judged: true}); err != nil {
				return err
			}
		}
	}
	return b.out.Flush()
}

func (b *bom) reportHeld() error {
	vulns := b.vulns
	b.vulns = nil
	for i := range vulns {
		if err := b.report1(&vulns[i]); err != nil {
			return err
		}
	}
	return nil
}
