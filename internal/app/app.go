// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/audit"
	"github.com/gyre-ctem/gyre/internal/auth"
	"github.com/gyre-ctem/gyre/internal/check"
	"github.com/gyre-ctem/gyre/internal/config"
	"github.com/gyre-ctem/gyre/internal/cycle"
	"github.com/gyre-ctem/gyre/internal/discover"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/identify"
	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/intel"
	"github.com/gyre-ctem/gyre/internal/job"
	"github.com/gyre-ctem/gyre/internal/projection"
	"github.com/gyre-ctem/gyre/internal/scope"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/upload"
	"github.com/gyre-ctem/gyre/internal/validate"
	"github.com/gyre-ctem/gyre/packs"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugins/all"
	"github.com/gyre-ctem/gyre/web"
)

// defaultWorkspace is the tenant of an installation that has only one.
const defaultWorkspace = "default"

// Options say what to run on.
type Options struct {
	Config  *config.Config
	Log     *slog.Logger
	Version string
	// Worker: the process only works jobs, on a PostgreSQL database that it shares;
	// it has no data folder. Queues and Zones say which; none of either is all.
	Worker bool
	Queues []string
	Zones  []gyre.Zone
}

// App is Gyre in one process, on one database.
type App struct {
	opt       Options
	folder    *Folder
	db        *store.DB
	workspace gyre.Workspace
	projected *projection.Projection
	engine    *cycle.Engine
	queue     *job.Queue
	schedules *job.Schedules
	judge     *identify.Stage
	guards    *scope.Guards
	intel     *intel.Intel
	auth      *auth.Auth
	ingest    *ingest.Ingest
	discover  *discover.Stage
	validate  *validate.Stage
	plan      *cycle.Plan
	uploads   *upload.Stage
	checks    *check.Set
	edition   string // of the checks
	api       http.Handler
	server    *server

	kill   context.CancelFunc // stops every probe and every stream
	killed <-chan struct{}    // closed by kill
}

// Open takes the data folder, opens the database and wires everything. It
// probes nothing and listens nowhere.
func Open(ctx context.Context, opt Options) (_ *App, err error) {
	boundHeap()
	a := &App{opt: opt}
	defer func() {
		if err != nil {
			_ = a.Close()
		}
	}()
	if err = a.openFolder(); err != nil {
		return nil, err
	}
	if a.db, err = store.Open(ctx, opt.Config.Database()); err != nil {
		return nil, err
	}
	gone, err := time.ParseDuration(opt.Config.Get("worker-timeout"))
	if err != nil {
		return nil, gyre.FieldErrorf(gyre.Invalid, "worker-timeout", "%v", err)
	}
	a.queue, err = job.New(ctx, job.Options{DB: a.db, Log: opt.Log, Version: opt.Version, GoneAfter: gone}, a.kinds()...)
	if err != nil {
		return nil, err
	}
	a.schedules = &job.Schedules{Queue: a.queue, DB: a.db, Log: opt.Log, Check: a.checkSchedule, Prepare: a.prepareSchedule}
	a.queue.Tick = func(ctx context.Context) { a.schedules.Fire(ctx, time.Now()) }
	// What dead processes left running is interrupted, and their jobs are taken back.
	if err = a.queue.Join(ctx); err != nil {
		return nil, err
	}
	if a.workspace, err = a.db.EnsureWorkspace(ctx, defaultWorkspace); err != nil {
		return nil, fmt.Errorf("make workspace: %w", err)
	}
	if a.checks, a.edition, err = loadChecks(opt.Config.Get("checks")); err != nil {
		return nil, err
	}
	for _, note := range a.checks.Notes() {
		opt.Log.Info("check pack", "note", note)
	}
	killed, kill := context.WithCancel(context.WithoutCancel(ctx))
	a.kill, a.killed = kill, killed.Done()
	if err := a.wire(killed); err != nil {
		return nil, err
	}
	return a, nil
}

// loadChecks loads the packs, and sums up their text.
func loadChecks(folder string) (*check.Set, string, error) {
	sources := []fs.FS{packs.Checks()}
	if folder != "" {
		if st, err := os.Stat(folder); err != nil || !st.IsDir() {
			return nil, "", gyre.FieldErrorf(gyre.Invalid, "checks", "%q is not a folder", folder)
		}
		sources = append(sources, os.DirFS(folder))
	}
	set, err := check.Load(sources...)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.New()
	for _, source := range sources {
		err := fs.WalkDir(source, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			text, err := fs.ReadFile(source, name)
			fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
			return err
		})
		if err != nil {
			return nil, "", fmt.Errorf("read checks: %w", err)
		}
	}
	return set, hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// wire connects the stages. killed ends when the process shuts down.
