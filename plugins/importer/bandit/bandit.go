// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package bandit imports the JSON report of Bandit, which looks for weaknesses in Python
// code. plugins/all registers it; nothing else imports it.
//
// A finding is known by the hash of its code, made as GitLab's analyser makes it of
// Bandit's report, so that both speak of one place also when lines have moved.
//
// The report lists each file that was looked at and how many issues were found there, and so
// shows whether some were left out of it. It does not list the tests that were run; those
// that found something anywhere have run in all files. It covers these tests in the files
// that could be read and in which nothing was left out or silenced.
package bandit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// Importer reads Bandit's JSON.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "bandit", Title: "Bandit JSON", Version: "1",
		Description: "Weaknesses in Python code, as Bandit found them.",
	}
}

// Detect implements plugin.Importer: metrics with Bandit's words for confidence.
func (Importer) Detect(_ string, head []byte) int {
	m := document.Members(head)
	if m == nil || !bytes.Contains(head, []byte(`"metrics"`)) || !bytes.Contains(head, []byte(`"CONFIDENCE.HIGH"`)) {
		return 0
	}
	return 90
}

const (
	asset       = gyre.Ref("asset")
	maxProblems = 100
	maxFiles    = 200_000
	maxTests    = 1000
)

type importer struct {
	in     plugin.Input
	out    *plugin.Batcher
	report plugin.Report
	prints plugin.Fingerprints

	files  map[string]*file
	order  []string // of files
	tests  []string // weaknesses that were found
	secret []string // and secrets
	whole  bool     // all of the report could be read
	done   int
}

// file is what the report says of a file that was looked at.
type file struct {
	issues   float64 // that were found
	reported int     // that are listed
	silenced float64
	failed   bool
	listed   bool // among the files that were looked at
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	im := &importer{in: in, out: plugin.NewBatcher(ctx, emit), files: map[string]*file{}, whole: true}
	if err := im.read(document.NewJSON(ctx, in.Name, in.Reader)); err != nil {
		return im.report, err
	}
	if err := im.cover(); err != nil {
		return im.report, err
	}
	return im.report, im.out.Flush()
}

func (im *importer) note(place, reason string) {
	if len(im.report.Problems) < maxProblems {
		im.report.Problems = append(im.report.Problems, gyre.Problem{Place: place, Reason: document.Line(reason, 500)})
	}
}

func (im *importer) problem(err error) error {
	if !errors.Is(err, document.ErrShape) {
		return err
	}
	im.whole = false
	im.note(im.in.Name, err.Error())
	return nil
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
	lists := false
	err := j.Object(func(key string) (err error) {
		switch key {
		case "generated_at":
			var text string
			text, err = j.Text()
			im.report.Looked = document.Date(text)
		case "errors":
			err = j.Array(func(int) error { return im.problem(im.failure(j)) })
		case "metrics":
			err = j.Object(func(name string) error { return im.problem(im.metrics(j, name)) })
		case "results":
			lists = true
			err = j.Array(func(int) error { return im.problem(im.result(j)) })
		}
		return im.problem(err)
	})
	if err != nil {
		return err
	}
	if !lists {
		return gyre.FieldErrorf(gyre.Invalid, im.in.Name+":byte 0", "holds no results, so it is not of Bandit")
	}
	return j.End()
}

// failure is a file that could not be read or understood.
func (im *importer) failure(j *document.JSON) error {
	var e struct {
		File   string `json:"filename"`
		Reason string `json:"reason"`
	}
	if err := j.Decode(&e); err != nil {
		return err
	}
	name := where(e.File)
	if f := im.file(name); f != nil {
		f.failed = true
	}
	im.note(name, e.Reason)
	return nil
}

// metrics are of one file, or of all.
func (im *importer) metrics(j *document.JSON, name string) error {
	if name == "_totals" {
		return nil
	}
	var m map[string]any
	if err := j.Decode(&m); err != nil {
		return err
	}
	f := im.file(where(name))
	if f == nil {
		return nil
	}
	number := func(key string) float64 { n, _ := m[key].(float64); return n }
	for _, s := range []string{"UNDEFINED", "LOW", "MEDIUM", "HIGH"} {
		f.issues += number("SEVERITY." + s)
	}
	f.silenced = number("nosec") + number("skipped_tests")
	if !f.listed {
		f.listed = true
		im.order = append(im.order, where(name))
	}
	return nil
}

func (im *importer) file(name string) *file {
	f := im.files[name]
	if f == nil && name != "" && len(im.files) < maxFiles {
		f = &file{}
		im.files[name] = f
	}
	return f
}

