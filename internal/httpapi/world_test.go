// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/audit"
	"github.com/gyre-ctem/gyre/internal/auth"
	"github.com/gyre-ctem/gyre/internal/expr"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/job"
	"github.com/gyre-ctem/gyre/internal/prioritize"
	"github.com/gyre-ctem/gyre/internal/projection"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

const password = "correct horse battery"

// world is a real server over a real store and projection. What touches the
// estate (cycles, validation, imports, feeds) is played by the test.
type world struct {
	t       testing.TB
	db      *store.DB
	ws      gyre.ID
	auth    *auth.Auth
	handler http.Handler
	url     string
	log     *syncBuffer
	offset  atomic.Int64 // of the clock, in nanoseconds
	stages  *stages
	stop    context.CancelFunc
}

func (w *world) now() time.Time {
	return time.Now().UTC().Add(time.Duration(w.offset.Load())).Truncate(time.Microsecond)
}

func (w *world) pass(d time.Duration) { w.offset.Add(int64(d)) }

func newWorld(t testing.TB, change ...func(*http.Server)) *world {
	t.Helper()
	w := &world{t: t, db: storetest.Open(t, store.SQLite), log: &syncBuffer{}}
	ws, err := w.db.EnsureWorkspace(t.Context(), "default")
	must(t, err)
	w.ws, w.stages = ws.ID, &stages{w: w}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.auth = auth.New(auth.Config{Store: w.db, Sessions: w.db.Sessions(), Workspace: ws.ID, Log: log, Now: w.now})
	lists := projection.New(projectionStore{w.db})
	lists.Past(func(at time.Time) projection.Source { return pastStore{w.db.AsOf(at)} })
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	jobs := w.jobs(log)
	w.handler = httpapi.New(ctx, httpapi.Deps{
		Auth: w.auth, Audit: audit.New(w.db), Lists: lists,
		Score: func(ctx context.Context, ws, id gyre.ID) (gyre.Score, error) {
			in, err := lists.Input(ctx, ws, id)
			return prioritize.Score(in, prioritize.Sources{}), err
		},
		Exposures: w.db, Correlation: correlating(w.db), Assets: w.db, Identities: w.db, Actions: w.db, History: w.db, Scopes: w.db, Filters: w.db, Replies: w.db, Workspaces: w.db,
		Jobs: jobs, Schedules: w.schedules(jobs, log),
		Cycles: w.stages, Validator: w.stages, Imports: importing{w.stages}, Uploads: w.db, Feeds: w.stages, Doctor: w.stages, Gauges: w.stages,
		Past: past{w.db, lists}, Compactor: compactor{w.db},
		CheckScope: func(s gyre.Scope) error {
			if s.Name == "" {
				return gyre.FieldErrorf(gyre.Invalid, "name", "a scope needs a name")
			}
			return nil
		},
		CheckFilter: func(_, filter string) error {
			_, err := expr.CompileFilter(expr.ExposureSchema, filter, time.Now())
			return err
		},
		Console: fstest.MapFS{
			"index.html":             {Data: []byte("<!doctype html><title>Gyre</title>")},
			"scheme.js":              {Data: []byte("1")},
			"assets/main-abc123.js":  {Data: []byte("export {}")},
			"assets/main-abc123.css": {Data: []byte("a{}")},
		},
		Registry: prometheus.NewRegistry(), Log: log, Now: w.now, Version: "test", Hosts: []string{"gyre.example.org"},
	})
	srv := httptest.NewUnstartedServer(w.handler)
	srv.Config = httpapi.NewServer(w.handler, log)
	for _, f := range change {
		f(srv.Config)
	}
	srv.Start()
	w.url = srv.URL
	t.Cleanup(func() {
		stop()
		srv.CloseClientConnections()
		srv.Close()
	})
	return w
}

// queue is a real queue, of one kind of job.
type queue struct{ *job.Queue }

func (q queue) Add(ctx context.Context, ws gyre.ID, in gyre.JobInput, actor string) (gyre.Job, error) {
	return q.Queue.Add(ctx, ws, job.Request{Kind: in.Kind, Actor: actor, Name: in.Feed})
}

// schedules are real ones, whose only job is the queue's.
func (w *world) schedules(q queue, log *slog.Logger) *job.Schedules {
	return &job.Schedules{Queue: q.Queue, DB: w.db, Log: log}
}

