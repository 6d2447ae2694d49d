// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/discover"
	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/scope"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/plugin"
)

// lines is an importer of files whose first line is its name, and whose other
// lines are hosts. "bad" is a line that it cannot read, "boom" one that it cannot survive.
type lines string

func (l lines) Info() plugin.Info { return plugin.Info{Name: string(l)} }

func (l lines) Detect(_ string, head []byte) int {
	first, _, _ := strings.Cut(string(head), "\n")
	switch {
	case first == string(l):
		return 90
	case first == "either":
		return 50
	}
	return 0
}

func (l lines) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	b := &gyre.Batch{}
	report := plugin.Report{}
	sc := bufio.NewScanner(in.Reader)
	for n := 1; sc.Scan(); n++ {
		switch text := sc.Text(); {
		case n == 1 && text != string(l) && text != "either":
			return plugin.Report{}, gyre.FieldErrorf(gyre.Invalid, in.Name+":1", "is not %s", l)
		case n == 1:
		case strings.HasPrefix(text, "looked "):
			report.Looked, _ = time.Parse(time.DateOnly, strings.TrimPrefix(text, "looked "))
		case strings.HasPrefix(text, "finds "):
			ref := b.Assets[len(b.Assets)-1].Ref
			b.Findings = append(b.Findings, gyre.Finding{
				Asset: ref, Aspect: gyre.AspectHost, Locus: "kernel", Severity: gyre.SeverityHigh,
				Weakness: gyre.Weakness{Key: strings.TrimPrefix(text, "finds "), Title: "t", Class: gyre.Vulnerability},
			})
		case text == "boom":
			panic(text)
		case text == "bad":
			return plugin.Report{}, gyre.FieldErrorf(gyre.Invalid, in.Name+":"+string(rune('0'+n)), "is no host")
		default: // every file counts its hosts from one
			ref := gyre.Ref("host-" + string(rune('0'+n)))
			b.Assets = append(b.Assets, gyre.AssetSighting{Ref: ref, Kind: gyre.Host, Name: text, Identifiers: []gyre.Identifier{{Type: gyre.IDMachine, Value: text}}})
			b.Facts = append(b.Facts, gyre.Fact{Asset: ref, Aspect: gyre.AspectHost, Data: map[string]any{"file": in.Name}})
			b.Coverage = append(b.Coverage, gyre.Coverage{Judged: !report.Looked.IsZero(), Asset: ref, Aspect: gyre.AspectHost})
		}
	}
	return report, emit(ctx, b)
}

// slow is a source that never answers.
type slow struct{}

func (slow) Info() plugin.Info          { return plugin.Info{Name: "slow"} }
func (slow) Accepts(t gyre.Target) bool { return t.CIDR != "" }
func (slow) Aspects() []gyre.Aspect     { return []gyre.Aspect{gyre.AspectTLS} }
func (slow) Run(ctx context.Context, _ plugin.Request, _ plugin.Emit) (plugin.Report, error) {
	<-ctx.Done()
	return plugin.Report{}, ctx.Err()
}

