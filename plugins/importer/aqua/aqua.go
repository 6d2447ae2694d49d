// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package aqua imports what Aqua's platform and its scanner say of container images, as JSON:
//
//   - the answer of the API for vulnerabilities (result: one entry a package and vulnerability),
//   - the report of the scanner (resources, each with its vulnerabilities and secrets), alone
//     or in the list of images that pipelines get,
//   - the older report of an image (cves).
//
// plugins/all registers it; nothing else imports it.
//
// What a report is about may stand behind what was found, so it is read twice. A bulletin
// that names the CVEs that it fixes (referenced_vulnerabilities) is a finding for each
// of them. What somebody has acknowledged in Aqua is still there and is reported. A page of
// the API is no whole, and a scanner lists only what it found, so nothing is covered.
package aqua

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// Importer reads Aqua's JSON.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "aqua", Title: "Aqua JSON", Version: "1",
		Description: "Vulnerable packages and secrets in container images, as Aqua found them.",
	}
}

// Detect implements plugin.Importer.
func (Importer) Detect(_ string, head []byte) int {
	text := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	if rest, list := bytes.CutPrefix(text, []byte("[")); list {
		text = bytes.TrimSpace(rest)
	}
	m := document.Members(text)
	has := func(word string) bool { return bytes.Contains(head, []byte(`"`+word+`"`)) }
	switch {
	case m["result"] == "[" && (has("aqua_severity") || has("aqua_score") || m["pagesize"] != "" && m["count"] != ""),
		m["results"] == "{" && m["image_name"] != "" && has("resources"),
		m["resources"] == "[" && has("aqua_severity"),
		m["cves"] == "[" && m["image_name"] != "" && m["disallowed"] != "":
		return 90
	}
	return 0
}

const maxProblems = 100

type importer struct {
	in     plugin.Input
	out    *plugin.Batcher
	report plugin.Report
	images []*image // in the order of the document
	at     int      // of the second reading
	known  map[string]gyre.Ref
	form   bool // one of the forms was met
	done   int
}

// image is what the first reading keeps of one.
type image struct {
	name, digest, os, release string
	ref                       gyre.Ref
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	im := &importer{in: in, out: plugin.NewBatcher(ctx, emit), known: map[string]gyre.Ref{}}
	err := document.Twice(ctx, in, im.describe, func(j *document.JSON, l *learned) error {
		im.recall(l)
		return im.each(j, func() error {
			i := im.images[im.at]
			im.at++
			return im.findings(j, i)
		})
	})
	if err != nil {
		return im.report, err
	}
	return im.report, im.out.Flush()
}

func (im *importer) problem(err error) error {
	if !errors.Is(err, document.ErrShape) {
		return err
	}
	p := gyre.Problem{Place: im.in.Name, Reason: document.Line(err.Error(), 500)}
	if len(im.report.Problems) < maxProblems && !slices.Contains(im.report.Problems, p) { // both readings meet it
		im.report.Problems = append(im.report.Problems, p)
	}
	return nil
}

// each calls f for each image at the top of the document.
func (im *importer) each(j *document.JSON, f func() error) error {
	switch k := j.Peek(); k {
	case '[':
		return j.Array(func(int) error { return im.problem(f()) })
	case '{', 0:
		return f()
	default:
		return gyre.FieldErrorf(gyre.Invalid, j.Place(), "is neither a JSON object nor an array")
	}
}

const maxImages = 10_000

// learned is what the first reading knows of the document.
type learned struct {
	images []*image
	report plugin.Report // so far
}

// recall makes of what was learned the state in which the second reading begins.
func (im *importer) recall(l *learned) {
	im.report = l.report
	im.report.Problems = slices.Clone(l.report.Problems)
	im.images = make([]*image, len(l.images))
	for n, i := range l.images {
		own := *i // its ref says that it was emitted
		im.images[n] = &own
	}
}

