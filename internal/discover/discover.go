// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package discover is the stage that learns facts about the estate: it points
// sources at the targets of scopes and importers at files, and hands what they
// see to ingest. It judges nothing.
//
// Only internal/app imports it, and the stages reach it through interfaces of
// their own. Invariant: nothing is touched except through the scope's guard.
package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Session is one run's way into the estate; internal/ingest provides it.
type Session interface {
	Emit(ctx context.Context, b *gyre.Batch) error
	Finish(ctx context.Context, status gyre.RunStatus, report plugin.Report) (gyre.Run, error)
}

// Begin opens a session for a run.
type Begin func(ctx context.Context, ws gyre.ID, run gyre.Run) (Session, error)

// Stage runs sources and importers.
type Stage struct {
	Sources   []plugin.Source
	Importers []plugin.Importer
	Begin     Begin
	// BeginDated opens a session for a run that tells what was seen when it started,
	// however long it takes: that of a report which says when its tool looked.
	BeginDated Begin
	// Check holds the batches of a report against what storing them demands; each
	// report gets one of its own.
	Check func() plugin.Emit
	// Guard makes the guard of a scope. Runs of one scope share it, so that
	// its rate is the scope's, not the run's.
	Guard func(gyre.Scope) (plugin.Guard, error)
	Log   *slog.Logger
	// RunLimit bounds one run; zero is an hour.
	RunLimit time.Duration
}

// Job is one source (or, with Source nil, the importers) at one target of one scope.
type Job struct {
	Scope  gyre.Scope
	Target gyre.Target
	Source plugin.Source

	folder string // the file target whose folder Target.File is one report of
}

// FileSource is the run source of file targets: the importers, one for each file.
// A report that says when its tool looked has a run of its own, whose source is its importer, as
// if it had been uploaded; all others of a folder share the run of the target.
const FileSource = "file"

// SourceName is the Source of the job's run.
func (j Job) SourceName() string {
	if j.Source == nil {
		return FileSource
	}
	return j.Source.Info().Name
}

// TargetKey names a target within its scope; it is the Target of a run.
func TargetKey(t gyre.Target) string {
	switch {
	case t.CIDR != "":
		return t.CIDR
	case t.Domain != "":
		return "domain:" + t.Domain
	case t.Root != "":
		return "root:" + t.Root
	}
	return "file:" + t.File
}

// Jobs lists the work of a discover stage over scopes, in order.
func (s *Stage) Jobs(scopes []gyre.Scope) []Job {
	var jobs []Job
	for _, sc := range scopes {
		for _, t := range sc.Targets {
			if t.File != "" {
				jobs = append(jobs, Job{Scope: sc, Target: t})
				continue
			}
			for _, src := range s.Sources {
				if src.Accepts(t) {
					jobs = append(jobs, Job{Scope: sc, Target: t, Source: src})
				}
			}
		}
	}
	return jobs
}

// JobFor finds the job that a stored run executed, so that it can be run again.
func (s *Stage) JobFor(sc gyre.Scope, source, target string) (Job, bool) {
	for _, j := range s.Jobs([]gyre.Scope{sc}) {
		key := TargetKey(j.Target)
		if key == target && (j.SourceName() == source || j.Source == nil) {
			return j, true
		}
		if j.Source == nil && strings.HasPrefix(target, key+string(filepath.Separator)) { // one report of a folder
			j.folder, j.Target.File = j.Target.File, strings.TrimPrefix(target, "file:")
			return j, true
		}
	}
	return Job{}, false
}

// Retests says whether the job can look at one place alone.
func (j Job) Retests(a gyre.Aspect) bool {
	if j.Source == nil {
		return false
	}
	for _, have := range j.Source.Aspects() {
		if have == a {
			return true
		}
	}
	return false
}

// Run executes one job as one run and returns it as stored. The error is about
// Gyre itself; a job that failed on its target is a run with RunFailed.
func (s *Stage) Run(ctx context.Context, ws, cycle gyre.ID, j Job, only *plugin.Place, progress plugin.Progress) (gyre.Run, error) {
	run := gyre.Run{
		ID: gyre.NewID(), Workspace: ws, Cycle: cycle, Scope: j.Scope.ID,
		Source: j.SourceName(), Target: TargetKey(j.Target), Status: gyre.RunRunning, Started: time.Now(),
	}
	if progress == nil {
		progress = func(int, int, string) {}
	}
	if j.Source == nil {
		return s.runFiles(ctx, run, j, progress)
	}
	sess, err := s.begin(ctx, s.Begin, run)
	if err != nil {
		return run, err
	}
	report, runErr := s.guarded(ctx, j, func(ctx context.Context, guard plugin.Guard, log *slog.Logger) (plugin.Report, error) {
		return j.Source.Run(ctx, plugin.Request{
			Scope: j.Scope, Target: j.Target, Guard: guard, Progress: progress, Log: log, Only: only,
		}, sess.Emit)
	})
	return finish(ctx, sess, report, runErr)
}

func (s *Stage) begin(ctx context.Context, begin Begin, run gyre.Run) (Session, error) {
	sess, err := begin(ctx, run.Workspace, run)
	if err != nil {
		return nil, fmt.Errorf("begin run of %s at %s: %w", run.Source, run.Target, err)
	}
	return sess, nil
}

// guarded looks at the job's target, within the time of a run and under its scope's guard.
func (s *Stage) guarded(ctx context.Context, j Job, look func(context.Context, plugin.Guard, *slog.Logger) (plugin.Report, error)) (report plugin.Report, err error) {
	limit := cmp.Or(s.RunLimit, time.Hour)
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() {
		if errors.Is(err, context.DeadlineExceeded) && errors.Is(ctx.Err(), context.DeadlineExceeded) && outer.Err() == nil {
			err = gyre.Errorf(gyre.Unavailable, "it took longer than %v and was stopped", limit)
		}
	}()
	guard, err := s.Guard(j.Scope)
	if err != nil {
		return plugin.Report{}, err
	}
	log := s.Log.With("source", j.SourceName(), "target", TargetKey(j.Target))
	// A plug-in parses what strangers wrote; a defect in it must not take the
	// other runs down.
	defer func() {
		if p := recover(); p != nil {
			log.Error("plug-in panicked", "panic", p)
			err = gyre.Errorf(gyre.Internal, "plug-in %s panicked: %v", j.SourceName(), p)
		}
	}()
	return look(ctx, guard, log)
}

// finish ends the run with the status that its report and error call for. It
// must work when ctx is over, because that is when a run is cancelled.
func finish(ctx context.Context, sess Session, report plugin.Report, runErr error) (gyre.Run, error) {
	status := gyre.RunSucceeded
	switch {
	case runErr != nil && errors.Is(ctx.Err(), context.Canceled):
		status = gyre.RunCancelled
		report.Limits = append(report.Limits, "cancelled before the end")
	case runErr != nil:
		status = gyre.RunFailed
		report.Problems = append(report.Problems, problemOf(runErr))
	case len(report.Problems) > 0:
		status = gyre.RunPartial
	}
	run, err := sess.Finish(context.WithoutCancel(ctx), status, report)
	if err != nil {
		return run, fmt.Errorf("finish run: %w", err)
	}
	if status == gyre.RunCancelled {
		return run, ctx.Err()
	}
	return run, nil
}

func problemOf(err error) gyre.Problem {
	if e, ok := errors.AsType[*gyre.Error](err); ok && e.Field != "" {
		return gyre.Problem{Place: e.Field, Reason: e.Message}
	}
	return gyre.Problem{Place: "run", Reason: err.Error()}
}
