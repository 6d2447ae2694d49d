// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package validate_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/check"
	"github.com/gyre-ctem/gyre/internal/discover"
	"github.com/gyre-ctem/gyre/internal/identify"
	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/internal/validate"
	"github.com/gyre-ctem/gyre/plugin"
)

const pack = `checks:
  - id: test.telnet
    aspect: service
    class: exposed_service
    title: Telnet
    severity: high
    cwe: [CWE-319]
    condition: fact.protocol == "telnet"
    evidence:
      summary: "{asset} speaks {protocol} at {locus}"
      show: [protocol]
    motive: It can be read.
    effort: low
    remediation:
      text: Turn it off.
      steps: [{platform: any, text: Turn it off.}]
    references: ["https://example.com/"]
`

// eye is a source that sees what the test says is there.
type eye struct {
	ports map[string]map[string]any
	blind string // why it cannot look
	err   error
	after func() // what happens while it looks
	only  []string
}

func (*eye) Info() plugin.Info          { return plugin.Info{Name: "eye"} }
func (*eye) Accepts(t gyre.Target) bool { return t.CIDR != "" }
func (*eye) Aspects() []gyre.Aspect     { return []gyre.Aspect{gyre.AspectService} }

func (e *eye) Run(ctx context.Context, req plugin.Request, emit plugin.Emit) (plugin.Report, error) {
	if e.after != nil {
		defer e.after()
	}
	if e.err != nil {
		return plugin.Report{}, e.err
	}
	if e.blind != "" {
		return plugin.Report{Limits: []string{e.blind}}, nil
	}
	b := &gyre.Batch{Assets: []gyre.AssetSighting{{
		Ref: "h", Kind: gyre.Host, Name: "web", Identifiers: []gyre.Identifier{{Type: gyre.IDIP, Value: "127.0.0.9", Zone: gyre.ZoneDMZ}},
	}}}
	loci := []string{"tcp/*"}
	if req.Only != nil {
		e.only = append(e.only, req.Only.Locus)
		loci = []string{req.Only.Locus}
	}
	for locus, data := range e.ports {
		if req.Only == nil || locus == req.Only.Locus {
			b.Facts = append(b.Facts, gyre.Fact{Asset: "h", Aspect: gyre.AspectService, Locus: locus, Data: data})
		}
	}
	b.Coverage = []gyre.Coverage{{Asset: "h", Aspect: gyre.AspectService, Loci: loci}}
	return plugin.Report{}, emit(ctx, b)
}

type free struct{ plugin.Guard }

// world is a database with the stages on it and one host that eye looks at.
type world struct {
	*testing.T
	db       *store.DB
	ws       gyre.ID
	in       *ingest.Ingest
	eye      *eye
	discover *discover.Stage
	judge    *identify.Stage
	stage    *validate.Stage
	scope    gyre.Scope
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, db: storetest.Open(t, store.SQLite), eye: &eye{}}
	ws, err := w.db.EnsureWorkspace(t.Context(), "main")
	w.ok(err)
	w.ws = ws.ID
	checks, err := check.Load(fstest.MapFS{"a.yaml": {Data: []byte(pack)}})
	w.ok(err)
	w.scope, err = w.db.CreateScope(t.Context(), w.ws, "ann", gyre.Scope{Name: "s", Targets: []gyre.Target{{CIDR: "127.0.0.9", Zone: gyre.ZoneDMZ}}})
	w.ok(err)
	w.in = &ingest.Ingest{InTx: func(ctx context.Context, ws gyre.ID, fn func(ingest.Tx) error) error {
		return w.db.Write(ctx, ws, func(tx *store.Tx) error { return fn(tx) })
	}}
	log := slog.New(slog.DiscardHandler)
	w.discover = &discover.Stage{
		Sources: []plugin.Source{w.eye}, Log: log,
		Guard: func(gyre.Scope) (plugin.Guard, error) { return free{}, nil },
		Begin: func(ctx context.Context, ws gyre.ID, run gyre.Run) (discover.Session, error) {
			return w.in.Begin(ctx, ws, run)
		},
	}
	w.judge = &identify.Stage{
		Store: w.db, Checks: checks, Log: log, Now: time.Now,
		Begin: func(ctx context.Context, ws gyre.ID, run gyre.Run) (identify.Session, error) {
			return w.in.BeginDated(ctx, ws, run)
		},
	}
	w.stage = &validate.Stage{Store: w.db, Identify: w.judge, Log: log, Now: time.Now, Look: w.look}
	return w
}

// look repeats a run at a place, as app does.
func (w *world) look(ctx context.Context, ws gyre.ID, origin gyre.Run, place plugin.Place) (gyre.Run, string, error) {
	if origin.Source != "eye" {
		return gyre.Run{}, validate.MethodInventory, gyre.Errorf(gyre.Conflict, "it came from the report %q", origin.Target)
	}
	j, ok := w.discover.JobFor(w.scope, origin.Source, origin.Target)
	if !ok {
		return gyre.Run{}, validate.MethodRetest, gyre.Errorf(gyre.Conflict, "the target is gone")
	}
	run, err := w.discover.Run(ctx, ws, 0, j, &place, nil)
	return run, validate.MethodRetest, err
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// cycle looks at everything and judges it.
func (w *world) cycle() {
	w.Helper()
	run, err := w.discover.Run(w.Context(), w.ws, 1, w.discover.Jobs([]gyre.Scope{w.scope})[0], nil, nil)
	w.ok(err)
	_, err = w.judge.Identify(w.Context(), w.ws, run)
	w.ok(err)
}

// found is the one exposure there is, as it stands.
func (w *world) found() gyre.Exposure {
	w.Helper()
	var all []gyre.Exposure
	w.ok(w.db.EachExposure(w.Context(), w.ws, func(e gyre.Exposure) error { all = append(all, e); return nil }))
	if len(all) != 1 {
		w.Fatalf("%d exposures", len(all))
	}
	return all[0]
}

func (w *world) claim() {
	w.Helper()
	ch, err := w.db.SetStates(w.Context(), w.ws, []gyre.ID{w.found().ID}, gyre.StateFixClaimed, "ann", "", time.Time{})
	w.ok(err)
	if ch.Changed != 1 {
		w.Fatalf("not claimed: %+v", ch)
	}
}

func (w *world) validate() gyre.Verdict {
	w.Helper()
	v, err := w.stage.Validate(w.Context(), w.ws, w.found().ID, "ann")
	w.ok(err)
	return v
}
