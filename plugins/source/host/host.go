// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package host is the source that looks at a host from the inside: the root
// folder of this machine ("/") or of another one that lies in a folder. It
// finds OS and language packages, secrets in files, the settings of sshd and
// sudo, and on this machine the listening sockets with their processes.
//
// plugins/all registers it; nobody else imports it. Invariants:
//   - It only reads. Nothing outside the root is opened, wherever symbolic
//     links point, except /proc when the root is this machine's.
//   - It needs no privileges. What it may not read is left out of its coverage
//     and named in Report.Limits.
//   - No secret's value leaves it.
//   - It talks to no network and starts no program.
package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Limits of one run.
const (
	defaultBudget   = 5 * time.Minute
	perFile         = 30 * time.Second
	maxPackageFile  = 128 << 20 // lockfiles, package databases
	maxProgram      = 512 << 20
	maxSecretFile   = 1 << 20
	maxConfigFile   = 1 << 20
	maxEntries      = 10_000_000
	maxDepth        = 100
	batchComponents = 2000
)

const ref gyre.Ref = "host"

// Source is the host source.
type Source struct {
	budget time.Duration
	proc   string // where this machine's /proc is
}

// New returns the source.
func New() *Source {
	quiet()
	return &Source{budget: defaultBudget, proc: "/proc"}
}

// Info describes the source.
func (*Source) Info() plugin.Info {
	return plugin.Info{
		Name: "host", Title: "Host inventory", Version: "1",
		Description: "Packages, secrets, configuration files and listening sockets of a host, from its root folder.",
	}
}

// Accepts says that root folders are what it looks at.
func (*Source) Accepts(t gyre.Target) bool { return t.Root != "" }

// Aspects lists what it can look at again.
func (*Source) Aspects() []gyre.Aspect {
	return []gyre.Aspect{gyre.AspectPackage, gyre.AspectFile, gyre.AspectSocket, gyre.AspectSecret}
}

// run is one run over one root.
type run struct {
	req    plugin.Request
	emit   plugin.Emit
	asset  gyre.Ref
	log    *slog.Logger
	path   string // absolute path of the root
	root   *os.Root
	live   bool // the root is this machine's
	proc   string
	limits limits
	report plugin.Report
}

// Run looks at one root.
func (s *Source) Run(ctx context.Context, req plugin.Request, emit plugin.Emit) (plugin.Report, error) {
	if err := ctx.Err(); err != nil {
		return plugin.Report{}, err
	}
	r, err := s.open(req, emit)
	if err != nil {
		return plugin.Report{}, err
	}
	defer func() { _ = r.root.Close() }()
	me := r.identify()
	if req.Only != nil {
		err = r.retest(ctx, me)
	} else {
		err = r.inventory(ctx, me, s.budget)
	}
	r.report.Limits = append(r.report.Limits, r.limits.text()...)
	if err == nil {
		err = ctx.Err()
	}
	return r.report, err
}

func (s *Source) open(req plugin.Request, emit plugin.Emit) (*run, error) {
	path, err := filepath.Abs(req.Target.Root)
	if err != nil {
		return nil, gyre.FieldErrorf(gyre.Invalid, "root", "%q: %v", req.Target.Root, err)
	}
	if err := req.Guard.AllowPath(path); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, gyre.FieldErrorf(gyre.NotFound, "root", "there is no folder %s", path)
	case err != nil:
		return nil, gyre.FieldErrorf(gyre.Unavailable, "root", "open %s: %v", path, err)
	}
	if req.Progress == nil {
		req.Progress = func(int, int, string) {}
	}
	log := req.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &run{
		req: req, emit: emit, asset: ref, log: log, path: path, root: root,
		live: path == string(filepath.Separator), proc: s.proc,
	}, nil
}

// inventory looks at everything.
func (r *run) inventory(ctx context.Context, me gyre.AssetSighting, budget time.Duration) error {
	if err := r.emit(ctx, &gyre.Batch{Assets: []gyre.AssetSighting{me}}); err != nil {
		return err
	}
	if err := r.configuration(ctx, configPlaces); err != nil {
		return err
	}
	if r.live {
		if err := r.sockets(ctx, nil); err != nil {
			return err
		}
	}
	return r.walkAll(ctx, budget)
}

// at is the absolute path of a slash-separated path relative to the root.
func (r *run) at(rel string) string { return filepath.Join(r.path, filepath.FromSlash(rel)) }

// open opens a regular file within the root; links that lead out are refused.
func (r *run) openFile(rel string) (*os.File, fs.FileInfo, error) {
	f, err := r.root.Open(filepath.FromSlash(rel))
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", rel)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// locus is the path of a file as places name it: absolute within the root.
func locus(rel string) string { return "/" + strings.TrimPrefix(rel, "/") }

// limits counts what could not be looked at, with a few examples of each reason.
type limits struct {
	mu       sync.Mutex
	byReason map[string]*limit
}

type limit struct {
	count    int
	examples []string
}

func (l *limits) add(reason, place string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byReason == nil {
		l.byReason = map[string]*limit{}
	}
	e := l.byReason[reason]
	if e == nil {
		e = &limit{}
		l.byReason[reason] = e
	}
	if e.count++; len(e.examples) < 3 {
		e.examples = append(e.examples, place)
	}
}

func (l *limits) text() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, reason := range sortedKeys(l.byReason) {
		e := l.byReason[reason]
		s := fmt.Sprintf("%s: %d (%s", reason, e.count, strings.Join(e.examples, ", "))
		if e.count > len(e.examples) {
			s += ", …"
		}
		out = append(out, s+")")
	}
	return out
}
