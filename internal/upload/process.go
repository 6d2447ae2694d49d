// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package upload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// touchEvery is how often a worker says that it lives; one that was silent for
// as long as Silent is dead.
const (
	touchEvery = time.Second
	Silent     = 10 * time.Second
)

// Process imports an upload, from wherever it is to its end. It takes the upload
// over from whoever had it. An upload that is refused ends as failed, and that is no
// error of Process; an error means that it stands where it was and can be processed again:
// the database or the process gave way, or (gyre.ErrUploadTaken) somebody else has it.
func (s *Stage) Process(ctx context.Context, ws, id gyre.ID, progress plugin.Progress) (gyre.Upload, error) {
	if progress == nil {
		progress = func(int, int, string) {}
	}
	u, err := s.Store.ClaimUpload(ctx, ws, id)
	if err != nil || u.State.Ended() {
		return u, err
	}
	p := &process{Stage: s, u: u, progress: progress}
	if err := p.guarded(ctx); err != nil {
		if !errors.Is(err, gyre.ErrUploadTaken) && ctx.Err() == nil {
			if stall := s.Store.StallUpload(ctx, ws, id, u.Fence, err); stall != nil {
				err = errors.Join(err, stall)
			}
		}
		return p.u, fmt.Errorf("import %s: %w", id, err)
	}
	return s.Store.Upload(ctx, ws, id)
}

// process is the work on one upload by one worker.
type process struct {
	*Stage
	u        gyre.Upload
	progress plugin.Progress
	read     atomic.Int64 // bytes, by the pass that runs
	tool     string       // that made the report, once it was checked
	// What the checking pass learned of the document, so that the storing pass reads it
	// in one go. That nothing is stored of a broken document the checking pass sees to; a
	// process that takes the upload over has no memory, and the same batches.
	memory plugin.Memory
}

