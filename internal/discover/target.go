// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

const maxFilesInFolder = 10_000

// reading is one run over a file target: one file, or every file of a folder
// that some importer knows.
type reading struct {
	*Stage
	job      Job
	run      gyre.Run // of the target
	in       *folder
	log      *slog.Logger
	progress plugin.Progress
	sess     Session // of the target's run; nil until something needs it
	report   plugin.Report
	alone    *gyre.Run // the run of the only file, if it has one of its own
}

// runFiles imports a file target and returns its run; of one file that has a run
// of its own, that run.
func (s *Stage) runFiles(ctx context.Context, run gyre.Run, j Job, progress plugin.Progress) (gyre.Run, error) {
	r := &reading{Stage: s, job: j, run: run, progress: progress}
	report, runErr := s.guarded(ctx, j, r.all)
	if r.alone != nil {
		return *r.alone, runErr
	}
	if err := r.open(context.WithoutCancel(ctx)); err != nil {
		return run, err
	}
	return finish(ctx, r.sess, report, runErr)
}

// open opens the session of the target's run.
func (r *reading) open(ctx context.Context) (err error) {
	if r.sess == nil {
		r.sess, err = r.begin(ctx, r.Begin, r.run)
	}
	return err
}

// all imports every file. A file of a folder that fails is a problem of the
// run, not its end.
func (r *reading) all(ctx context.Context, guard plugin.Guard, log *slog.Logger) (plugin.Report, error) {
	r.log = log
	if err := guard.AllowPath(r.job.Target.File); err != nil {
		return plugin.Report{}, err
	}
	var err error
	if r.in, err = openFolder(r.job.Target.File); err != nil {
		return plugin.Report{}, err
	}
	defer func() { _ = r.in.close() }()
	names, err := r.in.list(ctx, guard, &r.report)
	if err != nil {
		return r.report, err
	}
	if r.in.only == "" {
		if err := r.open(ctx); err != nil {
			return r.report, err
		}
	}
	for i, name := range names {
		if err := ctx.Err(); err != nil {
			return r.report, err
		}
		r.progress(i, len(names), filepath.Base(name))
		err := r.one(ctx, i, name)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return r.report, ctx.Err()
		}
		if r.in.only != "" {
			return r.report, err
		}
		problem := problemOf(err)
		if problem.Place == "run" {
			problem.Place = r.in.path(name)
		}
		r.report.Problems = append(r.report.Problems, problem)
	}
	r.progress(len(names), len(names), "")
	return r.report, nil
}

// one imports one file: first it is checked, then stored, so that a broken one
// leaves nothing.
func (r *reading) one(ctx context.Context, n int, name string) error {
	f, err := r.in.open(name)
	if err != nil {
		return gyre.FieldErrorf(gyre.Unavailable, r.in.path(name), "cannot be opened: %v", err)
	}
	defer func() { _ = f.Close() }()
	check := plugin.Emit(func(context.Context, *gyre.Batch) error { return nil })
	if r.Check != nil {
		check = r.Check()
	}
	imp, checked, err := r.parse(ctx, f, name, prefixRefs(check, ""))
	if err != nil || imp == nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return gyre.FieldErrorf(gyre.Unavailable, r.in.path(name), "cannot be read again: %v", err)
	}
	if !checked.Looked.IsZero() {
		return r.dated(ctx, f, name, imp.Info().Name, checked.Looked)
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	_, got, err := r.parse(ctx, f, name, prefixRefs(r.sess.Emit, fmt.Sprintf("f%d/", n)))
	r.report.Problems = append(r.report.Problems, got.Problems...)
	r.report.Limits = append(r.report.Limits, got.Limits...)
	return err
}

// dated imports a report that says when its tool looked, as a run of that time.
func (r *reading) dated(ctx context.Context, f io.Reader, name, importer string, looked time.Time) error {
	run := r.run
	run.ID, run.Source, run.Started, run.Target = gyre.NewID(), importer, looked, "file:"+r.in.path(name)
	sess, err := r.begin(ctx, r.BeginDated, run)
	if err != nil {
		return err
	}
	_, got, err := r.parse(ctx, f, name, prefixRefs(sess.Emit, ""))
	run, err = finish(ctx, sess, got, err)
	if r.in.only != "" {
		r.alone = &run
	}
	return err
}

// parse runs the importer of a file; nil is a file of a folder that no importer knows.
func (r *reading) parse(ctx context.Context, f io.Reader, name string, emit plugin.Emit) (plugin.Importer, plugin.Report, error) {
	t := r.job.Target
	shown := name
	if r.in.only != "" {
		shown = filepath.Base(r.in.asked)
	}
	if r.job.folder != "" {
		if rel, err := filepath.Rel(r.job.folder, r.in.path(name)); err == nil {
			shown = filepath.ToSlash(rel)
		}
	}
	doc, err := openDocument(shown, f)
	if err != nil {
		return nil, plugin.Report{}, err
	}
	defer func() { _ = doc.close() }()
	imp, err := r.importer(t.Format, doc)
	if err != nil {
		if r.in.only == "" && t.Format == "" {
			r.report.Limits = append(r.report.Limits, shown+": no importer knows this format")
			return nil, plugin.Report{}, nil
		}
		return nil, plugin.Report{}, err
	}
	report, err := importOne(ctx, imp, plugin.Input{
		Name: doc.name, Reader: doc.reader, Zone: t.Zone, Asset: t.Asset, Address: t.Address,
		Progress: func(int, int, string) {}, Log: r.log,
	}, emit)
	return imp, report, err
}

// list lists the files of the folder that the guard allows, by their names in it.
func (f *folder) list(ctx context.Context, guard plugin.Guard, report *plugin.Report) ([]string, error) {
	if f.only != "" {
		return []string{f.only}, nil
	}
	var names []string
	err := fs.WalkDir(f.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && name == ".":
			return gyre.FieldErrorf(gyre.Unavailable, f.asked, "cannot be read: %v", err)
		case err != nil:
			report.Limits = append(report.Limits, f.path(name)+": "+err.Error())
		case d.IsDir() && hidden(name):
			return fs.SkipDir
		case !d.Type().IsRegular() || hidden(name):
		case guard.AllowPath(f.path(name)) != nil:
			report.Limits = append(report.Limits, f.path(name)+": excluded by the scope")
		case len(names) == maxFilesInFolder:
			return gyre.FieldErrorf(gyre.TooLarge, f.asked, "holds more than %d files", maxFilesInFolder)
		default:
			names = append(names, name)
		}
		return nil
	})
	return names, err
}
