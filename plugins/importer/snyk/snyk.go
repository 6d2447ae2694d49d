// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package snyk imports the JSON that the Snyk CLI writes for open source and container
// tests (snyk test --json, snyk container test --json), of one project or of several.
// What it writes for code and infrastructure is SARIF. plugins/all registers it; nothing
// else imports it.
//
// What a project is stands behind its vulnerabilities, so the report is read twice.
// Snyk lists a vulnerability once for each way on which a dependency comes in; each is a
// sighting, and all of one package in one manifest are one exposure. A vulnerability that Snyk
// knows under several CVEs is one finding for each of them.
//
// A report does not say with which threshold and policy it was made, so it covers nothing.
package snyk

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// Importer reads Snyk's JSON.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "snyk", Title: "Snyk JSON", Version: "2",
		Description: "Vulnerable dependencies and packages of images, as the Snyk CLI found them.",
	}
}

// Detect implements plugin.Importer: vulnerabilities beside, or with, what only Snyk writes.
func (Importer) Detect(_ string, head []byte) int {
	text := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	if rest, list := bytes.CutPrefix(text, []byte("[")); list {
		text = bytes.TrimSpace(rest)
	}
	m := document.Members(text)
	if m["vulnerabilities"] != "[" {
		return 0
	}
	for _, word := range []string{"isUpgradable", "licensesPolicy", "dependencyCount", "severityWithCritical"} {
		if bytes.Contains(head, []byte(`"`+word+`"`)) {
			return 90
		}
	}
	return 0
}

const (
	maxProjects = 10_000
	maxProblems = 100
)

type importer struct {
	in       plugin.Input
	out      *plugin.Batcher
	report   plugin.Report
	projects []*project // in the order of the document
	at       int        // of the second reading
	seen     map[string]gyre.Ref
	done     int
}

// project is what the first reading keeps of one.
type project struct {
	Name, Path, Target, Display, Manager, Org string

	image *project // the image that it lies in
	isImg bool
	lists bool
	ref   gyre.Ref
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	im := &importer{in: in, out: plugin.NewBatcher(ctx, emit), seen: map[string]gyre.Ref{}}
	if err := document.Twice(ctx, in, im.describe, im.findings); err != nil {
		return im.report, err
	}
	return im.report, im.out.Flush()
}

func (im *importer) problem(err error) error {
	if !errors.Is(err, document.ErrShape) {
		return err
	}
	im.note(err.Error())
	return nil
}

func (im *importer) note(reason string) {
	p := gyre.Problem{Place: im.in.Name, Reason: document.Line(reason, 500)}
	if len(im.report.Problems) < maxProblems && !slices.Contains(im.report.Problems, p) { // both readings meet it
		im.report.Problems = append(im.report.Problems, p)
	}
}

// each calls f for every project at the top of the document.
func (im *importer) each(j *document.JSON, f func() error) error {
	switch k := j.Peek(); k {
	case '[':
		return j.Array(func(int) error { return f() })
	case '{', 0:
		return f()
	default:
		return gyre.FieldErrorf(gyre.Invalid, j.Place(), "is neither a JSON object nor an array")
	}
}

// learned is what the first reading knows of the document.
type learned struct {
	projects []*project // whose refs each reading sets anew
	problems []gyre.Problem
}

// describe is the first reading.
func (im *importer) describe(j *document.JSON) (*learned, error) {
	lists := false
	err := im.each(j, func() error {
		p, err := im.project(j, nil)
		lists = lists || p != nil && p.lists
		return im.problem(err)
	})
	if err == nil && !lists {
		return nil, gyre.FieldErrorf(gyre.Invalid, im.in.Name+":byte 0", "holds no project with vulnerabilities, so it is not of Snyk")
	}
	return &learned{im.projects, im.report.Problems}, err
}

func (im *importer) project(j *document.JSON, image *project) (*project, error) {
	if len(im.projects) == maxProjects {
		return nil, gyre.FieldErrorf(gyre.TooLarge, j.Place(), "more than %d projects", maxProjects)
	}
	p := &project{image: image}
	im.projects = append(im.projects, p)
	failed := ""
	err := j.Object(func(key string) (err error) {
		switch key {
		case "vulnerabilities":
			p.lists = true
		case "projectName":
			p.Name, err = j.Text()
		case "path":
			p.Path, err = j.Text()
		case "targetFile":
			p.Target, err = j.Text()
		case "displayTargetFile":
			p.Display, err = j.Text()
		case "packageManager":
			p.Manager, err = j.Text()
		case "org":
			p.Org, err = j.Text()
		case "docker":
			p.isImg = true
		case "error":
			failed, err = j.Text()
		case "applications":
			err = j.Array(func(int) error {
				_, err := im.project(j, p)
				return im.problem(err)
			})
		}
		return im.problem(err)
	})
	if failed != "" {
		im.note("Snyk could not test " + p.Path + ": " + failed)
	}
	p.isImg = p.isImg && image == nil
	return p, err
}

// findings is the second reading. It meets the projects in the same order.
func (im *importer) findings(j *document.JSON, l *learned) error {
	im.projects, im.report.Problems = l.projects, slices.Clone(l.problems)
	return im.each(j, func() error { return im.problem(im.ofProject(j)) })
}

func (im *importer) ofProject(j *document.JSON) error {
	p := im.projects[im.at]
	im.at++
	if p.lists {
		if err := im.introduce(p); err != nil {
			return err
		}
	}
	return j.Object(func(key string) error {
		switch key {
		case "vulnerabilities":
			return im.problem(j.Array(func(int) error {
				var v vulnerability
				if err := j.Decode(&v); err != nil {
					return im.problem(err)
				}
				if im.done++; im.done%1000 == 0 {
					im.in.Progress(im.done, 0, p.Name)
				}
				for _, f := range v.findings(p) {
					if err := im.out.Finding(f); err != nil {
						return err
					}
				}
				return nil
			}))
		case "applications":
			return im.problem(j.Array(func(int) error { return im.problem(im.ofProject(j)) }))
		}
		return nil
	})
}

// introduce emits the asset of a project, once for each of them.
func (im *importer) introduce(p *project) error {
	a := naming.Subject(im.in, p.subject())
	key := a.Identifiers[0].Value
	ref, known := im.seen[key]
	if !known {
		ref = gyre.Ref("asset:" + key)
		im.seen[key] = ref
		a.Ref = ref
		if err := im.out.Asset(a); err != nil {
			return err
		}
	}
	p.ref = ref
	return nil
}

// subject is what was tested: an image, or a project that Snyk knows by its name in an
// organisation. A path says where it lay when it was tested, not what it is.
func (p *project) subject() gyre.AssetSighting {
	if p.image != nil {
		return p.image.subject()
	}
	name := document.Line(p.Name, 200)
	if p.isImg {
		// "docker-image|shop/api" does not say the tag, "shop/api:1.2/shop/api" does.
		name = strings.TrimPrefix(name, "docker-image|")
		if ref, ok := strings.CutSuffix(document.Line(p.Path, 400), "/"+name[strings.LastIndexByte(name, '/')+1:]); ok && strings.HasPrefix(ref, name) {
			name = ref
		}
		return naming.Image(name, "")
	}
	a := gyre.AssetSighting{Kind: gyre.Repository, Name: name}
	if name != "" {
		naming.Identify(&a, gyre.IDURI, "snyk:"+strings.Trim(p.Org+"/"+name, "/"))
	}
	return a
}
