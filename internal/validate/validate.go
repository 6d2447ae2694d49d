// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package validate is the stage that proves whether an exposure is really gone:
// it has the source that learned of it look at the same place again, judges what
// was learned with the same checks, and keeps the verdict with its evidence.
//
// It never closes anything itself: closing is ingest's rule, which the new run
// goes through like any other. Only internal/app imports it.
package validate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Store is what validation reads and writes.
type Store interface {
	Exposure(ctx context.Context, ws, id gyre.ID) (gyre.Exposure, error)
	Asset(ctx context.Context, ws, id gyre.ID) (gyre.Asset, error)
	Observations(ctx context.Context, ws, exposure gyre.ID) ([]gyre.Observation, error)
	Run(ctx context.Context, ws, id gyre.ID) (gyre.Run, error)
	AddVerdict(ctx context.Context, ws gyre.ID, v gyre.Verdict) error
	// Reopen moves a claimed exposure back to open, with the reason in its history.
	Reopen(ctx context.Context, ws, exposure gyre.ID, actor, reason string) error
	// CoverageOfRun lists what a run covered, and Weaknesses reads what is wrong.
	CoverageOfRun(ctx context.Context, ws, run gyre.ID) ([]gyre.Coverage, error)
	Weaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Weakness, error)
	// Claimed lists the exposures in StateFixClaimed.
	Claimed(ctx context.Context, ws gyre.ID) ([]gyre.ID, error)
}

// Look repeats the discover run origin, narrowed to one place when its source
// can do that. method says which: MethodRetest or MethodInventory. It is
// gyre.Conflict when nothing can be repeated: the scope or the target is gone,
// or the run was an upload.
type Look func(ctx context.Context, ws gyre.ID, origin gyre.Run, place plugin.Place) (run gyre.Run, method string, err error)

// The methods of a verdict.
const (
	MethodRetest    = "retest"    // the same source looked at the same place
	MethodInventory = "inventory" // the whole target was inventoried anew
)

// Identifier is the identify stage.
type Identifier interface {
	Identify(ctx context.Context, ws gyre.ID, run gyre.Run) (gyre.Run, error)
}

// Stage validates exposures.
type Stage struct {
	Store    Store
	Look     Look
	Identify Identifier
	Log      *slog.Logger
	Now      func() time.Time
}

// identifySource is the source of runs that judge another run, whose ID is their Target.
const identifySource = "identify"

// Validate looks at the place of one exposure again and returns the verdict,
// which is stored. Not being able to look is OutcomeInconclusive, not an error.
func (s *Stage) Validate(ctx context.Context, ws, exposure gyre.ID, by string) (gyre.Verdict, error) {
	return s.ValidateAs(ctx, gyre.NewID(), ws, exposure, by)
}

// ValidateAs is Validate with the ID of the verdict given: who does it again
// after it was cut short finds a verdict with that ID, if there is one.
func (s *Stage) ValidateAs(ctx context.Context, id, ws, exposure gyre.ID, by string) (gyre.Verdict, error) {
	e, err := s.Store.Exposure(ctx, ws, exposure)
	if err != nil {
		return gyre.Verdict{}, err
	}
	asset, err := s.Store.Asset(ctx, ws, e.Asset)
	if err != nil {
		return gyre.Verdict{}, fmt.Errorf("asset of exposure: %w", err)
	}
	started := s.Now()
	runs, method, err := s.lookAgain(ctx, ws, e, asset)
	switch gyre.ErrorCode(err) {
	case "":
	case gyre.Conflict, gyre.Forbidden, gyre.Unavailable:
		return s.verdict(ctx, ws, gyre.Verdict{
			ID: id, Exposure: exposure, Method: method, Outcome: gyre.OutcomeInconclusive, By: by,
			Evidence: gyre.Evidence{Summary: err.Error()},
		})
	default:
		return gyre.Verdict{}, err
	}
	return s.judge(ctx, ws, e, runs, gyre.Verdict{ID: id, Exposure: exposure, Run: runs.looked.ID, Method: method, By: by}, started)
}

// again is a repeated look: the run that looked, and the one that judged what it saw.
type again struct {
	looked, judged gyre.Run
	locus          string // as the source that looks calls the place
}