type world struct {
	*testing.T
	db    *store.DB
	ws    gyre.ID
	stage *discover.Stage
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, db: storetest.Open(t, store.SQLite)}
	ws, err := w.db.EnsureWorkspace(t.Context(), "main")
	w.ok(err)
	w.ws = ws.ID
	in := &ingest.Ingest{InTx: func(ctx context.Context, ws gyre.ID, fn func(ingest.Tx) error) error {
		return w.db.Write(ctx, ws, func(tx *store.Tx) error { return fn(tx) })
	}}
	guards := scope.NewGuards(scope.GuardOptions{Now: time.Now, Kill: t.Context(), Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(guards.Close)
	w.stage = &discover.Stage{
		Sources: []plugin.Source{slow{}}, Importers: []plugin.Importer{lines("alpha"), lines("beta")}, Guard: guards.Guard, Log: slog.New(slog.DiscardHandler),
		Begin: func(ctx context.Context, ws gyre.ID, run gyre.Run) (discover.Session, error) {
			return in.Begin(ctx, ws, run)
		},
		BeginDated: func(ctx context.Context, ws gyre.ID, run gyre.Run) (discover.Session, error) {
			return in.BeginDated(ctx, ws, run)
		},
		Check: func() plugin.Emit { return ingest.NewChecker().Emit },
	}
	return w
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// hosts lists what is known: "name file".
func (w *world) hosts() (list []string) {
	w.Helper()
	w.ok(w.db.ProjectionAssets(w.Context(), w.ws, nil, func(a store.ProjectionAsset) error {
		facts, err := w.db.Facts(w.Context(), w.ws, a.ID)
		for _, f := range facts {
			list = append(list, a.Name+" "+f.Data["file"].(string))
		}
		return err
	}))
	slices.Sort(list)
	return list
}

func (w *world) have(want ...string) {
	w.Helper()
	if d := cmp.Diff(want, w.hosts()); d != "" {
		w.Errorf("hosts (-want +got):\n%s", d)
	}
}

// parse parses a report and lists its hosts.
func (w *world) parse(name, format, text string) (importer string, hosts []string, err error) {
	up := discover.Upload{Name: name, Format: format, Reader: strings.NewReader(text)}
	info, _, err := w.stage.Parse(w.Context(), up, func(int, int, string) {}, func(_ context.Context, b *gyre.Batch) error {
		for _, a := range b.Assets {
			hosts = append(hosts, a.Name)
		}
		return nil
	})
	return info.Name, hosts, err
}

func TestParse(t *testing.T) {
	w := newWorld(t)
	importer, hosts, err := w.parse("a.txt", "", "alpha\nweb\ndb\n")
	w.ok(err)
	if importer != "alpha" || !slices.Equal(hosts, []string{"web", "db"}) {
		t.Errorf("%s: %v", importer, hosts)
	}
	importer, _, err = w.parse("either.txt", "beta", "either\nmail\n")
	w.ok(err)
	if importer != "beta" {
		t.Errorf("asked for beta, got %s", importer)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		format, text string
		field, says  string
	}{
		"unknown":         {"", "gamma\nweb\n", "f.txt", "unknown format; name it if it is one of alpha, beta"},
		"ambiguous":       {"", "either\nweb\n", "f.txt", "could be alpha or beta"},
		"no such format":  {"gamma", "alpha\nweb\n", "format", `no importer is called "gamma"; there are alpha, beta`},
		"another format":  {"beta", "alpha\nweb\n", "f.txt:1", "is not beta"},
		"empty":           {"", "", "f.txt", "empty"},
		"broken":          {"", "alpha\nweb\nbad\n", "f.txt:3", "is no host"},
		"breaks importer": {"", "alpha\nweb\nboom\n", "f.txt", "importer alpha panicked: boom"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := newWorld(t).parse("f.txt", tc.format, tc.text)
			e, ok := errors.AsType[*gyre.Error](err)
			if !ok || e.Field != tc.field || !strings.Contains(e.Message, tc.says) {
				t.Fatalf("error %v, want %s: %s", err, tc.field, tc.says)
			}
		})
	}
}

// folder writes files and runs a file target over them.
func (w *world) folder(change func(dir string, s *gyre.Scope), files map[string]string) (gyre.Run, string) {
	w.Helper()
	dir := w.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		w.ok(os.MkdirAll(filepath.Dir(p), 0o700))
		w.ok(os.WriteFile(p, []byte(text), 0o600))
	}
	s := gyre.Scope{ID: gyre.NewID(), Name: "s", Targets: []gyre.Target{{File: dir}}}
	if change != nil {
		change(dir, &s)
	}
	run, err := w.stage.Run(w.Context(), w.ws, 0, w.stage.Jobs([]gyre.Scope{s})[0], nil, nil)
	w.ok(err)
	return run, dir
}

// TestFolder: a bad file is a problem, and the others are imported. What no
// importer knows, what is hidden and what is excluded is left out; refs of two files
// that are called the same are two hosts.
func TestFolder(t *testing.T) {
	w := newWorld(t)
	run, dir := w.folder(func(dir string, s *gyre.Scope) { s.Exclusions = []string{filepath.Join(dir, "private")} }, map[string]string{
		"1.txt": "alpha\nweb\n", "2.txt": "alpha\nbad\n", "3.txt": "beta\ndb\n", "sub/4.txt": "beta\nmail\n", "5.txt": "beta\nboom\n",
		"readme": "gamma", ".hidden": "alpha\nhidden\n", ".git/6.txt": "alpha\nhidden\n", "private/7.txt": "alpha\nsecret\n",
	})
	w.have("db 3.txt", "mail sub/4.txt", "web 1.txt")
	if run.Source != "file" || run.Target != "file:"+dir || run.Status != gyre.RunPartial {
		t.Errorf("the run: %+v", run)
	}
	var places []string
	for _, p := range run.Problems {
		places = append(places, p.Place)
	}
	if d := cmp.Diff([]string{"2.txt:2", "5.txt"}, places); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
	limits := strings.Join(run.Limits, "\n")
	if !strings.Contains(limits, "readme: no importer knows this format") || !strings.Contains(limits, "private/7.txt: excluded by the scope") || len(run.Limits) != 2 {
		t.Errorf("limits: %v", run.Limits)
	}
}

