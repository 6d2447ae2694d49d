// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package observatory imports the result of a scan by Mozilla's HTTP Observatory: the
// answer of its interface, the output of its local scanner, or the tests alone.
// plugins/all registers it; nothing else imports it.
//
// A test that was passed is no weakness. What a test that failed says goes by the name that
// Gyre's own checks and other importers have for it (plugin/naming), where they say the same;
// else by the Observatory's own, such as observatory:csp-header-invalid.
//
// The scan does not name the site that it is of. The first address of the redirection test does: it
// is the one that was asked for. Whether that site speaks HTTPS is told by the test of HSTS. As
// either may stand behind the other tests, the report is read twice.
//
// It covers what its tests demonstrably found to be well.
package observatory

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// Importer reads results of the HTTP Observatory.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "observatory", Title: "Mozilla HTTP Observatory JSON", Version: "1",
		Description: "What the HTTP Observatory found in the headers, cookies and scripts of a site.",
	}
}

// Detect implements plugin.Importer: tests that have an expectation and a modifier of the score.
func (Importer) Detect(_ string, head []byte) int {
	m := document.Members(head)
	has := func(word string) bool { return bytes.Contains(head, []byte(`"`+word+`"`)) }
	if m == nil || !has("expectation") || !has("score_modifier") || !has("result") {
		return 0
	}
	if m["tests"] == "{" {
		return 90
	}
	for name := range prefixes {
		if m[name] == "{" {
			return 90
		}
	}
	return 0
}

const (
	asset       = gyre.Ref("site")
	maxProblems = 100
	maxURLs     = 50
)

type importer struct {
	in     plugin.Input
	out    *plugin.Batcher
	report plugin.Report

	host   string // as the report itself says
	secure bool   // the site speaks HTTPS
	port   int    // of HTTPS
	tested bool   // there are tests
	about
	done int
}

// about is what the second reading needs to know of the whole.
type about struct {
	asked naming.Site // plain HTTP, as far as the report knows
	site  naming.Site // that answered, HTTPS before HTTP
	sound bool        // what answered was the site, not an error
}

// learned is what the first reading knows of the document.
type learned struct {
	about
	looked   time.Time
	problems []gyre.Problem
}

// scan is how the report describes itself.
type scan struct {
	Host   string `json:"host"`
	Start  string `json:"start_time"`
	State  string `json:"state"`
	Status int    `json:"status_code"`
}

// test is one test; what it saw stands in output, in older and newer results beside it.
type test struct {
	Name        string `json:"-"`
	Pass        bool   `json:"pass"`
	Result      string `json:"result"`
	Description string `json:"score_description"`
	Modifier    int    `json:"score_modifier"`
	Output      saw    `json:"output"`
	saw
}

type saw struct {
	Data        any      `json:"data"`
	Destination string   `json:"destination"`
	Route       []string `json:"route"`
	MaxAge      any      `json:"max-age"`
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	im := &importer{in: in, out: plugin.NewBatcher(ctx, emit), secure: true, about: about{sound: true}}
	if err := document.Twice(ctx, in, im.describe, im.findings); err != nil {
		return im.report, err
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

// tests calls f for each test of the report, and described for how it describes itself.
func (im *importer) tests(j *document.JSON, described func(scan), f func(*test) error) error {
	if k := j.Peek(); k != '{' && k != 0 {
		return gyre.FieldErrorf(gyre.Invalid, j.Place(), "is not a JSON object")
	}
	one := func(name string) error {
		t := test{Name: document.Line(name, 100)}
		if err := j.Decode(&t); err != nil {
			return im.problem(err)
		}
		if t.Result == "" {
			im.note(t.Name + " has no result")
			return nil
		}
		t.Result = strings.ReplaceAll(document.Line(t.Result, 150), " ", "-")
		if t.Data == nil {
			t.Data = t.Output.Data
		}
		if t.MaxAge == nil {
			t.MaxAge = t.Output.MaxAge
		}
		if t.Route == nil {
			t.Route = t.Output.Route
		}
		if t.Destination == "" {
			t.Destination = t.Output.Destination
		}
		return f(&t)
	}
	return j.Object(func(key string) error {
		switch {
		case key == "scan":
			var s scan
			err := j.Decode(&s)
			described(s)
			return im.problem(err)
		case key == "tests":
			im.tested = true
			return im.problem(j.Object(one))
		case prefixes[key] != "": // the tests alone
			im.tested = true
			return one(key)
		}
		return nil
	})
}

// describe is the first reading: of which site the report is, and how it answered.
func (im *importer) describe(j *document.JSON) (*learned, error) {
	err := im.tests(j, func(s scan) {
		im.host = document.Line(s.Host, 253)
		im.report.Looked = document.Date(s.Start, time.RFC1123)
		im.sound = im.sound && (s.Status == 0 || s.Status == 200)
		if s.State != "" && s.State != "FINISHED" {
			im.note("the scan says that it is " + strings.ToLower(s.State))
		}
	}, func(t *test) error {
		switch {
		case t.Name == "redirection":
			im.route(t.Route)
		case t.Result == "hsts-not-implemented-no-https":
			im.secure = false
		}
		return nil
	})
	if err == nil && !im.tested {
		return nil, gyre.FieldErrorf(gyre.Invalid, im.in.Name+":byte 0", "holds no tests, so it is not of the HTTP Observatory")
	}
	im.settle()
	return &learned{im.about, im.report.Looked, im.report.Problems}, err
}

// route is the way from the address that was asked for to the one that answered.
func (im *importer) route(urls []string) {
	for _, u := range urls[:min(len(urls), maxURLs)] {
		s, ok := naming.SiteOf(u)
		switch {
		case !ok:
		case im.asked.Host == "":
			im.asked = s
		case s.TLS && s.Host == im.asked.Host && im.port == 0:
			im.port = s.Port
		}
	}
}

// settle is what the first reading comes to.
func (im *importer) settle() {
	if s, ok := naming.SiteOf("http://" + im.host + "/"); ok && im.host != "" && im.asked.Host == "" {
		im.asked = s
	}
	if im.asked.Port == 0 {
		im.asked.Port = 80
	}
	im.site = im.asked
	if im.secure && !im.asked.TLS {
		im.site.TLS, im.site.Port = true, 443
		if im.port != 0 {
			im.site.Port = im.port
		}
	}
}

// findings is the second reading.
func (im *importer) findings(j *document.JSON, l *learned) error {
	im.about, im.report.Looked, im.report.Problems = l.about, l.looked, slices.Clone(l.problems)
	own := gyre.AssetSighting{Kind: gyre.Host}
	if im.asked.Host != "" {
		own = naming.Host(im.asked.Host)
	}
	a := naming.Subject(im.in, own)
	a.Ref = asset
	if err := im.out.Asset(a); err != nil {
		return err
	}
	return im.tests(j, func(scan) {}, func(t *test) error {
		im.done++
		im.in.Progress(im.done, 0, t.Name)
		if prefix := prefixes[t.Name]; prefix != "" && !strings.HasPrefix(t.Result, prefix) { // html-not-parsable and the like
			im.report.Limits = append(im.report.Limits[:min(len(im.report.Limits), maxProblems)], im.in.Name+": "+t.Name+" could not be tested: "+t.Result)
			return nil
		}
		if err := im.failed(t); err != nil {
			return err
		}
		if im.sound {
			return im.cover(t)
		}
		return nil
	})
}