// lookAgain repeats the run that saw the exposure last and judges what it learned.
func (s *Stage) lookAgain(ctx context.Context, ws gyre.ID, e gyre.Exposure, asset gyre.Asset) (runs again, method string, err error) {
	origin, said, err := s.origin(ctx, ws, e.ID)
	if err != nil {
		return runs, MethodRetest, err
	}
	runs.locus = cmp.Or(said, e.Locus)
	runs.looked, method, err = s.Look(ctx, ws, origin, plugin.Place{Asset: asset, Aspect: e.Aspect, Locus: runs.locus})
	if err != nil {
		return runs, method, err
	}
	if runs.judged, err = s.Identify.Identify(ctx, ws, runs.looked); err != nil {
		return runs, method, fmt.Errorf("judge retest: %w", err)
	}
	return runs, method, nil
}

// origin finds the discover run behind the newest sighting, and where that says
// that the exposure lies.
func (s *Stage) origin(ctx context.Context, ws, exposure gyre.ID) (gyre.Run, string, error) {
	obs, err := s.Store.Observations(ctx, ws, exposure)
	if err != nil {
		return gyre.Run{}, "", fmt.Errorf("observations: %w", err)
	}
	var newest *gyre.Observation
	for i, o := range obs {
		if newest == nil || o.At.After(newest.At) {
			newest = &obs[i]
		}
	}
	if newest == nil {
		return gyre.Run{}, "", gyre.Errorf(gyre.Conflict, "no observation of this exposure is kept, so there is nothing to repeat")
	}
	run, err := s.Store.Run(ctx, ws, newest.Run)
	if err != nil {
		return gyre.Run{}, "", fmt.Errorf("run of observation: %w", err)
	}
	if run.Source != identifySource {
		return run, newest.Locus, nil
	}
	id, err := gyre.ParseID(run.Target)
	if err != nil {
		return gyre.Run{}, "", fmt.Errorf("run that run %s judged: %w", run.ID, err)
	}
	run, err = s.Store.Run(ctx, ws, id)
	return run, newest.Locus, err
}

// judge reads off the estate what the repeated look changed.
func (s *Stage) judge(ctx context.Context, ws gyre.ID, before gyre.Exposure, runs again, v gyre.Verdict, started time.Time) (gyre.Verdict, error) {
	e, err := s.Store.Exposure(ctx, ws, before.ID)
	if err != nil {
		return gyre.Verdict{}, err
	}
	switch {
	case seenAgain(before, e, runs.looked, started.Truncate(time.Microsecond)):
		v.Outcome = gyre.OutcomeStillThere
		if e.State == gyre.StateFixClaimed {
			if err := s.Store.Reopen(ctx, ws, e.ID, v.By, "validation found it still there"); err != nil {
				return v, fmt.Errorf("reopen exposure: %w", err)
			}
		}
	case e.State == gyre.StateFixed && before.State != gyre.StateFixed:
		v.Outcome = gyre.OutcomeFixed
	default:
		return s.unmoved(ctx, ws, e, runs, v)
	}
	obs, err := s.Store.Observations(ctx, ws, e.ID)
	if err != nil {
		return v, fmt.Errorf("observations: %w", err)
	}
	newest := time.Time{}
	for _, o := range obs {
		if o.At.After(newest) {
			newest, v.Evidence = o.At, o.Evidence
		}
	}
	return s.verdict(ctx, ws, v)
}

// seenAgain says whether the look shows that the exposure is still there. A report
// that was read again is as old as its tool's look: it shows so only if nobody looked since
// and, where a fix is claimed, if it is newer than the claim.
func seenAgain(before, e gyre.Exposure, looked gyre.Run, started time.Time) bool {
	if !looked.Started.Before(started) {
		return !e.LastSeen.Before(started)
	}
	return !looked.Started.Before(before.LastSeen) && !e.LastSeen.Before(looked.Started) && e.State != gyre.StateFixed &&
		(before.State != gyre.StateFixClaimed || looked.Started.After(before.StateSince))
}

