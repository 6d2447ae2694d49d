// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package nsp imports the JSON of nsp check (nsp check --reporter json), the tool of the
// Node Security Platform, which npm audit took the place of. plugins/all registers it; nothing else imports it.
//
// An entry is an advisory for a package and one way on which it comes in; each is a
// sighting, and all of one package are one exposure. What is at the start of each way is the
// project. Where on it the package lies is not said, so a finding speaks of the package
// wherever it lies, as those of npm audit do.
//
// A report does not say which exceptions it was made with, so it covers nothing.
package nsp

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// Importer reads the JSON of nsp.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "nsp", Title: "nsp JSON", Version: "1",
		Description: "Vulnerable dependencies of Node.js projects, as the tool of the Node Security Platform found them.",
	}
}

// Detect implements plugin.Importer: a list of advisories with the way to a module. An
// empty one, which nsp writes when it finds nothing, could be anything.
func (Importer) Detect(_ string, head []byte) int {
	rest, list := bytes.CutPrefix(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))), []byte("["))
	if !list {
		return 0
	}
	m := document.Members(rest)
	if m["id"] != "" && m["module"] != "" && (m["path"] == "[" || m["advisory"] != "") && m["vulnerable_versions"] != "" {
		return 90
	}
	return 0
}

const maxProblems = 100

type importer struct {
	in     plugin.Input
	out    *plugin.Batcher
	report plugin.Report
	known  map[string]gyre.Ref // projects
	done   int
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	im := &importer{in: in, out: plugin.NewBatcher(ctx, emit), known: map[string]gyre.Ref{}}
	if err := im.read(document.NewJSON(ctx, in.Name, in.Reader)); err != nil {
		return im.report, err
	}
	return im.report, im.out.Flush()
}

func (im *importer) note(reason string) {
	if len(im.report.Problems) < maxProblems {
		im.report.Problems = append(im.report.Problems, gyre.Problem{Place: im.in.Name, Reason: document.Line(reason, 500)})
	}
}

func (im *importer) read(j *document.JSON) error {
	if k := j.Peek(); k != '[' && k != 0 {
		return gyre.FieldErrorf(gyre.Invalid, j.Place(), "is not a JSON array, so it is not of nsp")
	}
	err := j.Array(func(int) error {
		var e entry
		err := j.Decode(&e)
		if im.done++; im.done%1000 == 0 {
			im.in.Progress(im.done, 0, document.Line(e.Module, 200))
		}
		if errors.Is(err, document.ErrShape) {
			im.note(err.Error())
			return nil
		}
		if err != nil {
			return err
		}
		f, ok := e.finding()
		if !ok {
			im.note("an entry without an advisory or a module")
			return nil
		}
		if f.Asset, err = im.asset(e.project()); err != nil {
			return err
		}
		return im.out.Finding(f)
	})
	if err != nil {
		return err
	}
	return j.End()
}

const maxProjects = 1000

// asset is the project; it is emitted once. There is one in a report that nsp wrote.
func (im *importer) asset(name string) (gyre.Ref, error) {
	a := gyre.AssetSighting{Kind: gyre.Repository, Name: name}
	if name != "" { // as a bill of materials calls it
		naming.Identify(&a, gyre.IDURI, "pkg:npm/"+strings.Replace(name, "@", "%40", 1))
	}
	a = naming.Subject(im.in, a)
	key := a.Identifiers[0].Value
	if ref := im.known[key]; ref != "" {
		return ref, nil
	}
	if len(im.known) == maxProjects {
		return "", gyre.FieldErrorf(gyre.TooLarge, im.in.Name, "more than %d projects", maxProjects)
	}
	a.Ref = gyre.Ref("asset:" + key)
	im.known[key] = a.Ref
	return a.Ref, im.out.Asset(a)
}

// entry is one of the list.
type entry struct {
	ID             any      `json:"id"`
	Published      string   `json:"publish_date"`
	Overview       string   `json:"overview"`
	Recommendation string   `json:"recommendation"`
	Vector         string   `json:"cvss_vector"`
	Score          float64  `json:"cvss_score"`
	Module         string   `json:"module"`
	Version        string   `json:"version"`
	Affected       string   `json:"vulnerable_versions"`
	Patched        string   `json:"patched_versions"`
	Title          string   `json:"title"`
	Path           []string `json:"path"` // NAME@VERSION, from the project to the module
	Advisory       string   `json:"advisory"`
}

// project is the name of what the way begins at.
func (e *entry) project() string {
	if len(e.Path) < 2 {
		return ""
	}
	name := document.Line(e.Path[0], 200)
	if at := strings.LastIndexByte(name, '@'); at > 0 {
		name = name[:at]
	}
	return name
}

func (e *entry) id() string {
	switch v := e.ID.(type) {
	case string:
		return document.Line(v, 100)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// finding is the entry without its asset; false when it does not say what or where.
func (e *entry) finding() (gyre.Finding, bool) {
	w := gyre.Weakness{Class: gyre.Vulnerability, Description: document.Lines(e.Overview, 8000), Published: document.Date(e.Published)}
	name, version := document.Line(e.Module, 400), document.Line(e.Version, 200)
	if name == "" || !naming.Weakness(&w, naming.NodeSecurity(e.id())) {
		return gyre.Finding{}, false
	}
	if title := document.Line(e.Title, 200); title != "" {
		w.Title = title
	}
	w.References = naming.Links(e.Advisory)
	naming.Rate(&w, "3.0", e.Vector, e.Score)
	w.Severity = gyre.SeverityMedium
	if w.CVSSScore > 0 { // nsp knows no words for it
		w.Severity = gyre.SeverityOfCVSS(w.CVSSScore)
	}
	data := map[string]any{}
	for k, s := range map[string]string{
		"package": name, "version": version, "advisory": e.id(), "affected": e.Affected, "patched": e.Patched,
		"path": strings.Join(e.Path[:min(len(e.Path), 100)], " > "),
	} {
		if s = document.Line(s, 500); s != "" {
			data[k] = s
		}
	}
	return gyre.Finding{
		Weakness: w, Aspect: gyre.AspectPackage, Locus: naming.Place("", name), Severity: w.Severity,
		Evidence: gyre.Evidence{Summary: strings.TrimSpace(w.Key + " affects " + name + " " + version), Data: data},
		Remedy: gyre.Remedy{
			Kind: gyre.RemedyUpgrade, Ecosystem: "npm", Package: name, Current: version,
			Fixed: document.Line(naming.Patched(version, e.Patched), 200), Text: document.Lines(e.Recommendation, 2000),
		},
	}, true
}
