// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package identify is the stage that judges what a run learned: facts by checks,
// components by advisories. Each judged run gets a run of its own, whose findings
// and coverage go through ingest like everything else.
//
// Only internal/app imports it. Invariants:
//   - It touches nothing but the store: judging again gives the same answer.
//   - It speaks for a place only where the judged run succeeded and covered it,
//     and for a check only where the check could say yes or no.
package identify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/match"
	"github.com/gyre-ctem/gyre/plugin"
)

// Source is the Source of runs of this stage; their Target is the ID of the run
// that they judge.
const Source = "identify"

// Store is what the stage reads.
type Store interface {
	// newer: a later run has written over what this one saw there.
	EachFactOfRun(ctx context.Context, ws gyre.ID, run gyre.Run, fn func(f gyre.Fact, newer bool) error) error
	EachComponentOfRun(ctx context.Context, ws gyre.ID, run gyre.Run, fn func(gyre.Component) error) error
	// EachComponentOfOthers calls fn for the components that other sources, or a
	// later run of the same, see on the assets whose components the run covered.
	EachComponentOfOthers(ctx context.Context, ws gyre.ID, run gyre.Run, fn func(gyre.Component) error) error
	CoverageOfRun(ctx context.Context, ws, run gyre.ID) ([]gyre.Coverage, error)
	Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Asset, error)
	// Advisories returns every advisory that speaks of one of the packages, as match.Decode reads it.
	Advisories(ctx context.Context, keys []match.PackageKey) ([][]byte, error)
	// RunsBehindComponents lists the runs whose sight of a component, older than
	// a time, still stands.
	RunsBehindComponents(ctx context.Context, ws gyre.ID, before time.Time) ([]gyre.Run, error)
	// EachWeaknessAt calls fn with every name of every weakness that an asset has or had.
	EachWeaknessAt(ctx context.Context, ws, asset gyre.ID, fn func(locus, name string) error) error
}

// Checks judges facts; *check.Set.
type Checks interface {
	Evaluate(fact gyre.Fact, asset gyre.Asset, now time.Time) (findings []gyre.Finding, judged []string, problems []gyre.Problem)
	IDs(a gyre.Aspect) []string
}

// Session is one run's way into the estate; internal/ingest provides it.
type Session interface {
	Emit(ctx context.Context, b *gyre.Batch) error
	Finish(ctx context.Context, status gyre.RunStatus, report plugin.Report) (gyre.Run, error)
}

// Begin opens a session for a run.
type Begin func(ctx context.Context, ws gyre.ID, run gyre.Run) (Session, error)

// Stage judges runs.
type Stage struct {
	Store  Store
	Checks Checks
	Begin  Begin
	Log    *slog.Logger
	Now    func() time.Time
}

// batchSize bounds what is handed to ingest at once.
const batchSize = 1000

// Identify judges what one run learned and returns the judging run as stored.
// What a failed or partial run saw counts; what it did not see does not.
func (s *Stage) Identify(ctx context.Context, ws gyre.ID, run gyre.Run) (gyre.Run, error) {
	sess, err := s.begin(ctx, ws, run.Cycle, run)
	if err != nil {
		return gyre.Run{}, err
	}
	j := newJudging(s, ws, run, sess)
	return j.end(ctx, sess, j.judge(ctx))
}

// begin opens a run that judges another one. It starts when the other one did:
// that is when somebody looked, and what was seen or claimed since is newer.
func (s *Stage) begin(ctx context.Context, ws, cycle gyre.ID, run gyre.Run) (Session, error) {
	sess, err := s.Begin(ctx, ws, gyre.Run{
		ID: gyre.NewID(), Workspace: ws, Cycle: cycle, Scope: run.Scope, Source: Source, Via: run.Observer(), Tool: run.Tool, Target: run.ID.String(),
		Status: gyre.RunRunning, Started: run.Started,
	})
	if err != nil {
		return nil, fmt.Errorf("begin judging run %s: %w", run.ID, err)
	}
	return sess, nil
}

// judging is one run of the stage.
type judging struct {
	*Stage
	ws     gyre.ID
	run    gyre.Run
	sess   Session
	report plugin.Report

	assets   map[gyre.ID]gyre.Asset
	coverage []gyre.Coverage
	// spoken are the places with a fact, and the checks that could judge it.
	spoken map[subject][]verdict
	batch  gyre.Batch
}