func (w *world) jobs(log *slog.Logger) queue {
	w.t.Helper()
	q, err := job.New(w.t.Context(), job.Options{DB: w.db, Log: log}, job.Kind{
		Name: "sync", Attempts: 1, Parallel: 1, Waiting: 2,
		Work: func(ctx context.Context, t *job.Task) (any, error) {
			if w.stages.takes > 0 {
				return nil, w.stages.work(ctx)
			}
			return nil, gyre.Errorf(gyre.Invalid, "this one fails")
		},
	})
	must(w.t, err)
	w.t.Cleanup(func() { must(w.t, q.Close()) })
	must(w.t, q.Join(w.t.Context()))
	return queue{q}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// projectionStore is the store as the projection reads it.
// correlating is what the API reads and rules of names, over the real store.
func correlating(db *store.DB) httpapi.Correlation {
	return struct {
		*store.DB
		*ingest.Ingest
	}{db, &ingest.Ingest{InTx: func(ctx context.Context, ws gyre.ID, fn func(ingest.Tx) error) error {
		return db.Write(ctx, ws, func(tx *store.Tx) error { return fn(tx) })
	}}}
}

type projectionStore struct{ *store.DB }

func (s projectionStore) Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Asset) error) error {
	return s.ProjectionAssets(ctx, ws, ids, func(a store.ProjectionAsset) error { return yield(projection.Asset(a)) })
}

func (s projectionStore) Weaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Weakness) error) error {
	return s.ProjectionWeaknesses(ctx, ws, ids, func(w store.ProjectionWeakness) error { return yield(projection.Weakness(w)) })
}

func (s projectionStore) Exposures(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Exposure) error) error {
	return s.ProjectionExposures(ctx, ws, ids, func(e store.ProjectionExposure) error { return yield(projection.Exposure(e)) })
}

// syncBuffer is a log that tests can read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// stages plays what touches the estate.
type stages struct {
	w        *world
	panics   bool
	takes    time.Duration // validating, importing and syncing
	started  atomic.Int64
	imported atomic.Int64 // bytes
	lastIn   httpapi.Import
	watchers sync.Map
}

func (s *stages) Start(ctx context.Context, ws gyre.ID, scopes []gyre.ID, trigger string) (gyre.Cycle, error) {
	s.started.Add(1)
	c := gyre.Cycle{State: gyre.CycleRunning, Scopes: scopes, Trigger: trigger, Started: s.w.now()}
	for _, st := range gyre.Stages {
		c.Stages = append(c.Stages, gyre.CycleStage{Stage: st, State: "waiting"})
	}
	return s.w.db.CreateCycle(ctx, ws, c)
}

func (s *stages) Resume(ctx context.Context, ws, id gyre.ID) (gyre.Cycle, error) {
	c, err := s.w.db.Cycle(ctx, ws, id)
	if err == nil && c.State == gyre.CycleFinished {
		err = gyre.Errorf(gyre.Conflict, "cycle %d is finished", c.Number)
	}
	return c, err
}

func (s *stages) Cancel(ctx context.Context, ws, id gyre.ID) error {
	_, err := s.w.db.Cycle(ctx, ws, id)
	return err
}

func (s *stages) Watch(gyre.ID) (<-chan gyre.Cycle, func()) {
	ch := make(chan gyre.Cycle, 1)
	s.watchers.Store(ch, true)
	return ch, func() { s.watchers.Delete(ch) }
}

func (s *stages) tell(c gyre.Cycle) {
	s.watchers.Range(func(ch, _ any) bool {
		ch.(chan gyre.Cycle) <- c
		return true
	})
}

func (s *stages) Validate(ctx context.Context, ws, exposure gyre.ID, by string) (gyre.Verdict, error) {
	if s.panics {
		panic("the validator is broken")
	}
	if err := s.work(ctx); err != nil {
		return gyre.Verdict{}, err
	}
	if _, err := s.w.db.Exposure(ctx, ws, exposure); err != nil {
		return gyre.Verdict{}, err
	}
	v := gyre.Verdict{ID: gyre.NewID(), Exposure: exposure, Run: 1, Method: "retest", Outcome: gyre.OutcomeStillThere, By: by, At: s.w.now()}
	return v, s.w.db.AddVerdict(ctx, ws, v)
}

// importing plays the import of uploads: it counts bytes.
type importing struct{ *stages }

func (s importing) Receive(ctx context.Context, ws gyre.ID, in httpapi.Import) (r httpapi.Received, err error) {
	s.lastIn = in
	u, found, err := s.w.db.CreateUpload(ctx, ws, gyre.Upload{ID: gyre.NewID(), Name: in.Name, Key: in.Key, Actor: in.By}, 10)
	if err != nil || found {
		return httpapi.Received{Upload: u, Replayed: found}, err
	}
	n, err := io.Copy(io.Discard, in.Body)
	if err != nil {
		return r, err
	}
	s.imported.Store(n)
	u, err = s.w.db.FinishUpload(ctx, ws, u.ID, n, "digest", in.Name+strconv.FormatInt(n, 10), []string{"test@1"}, in.Again)
	return httpapi.Received{Upload: u}, err
}

