// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	reqmeta "github.com/google/osv-scalibr/extractor/filesystem/language/python/requirements"
	apkmeta "github.com/google/osv-scalibr/extractor/filesystem/os/apk/metadata"
	dpkgmeta "github.com/google/osv-scalibr/extractor/filesystem/os/dpkg/metadata"
	scalibrfs "github.com/google/osv-scalibr/fs"
	"github.com/gyre-ctem/gyre"
)

// entry is a file as extractors ask about it; its size and mode are read when asked for.
type entry struct {
	rel  string
	stat func() (fs.FileInfo, error)
	info fs.FileInfo
	err  error
}

func (e *entry) Path() string { return e.rel }

func (e *entry) Stat() (fs.FileInfo, error) {
	if e.info == nil && e.err == nil {
		e.info, e.err = e.stat()
	}
	return e.info, e.err
}

// wanting lists the extractors that want a file.
func wanting(all []filesystem.Extractor, e *entry) []filesystem.Extractor {
	if strings.HasSuffix(e.rel, ".whl") { // an installer, which may never have been run
		return nil
	}
	var want []filesystem.Extractor
	for _, x := range all {
		if !x.Requirements().ExtractFromDirs && x.FileRequired(e) {
			want = append(want, x)
		}
	}
	return want
}

// bounded is a file whose reads end with the context, so that no extractor
// outlives its time by much.
type bounded struct {
	*os.File
	ctx context.Context // it bounds the life of this one file
}

func (b bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.File.Read(p)
}

func (b bounded) ReadAt(p []byte, off int64) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.File.ReadAt(p, off)
}

// extract runs one extractor on one file.
func (r *run) extract(ctx context.Context, x filesystem.Extractor, rel string) (list []gyre.ComponentSighting, err error) {
	ctx, cancel := context.WithTimeout(ctx, perFile)
	defer cancel()
	f, info, err := r.openFile(rel)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	bound := int64(maxPackageFile)
	if programs[x.Name()] {
		bound = maxProgram
	}
	if info.Size() > bound {
		return nil, errTooLarge
	}
	// The extractors parse what strangers wrote.
	defer func() {
		if p := recover(); p != nil {
			list, err = nil, fmt.Errorf("extractor %s panicked: %v", x.Name(), p)
		}
	}()
	inv, err := x.Extract(ctx, &filesystem.ScanInput{
		FS: r.root.FS().(scalibrfs.FS), Path: rel, Root: r.path, Info: info, Reader: bounded{f, ctx},
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", x.Name(), err)
	}
	for _, p := range inv.Packages {
		if c, ok := r.component(p, rel); ok {
			list = append(list, c)
		}
	}
	return list, nil
}

var (
	errTooLarge      = fmt.Errorf("file is too large")
	pypiSeparators   = regexp.MustCompile(`[-_.]+`)
	rockyRelease     = regexp.MustCompile(`^[0-9]+`)
	unresolvedInName = regexp.MustCompile(`[\s${}]`)
)

// component turns a package into a sighting. Packages without a version, or
// with one that is only a lower bound, say nothing of what is installed.
func (r *run) component(p *extractor.Package, rel string) (gyre.ComponentSighting, bool) {
	if p.Name == "" || p.Version == "" || len(p.Name) > 500 || len(p.Version) > 250 || unresolvedInName.MatchString(p.Name+p.Version) {
		return gyre.ComponentSighting{}, false
	}
	at := rel
	if d := p.Location.PathOrEmpty(); d != "" {
		at = strings.TrimPrefix(path.Clean("/"+d), "/")
	}
	c := gyre.ComponentSighting{
		Asset: r.asset, Ecosystem: p.Ecosystem().String(), Name: p.Name, Version: p.Version, Location: locus(at),
	}
	if u := p.PURL(); u != nil {
		c.PURL = u.String()
	}
	switch m := p.Metadata.(type) {
	case *dpkgmeta.Metadata:
		c.Source = m.SourceName
	case *apkmeta.Metadata:
		if m.OriginName != m.PackageName {
			c.Source = m.OriginName
		}
	case *reqmeta.Metadata:
		if m.VersionComparator != "==" && m.VersionComparator != "===" {
			return gyre.ComponentSighting{}, false
		}
	}
	if len(p.ExploitabilitySignals) > 0 {
		c.Ecosystem = "" // an empty shell, such as a transitional package: nothing to hold against advisories
	}
	switch {
	case c.Ecosystem == "PyPI":
		c.Name = pypiSeparators.ReplaceAllString(strings.ToLower(c.Name), "-")
	case c.Ecosystem == "Rocky Linux":
		if major := rockyRelease.FindString(osRelease(strings.NewReader(r.small("etc/os-release")))["VERSION_ID"]); major != "" {
			c.Ecosystem += ":" + major
		}
	case c.Ecosystem == "Go" && c.Name == "stdlib" && path.Base(at) == "go.mod":
		return gyre.ComponentSighting{}, false // the oldest Go that would do, not the one that is used
	}
	return c, true
}
