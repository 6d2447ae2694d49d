// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package sarif imports SARIF 2.1.0 (OASIS, errata 01), the report form of code
// scanners, secret scanners and many others. plugins/all registers it; nothing
// else imports it.
//
// What is needed to understand a result (rules, base folders, the repository) may
// stand behind it in the document. So the document is read twice, the second time
// from a temporary file, rather than held in memory; nothing is emitted before all of it has
// been seen to be sound. What the first reading learned is remembered (plugin.Memory).
//
// Results that the tool calls passed, absent or suppressed are not reported. A run
// covers files only when it says that it succeeded and lists them, and then only
// for the rules it lists.
package sarif

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// Importer reads SARIF.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "sarif", Title: "SARIF", Version: "1",
		Description: "Results of code, secret and configuration scanners out of SARIF 2.1.0.",
	}
}

// Detect implements plugin.Importer: the schema, or the version beside runs.
func (Importer) Detect(name string, head []byte) int {
	m := document.Members(head)
	runs := m["runs"] == "["
	switch {
	case strings.Contains(m["$schema"], "sarif"):
		return 100
	case runs && strings.HasPrefix(m["version"], "2.1"):
		return 95
	case runs && path.Ext(strings.ToLower(name)) == ".sarif":
		return 90
	}
	return 0
}

const maxProblems = 100

type importer struct {
	in     plugin.Input
	out    *plugin.Batcher
	report plugin.Report
	runs   []*run
	assets map[string]gyre.Ref
	done   int
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	im := &importer{in: in, out: plugin.NewBatcher(ctx, emit), assets: map[string]gyre.Ref{}}
	if err := document.Twice(ctx, in, im.describe, im.results); err != nil {
		return im.report, err
	}
	for _, r := range im.runs {
		im.report.Looked = document.Earliest(im.report.Looked, r.began)
		if err := im.cover(r); err != nil {
			return im.report, err
		}
	}
	return im.report, im.out.Flush()
}

func (im *importer) problem(place, reason string) {
	if len(im.report.Problems) < maxProblems {
		im.report.Problems = append(im.report.Problems, gyre.Problem{Place: place, Reason: document.Line(reason, 500)})
	}
}

// shape turns an entry of the wrong shape into a problem of the run.
func (im *importer) shape(err error) error {
	if errors.Is(err, document.ErrShape) {
		im.problem(im.in.Name, err.Error())
		return nil
	}
	return err
}

// results is the second reading.
func (im *importer) results(j *document.JSON, l *learned) error {
	im.recall(l)
	return j.Object(func(key string) error {
		if key != "runs" {
			return nil
		}
		return j.Array(func(i int) error {
			r := im.runs[i]
			if err := im.introduce(r); err != nil {
				return err
			}
			return im.shape(j.Object(func(key string) error {
				if key != "results" {
					return nil
				}
				return im.shape(j.Array(func(int) error {
					var res result
					if err := j.Decode(&res); err != nil {
						return im.shape(err)
					}
					if im.done++; im.done%1000 == 0 {
						im.in.Progress(im.done, 0, r.tool)
					}
					for _, f := range r.findings(&res) {
						if err := im.out.Finding(f); err != nil {
							return err
						}
					}
					return nil
				}))
			}))
		})
	})
}

// introduce emits the asset of a run, once for each of them.
func (im *importer) introduce(r *run) error {
	a := r.sighting(im.in)
	key := a.Identifiers[0].Value
	ref, ok := im.assets[key]
	if !ok {
		ref = gyre.Ref("asset:" + key)
		im.assets[key] = ref
		a.Ref = ref
		if err := im.out.Asset(a); err != nil {
			return err
		}
	}
	r.ref = ref
	return nil
}

const filesPerCoverage = 500

// cover says which files the run looked at with which rules.
func (im *importer) cover(r *run) error {
	if !r.succeeded || r.failed || len(r.files) == 0 || len(r.order) == 0 {
		return nil
	}
	byAspect := map[gyre.Aspect][]string{}
	for _, id := range r.order {
		w, aspect := r.weakness(id, r.rules[id])
		byAspect[aspect] = append(byAspect[aspect], w.Key)
	}
	for _, aspect := range []gyre.Aspect{gyre.AspectCode, gyre.AspectSecret, gyre.AspectPackage} {
		keys := byAspect[aspect]
		if len(keys) == 0 {
			continue
		}
		for from := 0; from < len(r.files); from += filesPerCoverage {
			files := r.files[from:min(from+filesPerCoverage, len(r.files))]
			loci := make([]string, 0, 3*len(files))
			for _, f := range files {
				loci = append(loci, f, f+":*", f+"#*")
			}
			err := im.out.Cover(gyre.Coverage{Judged: true, Asset: r.ref, Aspect: aspect, Loci: loci, Weaknesses: keys})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