// Wait does the work too.
func (s importing) Wait(ctx context.Context, ws, id gyre.ID) (gyre.Upload, error) {
	u, err := s.w.db.ClaimUpload(ctx, ws, id)
	if err != nil || u.State.Ended() {
		return u, err
	}
	if err := s.work(ctx); err != nil {
		return u, err
	}
	u.Parser = "test@1"
	if err := s.w.db.CheckedUpload(ctx, u); err != nil {
		return u, err
	}
	run := gyre.Run{ID: gyre.NewID(), Source: "test", Target: u.Name, Status: gyre.RunSucceeded, Started: s.w.now(), Ended: s.w.now()}
	err = s.w.db.Write(ctx, ws, func(tx *store.Tx) error {
		if err := tx.SaveRun(ctx, run); err != nil {
			return err
		}
		return tx.StepUpload(ctx, gyre.UploadStep{Upload: id, Fence: u.Fence, From: gyre.UploadChecking, To: gyre.UploadPlanning, Run: run.ID, Counts: gyre.RunCounts{Created: 7}})
	})
	if err != nil {
		return u, err
	}
	if err := s.w.db.EndUpload(ctx, ws, id, u.Fence, gyre.UploadDone, nil); err != nil {
		return u, err
	}
	return s.w.db.Upload(ctx, ws, id)
}

func (s importing) Preview(_ context.Context, _ gyre.ID, in httpapi.Import) (gyre.UploadPreview, error) {
	_, err := io.Copy(io.Discard, in.Body)
	return gyre.UploadPreview{Name: in.Name, Format: "test", Counts: gyre.RunCounts{Created: 7}}, err
}

func (s importing) Cancel(ctx context.Context, ws, id gyre.ID, actor string) (gyre.Upload, error) {
	return s.w.db.CancelUpload(ctx, ws, id, actor)
}

func (s importing) Retry(ctx context.Context, ws, id gyre.ID, actor string) (gyre.Upload, error) {
	return s.w.db.RetryUpload(ctx, ws, id, actor)
}

func (s *stages) Feeds(context.Context) ([]gyre.FeedStatus, error) {
	return []gyre.FeedStatus{{Name: "kev", Title: "KEV", Base: "https://example.org", Missing: "which weaknesses are exploited"}}, nil
}

// work takes its time, and stops when the caller has gone.
func (s *stages) work(ctx context.Context) error {
	select {
	case <-time.After(s.takes):
		return nil
	case <-ctx.Done():
		return gyre.Errorf(gyre.Unavailable, "cut short: %w", ctx.Err())
	}
}

func (s *stages) SyncFeeds(ctx context.Context, name string) ([]gyre.FeedStatus, error) {
	if err := s.work(ctx); err != nil {
		return nil, err
	}
	if name != "" && name != "kev" {
		return nil, gyre.FieldErrorf(gyre.NotFound, "name", "there is no feed %q", name)
	}
	return s.Feeds(ctx)
}

func (s *stages) Examine(context.Context, gyre.ID) []httpapi.Examination {
	return []httpapi.Examination{{Name: "database", OK: true, Detail: "answers"}}
}

func (s *stages) Gauges(context.Context) ([]httpapi.Gauge, error) {
	return []httpapi.Gauge{{Name: "gyre_risk_points", Help: "Risk.", Labels: map[string]string{"workspace": "default"}, Value: 42}}, nil
}

// caller makes requests with some proof of who it is.
type caller struct {
	w      *world
	cookie string
	token  string
}

func (w *world) anonymous() *caller { return &caller{w: w} }

// as signs in as an account of a role, which it makes.
func (w *world) as(role gyre.Role) *caller { return w.named("the-"+string(role), role) }

func (w *world) named(name string, role gyre.Role) *caller {
	w.t.Helper()
	if _, err := w.auth.CreateAccount(w.t.Context(), w.ws, name, role, password); err != nil && gyre.ErrorCode(err) != gyre.Conflict {
		w.t.Fatal(err)
	}
	c := w.anonymous()
	a := c.do("POST", "/session", map[string]string{"name": name, "password": password})
	a.want(w.t, http.StatusOK)
	c.cookie = a.cookie(auth.CookieName)
	if c.cookie == "" {
		w.t.Fatal("signing in set no cookie")
	}
	return c
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   []byte
	raw    *http.Response
}