// TestPartialFolder: while one file cannot be read, nothing that another run
// saw expires.
func TestPartialFolder(t *testing.T) {
	w := newWorld(t)
	sess, err := w.stage.Begin(t.Context(), w.ws, gyre.Run{Source: "alpha", Target: "a.txt", Started: time.Now()})
	w.ok(err)
	_, report, err := w.stage.Parse(t.Context(), discover.Upload{Name: "a.txt", Reader: strings.NewReader("alpha\nweb\n")}, func(int, int, string) {}, sess.Emit)
	w.ok(err)
	_, err = sess.Finish(t.Context(), gyre.RunSucceeded, report)
	w.ok(err)
	if run, _ := w.folder(nil, map[string]string{"1.txt": "alpha\nbad\n"}); run.Status != gyre.RunPartial && run.Status != gyre.RunFailed {
		t.Errorf("the run is %s", run.Status)
	}
	w.have("web a.txt")
}

// exposures lists what is known: "host weakness state first last".
func (w *world) exposures() (list []string) {
	w.Helper()
	w.ok(w.db.EachExposure(w.Context(), w.ws, func(e gyre.Exposure) error {
		a, err := w.db.Asset(w.Context(), w.ws, e.Asset)
		w.ok(err)
		x, err := w.db.Weakness(w.Context(), w.ws, e.Weakness)
		list = append(list, fmt.Sprint(a.Name, " ", x.Key, " ", e.State, " ", e.FirstSeen.Format(time.DateOnly), " ", e.LastSeen.Format(time.DateOnly)))
		return err
	}))
	slices.Sort(list)
	return list
}

// TestLookedDates: a report that says when its tool looked is of that day, and not
// of the day when its folder was read: an old one in the folder neither counts as fresh,
// nor brings back what a newer one shows gone, in whatever order they are read.
func TestLookedDates(t *testing.T) {
	w := newWorld(t)
	files := map[string]string{
		"1-new.txt": "alpha\nlooked 2026-03-01\nweb\nfinds B\n", "2-old.txt": "alpha\nlooked 2026-01-01\nweb\nfinds A\nfinds B\n",
		"3-bad.txt": "alpha\nlooked 2026-03-01\nweb\nfinds C\nbad\n", "4-other.txt": "beta\nlooked 2026-02-01\nweb\nfinds D\n", "5-now.txt": "alpha\ndb\n",
	}
	run, dir := w.folder(nil, files)
	want := []string{
		"web A fixed 2026-01-01 2026-01-01", // the newer report of the same tool covers it and does not see it
		"web B open 2026-01-01 2026-03-01",
		"web D open 2026-02-01 2026-02-01", // the other tool has never seen it
	}
	if d := cmp.Diff(want, w.exposures()); d != "" {
		t.Errorf("exposures (-want +got):\n%s", d)
	}
	if run.Status != gyre.RunPartial || len(run.Problems) != 1 || run.Problems[0].Place != "3-bad.txt:5" {
		t.Errorf("the run of the target: %s, %v", run.Status, run.Problems)
	}
	runs, err := w.db.Runs(t.Context(), w.ws, 0, 100)
	w.ok(err)
	got := map[string]string{}
	for _, r := range runs {
		got[strings.TrimPrefix(r.Target, "file:"+dir)] = r.Source + " " + r.Started.Format(time.DateOnly) + " " + string(r.Status)
	}
	if d := cmp.Diff(map[string]string{
		"": "file " + time.Now().UTC().Format(time.DateOnly) + " partial", "/1-new.txt": "alpha 2026-03-01 succeeded",
		"/2-old.txt": "alpha 2026-01-01 succeeded", "/4-other.txt": "beta 2026-02-01 succeeded",
	}, got); d != "" {
		t.Errorf("runs (-want +got):\n%s", d)
	}
	// The next cycle reads the same again, and nothing changes.
	s := gyre.Scope{ID: gyre.NewID(), Name: "s", Targets: []gyre.Target{{File: dir}}}
	before := w.hosts()
	_, err = w.stage.Run(t.Context(), w.ws, 0, w.stage.Jobs([]gyre.Scope{s})[0], nil, nil)
	w.ok(err)
	if d := cmp.Diff(want, w.exposures()); d != "" {
		t.Errorf("exposures after the same again (-want +got):\n%s", d)
	}
	w.have(before...)
	// One report of the folder can be read again, under the name that it has there.
	j, ok := w.stage.JobFor(s, "alpha", "file:"+filepath.Join(dir, "1-new.txt"))
	if !ok {
		t.Fatal("no job for a report of the folder")
	}
	one, err := w.stage.Run(t.Context(), w.ws, 0, j, nil, nil)
	w.ok(err)
	if one.Status != gyre.RunSucceeded || one.Source != "alpha" || one.Target != "file:"+filepath.Join(dir, "1-new.txt") || one.Started.Format(time.DateOnly) != "2026-03-01" {
		t.Errorf("its run: %+v", one)
	}
}