// describe is the first reading.
func (im *importer) describe(j *document.JSON) (*learned, error) {
	empty := true
	err := im.each(j, func() error {
		if len(im.images) == maxImages {
			return gyre.FieldErrorf(gyre.TooLarge, j.Place(), "more than %d images", maxImages)
		}
		i := &image{}
		im.images = append(im.images, i)
		return im.imageOf(j, i, &empty)
	})
	if err == nil && !im.form && !empty {
		return nil, gyre.FieldErrorf(gyre.Invalid, im.in.Name+":byte 0", "holds none of result, resources and cves, so it is not of Aqua")
	}
	if err == nil && empty {
		return nil, gyre.FieldErrorf(gyre.Invalid, im.in.Name+":byte 0", "is empty")
	}
	return &learned{im.images, im.report}, err
}

func (im *importer) imageOf(j *document.JSON, i *image, empty *bool) error {
	return j.Object(func(key string) (err error) {
		*empty = false
		switch key {
		case "image_name", "image":
			var name string
			if name, err = j.Text(); i.name == "" {
				i.name = name
			}
		case "digest", "image_digest":
			i.digest, err = j.Text()
		case "os":
			i.os, err = j.Text()
		case "version", "os_version":
			i.release, err = j.Text()
		case "results":
			err = im.imageOf(j, i, empty)
		case "scan_started":
			err = j.Object(func(key string) error {
				if key != "seconds" {
					return nil
				}
				seconds, err := j.Text()
				im.report.Looked = document.Earliest(im.report.Looked, document.Date(seconds))
				return err
			})
		case "result", "resources", "cves":
			im.form = true
		}
		return im.problem(err)
	})
}

// findings is the second reading.
func (im *importer) findings(j *document.JSON, i *image) error {
	return j.Object(func(key string) error {
		switch key {
		case "results":
			return im.problem(im.findings(j, i))
		case "result":
			return im.problem(j.Array(func(int) error {
				var e entry
				if err := j.Decode(&e); err != nil {
					return im.problem(err)
				}
				return im.emitSome(&image{name: e.Image, digest: e.Digest, os: e.OS, release: e.Release}, e.findings())
			}))
		case "resources":
			return im.problem(j.Array(func(int) error {
				var r scanned
				if err := j.Decode(&r); err != nil {
					return im.problem(err)
				}
				return im.emit(i, r.findings())
			}))
		case "cves":
			return im.problem(j.Array(func(int) error {
				var c oldCVE
				if err := j.Decode(&c); err != nil {
					return im.problem(err)
				}
				return im.emitSome(i, c.findings())
			}))
		}
		return nil
	})
}

// emitSome is emit for entries that are there because of what they found.
func (im *importer) emitSome(i *image, all []gyre.Finding) error {
	if len(all) == 0 {
		return im.problem(fmt.Errorf("%w: an entry without a vulnerability or a package", document.ErrShape))
	}
	return im.emit(i, all)
}

// emit emits findings of an image, and the image before them.
func (im *importer) emit(i *image, all []gyre.Finding) error {
	if im.done++; im.done%1000 == 0 {
		im.in.Progress(im.done, 0, i.name)
	}
	if i.ref == "" {
		a := naming.Subject(im.in, i.subject())
		key := a.Identifiers[0].Value
		if i.ref = im.known[key]; i.ref == "" {
			i.ref = gyre.Ref("asset:" + key)
			im.known[key] = i.ref
			a.Ref = i.ref
			if err := im.out.Asset(a); err != nil {
				return err
			}
		}
	}
	for n := range all {
		f := &all[n]
		f.Asset = i.ref
		if e := &f.Remedy.Ecosystem; systems[*e] != "" {
			*e = naming.Distribution(systems[*e], i.os, i.release)
		}
		if err := im.out.Finding(*f); err != nil {
			return err
		}
	}
	return nil
}

func (i *image) subject() gyre.AssetSighting {
	a := naming.Image(i.name, i.digest)
	if i.os != "" {
		naming.Attribute(&a, "distro", i.os+" "+i.release)
	}
	return a
}

func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return f
		}
	}
	return 0
}
