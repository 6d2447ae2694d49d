// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/discover"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/identify"
	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/job"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/upload"
	"github.com/gyre-ctem/gyre/plugin"
)

// lookForUploads is how often a server looks for imports whose worker has died.
const lookForUploads = 5 * time.Second

// newUploads wires the taking in of reports to the stages that they go through.
func (a *App) newUploads(ingester *ingest.Ingest, judge *identify.Stage) (*upload.Stage, error) {
	cfg := a.opt.Config
	s := &upload.Stage{
		Store: a.db, Parsers: upload.ParserNames(a.discover.Importers), Log: a.opt.Log, Now: time.Now, Free: a.freeSpace(),
		Checker: func() upload.Checker { return ingest.NewChecker() },
		Parse: func(ctx context.Context, d upload.Document, progress plugin.Progress, emit plugin.Emit) (plugin.Info, plugin.Report, error) {
			return a.discover.Parse(ctx, discover.Upload{
				Name: d.Name, Format: d.Format, Zone: d.Zone, Asset: d.Asset, Address: d.Address, Reader: d.Reader, Memory: d.Memory,
			}, progress, emit)
		},
		Begin: func(ctx context.Context, u gyre.Upload, run gyre.Run) error {
			_, err := ingester.Begin(ctx, u.Workspace, run, ingest.Storing(u))
			return err
		},
		TakeUp: func(ctx context.Context, u gyre.Upload) (upload.Session, error) {
			return ingester.TakeUp(ctx, u.Workspace, u)
		},
		Judge: func(ctx context.Context, u gyre.Upload, run gyre.Run) error {
			own := *judge
			own.Begin = func(ctx context.Context, ws gyre.ID, run gyre.Run) (identify.Session, error) {
				return ingester.Begin(ctx, ws, run, ingest.Judging(u))
			}
			_, err := own.Identify(ctx, u.Workspace, run)
			return err
		},
		Preview: func(ctx context.Context, ws gyre.ID, fn func(upload.Trial) error) error {
			return a.db.Try(ctx, ws, func(t *store.Trial) error {
				return fn(newTrial(t, ws, judge))
			})
		},
		Plan: func(ctx context.Context, ws gyre.ID) error {
			_, err := a.plan.Plan(ctx, ws)
			return err
		},
	}
	for key, n := range map[string]*int64{"upload-size": &s.MaxSize, "disk-reserve": &s.Reserve} {
		var err error
		if *n, err = strconv.ParseInt(cfg.Get(key), 10, 64); err != nil {
			return nil, gyre.FieldErrorf(gyre.Invalid, key, "%v", err)
		}
	}
	var err error
	if s.MaxOpen, err = strconv.Atoi(cfg.Get("upload-queue")); err != nil {
		return nil, gyre.FieldErrorf(gyre.Invalid, "upload-queue", "%v", err)
	}
	return s, nil
}

// freeSpace asks the disk that the database lies on, where that is known: a
// PostgreSQL server keeps its own, and says itself when it is full.
func (a *App) freeSpace() func() (int64, error) {
	if a.db.Engine() != store.SQLite {
		return nil
	}
	return a.db.FreeSpace
}

// openUploads lists the imports that nobody works on.
func (a *App) openUploads(ctx context.Context) ([]gyre.Upload, error) {
	silent := upload.Silent
	if a.db.Engine() == store.SQLite {
		silent = 0 // no other process has the database, so what this one does not do nobody does
	}
	workspaces, err := a.db.Workspaces(ctx)
	if err != nil {
		return nil, err
	}
	var all []gyre.Upload
	for _, ws := range workspaces {
		open, err := a.db.OpenUploads(ctx, ws.ID, silent)
		if err != nil {
			return nil, err
		}
		all = append(all, open...)
	}
	return all, nil
}