// guarded runs the work for as long as the upload is this worker's: it tells the
// store that the worker lives, and learns so that the upload was cancelled or taken.
func (p *process) guarded(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	done := make(chan struct{})
	ws, id, fence := p.u.Workspace, p.u.ID, p.u.Fence // the work replaces p.u
	var beat sync.WaitGroup
	beat.Go(func() {
		tick := time.NewTicker(touchEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := p.Store.TouchUpload(ctx, ws, id, fence, p.read.Load()); errors.Is(err, gyre.ErrUploadTaken) {
				stop(err)
				return
			}
		}
	})
	err := p.run(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	close(done)
	stop(nil)
	beat.Wait()
	return err
}

func (p *process) run(ctx context.Context) error {
	// Each step leaves the upload in the next state, in the transaction of what it
	// does; so each turn of this loop could be made by another process.
	for {
		over, err := p.step(ctx)
		if err != nil || over {
			return err
		}
		now, err := p.Store.Upload(ctx, p.u.Workspace, p.u.ID)
		if err != nil {
			return err
		}
		if now.Fence != p.u.Fence {
			return gyre.ErrUploadTaken
		}
		p.u = now
	}
}

// step does the work of the state that the upload is in.
func (p *process) step(ctx context.Context) (over bool, err error) {
	switch p.u.State {
	case gyre.UploadChecking:
		return p.checkAndBegin(ctx)
	case gyre.UploadStoring:
		return p.store(ctx)
	case gyre.UploadJudging:
		return false, p.judge(ctx)
	case gyre.UploadPlanning:
		p.progress(0, 0, string(p.u.State))
		if err := p.Plan(ctx, p.u.Workspace); err != nil {
			return false, err
		}
		return true, p.end(ctx, gyre.UploadDone, nil)
	}
	return true, nil
}

func (p *process) end(ctx context.Context, to gyre.UploadState, why error) error {
	return p.Store.EndUpload(context.WithoutCancel(ctx), p.u.Workspace, p.u.ID, p.u.Fence, to, why)
}

// document is the upload's content, to be read once; content says afterwards
// whether reading it went wrong.
func (p *process) document(ctx context.Context, at func(read int64)) (d Document, content *reader) {
	content = newReader(ctx, p.Store, p.u, at)
	return Document{Name: p.u.Name, Format: p.u.Format, Asset: p.u.Asset, Address: p.u.Address, Zone: p.u.Zone, Reader: content, Memory: &p.memory}, content
}

// checkAndBegin checks the whole report, and where nothing is wrong stores the
// run that will store it. What is wrong ends the upload.
func (p *process) checkAndBegin(ctx context.Context) (over bool, err error) {
	checked, err := p.check(ctx)
	if err != nil {
		return false, err
	}
	if checked.refused != nil {
		return true, p.end(ctx, gyre.UploadFailed, checked.refused)
	}
	p.u.Format, p.u.Parser, p.u.Looked, p.u.Batches = checked.info.Name, parserOf(checked.info), checked.report.Looked, checked.batches
	p.tool = checked.report.Tool
	if err := p.Store.CheckedUpload(ctx, p.u); err != nil {
		return false, err
	}
	return false, p.Begin(ctx, p.u, p.newRun())
}

// newRun is the run of the upload, dated from when the tool looked; a report that does
// not say is as old as its upload, and none is younger.
func (p *process) newRun() gyre.Run {
	looked := p.u.Looked
	if looked.IsZero() || looked.After(p.u.Created) {
		looked = p.u.Created
	}
	return gyre.Run{ID: gyre.NewID(), Workspace: p.u.Workspace, Source: p.u.Format, Tool: p.tool, Target: p.u.Name, Status: gyre.RunRunning, Started: looked}
}

// checked is what a checking pass has shown.
type checked struct {
	info    plugin.Info
	report  plugin.Report
	batches int
	refused error // what is wrong with the report
}

// check parses and validates the whole report and stores nothing. Its error is
// about Gyre, not about the report.
func (p *process) check(ctx context.Context) (checked, error) {
	d, content := p.document(ctx, func(read int64) {
		p.read.Store(read)
		p.progress(int(read), int(p.u.Size), string(p.u.State))
	})
	checker := p.Checker()
	var wrong error // as the checker says it; importers may say it otherwise
	c := checked{}
	c.info, c.report, c.refused = pipelined(ctx, func(ctx context.Context, emit plugin.Emit) (plugin.Info, plugin.Report, error) {
		return p.Parse(ctx, d, func(int, int, string) {}, emit)
	}, func(ctx context.Context, b *gyre.Batch) error {
		err := checker.Emit(ctx, b)
		if err != nil && wrong == nil && ctx.Err() == nil {
			wrong = inFile(d.Name, err)
		}
		return err
	})
	c.batches = checker.Batches()
	switch {
	case ctx.Err() != nil:
		return c, ctx.Err()
	case content.err != nil:
		return c, content.err
	case wrong != nil:
		c.refused = wrong
	}
	return c, nil
}

// inFile puts a place in the batches of a file into the file.
func inFile(name string, err error) error {
	e, ok := errors.AsType[*gyre.Error](err)
	if !ok || e.Field == "" {
		return err
	}
	placed := *e
	placed.Field = name + ":" + e.Field
	return &placed
}

// store stores what is not stored yet, and ends the run.
func (p *process) store(ctx context.Context) (over bool, err error) {
	if p.u.Stored > 0 && !slices.Contains(p.Parsers, p.u.Parser) {
		// A newer Gyre reads the report otherwise, so that numbers of batches mean nothing
		// any more. What is stored is stored again, which changes nothing.
		p.Log.Info("import begun by another version of the importer: stored anew", "upload", p.u.ID, "by", p.u.Parser)
		p.u.Stored, p.u.Stage = 0, gyre.RunCounts{}
	}
	sess, err := p.TakeUp(ctx, p.u)
	if err != nil {
		return false, err
	}
	d, content := p.document(ctx, func(int64) {})
	d.Format = p.u.Format
	n := 0
	_, report, failure := pipelined(ctx, func(ctx context.Context, emit plugin.Emit) (plugin.Info, plugin.Report, error) {
		return p.Parse(ctx, d, func(int, int, string) {}, func(ctx context.Context, b *gyre.Batch) error {
			if err := sess.Prepare(b); err != nil {
				return err
			}
			return emit(ctx, b)
		})
	}, func(ctx context.Context, b *gyre.Batch) error {
		n++
		p.progress(n, p.u.Batches, string(p.u.State))
		return sess.Emit(ctx, b)
	})
	p.memory = plugin.Memory{} // the steps that follow have a use for the room
	switch {
	case failure != nil && content.err != nil:
		return false, content.err
	case failure != nil && transient(ctx, failure):
		return false, failure
	case failure != nil: // what the checking pass let through: a defect
		p.Log.Error("a checked report could not be stored", "upload", p.u.ID, "error", failure)
		report.Problems = append(report.Problems, gyre.Problem{Place: "run", Reason: failure.Error()})
		if _, err := sess.Finish(context.WithoutCancel(ctx), gyre.RunFailed, report); err != nil {
			return false, err
		}
		return true, p.end(ctx, gyre.UploadFailed, failure)
	}
	_, err = sess.Finish(ctx, statusOf(report), report)
	return false, err
}

// transient says that the work can go on later where it was: the fault is not
// the report's.
func transient(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	switch gyre.ErrorCode(err) {
	case gyre.Invalid, gyre.TooLarge, gyre.Forbidden, gyre.NotFound:
		return false
	}
	return true
}

// judge holds checks and advisories against what the run brought.
func (p *process) judge(ctx context.Context) error {
	run, err := p.Store.Run(ctx, p.u.Workspace, p.u.Run)
	if err != nil {
		return err
	}
	p.progress(0, 0, string(p.u.State))
	// What was stored is planned meanwhile; the step after this one plans what judging
	// finds, and meets the error if there is one.
	var planning sync.WaitGroup
	defer planning.Wait()
	planning.Go(func() { _ = gyre.Caught(func() error { return p.Plan(ctx, p.u.Workspace) }) })
	return p.Judge(ctx, p.u, run)
}