func newJudging(s *Stage, ws gyre.ID, run gyre.Run, sess Session) *judging {
	return &judging{Stage: s, ws: ws, run: run, sess: sess, assets: map[gyre.ID]gyre.Asset{}, spoken: map[subject][]verdict{}}
}

// end ends the judging run as its error calls for.
func (j *judging) end(ctx context.Context, sess Session, judgeErr error) (gyre.Run, error) {
	status := gyre.RunSucceeded
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		status = gyre.RunCancelled
	case judgeErr != nil:
		status = gyre.RunFailed
		j.report.Problems = append(j.report.Problems, gyre.Problem{Place: "run", Reason: judgeErr.Error()})
	case len(j.report.Problems) > 0:
		status = gyre.RunPartial
	}
	own, err := sess.Finish(context.WithoutCancel(ctx), status, j.report)
	return own, errors.Join(judgeErr, err)
}

type subject struct {
	asset  gyre.Ref
	aspect gyre.Aspect
}

// verdict is a place and the checks that could say yes or no about it.
type verdict struct {
	locus  string
	checks []string
}

func (j *judging) judge(ctx context.Context) error {
	if err := j.learn(ctx); err != nil {
		return err
	}
	if err := j.facts(ctx); err != nil {
		return err
	}
	if err := j.components(ctx, time.Time{}); err != nil {
		return err
	}
	if j.run.Status == gyre.RunSucceeded {
		if err := j.leaveToOthers(ctx); err != nil {
			return err
		}
		j.cover()
	}
	return j.flush(ctx)
}

// learn reads what the judged run covered.
func (j *judging) learn(ctx context.Context) error {
	covered, err := j.Store.CoverageOfRun(ctx, j.ws, j.run.ID)
	if err != nil {
		return fmt.Errorf("read coverage: %w", err)
	}
	for _, c := range covered {
		if !c.Judged {
			j.coverage = append(j.coverage, c)
		}
	}
	return nil
}

// factChunk is how many facts are judged between two look-ups of their assets.
const factChunk = 500

