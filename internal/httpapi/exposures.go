// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
)

// Limits of exceptions and of one bulk change.
const (
	exceptionDefault = 90 * 24 * time.Hour
	exceptionMax     = 366 * 24 * time.Hour
	maxBulk          = 100_000
	maxHistory       = 200
	validateTimeout  = 60 * time.Second
)

func (s *server) registerExposures(api huma.API) {
	add(s, api, "list-exposures", http.MethodGet, "/exposures", "List exposures", s.listExposures)
	add(s, api, "get-exposure", http.MethodGet, "/exposures/{id}", "Everything about one exposure", s.getExposure)
	add(s, api, "change-exposures", http.MethodPatch, "/exposures", "Move exposures to a state", s.changeExposures)
	add(s, api, "undo-change", http.MethodPost, "/changes/{id}/undo", "Take a change of exposures back, where nothing happened since", s.undoChange)
	add(s, api, "validate-exposure", http.MethodPost, "/exposures/{id}/validate", "Look at the place of an exposure again", s.validate)
}

// Query asks for one page of a list of the projection.
type Query struct {
	Filter string `query:"filter" maxLength:"4096" doc:"CEL; see /filter-schema"`
	Sort   string `query:"sort" maxLength:"200" doc:"Fields, comma-separated, - before one for descending" example:"-risk,asset.name"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	After  string `query:"after" maxLength:"2000" doc:"next of the page before; the sort must be the same"`
	Facets string `query:"facets" maxLength:"200" doc:"Fields, comma-separated, whose values are counted over all rows that match"`
	AsOfQuery
}

func (q Query) list() gyre.ListQuery {
	return gyre.ListQuery{Filter: q.Filter, Sort: fields(q.Sort), Limit: q.Limit, After: q.After, Facets: fields(q.Facets)}
}

func fields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func (s *server) listExposures(ctx context.Context, in *struct{ Query }) (*reply[ExposurePage], error) {
	past, at, err := s.past(ctx, in.AsOfQuery)
	if err != nil {
		return nil, err
	}
	if past != nil {
		rows, info, err := past.Exposures(in.list())
		info.AsOf = at
		return ok(ExposurePage{rows, info}, err)
	}
	rows, info, err := s.Lists.Exposures(ctx, workspace(ctx), in.list())
	return ok(ExposurePage{rows, info}, err)
}

func (s *server) getExposure(ctx context.Context, in *struct {
	ByID
	AsOfQuery
},
) (*reply[ExposureDetail], error) {
	at, err := s.asOf("as_of", in.AsOf)
	if err != nil {
		return nil, err
	}
	if !at.IsZero() {
		return s.exposureThen(ctx, in.ID.ID, at)
	}
	ws := workspace(ctx)
	var d ExposureDetail
	if d.Exposure, err = s.Exposures.Exposure(ctx, ws, in.ID.ID); err != nil {
		return nil, err
	}
	read := []func() error{
		func() (err error) { d.Asset, err = s.Assets.Asset(ctx, ws, d.Exposure.Asset); return err },
		func() (err error) { d.Weakness, err = s.Exposures.Weakness(ctx, ws, d.Exposure.Weakness); return err },
		func() (err error) { d.Intel, err = s.Exposures.IntelOf(ctx, d.Weakness); return err },
		func() (err error) { d.Score, err = s.Score(ctx, ws, in.ID.ID); return err },
		func() (err error) { d.Observations, err = s.Exposures.Observations(ctx, ws, in.ID.ID); return err },
		func() (err error) { d.Events, err = s.Exposures.EventsOf(ctx, ws, in.ID.ID, maxHistory); return err },
		func() (err error) { d.Verdicts, err = s.Exposures.Verdicts(ctx, ws, in.ID.ID); return err },
		func() (err error) { d.Action, err = s.actionOf(ctx, ws, in.ID.ID); return err },
		func() (err error) { d.Exception, err = optional(s.Exposures.Exception(ctx, ws, in.ID.ID)); return err },
		func() (err error) { d.Runbook, err = s.runbooks(ctx, ws, placeOf(d)); return err },
	}
	for _, f := range read {
		if err := f(); err != nil {
			return nil, err
		}
	}
	return ok(d, nil)
}

// optional turns gyre.NotFound into nil.
func optional[T any](v T, err error) (*T, error) {
	if gyre.ErrorCode(err) == gyre.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

func (s *server) actionOf(ctx context.Context, ws, exposure gyre.ID) (*gyre.Action, error) {
	id, err := s.Exposures.ActionOf(ctx, ws, exposure)
	if err != nil || id == 0 {
		return nil, err
	}
	return optional(s.Actions.Action(ctx, ws, id))
}

func (s *server) changeExposures(ctx context.Context, in *with[ExposureChange]) (*reply[ChangeResult], error) {
	c := in.Body
	if err := s.checkChange(&c); err != nil {
		return nil, err
	}
	ids := c.IDs
	if c.Filter != "" {
		var err error
		if ids, err = s.Lists.ExposureIDs(ctx, workspace(ctx), c.Filter, maxBulk+1); err != nil {
			return nil, inBody(err)
		}
		if len(ids) > maxBulk {
			return nil, gyre.FieldErrorf(gyre.TooLarge, "body.filter", "it matches more than %d exposures: narrow it", maxBulk)
		}
	}
	change, err := s.Exposures.SetStates(ctx, workspace(ctx), ids, c.State, actor(ctx), c.Reason, c.Ends)
	if err != nil {
		return nil, err
	}
	note(ctx).object = change.ID.String()
	note(ctx).details = fmt.Sprintf("%d to %s, %d left as they are; %s", change.Changed, c.State, len(change.Skipped), c.Reason)
	return ok(ChangeResult{change.ID, change.Changed, change.Skipped}, nil)
}

// checkChange refuses what cannot be asked for, and fills in when it ends.
func (s *server) checkChange(c *ExposureChange) error {
	if (len(c.IDs) > 0) == (c.Filter != "") {
		return gyre.FieldErrorf(gyre.Invalid, "body.ids", "name the exposures either by ids or by a filter")
	}
	switch c.State {
	case gyre.StateAccepted, gyre.StateFalsePositive:
	case gyre.StateFixed, gyre.StateMitigated:
		return gyre.FieldErrorf(gyre.Invalid, "body.state", "%s needs evidence: claim the fix, then validate it", c.State)
	default:
		if !c.Ends.IsZero() {
			return gyre.FieldErrorf(gyre.Invalid, "body.ends", "only accepted and false_positive end")
		}
		return nil
	}
	if strings.TrimSpace(c.Reason) == "" {
		return gyre.FieldErrorf(gyre.Invalid, "body.reason", "%s needs a reason", c.State)
	}
	now := s.Now()
	if c.Ends.IsZero() {
		c.Ends = now.Add(exceptionDefault)
	}
	if !c.Ends.After(now) || c.Ends.After(now.Add(exceptionMax)) {
		return gyre.FieldErrorf(gyre.Invalid, "body.ends", "%s must end in the future, within a year", c.State)
	}
	return nil
}

func (s *server) undoChange(ctx context.Context, in *ByID) (*reply[ChangeResult], error) {
	change, err := s.Exposures.UndoChange(ctx, workspace(ctx), in.ID.ID, actor(ctx))
	if err != nil {
		return nil, err
	}
	note(ctx).details = fmt.Sprintf("%d put back, %d left as they are", change.Changed, len(change.Skipped))
	return ok(ChangeResult{change.ID, change.Changed, change.Skipped}, nil)
}

func (s *server) validate(ctx context.Context, in *struct {
	ByID
	Unhurried
},
) (*reply[gyre.Verdict], error) {
	in.allow(validateTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, validateTimeout,
		gyre.Errorf(gyre.Unavailable, "the place was not looked at within %s", validateTimeout))
	defer cancel()
	v, err := s.Validator.Validate(ctx, workspace(ctx), in.ID.ID, actor(ctx))
	if err != nil && context.Cause(ctx) != nil && ctx.Err() == context.DeadlineExceeded {
		err = context.Cause(ctx)
	}
	note(ctx).details = string(v.Outcome)
	return ok(v, err)
}
