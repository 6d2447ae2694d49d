// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/gyre-ctem/gyre"
)

var lineNumber = regexp.MustCompile(`:[0-9]+$`)

// retest looks at one place again. It emits coverage exactly when the place
// was demonstrably looked at, which includes that it is not there any more.
func (r *run) retest(ctx context.Context, me gyre.AssetSighting) error {
	place := r.req.Only
	if !same(me, place.Asset) {
		r.report.Limits = append(r.report.Limits, fmt.Sprintf("%s is not the root of %s", r.path, place.Asset.Name))
		return nil
	}
	r.asset = gyre.RefID(place.Asset.ID)
	switch place.Aspect {
	case gyre.AspectSocket:
		if !r.live {
			r.report.Limits = append(r.report.Limits, "sockets are seen on this machine only")
			return nil
		}
		return r.sockets(ctx, []string{place.Locus})
	case gyre.AspectFile:
		rel, ok := r.inside(lineNumber.ReplaceAllString(place.Locus, ""))
		if !ok {
			return nil
		}
		return r.configuration(ctx, []string{rel})
	case gyre.AspectPackage:
		file, _, _ := strings.Cut(place.Locus, "#")
		return r.retestPackages(ctx, file)
	case gyre.AspectSecret:
		return r.retestSecrets(ctx, place.Locus)
	}
	r.report.Limits = append(r.report.Limits, fmt.Sprintf("aspect %s cannot be looked at from the inside of a host", place.Aspect))
	return nil
}

// inside turns a locus into a path below the root that the scope allows.
func (r *run) inside(file string) (string, bool) {
	rel := strings.TrimPrefix(path.Clean("/"+file), "/")
	if rel == "" || !fs.ValidPath(rel) {
		return "", false
	}
	// What is not there has no path to judge; the folder it would be in does.
	for p := rel; ; p = path.Dir(p) {
		if p == "." || r.missing(p) == nil {
			if err := r.req.Guard.AllowPath(r.at(p)); err != nil {
				r.report.Limits = append(r.report.Limits, err.Error())
				return "", false
			}
			return rel, true
		}
	}
}

func (r *run) retestPackages(ctx context.Context, file string) error {
	rel, ok := r.inside(file)
	if !ok {
		return nil
	}
	b := &gyre.Batch{Coverage: []gyre.Coverage{{
		Asset: r.asset, Aspect: gyre.AspectPackage, Loci: []string{locus(rel) + "#*"}, Credentialed: true,
	}}}
	if err := r.missing(rel); errors.Is(err, fs.ErrNotExist) {
		return r.emit(ctx, b)
	} else if err != nil {
		r.limits.add("package file could not be read", locus(rel))
		return nil
	}
	extractors, err := loadExtractors()
	if err != nil {
		return fmt.Errorf("load extractors: %w", err)
	}
	en := &entry{rel: rel, stat: func() (fs.FileInfo, error) { return fs.Stat(r.root.FS(), rel) }}
	want := wanting(extractors, en)
	if len(want) == 0 {
		r.limits.add("no extractor reads the file", locus(rel))
		return nil
	}
	for _, x := range want {
		list, err := r.extract(ctx, x, rel)
		if err != nil {
			r.limits.add("package file could not be understood", locus(rel))
			return ctx.Err()
		}
		b.Components = append(b.Components, list...)
	}
	return r.emit(ctx, b)
}

func (r *run) retestSecrets(ctx context.Context, place string) error {
	file := place
	if _, ok := r.inside(file); ok && r.missing(strings.TrimPrefix(file, "/")) != nil {
		file = lineNumber.ReplaceAllString(place, "")
	}
	rel, ok := r.inside(file)
	if !ok {
		return nil
	}
	b := &gyre.Batch{Coverage: []gyre.Coverage{{
		Judged: true, Asset: r.asset, Aspect: gyre.AspectSecret, Loci: []string{locus(rel), locus(rel) + ":*"},
		Weaknesses: secretKeys(), Credentialed: true,
	}}}
	if err := r.missing(rel); errors.Is(err, fs.ErrNotExist) {
		return r.emit(ctx, b)
	}
	found, err := r.search(ctx, rel)
	if err != nil {
		r.limits.add("file could not be searched for secrets", locus(rel))
		return ctx.Err()
	}
	b.Findings = found
	return r.emit(ctx, b)
}
