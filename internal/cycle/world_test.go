// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cycle_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/check"
	"github.com/gyre-ctem/gyre/internal/cycle"
	"github.com/gyre-ctem/gyre/internal/discover"
	"github.com/gyre-ctem/gyre/internal/identify"
	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/prioritize"
	"github.com/gyre-ctem/gyre/internal/projection"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
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

// eye sees what the test says is there, at each target.
type eye struct {
	mu    sync.Mutex
	ports map[string][]int                           // telnet, by target
	does  map[string]func(ctx context.Context) error // instead of looking
	ran   map[string]int
}

func (*eye) Info() plugin.Info          { return plugin.Info{Name: "eye"} }
func (*eye) Accepts(t gyre.Target) bool { return t.CIDR != "" }
func (*eye) Aspects() []gyre.Aspect     { return nil }

func (e *eye) set(target string, ports ...int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ports[target] = ports
}

func (e *eye) instead(target string, do func(context.Context) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.does[target] = do
}

func (e *eye) Run(ctx context.Context, req plugin.Request, emit plugin.Emit) (plugin.Report, error) {
	at := req.Target.CIDR
	e.mu.Lock()
	e.ran[at]++
	do, ports := e.does[at], e.ports[at]
	e.mu.Unlock()
	b := &gyre.Batch{
		Assets:   []gyre.AssetSighting{{Ref: "h", Kind: gyre.Host, Name: "host " + at, Identifiers: []gyre.Identifier{{Type: gyre.IDIP, Value: at}}}},
		Coverage: []gyre.Coverage{{Asset: "h", Aspect: gyre.AspectService, Loci: []string{"tcp/*"}}},
	}
	for _, p := range ports {
		b.Facts = append(b.Facts, gyre.Fact{Asset: "h", Aspect: gyre.AspectService, Locus: fmt.Sprintf("tcp/%d", p), Data: map[string]any{"protocol": "telnet"}})
	}
	req.Progress(1, 2, at)
	if err := emit(ctx, b); err != nil {
		return plugin.Report{}, err
	}
	if do != nil {
		return plugin.Report{}, do(ctx)
	}
	return plugin.Report{}, nil
}

// silent waits for the end of the context, as a source does at a silent peer.
func silent(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// claims validates nothing.
type claims struct{}

func (claims) ValidateClaims(context.Context, gyre.ID, plugin.Progress) (int, int, error) {
	return 0, 0, nil
}

type jobs struct{ stage *discover.Stage }

type job struct{ discover.Job }

func (j job) TargetName() string { return discover.TargetKey(j.Target) }
func (j job) ScopeID() gyre.ID   { return j.Scope.ID }

func (d jobs) Jobs(scopes []gyre.Scope) (list []cycle.Job) {
	for _, j := range d.stage.Jobs(scopes) {
		list = append(list, job{j})
	}
	return list
}

func (d jobs) Run(ctx context.Context, ws, id gyre.ID, j cycle.Job, progress plugin.Progress) (gyre.Run, error) {
	return d.stage.Run(ctx, ws, id, j.(job).Job, nil, progress)
}

type projected struct{ *store.DB }

func (s projected) Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Asset) error) error {
	return s.ProjectionAssets(ctx, ws, ids, func(a store.ProjectionAsset) error { return yield(projection.Asset(a)) })
}

func (s projected) Weaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Weakness) error) error {
	return s.ProjectionWeaknesses(ctx, ws, ids, func(w store.ProjectionWeakness) error { return yield(projection.Weakness(w)) })
}

func (s projected) Exposures(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Exposure) error) error {
	return s.ProjectionExposures(ctx, ws, ids, func(e store.ProjectionExposure) error { return yield(projection.Exposure(e)) })
}

// cycleStore is the store with the projection's sums.
type cycleStore struct {
	*store.DB
	p *projection.Projection
}

func (s cycleStore) Tally(ctx context.Context, ws gyre.ID) (gyre.Tally, error) {
	return s.p.Tally(ctx, ws)
}

// world is an engine on a database of its own, with one scope of three targets.
type world struct {
	*testing.T
	db     *store.DB
	ws     gyre.ID
	eye    *eye
	engine *cycle.Engine
	ahead  time.Duration // of the engine's clock
}

