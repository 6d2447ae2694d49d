// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/cycle"
	"github.com/gyre-ctem/gyre/internal/discover"
	"github.com/gyre-ctem/gyre/internal/expr"
	"github.com/gyre-ctem/gyre/internal/prioritize"
	"github.com/gyre-ctem/gyre/internal/projection"
	"github.com/gyre-ctem/gyre/internal/remediate"
	"github.com/gyre-ctem/gyre/internal/scope"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/validate"
	"github.com/gyre-ctem/gyre/plugin"
)

// What follows fits the parts together where their words differ.

// projectionStore is the store as the projection reads it.
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

// pastStore is the estate at a time as the projection reads it.
type pastStore struct{ *store.AsOf }

func (s pastStore) Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Asset) error) error {
	return s.AsOf.Assets(ctx, ws, ids, func(a store.ProjectionAsset) error { return yield(projection.Asset(a)) })
}

func (s pastStore) Weaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Weakness) error) error {
	return s.AsOf.Weaknesses(ctx, ws, ids, func(w store.ProjectionWeakness) error { return yield(projection.Weakness(w)) })
}

func (s pastStore) Exposures(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Exposure) error) error {
	return s.AsOf.Exposures(ctx, ws, ids, func(e store.ProjectionExposure) error { return yield(projection.Exposure(e)) })
}

// jobs is the discover stage as the cycle runs it.
type jobs struct {
	stage *discover.Stage
	app   *App
}

type discoverJob struct{ discover.Job }

func (j discoverJob) TargetName() string { return discover.TargetKey(j.Target) }
func (j discoverJob) ScopeID() gyre.ID   { return j.Scope.ID }

func (d jobs) Jobs(scopes []gyre.Scope) []cycle.Job {
	var list []cycle.Job
	for _, j := range d.stage.Jobs(scopes) {
		list = append(list, discoverJob{j})
	}
	return list
}

func (d jobs) Run(ctx context.Context, ws, cycleID gyre.ID, j cycle.Job, progress plugin.Progress) (gyre.Run, error) {
	own, ok := j.(discoverJob)
	if !ok {
		return gyre.Run{}, gyre.Errorf(gyre.Internal, "a job of another kind: %T", j)
	}
	if run, done, err := d.app.elsewhere(ctx, ws, cycleID, own.Job, progress); done || err != nil {
		return run, err
	}
	return d.stage.Run(ctx, ws, cycleID, own.Job, nil, progress)
}

func (a *App) recordBands(ctx context.Context, ws gyre.ID, changes []cycle.BandChange) (int, error) {
	rows := make([]store.BandChange, len(changes))
	for i, c := range changes {
		rows[i] = store.BandChange(c)
	}
	return a.db.RecordBands(ctx, ws, rows)
}

func actionKey(e *gyre.Exposure, weakness string) string {
	return remediate.Key(e, &gyre.Weakness{Key: weakness})
}

func (a *App) savePlan(ctx context.Context, ws gyre.ID, p cycle.PlanPart) error {
	part := store.PlanPart{Drafts: make([]store.ActionDraft, len(p.Drafts)), Empty: p.Empty, Mark: p.Mark, Stood: make([]store.Standing, len(p.Stood)), Seq: p.Seq}
	for i, d := range p.Drafts {
		part.Drafts[i] = store.ActionDraft{Action: d.Action, Removes: d.ExposureIDs}
	}
	for i, s := range p.Stood {
		part.Stood[i] = store.Standing(s)
	}
	return a.db.SavePlanPart(ctx, ws, part)
}

// risks is the risk of exposures as the projection has it now.
func (a *App) risks(ctx context.Context, ws gyre.ID) (func(gyre.ID) float64, error) {
	view, err := a.projected.View(ctx, ws)
	if err != nil {
		return nil, err
	}
	return func(id gyre.ID) float64 {
		in, err := view.Input(id)
		if err != nil { // gone meanwhile
			return 0
		}
		return prioritize.Risk(&in)
	}, nil
}

func (a *App) syncIntel(ctx context.Context, progress plugin.Progress) {
	if _, err := a.intel.Sync(ctx, progress); err != nil && ctx.Err() == nil {
		a.opt.Log.Error("sync intelligence", "error", err)
	}
}

// lookAgain repeats a discover run at one place; see validate.Look.
func (a *App) lookAgain(ctx context.Context, ws gyre.ID, origin gyre.Run, place plugin.Place) (gyre.Run, string, error) {
	if origin.Scope == 0 {
		return gyre.Run{}, validate.MethodInventory, gyre.Errorf(gyre.Conflict, "it came from the report %q; import a newer report of the same tool", origin.Target)
	}
	sc, err := a.db.Scope(ctx, ws, origin.Scope)
	if gyre.ErrorCode(err) == gyre.NotFound {
		return gyre.Run{}, validate.MethodRetest, gyre.Errorf(gyre.Conflict, "the scope that allowed looking there was removed")
	}
	if err != nil {
		return gyre.Run{}, validate.MethodRetest, err
	}
	j, ok := a.discover.JobFor(sc, origin.Source, origin.Target)
	if !ok {
		return gyre.Run{}, validate.MethodRetest, gyre.Errorf(gyre.Conflict, "scope %q has no target %q any more", sc.Name, origin.Target)
	}
	method, only := validate.MethodInventory, (*plugin.Place)(nil)
	if j.Retests(place.Aspect) {
		method, only = validate.MethodRetest, &place
	}
	run, err := a.discover.Run(ctx, ws, 0, j, only, nil)
	return run, method, err
}

// validator has a place looked at again by a job, and waits for the verdict.
type validator struct{ app *App }

func (v validator) Validate(ctx context.Context, ws, exposure gyre.ID, by string) (verdict gyre.Verdict, err error) {
	r, err := v.app.retest(ctx, ws, exposure, by)
	if err != nil {
		return verdict, err
	}
	err = v.app.await(ctx, ws, r, &verdict)
	return verdict, err
}

// feeds is intelligence as the API asks for it.
type feeds struct{ app *App }

func (f feeds) Feeds(ctx context.Context) ([]gyre.FeedStatus, error) { return f.app.intel.Status(ctx) }

func (f feeds) SyncFeeds(ctx context.Context, name string) ([]gyre.FeedStatus, error) {
	if err := f.app.checkFeed(ctx, name); err != nil {
		return nil, err
	}
	if err := f.app.await(ctx, f.app.workspace.ID, syncOf(name, "api"), nil); err != nil {
		return nil, err
	}
	return f.app.intel.Status(ctx)
}

// score explains the score of one exposure, naming where its facts come from.
func (a *App) score(ctx context.Context, ws, exposure gyre.ID) (gyre.Score, error) {
	in, err := a.projected.Input(ctx, ws, exposure)
	if err != nil {
		return gyre.Score{}, err
	}
	return prioritize.Score(in, prioritize.Sources{}), nil
}

// checkScope refuses a scope that is wrong, its selector included.
func checkScope(s gyre.Scope) error {
	if err := scope.Validate(s); err != nil {
		return err
	}
	if _, err := projection.CompileSelector(s.Selector, time.Now()); err != nil {
		return gyre.FieldErrorf(gyre.ErrorCode(err), "selector", "%v", err)
	}
	return nil
}

func checkFilter(rows, filter string) error {
	schema := expr.ExposureSchema
	if rows == expr.AssetSchema.Name {
		schema = expr.AssetSchema
	}
	_, err := expr.CompileFilter(schema, filter, time.Now())
	return err
}