// where is a file as people write it, relative to where Bandit was started.
func where(name string) string {
	name = document.Line(strings.ReplaceAll(name, `\`, "/"), 900)
	if name == "" {
		return ""
	}
	return path.Clean(name)
}

// result is one issue.
type result struct {
	Code       string `json:"code"`
	File       string `json:"filename"`
	Confidence string `json:"issue_confidence"`
	Severity   string `json:"issue_severity"`
	Text       string `json:"issue_text"`
	Line       int    `json:"line_number"`
	More       string `json:"more_info"`
	Test       string `json:"test_id"`
	Name       string `json:"test_name"`
	CWE        struct {
		ID any `json:"id"`
	} `json:"issue_cwe"`
}

func (im *importer) result(j *document.JSON) error {
	var r result
	if err := j.Decode(&r); err != nil {
		return err
	}
	if im.done++; im.done%1000 == 0 {
		im.in.Progress(im.done, 0, r.File)
	}
	name := where(r.File)
	if name == "" || r.Test == "" {
		im.whole = false
		im.note(im.in.Name, "a result without a file or a test")
		return nil
	}
	if f := im.file(name); f != nil {
		f.reported++
	}
	f := r.finding(name)
	tests := &im.tests
	if f.Aspect == gyre.AspectSecret {
		tests = &im.secret
	} else {
		f.Fingerprint = im.prints.Next(f.Weakness.Key, name, r.Line, print(r.Code))
	}
	if !slices.Contains(*tests, f.Weakness.Key) {
		if *tests = append(*tests, f.Weakness.Key); len(*tests) > maxTests {
			im.whole = false
		}
	}
	return im.out.Finding(f)
}

func (r *result) finding(name string) gyre.Finding {
	w := gyre.Weakness{
		Key: "bandit:" + document.Line(r.Test, 60), Class: gyre.Vulnerability, Title: document.Line(strings.ReplaceAll(r.Name, "_", " "), 200),
		References: naming.Links(r.More),
	}
	if id, ok := r.CWE.ID.(float64); ok {
		w.CWEs = naming.CWE(nil, strconv.FormatFloat(id, 'f', -1, 64))
	}
	severity, ok := naming.Severity(r.Severity)
	if !ok {
		severity = gyre.SeverityMedium // "UNDEFINED"
	}
	w.Severity = severity
	f := gyre.Finding{
		Asset: asset, Weakness: w, Aspect: gyre.AspectCode, Locus: name, Severity: severity,
		Evidence: gyre.Evidence{Summary: document.Line(r.Text, 500), Data: map[string]any{"confidence": strings.ToLower(document.Line(r.Confidence, 30))}},
		Remedy:   gyre.Remedy{Kind: gyre.RemedyText, Text: strings.Join(w.References, " ")},
	}
	if w.Title == "" || w.Title == "blacklist" { // of many tests: what it says of this one tells more
		f.Weakness.Title = f.Evidence.Summary
	}
	if r.Line > 0 {
		f.Locus += ":" + strconv.Itoa(r.Line)
	}
	if naming.Secret(w.Key) {
		f.Aspect, f.Weakness.Class = gyre.AspectSecret, gyre.Secret
		f.Weakness.Title = w.Title
		f.Evidence.Summary = w.Title // the text tells the word that it found
	} else if code := document.Lines(r.Code, 1000); code != "" {
		f.Evidence.Data["code"] = code
	}
	for _, s := range []*string{&f.Evidence.Summary, &f.Weakness.Title} {
		if *s == "" {
			*s = w.Key
		}
	}
	return f
}

// print is the hash of the code without the numbers of its lines and without the space
// around them: what GitLab's analyser of Bandit writes between file and test.
func print(code string) string {
	if code == "" {
		return ""
	}
	lines := strings.Split(strings.TrimRight(code, "\n"), "\n")
	for i, l := range lines {
		_, l, _ = strings.Cut(l, " ")
		lines[i] = strings.TrimSpace(l)
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return "sha256:" + hex.EncodeToString(sum[:])
}

const filesPerCoverage = 500

// cover says which files were looked at with which tests.
func (im *importer) cover() error {
	if !im.whole {
		im.report.Limits = append(im.report.Limits, im.in.Name+": not all of it could be read, so nothing is taken to be gone that it does not list")
		return nil
	}
	var files []string
	for _, name := range im.order {
		if f := im.files[name]; !f.failed && f.silenced == 0 && f.issues == float64(f.reported) {
			files = append(files, name)
		}
	}
	for _, part := range []struct {
		aspect gyre.Aspect
		tests  []string
	}{{gyre.AspectCode, im.tests}, {gyre.AspectSecret, im.secret}} {
		if len(part.tests) == 0 {
			continue
		}
		for from := 0; from < len(files); from += filesPerCoverage {
			some := files[from:min(from+filesPerCoverage, len(files))]
			loci := make([]string, 0, 2*len(some))
			for _, f := range some {
				loci = append(loci, f, f+":*")
			}
			if err := im.out.Cover(gyre.Coverage{Judged: true, Asset: asset, Aspect: part.aspect, Loci: loci, Weaknesses: part.tests}); err != nil {
				return err
			}
		}
	}
	return nil
}