func newWorld(t *testing.T, engine store.Engine) *world {
	t.Helper()
	w := &world{T: t, db: storetest.Open(t, engine), eye: &eye{ports: map[string][]int{}, does: map[string]func(context.Context) error{}, ran: map[string]int{}}}
	ws, err := w.db.EnsureWorkspace(t.Context(), "main")
	w.ok(err)
	w.ws = ws.ID
	checks, err := check.Load(fstest.MapFS{"a.yaml": {Data: []byte(pack)}})
	w.ok(err)
	_, err = w.db.CreateScope(t.Context(), w.ws, "ann", gyre.Scope{Name: "s", Targets: []gyre.Target{{CIDR: "127.0.0.1"}, {CIDR: "127.0.0.2"}, {CIDR: "127.0.0.3"}}})
	w.ok(err)
	in := &ingest.Ingest{InTx: func(ctx context.Context, ws gyre.ID, fn func(ingest.Tx) error) error {
		return w.db.Write(ctx, ws, func(tx *store.Tx) error { return fn(tx) })
	}}
	log := slog.New(slog.DiscardHandler)
	p := projection.New(projected{w.db})
	now := func() time.Time { return time.Now().Add(w.ahead) }
	w.engine = &cycle.Engine{
		Store: cycleStore{w.db, p}, Log: log, Now: now, Validate: claims{},
		Discover: jobs{&discover.Stage{
			Sources: []plugin.Source{w.eye}, Log: log,
			Guard: func(gyre.Scope) (plugin.Guard, error) { return nil, nil },
			Begin: func(ctx context.Context, ws gyre.ID, run gyre.Run) (discover.Session, error) {
				return in.Begin(ctx, ws, run)
			},
		}},
		Identify: &identify.Stage{
			Store: w.db, Checks: checks, Log: log, Now: time.Now,
			Begin: func(ctx context.Context, ws gyre.ID, run gyre.Run) (identify.Session, error) {
				return in.BeginDated(ctx, ws, run)
			},
		},
		Prioritize: &cycle.Bands{Scores: p, Record: func(ctx context.Context, ws gyre.ID, changes []cycle.BandChange) (int, error) {
			rows := make([]store.BandChange, len(changes))
			for i, c := range changes {
				rows[i] = store.BandChange(c)
			}
			return w.db.RecordBands(ctx, ws, rows)
		}},
		Remediate: &cycle.Plan{
			Store: w.db, Guides: checks, Now: time.Now, Edition: "test",
			Risks: func(ctx context.Context, ws gyre.ID) (func(gyre.ID) float64, error) {
				view, err := p.View(ctx, ws)
				return func(id gyre.ID) float64 {
					in, err := view.Input(id)
					w.ok(err)
					return prioritize.Risk(&in)
				}, err
			},
			Save: func(ctx context.Context, ws gyre.ID, p cycle.PlanPart) error {
				part := store.PlanPart{Empty: p.Empty, Mark: p.Mark, Seq: p.Seq}
				for _, s := range p.Stood {
					part.Stood = append(part.Stood, store.Standing(s))
				}
				for _, d := range p.Drafts {
					part.Drafts = append(part.Drafts, store.ActionDraft{Action: d.Action, Removes: d.ExposureIDs})
				}
				return w.db.SavePlanPart(ctx, ws, part)
			},
		},
	}
	t.Cleanup(w.engine.Close)
	return w
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) start() gyre.Cycle {
	w.Helper()
	c, err := w.engine.Start(w.Context(), w.ws, nil, "test")
	w.ok(err)
	return c
}

// ended waits for a cycle to be over and its books to be closed.
func (w *world) ended(id gyre.ID) gyre.Cycle {
	w.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		c, err := w.db.Cycle(w.Context(), w.ws, id)
		w.ok(err)
		if c.State != gyre.CycleRunning {
			return c
		}
	}
	w.Fatal("the cycle never ended")
	return gyre.Cycle{}
}

func (w *world) turn() gyre.Cycle {
	w.Helper()
	return w.ended(w.start().ID)
}

// statuses are the runs of eye in a cycle by target.
func (w *world) statuses(c gyre.Cycle) map[string][]gyre.RunStatus {
	w.Helper()
	runs, err := w.db.RunsOfCycle(w.Context(), w.ws, c.ID)
	w.ok(err)
	out := map[string][]gyre.RunStatus{}
	for _, r := range runs {
		if r.Source == "eye" {
			out[r.Target] = append(out[r.Target], r.Status)
		}
	}
	return out
}
