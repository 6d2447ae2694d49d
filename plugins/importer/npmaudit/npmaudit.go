// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package npmaudit imports the JSON of npm audit: that of npm 6 (advisories), which pnpm
// and Yarn 2 and 3 write too, that of npm 7 and later (vulnerabilities), and the lines of
// Yarn 1. plugins/all registers it; nothing else imports it.
//
// A report names neither its project nor the lock file that it was made of. npm 6 tells on
// which ways a package comes in, npm 7 the folder below the project: neither says where on
// the asset a package lies. So a finding speaks of the package wherever it lies on the
// asset, and is one with what tools say that name the lock file or the folder. Ways and folders are evidence.
//
// An advisory for several versions of a package that are installed is a finding for each. One
// that has several CVEs is a finding for each of them.
//
// A report does not say what it left out (development dependencies, exceptions), so it covers nothing.
package npmaudit

import (
	"bytes"
	"context"
	"errors"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// Importer reads the JSON of npm audit.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "npmaudit", Title: "npm audit JSON", Version: "1",
		Description: "Vulnerable dependencies of Node.js projects, as npm audit, yarn audit or pnpm audit found them.",
	}
}

// Detect implements plugin.Importer.
func (Importer) Detect(_ string, head []byte) int {
	m := document.Members(head)
	has := func(word string) bool { return bytes.Contains(head, []byte(`"`+word+`"`)) }
	switch {
	case m["auditReportVersion"] != "" && m["vulnerabilities"] == "{":
		return 90
	case m["advisories"] == "{" && (m["actions"] == "[" || has("module_name")):
		return 90
	case m["actions"] == "[" && has("resolves") && has("module"): // so many that the advisories are farther on
		return 90
	case m["type"] != "" && (has("auditAdvisory") || has("auditSummary")):
		return 90
	}
	return 0
}

const (
	asset         = gyre.Ref("asset")
	maxProblems   = 100
	maxAdvisories = 100_000 // that are remembered
)

// form is who wrote a report.
type form int

const (
	unknown form = iota
	npm6
	npm7
	yarn
)

type importer struct {
	in     plugin.Input
	out    *plugin.Batcher
	report plugin.Report
	form   form
	advice map[string][]string // by advisory: which direct dependencies to upgrade to what
	seen   map[string]bool     // Yarn repeats an advisory for each way on which its package comes in
	line   string              // what kind of line of Yarn's is being read
	summed bool                // its last one was there
	done   int
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	im := &importer{in: in, out: plugin.NewBatcher(ctx, emit), advice: map[string][]string{}, seen: map[string]bool{}}
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

func (im *importer) problem(err error) error {
	if !errors.Is(err, document.ErrShape) {
		return err
	}
	im.note(err.Error())
	return nil
}

func (im *importer) progress(name string) {
	if im.done++; im.done%1000 == 0 {
		im.in.Progress(im.done, 0, document.Line(name, 200))
	}
}

func (im *importer) read(j *document.JSON) error {
	if k := j.Peek(); k != '{' && k != 0 {
		return gyre.FieldErrorf(gyre.Invalid, j.Place(), "is not a JSON object")
	}
	a := naming.Subject(im.in, gyre.AssetSighting{Kind: gyre.Repository}) // the report does not say which
	a.Ref = asset
	if err := im.out.Asset(a); err != nil {
		return err
	}
	for {
		if err := j.Object(func(key string) error { return im.problem(im.member(j, key)) }); err != nil {
			return err
		}
		if im.form != yarn || j.Peek() != '{' { // Yarn writes one object after the other
			break
		}
	}
	if err := j.End(); err != nil {
		return err
	}
	switch {
	case im.form == unknown:
		return gyre.FieldErrorf(gyre.Invalid, im.in.Name+":byte 0", "holds neither advisories nor vulnerabilities, so it is not of npm audit")
	case im.form == yarn && !im.summed:
		return gyre.FieldErrorf(gyre.Invalid, j.Place(), "ends without the summary of yarn audit")
	}
	return nil
}

func (im *importer) member(j *document.JSON, key string) error {
	switch k := j.Peek(); {
	case key == "actions" && k == '[':
		return j.Array(func(int) error { return im.problem(im.action(j)) })
	case key == "advisories" && k == '{':
		im.form = npm6
		return j.Object(func(id string) error { return im.problem(im.advisory(j, id)) })
	case key == "vulnerabilities" && k == '{':
		im.form = npm7
		return j.Object(func(name string) error { return im.problem(im.vulnerability(j, name)) })
	case key == "type" && k == '"':
		im.form = yarn
		line, err := j.Text()
		im.line, im.summed = line, im.summed || line == "auditSummary"
		return err
	case key == "data" && k == '"' && im.line == "error":
		said, err := j.Text()
		im.note("yarn audit failed: " + said)
		return err
	case key == "data" && k == '{':
		return j.Object(func(key string) error {
			if key != "advisory" {
				return nil
			}
			return im.problem(im.advisory(j, ""))
		})
	}
	return nil
}