func TestFileTarget(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(dir string, s *gyre.Scope)
		status gyre.RunStatus
		says   string
		hosts  []string
	}{
		"one dated file": {func(dir string, s *gyre.Scope) { s.Targets[0].File = filepath.Join(dir, "3.txt") }, gyre.RunSucceeded, "", []string{"web 3.txt"}},
		"one file":       {func(dir string, s *gyre.Scope) { s.Targets[0].File = filepath.Join(dir, "1.txt") }, gyre.RunSucceeded, "", []string{"web 1.txt"}},
		"broken":         {func(dir string, s *gyre.Scope) { s.Targets[0].File = filepath.Join(dir, "2.txt") }, gyre.RunFailed, "2.txt:2", nil},
		"wrong format": {func(dir string, s *gyre.Scope) {
			s.Targets[0].File, s.Targets[0].Format = filepath.Join(dir, "1.txt"), "beta"
		}, gyre.RunFailed, "1.txt:1", nil},
		"no such file": {func(dir string, s *gyre.Scope) { s.Targets[0].File = filepath.Join(dir, "9.txt") }, gyre.RunFailed, "9.txt", nil},
		"excluded file": {func(dir string, s *gyre.Scope) {
			s.Targets[0].File = filepath.Join(dir, "1.txt")
			s.Exclusions = []string{dir}
		}, gyre.RunFailed, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			run, _ := w.folder(tc.change, map[string]string{"1.txt": "alpha\nweb\n", "2.txt": "alpha\nbad\n", "3.txt": "alpha\nlooked 2026-03-01\nweb\n"})
			if run.Status != tc.status {
				t.Errorf("the run is %s, want %s: %+v", run.Status, tc.status, run.Problems)
			}
			if tc.status == gyre.RunFailed && (len(run.Problems) != 1 || !strings.Contains(run.Problems[0].Place, tc.says)) {
				t.Errorf("problems: %+v", run.Problems)
			}
			w.have(tc.hosts...)
		})
	}
}

// TestRunLimit: a run that does not end is failed, not cancelled, and the caller goes on.
func TestRunLimit(t *testing.T) {
	w := newWorld(t)
	w.stage.RunLimit = 50 * time.Millisecond
	s := gyre.Scope{ID: gyre.NewID(), Name: "s", Targets: []gyre.Target{{CIDR: "127.0.0.9"}}}
	j := w.stage.Jobs([]gyre.Scope{s})[0]
	run, err := w.stage.Run(t.Context(), w.ws, 0, j, nil, nil)
	w.ok(err)
	if run.Status != gyre.RunFailed || len(run.Problems) != 1 || !strings.Contains(run.Problems[0].Reason, "took longer than 50ms") {
		t.Errorf("the run: %s, %+v", run.Status, run.Problems)
	}
	w.stage.RunLimit = 0
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	run, err = w.stage.Run(ctx, w.ws, 0, j, nil, nil)
	if !errors.Is(err, context.Canceled) || run.Status != gyre.RunCancelled {
		t.Errorf("cancelled: %v, run %s", err, run.Status)
	}
}

func TestJobs(t *testing.T) {
	w := newWorld(t)
	s := gyre.Scope{ID: gyre.NewID(), Targets: []gyre.Target{{CIDR: "127.0.0.9"}, {File: "/reports"}, {Root: "/"}}}
	var got []string
	for _, j := range w.stage.Jobs([]gyre.Scope{s}) {
		got = append(got, j.SourceName()+" "+discover.TargetKey(j.Target))
	}
	if d := cmp.Diff([]string{"slow 127.0.0.9", "file file:/reports"}, got); d != "" {
		t.Errorf("jobs (-want +got):\n%s", d)
	}
	j, ok := w.stage.JobFor(s, "slow", "127.0.0.9")
	if !ok || !j.Retests(gyre.AspectTLS) || j.Retests(gyre.AspectHTTP) {
		t.Errorf("job %+v, %v", j, ok)
	}
	if j, ok := w.stage.JobFor(s, "file", "file:/reports"); !ok || j.Retests(gyre.AspectTLS) {
		t.Errorf("a report can be looked at in one place: %v", ok)
	}
	if _, ok := w.stage.JobFor(s, "slow", "127.0.0.10"); ok {
		t.Error("a job for a target that is gone")
	}
}
