// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/lab/gen"
	"github.com/gyre-ctem/gyre/plugin"
)

// Whatever happened, a plan made of what changed is the plan made from nothing.
func TestPlanOfChangesIsThePlan(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			w := &planned{T: t, a: openOn(t, filepath.Join(t.TempDir(), "data"), t.TempDir(), storetest.URL(t, engine))}
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			w.r = rand.New(rand.NewPCG(seed, 1)) // #nosec -- a test's dice
			w.ws = w.a.workspace.ID
			steps := 14
			if testing.Short() {
				steps = 6
			}
			w.importSome()
			for i := range steps {
				names := []string{}
				for range 1 + w.r.IntN(3) {
					names = append(names, w.step())
				}
				if _, err := w.a.plan.Plan(t.Context(), w.ws); err != nil {
					t.Fatal(err)
				}
				got := w.plan()
				if _, err := w.a.plan.PlanAll(t.Context(), w.ws); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(w.plan(), got); d != "" {
					t.Fatalf("step %d, after %v (-from nothing +of changes):\n%s", i, names, d)
				}
			}
		})
	}
}

type planned struct {
	*testing.T
	a  *App
	ws gyre.ID
	r  *rand.Rand
}

// plan is the workspace's plan: actions without their times, and what they remove.
func (w *planned) plan() map[string]any {
	w.Helper()
	out := map[string]any{}
	all, err := w.a.db.Actions(w.Context(), w.ws, nil, 0)
	w.ok(err)
	keys := map[gyre.ID]string{}
	for _, a := range all {
		keys[a.ID] = a.Key
		a.Updated = time.Time{}
		out[a.Key] = a
	}
	w.ok(w.a.db.EachActiveExposure(w.Context(), w.ws, func(e gyre.Exposure) error {
		action, err := w.a.db.ActionOf(w.Context(), w.ws, e.ID)
		out["exposure "+e.ID.String()] = keys[action]
		return err
	}))
	return out
}

func (w *planned) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *planned) step() string {
	w.Helper()
	steps := []func() string{
		w.importSome, w.importSome, w.triage, w.triage, w.patchAsset, w.patchAction, w.scope, w.merge, w.undoMerge, w.undoChange, w.intel, func() string { return "nothing" },
	}
	return steps[w.r.IntN(len(steps))]()
}

func (w *planned) importSome() string {
	o := gen.Options{
		Format: gen.Formats()[w.r.IntN(2)], Findings: 30 + w.r.IntN(80), Seed: uint64(1 + w.r.IntN(2)), Changed: float64(w.r.IntN(2) * 30), // #nosec -- small
	}
	var text strings.Builder
	w.ok(gen.Write(&text, o))
	req := httptest.NewRequestWithContext(w.Context(), http.MethodPost, "http://127.0.0.1/api/v1/imports?name=report."+o.Format, strings.NewReader(text.String()))
	answer := httptest.NewRecorder()
	if w.a.LocalHandler().ServeHTTP(answer, req); answer.Code/100 != 2 {
		w.Fatalf("import: %d %s", answer.Code, answer.Body)
	}
	return fmt.Sprintf("import %+v", o)
}

func (w *planned) some(n int) (ids []gyre.ID) {
	w.ok(w.a.db.EachExposure(w.Context(), w.ws, func(e gyre.Exposure) error {
		ids = append(ids, e.ID)
		return nil
	}))
	w.r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return ids[:min(n, len(ids))]
}

func (w *planned) triage() string {
	to := []gyre.State{gyre.StateOpen, gyre.StateTriaged, gyre.StateFixClaimed, gyre.StateAccepted, gyre.StateFalsePositive}[w.r.IntN(5)]
	_, err := w.a.db.SetStates(w.Context(), w.ws, w.some(1+w.r.IntN(20)), to, "ann", "because", time.Now().Add(time.Hour))
	w.ok(err)
	return "triage to " + string(to)
}

func (w *planned) assets() (all []gyre.Asset) {
	w.ok(w.a.db.ProjectionAssets(w.Context(), w.ws, nil, func(a store.ProjectionAsset) error {
		all = append(all, a.Asset)
		return nil
	}))
	w.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func (w *planned) patchAsset() string {
	c := gyre.Criticality(w.r.IntN(5))
	_, err := w.a.db.PatchAsset(w.Context(), w.ws, w.assets()[0].ID, "ann", gyre.AssetPatch{Criticality: &c})
	w.ok(err)
	return fmt.Sprintf("criticality %d", c)
}

func (w *planned) patchAction() string {
	all, err := w.a.db.Actions(w.Context(), w.ws, nil, 0)
	w.ok(err)
	state := []gyre.ActionState{gyre.ActionOpen, gyre.ActionInProgress, gyre.ActionDone, gyre.ActionDismissed}[w.r.IntN(4)]
	_, err = w.a.db.PatchAction(w.Context(), w.ws, all[w.r.IntN(len(all))].ID, "ann", gyre.ActionPatch{State: &state})
	w.ok(err)
	return "action " + string(state)
}

func (w *planned) scope() string {
	_, err := w.a.db.CreateScope(w.Context(), w.ws, "ann", gyre.Scope{Name: fmt.Sprint("scope ", w.r.Uint64()), Criticality: gyre.CriticalityCrown, Selector: `kind == "host"`})
	w.ok(err)
	return "scope"
}

func (w *planned) merge() string {
	all := w.assets()
	for i := range all[1:] {
		if all[0].Kind == all[i+1].Kind {
			w.ok(w.a.db.Write(w.Context(), w.ws, func(tx *store.Tx) error {
				return tx.MergeAsset(w.Context(), gyre.Merge{From: all[0].ID, Into: all[i+1].ID, Reason: "a test", Actor: "ann"})
			}))
			return "merge assets"
		}
	}
	return "nothing to merge"
}

func (w *planned) undoMerge() string {
	all, err := w.a.db.Merges(w.Context(), w.ws, 0, 1)
	w.ok(err)
	if len(all) == 0 || !all[0].Undone.IsZero() || all[0].Object == "split" {
		return "nothing to split"
	}
	_, err = w.a.db.UndoMerge(w.Context(), w.ws, all[0].ID, "ann")
	w.ok(err)
	return "split assets"
}

func (w *planned) undoChange() string {
	ids := w.some(5)
	ch, err := w.a.db.SetStates(w.Context(), w.ws, ids, gyre.StateFalsePositive, "ann", "because", time.Now().Add(time.Hour))
	w.ok(err)
	if ch.Changed > 0 {
		_, err = w.a.db.UndoChange(w.Context(), w.ws, ch.ID, "ann")
		w.ok(err)
	}
	return "undone change"
}

func (w *planned) intel() string {
	var cve string
	w.ok(w.a.db.EachWeakness(w.Context(), w.ws, func(x gyre.Weakness) error {
		if strings.HasPrefix(x.Key, "CVE-") {
			cve = x.Key
		}
		return nil
	}))
	w.ok(w.a.db.UpsertEPSS(w.Context(), []plugin.EPSS{{CVE: cve, Score: w.r.Float64(), Percentile: .5, Date: time.Now()}}))
	w.ok(w.a.db.Write(w.Context(), w.ws, func(tx *store.Tx) error {
		tx.Append(gyre.Event{Object: "intel", Kind: "updated", Actor: "test"})
		return nil
	}))
	return "EPSS of " + cve
}