// unmoved is the verdict on an exposure that the look left as it was. What was
// fixed or false before cannot be closed again, so there the look's coverage decides.
func (s *Stage) unmoved(ctx context.Context, ws gyre.ID, e gyre.Exposure, runs again, v gyre.Verdict) (gyre.Verdict, error) {
	v.Outcome = gyre.OutcomeInconclusive
	v.Evidence = gyre.Evidence{Summary: whyInconclusive(runs.looked, e)}
	if e.State != gyre.StateFixed && e.State != gyre.StateFalsePositive {
		return s.verdict(ctx, ws, v)
	}
	weaknesses, err := s.Store.Weaknesses(ctx, ws, []gyre.ID{e.Weakness})
	if err != nil {
		return v, fmt.Errorf("weakness of exposure: %w", err)
	}
	var names []string
	for _, w := range weaknesses {
		names = append(append(names, w.Key), w.Aliases...)
	}
	for _, run := range []gyre.Run{runs.looked, runs.judged} {
		covered, err := s.Store.CoverageOfRun(ctx, ws, run.ID)
		if err != nil {
			return v, fmt.Errorf("coverage of retest: %w", err)
		}
		for _, c := range covered {
			if run.Status == gyre.RunSucceeded && c.Asset == gyre.RefID(e.Asset) && c.Aspect == e.Aspect && c.Covers(runs.locus) && c.Judges(names...) &&
				(c.Credentialed || !e.Credentialed) {
				v.Outcome = gyre.OutcomeFixed
				v.Evidence = gyre.Evidence{Summary: runs.looked.Source + " looked again and did not see it", Data: map[string]any{"run": run.ID.String(), "locus": e.Locus}}
			}
		}
	}
	return s.verdict(ctx, ws, v)
}

func (s *Stage) verdict(ctx context.Context, ws gyre.ID, v gyre.Verdict) (gyre.Verdict, error) {
	v.At = s.Now()
	if err := s.Store.AddVerdict(ctx, ws, v); err != nil {
		return v, fmt.Errorf("keep verdict: %w", err)
	}
	s.Log.Info("validated", "exposure", v.Exposure, "outcome", v.Outcome, "method", v.Method, "by", v.By)
	return v, nil
}

func whyInconclusive(r gyre.Run, e gyre.Exposure) string {
	if r.Status == gyre.RunSucceeded && !r.Started.After(e.LastSeen) {
		return fmt.Sprintf("%s is of %s and shows nothing newer", r.Target, r.Started.UTC().Format(time.RFC3339))
	}
	var why []string
	for _, p := range r.Problems {
		why = append(why, p.Place+": "+p.Reason)
	}
	why = append(why, r.Limits...)
	if len(why) == 0 {
		return "the source could not look at this place (run " + string(r.Status) + ")"
	}
	if len(why) > 3 {
		why = append(why[:3], fmt.Sprintf("and %d more reasons", len(why)-3))
	}
	return "the place could not be looked at: " + strings.Join(why, "; ")
}

// ValidateClaims validates every exposure that somebody claims to have fixed.
// What a run saw after the claim needs no retest to be refuted.
func (s *Stage) ValidateClaims(ctx context.Context, ws gyre.ID, progress plugin.Progress) (fixed, standing int, err error) {
	ids, err := s.Store.Claimed(ctx, ws)
	if err != nil {
		return 0, 0, fmt.Errorf("list claimed fixes: %w", err)
	}
	for i, id := range ids {
		if err := ctx.Err(); err != nil {
			return fixed, standing, err
		}
		progress(i, len(ids), "")
		proven, err := s.validateClaim(ctx, ws, id)
		switch {
		case errors.Is(err, context.Canceled):
			return fixed, standing, err
		case err != nil:
			s.Log.Warn("validate claimed fix", "exposure", id, "error", err)
			standing++
		case proven:
			fixed++
		default:
			standing++
		}
	}
	progress(len(ids), len(ids), "")
	return fixed, standing, nil
}

func (s *Stage) validateClaim(ctx context.Context, ws, id gyre.ID) (bool, error) {
	e, err := s.Store.Exposure(ctx, ws, id)
	if err != nil {
		return false, err
	}
	if e.LastSeen.After(e.StateSince) {
		return false, s.Store.Reopen(ctx, ws, id, "system", "seen again after the fix was claimed")
	}
	v, err := s.Validate(ctx, ws, id, "system")
	return v.Outcome == gyre.OutcomeFixed, err
}
