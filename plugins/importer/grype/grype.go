// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package grype imports the JSON report of Anchore Grype, of all versions from 0.7 on
// (before 0.10 it named CVSS, links and the fix in another way).
// plugins/all registers it; nothing else imports it.
//
// What was scanned stands behind the matches, so the report is read twice. A match is a
// package at a place that has a vulnerability; ignored matches are not reported.
//
// The report of a whole image, which names it by its digest, covers all of its packages,
// unless Grype was told to leave something out; of what a person calls by another name it does not
// say whether it is all of that, so it covers nothing then.
package grype

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// Importer reads Grype's JSON.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "grype", Title: "Grype JSON", Version: "1",
		Description: "Vulnerable packages of images and folders, as Anchore Grype found them.",
	}
}

// Detect implements plugin.Importer. Xeol writes the same frame around matches of another kind.
func (Importer) Detect(_ string, head []byte) int {
	if m := document.Members(head); m["matches"] != "[" && m["descriptor"] != "{" {
		return 0
	}
	has := func(word string) bool { return bytes.Contains(head, []byte(`"`+word+`"`)) }
	if has("matches") && (has("vulnerability") && has("artifact") || has("grype")) {
		return 90
	}
	return 0
}

const (
	asset       = gyre.Ref("asset")
	maxProblems = 100
)

type importer struct {
	in     plugin.Input
	out    *plugin.Batcher
	report plugin.Report
	scan   scan
	done   int
}

// scan is what the first reading keeps.
type scan struct {
	Source source
	Distro struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	Descriptor descriptor
	found      bool     // there are matches
	ignored    []string // loci of matches that Grype was told to ignore
	whole      bool     // all of them are listed
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	im := &importer{in: in, out: plugin.NewBatcher(ctx, emit), scan: scan{whole: true}}
	err := document.Twice(ctx, in, im.describe, im.matches)
	if err != nil {
		return im.report, err
	}
	im.report.Looked = document.Date(im.scan.Descriptor.Timestamp)
	if err := im.cover(); err != nil {
		return im.report, err
	}
	return im.report, im.out.Flush()
}

func (im *importer) problem(err error) error {
	if !errors.Is(err, document.ErrShape) {
		return err
	}
	if len(im.report.Problems) < maxProblems {
		im.report.Problems = append(im.report.Problems, gyre.Problem{Place: im.in.Name, Reason: document.Line(err.Error(), 500)})
	}
	return nil
}

// learned is what the first reading knows of the document.
type learned struct {
	scan     scan
	problems []gyre.Problem
}

// describe is the first reading: what was scanned, and how.
func (im *importer) describe(j *document.JSON) (*learned, error) {
	if k := j.Peek(); k != '{' && k != 0 {
		return nil, gyre.FieldErrorf(gyre.Invalid, j.Place(), "is not a JSON object")
	}
	err := j.Object(func(key string) error {
		switch key {
		case "matches":
			im.scan.found = true
		case "source":
			return im.problem(j.Decode(&im.scan.Source))
		case "distro":
			return im.problem(j.Decode(&im.scan.Distro))
		case "descriptor":
			return im.problem(j.Decode(&im.scan.Descriptor))
		case "ignoredMatches":
			return im.problem(j.Array(func(int) error { return im.problem(im.ignore(j)) }))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !im.scan.found {
		return nil, gyre.FieldErrorf(gyre.Invalid, im.in.Name+":byte 0", "holds no matches, so it is not of Grype")
	}
	return &learned{im.scan, im.report.Problems}, nil
}

const maxIgnored = 10_000

// ignore keeps where a match lies that Grype was told to ignore: it may well be there.
func (im *importer) ignore(j *document.JSON) error {
	var m match
	err := j.Decode(&m)
	if err != nil || len(im.scan.ignored) == maxIgnored {
		im.scan.whole = false
		return err
	}
	im.scan.ignored = append(im.scan.ignored, m.Artifact.locus())
	return nil
}

// matches is the second reading.
func (im *importer) matches(j *document.JSON, l *learned) error {
	im.scan, im.report.Problems = l.scan, slices.Clone(l.problems)
	a := naming.Subject(im.in, im.scan.Source.subject())
	a.Ref = asset
	if im.scan.Distro.Name != "" {
		naming.Attribute(&a, "distro", im.scan.Distro.Name+" "+im.scan.Distro.Version)
	}
	if err := im.out.Asset(a); err != nil {
		return err
	}
	return j.Object(func(key string) error {
		if key != "matches" {
			return nil
		}
		return im.problem(j.Array(func(int) error {
			var m match
			if err := j.Decode(&m); err != nil {
				im.scan.whole = false
				return im.problem(err)
			}
			if im.done++; im.done%1000 == 0 {
				im.in.Progress(im.done, 0, m.Artifact.Name)
			}
			f, ok := im.finding(&m)
			if !ok {
				im.scan.whole = false
				return im.problem(errNameless)
			}
			return im.out.Finding(f)
		}))
	})
}

var errNameless = errorOf("a match without a vulnerability or a package")

// cover says that all packages of the image were looked at.
func (im *importer) cover() error {
	s := &im.scan
	switch c := &s.Descriptor.Configuration; {
	case im.in.Asset != "" || im.in.Address != "":
		im.limit("the report does not say that it is about the whole of " + document.Line(im.in.Asset+im.in.Address, 100))
	case !s.Source.image() || !naming.IsDigest(s.Source.Target.Digest):
		im.limit("not of a whole image")
	case c.narrowed():
		im.limit("Grype was told to leave something out")
	case !s.whole:
		im.limit("not all of the report could be read")
	default:
		return im.out.Cover(gyre.Coverage{Judged: true, Asset: asset, Aspect: gyre.AspectPackage, Except: slices.Clone(s.ignored)})
	}
	return nil
}

func (im *importer) limit(why string) {
	im.report.Limits = append(im.report.Limits, im.in.Name+": "+why+", so nothing is taken to be gone that it does not list")
}