// facts judges every fact that stands after the run. What a later run has
// written over cannot be judged any more, and so says nothing.
func (j *judging) facts(ctx context.Context) error {
	chunk := make([]gyre.Fact, 0, factChunk)
	flush := func() error {
		err := j.judgeFacts(ctx, chunk)
		chunk = chunk[:0]
		return err
	}
	err := j.Store.EachFactOfRun(ctx, j.ws, j.run, func(f gyre.Fact, newer bool) error {
		if newer {
			at := subject{f.Asset, f.Aspect}
			j.spoken[at] = append(j.spoken[at], verdict{locus: f.Locus})
			return nil
		}
		if chunk = append(chunk, f); len(chunk) == factChunk {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return fmt.Errorf("judge facts: %w", err)
	}
	return nil
}

func (j *judging) judgeFacts(ctx context.Context, facts []gyre.Fact) error {
	refs := make([]gyre.Ref, len(facts))
	for i := range facts {
		refs[i] = facts[i].Asset
	}
	if err := j.readAssets(ctx, refs); err != nil {
		return err
	}
	now := j.Now()
	for _, f := range facts {
		asset, err := j.asset(ctx, f.Asset)
		if err != nil {
			return err
		}
		findings, judged, problems := j.Checks.Evaluate(f, asset, now)
		j.report.Problems = append(j.report.Problems, problems...)
		for i := range findings {
			findings[i].Asset, findings[i].Credentialed = f.Asset, f.Credentialed
		}
		j.batch.Findings = append(j.batch.Findings, findings...)
		at := subject{f.Asset, f.Aspect}
		j.spoken[at] = append(j.spoken[at], verdict{f.Locus, judged})
		if err := j.flushIfFull(ctx); err != nil {
			return err
		}
	}
	return nil
}

// readAssets reads what is not known yet of the assets, all at once. It keeps
// the assets of the last look-ups only: facts and components come by asset.
func (j *judging) readAssets(ctx context.Context, refs []gyre.Ref) error {
	var missing []gyre.ID
	asked := map[gyre.ID]bool{}
	for _, ref := range refs {
		id, err := assetOf(ref)
		if err != nil {
			return err
		}
		if _, known := j.assets[id]; !known && !asked[id] {
			asked[id] = true
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	found, err := j.Store.Assets(ctx, j.ws, missing)
	if err != nil {
		return fmt.Errorf("read assets: %w", err)
	}
	if len(j.assets) > 4*factChunk {
		clear(j.assets)
	}
	for _, a := range found {
		j.assets[a.ID] = a
	}
	return nil
}

func (j *judging) asset(ctx context.Context, ref gyre.Ref) (gyre.Asset, error) {
	id, err := assetOf(ref)
	if err != nil {
		return gyre.Asset{}, err
	}
	if _, known := j.assets[id]; !known {
		if err := j.readAssets(ctx, []gyre.Ref{ref}); err != nil {
			return gyre.Asset{}, err
		}
	}
	a, found := j.assets[id]
	if !found {
		return gyre.Asset{}, gyre.Errorf(gyre.NotFound, "asset %s of a fact is not there", id)
	}
	return a, nil
}

func assetOf(ref gyre.Ref) (gyre.ID, error) {
	id, err := gyre.ParseID(strings.TrimPrefix(string(ref), "id:"))
	if err != nil {
		return 0, fmt.Errorf("asset of fact: %w", err)
	}
	return id, nil
}

// leaveToOthers takes from the coverage what another source, or a later run, says
// is installed: that a list does not name what another list names is no sign that it is gone.
func (j *judging) leaveToOthers(ctx context.Context) error {
	err := j.Store.EachComponentOfOthers(ctx, j.ws, j.run, func(c gyre.Component) error {
		locus := match.Locus(c)
		for i := range j.coverage {
			v := &j.coverage[i]
			if v.Aspect == gyre.AspectPackage && v.Asset == gyre.RefID(c.Asset) && v.Covers(locus) {
				v.Except = append(v.Except, locus)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read components of other sources: %w", err)
	}
	return nil
}

// cover restates what the judged run covered as what has now been judged. Where
// nothing was found there is no fact, and no check of the aspect has anything to
// say against the place: all of them are judged. Where there is a fact, only the
// checks that could say something about it are.
func (j *judging) cover() {
	for _, c := range j.coverage {
		c.Judged = true
		if c.Aspect == gyre.AspectPackage {
			j.batch.Coverage = append(j.batch.Coverage, c)
			continue
		}
		all := j.Checks.IDs(c.Aspect)
		if len(all) == 0 {
			continue // judged by its own source
		}
		empty := c
		empty.Weaknesses = all
		empty.Except = slices.Clone(c.Except)
		byJudged := map[string]int{} // checks → index in the batch
		for _, s := range j.spoken[subject{c.Asset, c.Aspect}] {
			if !c.Covers(s.locus) {
				continue
			}
			empty.Except = append(empty.Except, s.locus)
			if len(s.checks) == 0 {
				continue
			}
			key := strings.Join(s.checks, " ")
			i, ok := byJudged[key]
			if !ok {
				i = len(j.batch.Coverage)
				byJudged[key] = i
				j.batch.Coverage = append(j.batch.Coverage, gyre.Coverage{
					Judged: true, Asset: c.Asset, Aspect: c.Aspect, Loci: []string{}, Weaknesses: s.checks, Credentialed: c.Credentialed,
				})
			}
			j.batch.Coverage[i].Loci = append(j.batch.Coverage[i].Loci, s.locus)
		}
		j.batch.Coverage = append(j.batch.Coverage, empty)
	}
}

func (j *judging) flushIfFull(ctx context.Context) error {
	if len(j.batch.Findings) < batchSize {
		return nil
	}
	return j.flush(ctx)
}

// flush emits what there is, in batches of a size that ingest takes: a run over a
// whole estate covers more places than fit into one.
func (j *judging) flush(ctx context.Context) error {
	b := j.batch
	j.batch = gyre.Batch{}
	for len(b.Coverage) > batchSize {
		part := gyre.Batch{Findings: b.Findings, Coverage: b.Coverage[:batchSize:batchSize]}
		if err := j.sess.Emit(ctx, &part); err != nil {
			return err
		}
		b.Findings, b.Coverage = nil, b.Coverage[batchSize:]
	}
	if len(b.Findings)+len(b.Coverage) == 0 {
		return nil
	}
	return j.sess.Emit(ctx, &b)
}