// watchUploads has what nobody works on imported: reports that were received
// just before their process died, or by a command without a server.
func (a *App) watchUploads(ctx context.Context) {
	tick := time.NewTicker(lookForUploads)
	defer tick.Stop()
	for {
		all, err := a.openUploads(ctx)
		for _, u := range all {
			if err == nil {
				err = a.ensureImport(ctx, u, "system")
			}
		}
		if err != nil && ctx.Err() == nil {
			a.opt.Log.Warn("look for waiting imports", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ensureImport asks for the job that imports a report, unless there is one.
func (a *App) ensureImport(ctx context.Context, u gyre.Upload, actor string) error {
	if j, err := a.db.JobOfObject(ctx, u.Workspace, u.ID); err != nil || j != 0 {
		return err
	}
	return a.queueImport(ctx, u, actor)
}

// queueImport asks for a job that imports a report. One that runs may be about
// to end, with what was before a person asked for it again.
func (a *App) queueImport(ctx context.Context, u gyre.Upload, actor string) error {
	_, err := a.queue.Add(ctx, u.Workspace, job.Request{
		Kind: kindImport, Name: u.ID.String(), Actor: actor, Object: u.ID, Args: importArgs{u.ID},
	})
	return err
}

// workImport goes on with an import from where it is. The upload has a fence of
// its own, and ends as failed when the report is refused: that is no failure of the job.
func (a *App) workImport(ctx context.Context, t *job.Task) (any, error) {
	args, err := job.Decode[importArgs](t)
	if err != nil {
		return nil, err
	}
	u, err := a.uploads.Process(ctx, t.Workspace, args.Upload, t.Progress)
	switch {
	case errors.Is(context.Cause(ctx), job.ErrCancelled):
		_, err := a.db.CancelUpload(context.WithoutCancel(ctx), t.Workspace, args.Upload, "job")
		return nil, errors.Join(job.ErrCancelled, err)
	case errors.Is(err, gyre.ErrUploadTaken):
		return nil, job.Later(time.Second)
	}
	if err == nil {
		t.Progress(1, 1, u.Name+": "+string(u.State))
	}
	return nil, err
}

// dropImport cancels an import whose job was cancelled before anybody began it.
func (a *App) dropImport(ctx context.Context, j gyre.Job) error {
	_, err := a.db.CancelUpload(ctx, j.Workspace, j.Object, "job")
	return err
}

// sweepUploads removes what is kept of reports for longer than the settings say.
func (a *App) sweepUploads(ctx context.Context) error {
	keep, err := time.ParseDuration(a.opt.Config.Get("upload-keep"))
	if err != nil {
		return gyre.FieldErrorf(gyre.Invalid, "upload-keep", "%v", err)
	}
	workspaces, err := a.db.Workspaces(ctx)
	if err != nil {
		return err
	}
	for _, ws := range workspaces {
		if err := a.db.SweepUploads(ctx, ws.ID, keep); err != nil {
			return err
		}
	}
	return nil
}

// imports takes reports in for the API.
type imports struct{ app *App }

func (i imports) input(in httpapi.Import) upload.Input {
	return upload.Input{
		Name: in.Name, Format: in.Format, Asset: in.Asset, Address: in.Address, Zone: in.Zone, By: in.By, Key: in.Key,
		Again: in.Again, Size: in.Size, Body: in.Body,
	}
}

func (i imports) Receive(ctx context.Context, ws gyre.ID, in httpapi.Import) (httpapi.Received, error) {
	u, replayed, err := i.app.uploads.Receive(ctx, ws, i.input(in))
	if err != nil {
		return httpapi.Received{}, err
	}
	if !u.State.Ended() && u.State != gyre.UploadReceiving {
		if err := i.app.ensureImport(ctx, u, in.By); err != nil {
			return httpapi.Received{}, err
		}
	}
	return httpapi.Received{Upload: u, Replayed: replayed}, nil
}

// Wait looks again whenever the estate has changed, by whichever process.
func (i imports) Wait(ctx context.Context, ws, id gyre.ID) (gyre.Upload, error) {
	changed, cancel := i.app.db.Subscribe(ws)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		u, err := i.app.db.Upload(ctx, ws, id)
		if err != nil || u.State.Ended() {
			return u, err
		}
		select {
		case _, open := <-changed:
			if !open {
				return u, gyre.Errorf(gyre.Unavailable, "Gyre is stopping; import %s goes on when it runs again", id)
			}
		case <-tick.C:
		case <-i.app.killed:
			return u, gyre.Errorf(gyre.Unavailable, "Gyre is stopping; import %s goes on when it runs again", id)
		case <-ctx.Done():
			return u, gyre.Errorf(gyre.Unavailable, "import %s goes on without its caller: %w", id, ctx.Err())
		}
	}
}

func (i imports) Preview(ctx context.Context, ws gyre.ID, in httpapi.Import) (gyre.UploadPreview, error) {
	return i.app.uploads.TryOut(ctx, ws, i.input(in))
}

func (i imports) Cancel(ctx context.Context, ws, id gyre.ID, actor string) (gyre.Upload, error) {
	return i.app.db.CancelUpload(ctx, ws, id, actor)
}

func (i imports) Retry(ctx context.Context, ws, id gyre.ID, actor string) (gyre.Upload, error) {
	u, err := i.app.db.RetryUpload(ctx, ws, id, actor)
	if err == nil && !u.State.Ended() && u.State != gyre.UploadReceiving {
		err = i.app.queueImport(ctx, u, actor)
	}
	return u, err
}

// trial does within a transaction, which is thrown away, what an import does.
type trial struct {
	*store.Trial
	ws       gyre.ID
	ingester *ingest.Ingest
	judge    identify.Stage
}

func newTrial(t *store.Trial, ws gyre.ID, judge *identify.Stage) trial {
	in := &ingest.Ingest{
		InTx: func(ctx context.Context, _ gyre.ID, fn func(ingest.Tx) error) error {
			return t.Write(ctx, func(tx *store.Tx) error { return fn(tx) })
		},
		Now: time.Now,
	}
	own := *judge
	own.Store = t.Reader()
	own.Begin = func(ctx context.Context, ws gyre.ID, run gyre.Run) (identify.Session, error) {
		return in.BeginDated(ctx, ws, run)
	}
	return trial{Trial: t, ws: ws, ingester: in, judge: own}
}

func (t trial) Begin(ctx context.Context, run gyre.Run) (upload.Session, error) {
	return t.ingester.BeginDated(ctx, t.ws, run)
}

func (t trial) Judge(ctx context.Context, run gyre.Run) (gyre.Run, error) {
	return t.judge.Identify(ctx, t.ws, run)
}
