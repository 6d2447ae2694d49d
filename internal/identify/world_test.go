// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package identify_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/check"
	"github.com/gyre-ctem/gyre/internal/identify"
	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/intel"
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
  - id: test.no-auth
    aspect: service
    class: exposed_service
    title: No authentication
    severity: critical
    cwe: [CWE-306]
    condition: '!fact.auth_required'
    evidence:
      summary: "{asset} lets anyone in at {locus}"
      show: [protocol]
    motive: Anyone is in.
    effort: low
    remediation:
      text: Ask for a password.
      steps: [{platform: any, text: Ask for a password.}]
    references: ["https://example.com/"]
`

// world is a database with the stage on it and a clock that tests move.
type world struct {
	*testing.T
	db    *store.DB
	ws    gyre.ID
	now   time.Time
	in    *ingest.Ingest
	stage *identify.Stage
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, db: storetest.Open(t, store.SQLite), now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	ws, err := w.db.EnsureWorkspace(t.Context(), "main")
	w.ok(err)
	w.ws = ws.ID
	checks, err := check.Load(fstest.MapFS{"a.yaml": {Data: []byte(pack)}})
	w.ok(err)
	w.in = &ingest.Ingest{
		Now: func() time.Time { w.now = w.now.Add(time.Millisecond); return w.now },
		InTx: func(ctx context.Context, ws gyre.ID, fn func(ingest.Tx) error) error {
			return w.db.Write(ctx, ws, func(tx *store.Tx) error { return fn(tx) })
		},
	}
	w.stage = &identify.Stage{
		Store: w.db, Checks: checks, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return w.now },
		Begin: func(ctx context.Context, ws gyre.ID, run gyre.Run) (identify.Session, error) {
			return w.in.BeginDated(ctx, ws, run)
		},
	}
	return w
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// look is a discover run an hour after the one before.
func (w *world) look(source string, status gyre.RunStatus, b gyre.Batch) gyre.Run {
	w.Helper()
	w.now = w.now.Add(time.Hour)
	b.Assets = append(b.Assets, gyre.AssetSighting{
		Ref: "a", Kind: gyre.Host, Name: "web", Identifiers: []gyre.Identifier{{Type: gyre.IDMachine, Value: "m-1"}},
	})
	s, err := w.in.Begin(w.Context(), w.ws, gyre.Run{ID: gyre.NewID(), Cycle: 7, Source: source, Target: "there", Started: w.now})
	w.ok(err)
	w.ok(s.Emit(w.Context(), &b))
	run, err := s.Finish(w.Context(), status, plugin.Report{})
	w.ok(err)
	return run
}

func (w *world) judge(run gyre.Run) gyre.Run {
	w.Helper()
	own, err := w.stage.Identify(w.Context(), w.ws, run)
	w.ok(err)
	return own
}

// exposures lists what stands where: "key locus state".
func (w *world) exposures() []string {
	w.Helper()
	var list []string
	w.ok(w.db.EachExposure(w.Context(), w.ws, func(e gyre.Exposure) error {
		weakness, err := w.db.Weakness(w.Context(), w.ws, e.Weakness)
		list = append(list, weakness.Key+" "+e.Locus+" "+string(e.State))
		return err
	}))
	slices.Sort(list)
	return list
}

func (w *world) stand(what string, want ...string) {
	w.Helper()
	if d := cmp.Diff(want, w.exposures()); d != "" {
		w.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// advise brings advisories, as a feed does.
func (w *world) advise(osv ...string) {
	w.Helper()
	var list []plugin.Advisory
	for _, a := range osv {
		list = append(list, plugin.Advisory{OSV: []byte(a)})
	}
	rows, skipped := intel.Rows(list)
	if skipped > 0 {
		w.Fatalf("%d advisories could not be read", skipped)
	}
	w.ok(w.db.UpsertAdvisories(w.Context(), rows))
}

func service(locus string, data map[string]any) gyre.Fact {
	return gyre.Fact{Asset: "a", Aspect: gyre.AspectService, Locus: locus, Data: data}
}

func covered(loci ...string) gyre.Coverage {
	return gyre.Coverage{Asset: "a", Aspect: gyre.AspectService, Loci: loci}
}
