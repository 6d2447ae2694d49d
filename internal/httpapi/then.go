// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Then reads single objects as they were at one moment. Who is who is as known
// today; what was not there yet is gyre.NotFound.
type Then interface {
	Exposure(ctx context.Context, ws, id gyre.ID) (gyre.Exposure, error)
	Asset(ctx context.Context, ws, id gyre.ID) (asset gyre.Asset, scopes []gyre.ID, err error)
	Weakness(ctx context.Context, ws, id gyre.ID) (gyre.Weakness, gyre.Intel, error)
	// Actions lists actions by the risk that they remove; ids nil is all.
	Actions(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Action, error)
}

// exposureThen is everything that is known of how one exposure was. Of what each source
// said the latest word is kept: where that came later, the events tell of the words before.
func (s *server) exposureThen(ctx context.Context, id gyre.ID, at time.Time) (*reply[ExposureDetail], error) {
	ws, then := workspace(ctx), s.Past.Then(at)
	d := ExposureDetail{AsOf: at, Runbook: []string{}}
	view, err := s.Past.AsOf(ctx, ws, at)
	if err != nil {
		return nil, err
	}
	if d.Exposure, err = then.Exposure(ctx, ws, id); err != nil {
		return nil, err
	}
	read := []func() error{
		func() (err error) { d.Asset, err = s.assetThen(ctx, then, d.Exposure.Asset); return err },
		func() (err error) { d.Weakness, d.Intel, err = then.Weakness(ctx, ws, d.Exposure.Weakness); return err },
		func() (err error) { d.Score, err = view.Score(id); return err },
		func() (err error) { d.Observations, err = s.Exposures.Observations(ctx, ws, id); return err },
		func() (err error) { d.Events, err = s.eventsUntil(ctx, id, at); return err },
		func() (err error) { d.Verdicts, err = s.Exposures.Verdicts(ctx, ws, id); return err },
		func() (err error) { d.Exception, err = optional(s.Exposures.Exception(ctx, ws, id)); return err },
		func() error {
			for _, row := range view.ExposureRows([]gyre.ID{id}) {
				if row.Action == 0 {
					break
				}
				all, err := then.Actions(ctx, ws, []gyre.ID{row.Action})
				if err != nil || len(all) == 0 {
					return err
				}
				d.Action = &all[0]
			}
			return nil
		},
	}
	for _, f := range read {
		if err := f(); err != nil {
			return nil, err
		}
	}
	d.Observations = slices.DeleteFunc(d.Observations, func(o gyre.Observation) bool { return o.At.After(at) })
	d.Verdicts = slices.DeleteFunc(d.Verdicts, func(v gyre.Verdict) bool { return v.At.After(at) })
	if d.Exception != nil && (d.Exception.Created.After(at) || d.Exception.State != d.Exposure.State) {
		d.Exception = nil // it is of a later decision
	}
	return ok(d, nil)
}

// assetThen is an asset as it was; one that came to be one of its own since is as today.
func (s *server) assetThen(ctx context.Context, then Then, id gyre.ID) (gyre.Asset, error) {
	a, _, err := then.Asset(ctx, workspace(ctx), id)
	if gyre.ErrorCode(err) == gyre.NotFound {
		return s.Assets.Asset(ctx, workspace(ctx), id)
	}
	return a, err
}

// eventsUntil lists what had happened to an object, newest first.
func (s *server) eventsUntil(ctx context.Context, id gyre.ID, at time.Time) ([]gyre.Event, error) {
	out := []gyre.Event{}
	for before := int64(0); ; {
		page, err := s.Past.HistoryOf(ctx, workspace(ctx), id, before, maxRows)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if !e.At.After(at) && len(out) < maxHistory {
				out = append(out, e)
			}
			before = e.Seq
		}
		if len(page) < maxRows || len(out) == maxHistory {
			return out, nil
		}
	}
}

// assetDetailThen is how one asset was. What was collected of it, its software and its
// relations are not kept: the newest of each is.
func (s *server) assetDetailThen(ctx context.Context, id gyre.ID, at time.Time) (*reply[AssetDetail], error) {
	ws := workspace(ctx)
	d := AssetDetail{AsOf: at, Scopes: []ScopeName{}, Facts: []FactRow{}, Relations: []RelationRow{}}
	view, err := s.Past.AsOf(ctx, ws, at)
	if err != nil {
		return nil, err
	}
	asset, of, err := s.Past.Then(at).Asset(ctx, ws, id)
	if err != nil {
		return nil, err
	}
	d.Asset = asset
	for _, r := range view.AssetRows([]gyre.ID{id}) {
		d.Exposures = AssetExposures{r.Exposures, r.Risk, r.MaxBand}
	}
	scopes, err := s.Scopes.Scopes(ctx, ws)
	for _, sc := range scopes {
		if slices.Contains(of, sc.ID) {
			d.Scopes = append(d.Scopes, ScopeName{sc.ID, sc.Name})
		}
	}
	return ok(d, err)
}

// actionsThen lists the actions as they were.
func (s *server) actionsThen(ctx context.Context, at time.Time, states []gyre.ActionState, sort string, limit int) (*reply[ActionList], error) {
	all, err := s.Past.Then(at).Actions(ctx, workspace(ctx), nil)
	if err != nil {
		return nil, err
	}
	if len(states) > 0 {
		all = slices.DeleteFunc(all, func(a gyre.Action) bool { return !slices.Contains(states, a.State) })
	}
	sortActions(all, sort)
	return ok(ActionList{Items: all[:min(len(all), limit)], Total: len(all), AsOf: at}, nil)
}

// actionThen is an action as it was, with what it removed. Its steps are as today.
func (s *server) actionThen(ctx context.Context, id gyre.ID, at time.Time) (*reply[ActionDetail], error) {
	ws := workspace(ctx)
	all, err := s.Past.Then(at).Actions(ctx, ws, []gyre.ID{id})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, gyre.Errorf(gyre.NotFound, "action %s was not there on %s", id, at.Format(time.RFC3339))
	}
	view, err := s.Past.AsOf(ctx, ws, at)
	if err != nil {
		return nil, err
	}
	rows, _, err := view.Exposures(gyre.ListQuery{Filter: fmt.Sprintf("action == %q", id), Sort: []string{"-risk"}, Limit: maxRows})
	return ok(ActionDetail{AsOf: at, Action: all[0], Exposures: rows, Runbook: []string{}}, err)
}