func (a *App) wire(killed context.Context) error {
	log, cfg := a.opt.Log, a.opt.Config
	a.projected = projection.New(projectionStore{a.db})
	a.projected.Past(func(at time.Time) projection.Source { return pastStore{a.db.AsOf(at)} })
	a.guards = scope.NewGuards(scope.GuardOptions{Now: time.Now, Kill: killed, Log: log})
	ingester := &ingest.Ingest{
		InTx: func(ctx context.Context, ws gyre.ID, fn func(ingest.Tx) error) error {
			return a.db.Write(ctx, ws, func(tx *store.Tx) error { return fn(tx) })
		},
		Now:       time.Now,
		ActionKey: actionKey,
	}
	a.ingest = ingester
	// The options have checked them.
	ingester.AddressBinding, _ = time.ParseDuration(a.opt.Config.Get("address-binding"))
	ingester.NameBinding, _ = time.ParseDuration(a.opt.Config.Get("name-binding"))
	a.discover = &discover.Stage{
		Sources: all.Sources(), Importers: all.Importers(), Guard: a.guards.Guard, Log: log,
		Begin: func(ctx context.Context, ws gyre.ID, run gyre.Run) (discover.Session, error) {
			return ingester.Begin(ctx, ws, run)
		},
		BeginDated: func(ctx context.Context, ws gyre.ID, run gyre.Run) (discover.Session, error) {
			return ingester.BeginDated(ctx, ws, run)
		},
		Check: func() plugin.Emit { return ingest.NewChecker().Emit },
	}
	a.judge = &identify.Stage{
		Store: a.db, Checks: a.checks, Log: log, Now: time.Now,
		Begin: func(ctx context.Context, ws gyre.ID, run gyre.Run) (identify.Session, error) {
			return ingester.BeginDated(ctx, ws, run)
		},
	}
	maxAge, err := time.ParseDuration(cfg.Get("feed-interval"))
	if err != nil {
		return gyre.FieldErrorf(gyre.Invalid, "feed-interval", "%v", err)
	}
	a.intel = intel.New(a.db, all.Feeds(), intel.Config{
		Base: cfg.Get("feeds"), MaxAge: maxAge, Now: time.Now, Log: log,
		Ecosystems: func(ctx context.Context) ([]string, error) { return a.db.Ecosystems(ctx, a.workspace.ID) },
		Synced:     func(ctx context.Context) error { return a.unify(ctx) },
	})
	a.plan = &cycle.Plan{
		Risks: a.risks, Store: a.db, Guides: a.checks, Save: a.savePlan, Now: time.Now, Edition: strings.ReplaceAll(a.opt.Version, " ", "_") + "/" + a.edition,
	}
	a.validate = &validate.Stage{Store: a.db, Look: a.lookAgain, Identify: a.judge, Log: log, Now: time.Now}
	a.engine = &cycle.Engine{
		Store: cycleStore{a.db, a, a.projected}, Discover: jobs{a.discover, a}, Identify: a.judge, Queued: true,
		Prioritize: &cycle.Bands{Scores: a.projected, Record: a.recordBands},
		Remediate:  a.plan, Validate: a.validate, SyncIntel: a.syncIntel, Log: log, Now: time.Now,
	}
	if a.uploads, err = a.newUploads(ingester, a.judge); err != nil {
		return err
	}
	if a.auth, err = a.newAuth(); err != nil {
		return err
	}
	a.api = a.newAPI(killed)
	return nil
}

// Close stops cycles and probes, and gives the database and the folder back.
// Calling it again does nothing.
func (a *App) Close() error {
	var errs []error
	if a.queue != nil { // first: what runs goes back to its queue, and does not fail
		errs = append(errs, a.queue.Close())
		a.queue = nil
	}
	if a.kill != nil {
		a.kill()
	}
	if a.engine != nil {
		a.engine.Close()
	}
	if a.guards != nil {
		a.guards.Close()
	}
	if a.db != nil {
		errs = append(errs, a.db.Close())
		a.db = nil
	}
	if a.folder != nil {
		errs = append(errs, a.folder.Release())
		a.folder = nil
	}
	return errors.Join(errs...)
}

// newAPI puts the HTTP API over the stages.
func (a *App) newAPI(killed context.Context) http.Handler {
	console, _ := web.FS()
	return httpapi.New(killed, httpapi.Deps{
		Auth: a.auth, Audit: audit.New(a.db), Lists: a.projected, Score: a.score,
		Exposures: a.db, Correlation: correlation{a.db, a.ingest}, Assets: a.db, Identities: a.db, Actions: a.db, History: a.db, Scopes: a.db, Filters: a.db, Replies: a.db, Workspaces: a.db,
		Jobs: jobsAPI{a.queue, a}, Schedules: a.schedules,
		Cycles: cycles{a.engine, a}, Validator: validator{a}, Imports: imports{a}, Uploads: a.db, Feeds: feeds{a}, Doctor: a, Gauges: a,
		Past:       &past{trends{db: a.db}, a.projected},
		Compactor:  a,
		CheckScope: checkScope, CheckFilter: checkFilter,
		Console: console, Registry: prometheus.NewRegistry(), Log: a.opt.Log, Now: time.Now, Version: a.opt.Version,
		Hosts: a.hosts(), TLS: a.opt.Config.Get("tls-cert") != "",
	})
}
