// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package gitlab imports the security reports of GitLab CI (gl-sast-report.json and its
// like), version 2 to 15 of its security report schemas: code, secrets, dependencies,
// containers, dynamic tests and fuzzing. plugins/all registers it; nothing else imports it.
//
// Such a report wraps what another tool found, so a weakness is named as that tool
// names it: what GitLab calls bandit_test_id B303 is bandit:B303. What a finding lies in
// (an image, a host, else the repository) is told by its location. The report is read
// twice, because a container's packages can stand before the image that they are of.
//
// It lists neither the files that were looked at nor the rules, so it covers nothing.
package gitlab

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// Importer reads GitLab's security reports.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "gitlab", Title: "GitLab security report", Version: "1",
		Description: "What GitLab's analysers found in code, dependencies, containers and running applications.",
	}
}

// Detect implements plugin.Importer: vulnerabilities that have a location and typed identifiers.
func (Importer) Detect(_ string, head []byte) int {
	m := document.Members(head)
	if m["vulnerabilities"] != "[" {
		return 0
	}
	has := func(word string) bool { return bytes.Contains(head, []byte(`"`+word+`"`)) }
	switch {
	case has("identifiers") && has("location") && !has("licensesPolicy") && !has("isUpgradable"):
		return 85
	case m["version"] != "" && m["scan"] == "{":
		return 85
	}
	return 0
}

const maxProblems = 100

type importer struct {
	in     plugin.Input
	out    *plugin.Batcher
	report plugin.Report
	scan   scan
	images []string // references of images that findings are of
	known  map[string]gyre.Ref
	prints plugin.Fingerprints
	done   int
}

// scan is how the report describes itself.
type scan struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Start   string `json:"start_time"`
	Scanner struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"scanner"`
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	im := &importer{in: in, out: plugin.NewBatcher(ctx, emit), known: map[string]gyre.Ref{}}
	if err := document.Twice(ctx, in, im.describe, im.findings); err != nil {
		return im.report, err
	}
	im.report.Looked = document.Date(im.scan.Start)
	if im.scan.Status == "failure" {
		im.note("the scan says that it failed")
	}
	return im.report, im.out.Flush()
}

func (im *importer) note(reason string) {
	p := gyre.Problem{Place: im.in.Name, Reason: document.Line(reason, 500)}
	if len(im.report.Problems) < maxProblems && !slices.Contains(im.report.Problems, p) { // both readings meet it
		im.report.Problems = append(im.report.Problems, p)
	}
}

func (im *importer) problem(err error) error {
	if !errors.Is(err, document.ErrShape) {
		return err
	}
	im.note(err.Error())
	return nil
}

const maxImages = 1000

// learned is what the first reading knows of the document.
type learned struct {
	scan     scan
	images   []string
	problems []gyre.Problem
}

// describe is the first reading.
func (im *importer) describe(j *document.JSON) (*learned, error) {
	if k := j.Peek(); k != '{' && k != 0 {
		return nil, gyre.FieldErrorf(gyre.Invalid, j.Place(), "is not a JSON object")
	}
	lists := false
	err := j.Object(func(key string) error {
		switch key {
		case "scan":
			return im.problem(j.Decode(&im.scan))
		case "vulnerabilities":
			lists = true
			return im.problem(j.Array(func(int) error {
				return im.problem(j.Object(func(key string) error {
					if key != "location" {
						return nil
					}
					var l location
					err := j.Decode(&l)
					if ref := document.Line(l.Image, 400); ref != "" && !within(ref) && len(im.images) < maxImages && !slices.Contains(im.images, ref) {
						im.images = append(im.images, ref)
					}
					return im.problem(err)
				}))
			}))
		}
		return nil
	})
	if err == nil && !lists {
		return nil, gyre.FieldErrorf(gyre.Invalid, im.in.Name+":byte 0", "holds no vulnerabilities, so it is not a security report of GitLab")
	}
	return &learned{im.scan, im.images, im.report.Problems}, err
}

// findings is the second reading.
func (im *importer) findings(j *document.JSON, l *learned) error {
	im.scan, im.images, im.report.Problems = l.scan, l.images, slices.Clone(l.problems)
	return j.Object(func(key string) error {
		if key != "vulnerabilities" {
			return nil
		}
		return im.problem(j.Array(func(int) error {
			var v vulnerability
			if err := j.Decode(&v); err != nil {
				return im.problem(err)
			}
			if im.done++; im.done%1000 == 0 {
				im.in.Progress(im.done, 0, v.title())
			}
			f, ok := im.finding(&v)
			if !ok {
				im.note("an entry without an identifier or a location")
				return nil
			}
			ref, err := im.asset(&v.Location)
			if err != nil {
				return err
			}
			f.Asset = ref
			return im.out.Finding(f)
		}))
	})
}

// asset is what a finding lies in; it is emitted once.
func (im *importer) asset(l *location) (gyre.Ref, error) {
	a := naming.Subject(im.in, im.subject(l))
	key := a.Identifiers[0].Value
	if ref := im.known[key]; ref != "" {
		return ref, nil
	}
	a.Ref = gyre.Ref("asset:" + key)
	im.known[key] = a.Ref
	return a.Ref, im.out.Asset(a)
}

func (im *importer) subject(l *location) gyre.AssetSighting {
	image := document.Line(l.Image, 400)
	switch {
	case image != "":
		if within(image) && len(im.images) == 1 {
			image = im.images[0]
		}
		name, digest, _ := strings.Cut(image, "@")
		return naming.Image(name, digest)
	case l.Hostname != "":
		host := l.Hostname
		if u, err := url.Parse(host); err == nil && u.Host != "" {
			host = u.Hostname()
		}
		return naming.Host(host)
	}
	return gyre.AssetSighting{Kind: gyre.Repository} // the report does not say which
}

// Trivy, which scans containers for GitLab, wrote these where the image belongs when it
// spoke of the packages of a language in the image; also the lock file that names them.
var (
	parts = []string{"node.js", "python", "ruby", "java", "php", "go", "rust"}
	locks = []string{
		"composer.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "gemfile.lock", "pipfile.lock", "poetry.lock", "cargo.lock", "go.sum", "go.mod", "packages.lock.json",
	}
)

// within says that what stands where an image belongs is a part of one.
func within(image string) bool {
	image = strings.ToLower(image)
	return slices.Contains(parts, image) || lockFile(image)
}

func lockFile(image string) bool {
	return slices.Contains(locks, image[strings.LastIndexByte(image, '/')+1:])
}