type option func(*http.Request)

func header(name, value string) option { return func(r *http.Request) { r.Header.Set(name, value) } }
func host(name string) option          { return func(r *http.Request) { r.Host = name } }

// do calls the API; body is JSON, or an io.Reader as it is.
func (c *caller) do(method, path string, body any, options ...option) *answer {
	c.w.t.Helper()
	return c.raw(method, "/api/v1"+path, body, options...)
}

func (c *caller) raw(method, path string, body any, options ...option) *answer {
	c.w.t.Helper()
	a, err := c.try(method, path, body, options...)
	must(c.w.t, err)
	return a
}

func (c *caller) try(method, path string, body any, options ...option) (*answer, error) {
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case io.Reader:
		reader = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, c.w.url+path, reader)
	if err != nil {
		return nil, err
	}
	if reader != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.cookie != "" {
		req.AddCookie(&http.Cookie{Name: auth.CookieName, Value: c.cookie})
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, o := range options {
		o(req)
	}
	client := http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return &answer{resp.StatusCode, resp.Header, text, resp}, err
}

func (a *answer) want(t testing.TB, status int) *answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

func (a *answer) cookie(name string) string {
	for _, c := range a.raw.Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func read[T any](t testing.TB, a *answer) (v T) {
	t.Helper()
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("answer %s: %v", a.body, err)
	}
	return v
}

// problem checks that an answer is a problem of a code, and returns it.
func (a *answer) problem(t testing.TB, status int, code gyre.Code) httpapi.Problem {
	t.Helper()
	a.want(t, status)
	if ct := a.header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("content type %q", ct)
	}
	p := read[httpapi.Problem](t, a)
	if p.Code != code || p.Status != status || p.Title == "" || p.Detail == "" {
		t.Errorf("problem %+v, want code %s and status %d with title and detail", p, code, status)
	}
	return p
}

// planted is an estate of two hosts with n exposures of one weakness each.
type planted struct {
	assets    []gyre.Asset
	exposures []gyre.Exposure
}

func (w *world) plant(n int) planted {
	w.t.Helper()
	var p planted
	at := w.now().Add(-time.Hour)
	ctx := w.t.Context()
	weak := gyre.Weakness{
		ID: gyre.NewID(), Key: "CVE-2024-6387", Class: gyre.Vulnerability, Title: "regreSSHion", Severity: gyre.SeverityHigh, CVSSScore: 8.1, Published: at,
	}
	for i, zone := range []gyre.Zone{gyre.ZoneInternet, gyre.ZoneInternal} {
		p.assets = append(p.assets, gyre.Asset{
			ID: gyre.NewID(), Workspace: w.ws, Kind: gyre.Host, Name: fmt.Sprintf("web-%d", i+1), Zone: zone, FirstSeen: at, LastSeen: at,
		})
	}
	must(w.t, w.db.Write(ctx, w.ws, func(tx *store.Tx) error {
		var obs []gyre.Observation
		for _, a := range p.assets {
			tx.Append(gyre.Event{Object: "asset", ID: a.ID, Kind: "created", Actor: "run:1"})
			for i := range n {
				x := gyre.Exposure{
					ID: gyre.NewID(), Workspace: w.ws, Asset: a.ID, Weakness: weak.ID, Locus: fmt.Sprintf("tcp/%d", 1000+i), Aspect: gyre.AspectService,
					Class: gyre.Vulnerability, Severity: gyre.SeverityHigh, State: gyre.StateOpen, StateSince: at, FirstSeen: at, LastSeen: at,
					Remedy: gyre.Remedy{Kind: gyre.RemedyUpgrade, Package: "openssh", Fixed: "9.8"},
				}
				p.exposures = append(p.exposures, x)
				obs = append(obs, gyre.Observation{ID: gyre.NewID(), Exposure: x.ID, Run: 1, Source: "network", Seen: true, At: at, Evidence: gyre.Evidence{Summary: "banner"}})
				tx.Append(gyre.Event{Object: "exposure", ID: x.ID, Kind: "created", To: "open", Actor: "run:1"})
			}
		}
		return errors.Join(tx.SaveAssets(ctx, p.assets), tx.SaveWeaknesses(ctx, []gyre.Weakness{weak}), tx.SaveExposures(ctx, p.exposures), tx.SaveObservations(ctx, obs, nil))
	}))
	return p
}

func (p planted) ids() []gyre.ID {
	var ids []gyre.ID
	for _, e := range p.exposures {
		ids = append(ids, e.ID)
	}
	return ids
}
