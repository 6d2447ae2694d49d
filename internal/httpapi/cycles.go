// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
)

func (s *server) registerCycles(api huma.API) {
	add(s, api, "list-cycles", http.MethodGet, "/cycles", "List cycles, newest first", s.listCycles)
	add(s, api, "start-cycle", http.MethodPost, "/cycles", "Start a cycle", s.startCycle, status(http.StatusAccepted))
	add(s, api, "get-cycle", http.MethodGet, "/cycles/{id}", "A cycle with its runs", s.getCycle)
	add(s, api, "cancel-cycle", http.MethodPost, "/cycles/{id}/cancel", "Stop a running cycle", s.cancelCycle, status(http.StatusAccepted))
	add(s, api, "resume-cycle", http.MethodPost, "/cycles/{id}/resume", "Go on with a cycle that was cut short", s.resumeCycle, status(http.StatusAccepted))
	add(s, api, "diff-cycles", http.MethodGet, "/cycles/{id}/diff", "What changed between the ends of two cycles", s.diffCycles)
}

func (s *server) listCycles(ctx context.Context, in *struct {
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100"`
},
) (*reply[CycleList], error) {
	all, err := s.History.Cycles(ctx, workspace(ctx), in.Limit)
	return ok(CycleList{all}, err)
}

func (s *server) startCycle(ctx context.Context, in *struct {
	Body *CycleInput
},
) (*reply[gyre.Cycle], error) {
	var scopes []gyre.ID
	if in.Body != nil {
		scopes = in.Body.Scopes
	}
	c, err := s.Cycles.Start(ctx, workspace(ctx), scopes, actor(ctx))
	note(ctx).object = c.ID.String()
	return ok(c, err)
}

func (s *server) getCycle(ctx context.Context, in *ByID) (*reply[CycleDetail], error) {
	c, err := s.History.Cycle(ctx, workspace(ctx), in.ID.ID)
	if err != nil {
		return nil, err
	}
	runs, err := s.History.RunsOfCycle(ctx, workspace(ctx), c.ID)
	return ok(CycleDetail{c, runs}, err)
}

func (s *server) cancelCycle(ctx context.Context, in *ByID) (*reply[gyre.Cycle], error) {
	if err := s.Cycles.Cancel(ctx, workspace(ctx), in.ID.ID); err != nil {
		return nil, err
	}
	return ok(s.History.Cycle(ctx, workspace(ctx), in.ID.ID))
}

func (s *server) resumeCycle(ctx context.Context, in *ByID) (*reply[gyre.Cycle], error) {
	return ok(s.Cycles.Resume(ctx, workspace(ctx), in.ID.ID))
}

func (s *server) diffCycles(ctx context.Context, in *struct {
	ByID
	With pathID `query:"with" doc:"The other cycle; the one before when left out"`
},
) (*reply[CycleDiff], error) {
	ws := workspace(ctx)
	newer, err := s.History.Cycle(ctx, ws, in.ID.ID)
	if err != nil {
		return nil, err
	}
	older, err := s.otherCycle(ctx, ws, newer, in.With.ID)
	if err != nil {
		return nil, err
	}
	if older.Number > newer.Number {
		older, newer = newer, older
	}
	ids, err := s.movesBetween(ctx, ws, s.endOf(older), s.endOf(newer))
	if err != nil {
		return nil, err
	}
	d := CycleDiff{Risk: RiskChange{older.After.Risk, s.riskAfter(ctx, ws, newer)}}
	for i, rows := range []*[]gyre.ExposureRow{&d.Created, &d.Closed, &d.Reopened} {
		d.More = d.More || len(ids[i]) > maxRows
		if *rows, err = s.Lists.ExposureRows(ctx, ws, ids[i][:min(len(ids[i]), maxRows)]); err != nil {
			return nil, err
		}
	}
	return ok(d, nil)
}

// otherCycle is the cycle to compare with: the named one, else the one before.
// Before the first cycle there was nothing.
func (s *server) otherCycle(ctx context.Context, ws gyre.ID, c gyre.Cycle, id gyre.ID) (gyre.Cycle, error) {
	if id != 0 {
		return s.History.Cycle(ctx, ws, id)
	}
	all, err := s.History.Cycles(ctx, ws, 1000)
	if err != nil {
		return gyre.Cycle{}, err
	}
	for _, other := range all {
		if other.Number == c.Number-1 {
			return other, nil
		}
	}
	return gyre.Cycle{Started: time.UnixMicro(0), Ended: time.UnixMicro(0)}, nil
}

func (s *server) endOf(c gyre.Cycle) time.Time {
	if c.Ended.IsZero() {
		return s.Now()
	}
	return c.Ended
}

func (s *server) riskAfter(ctx context.Context, ws gyre.ID, c gyre.Cycle) float64 {
	if c.State == gyre.CycleRunning {
		if t, err := s.Lists.Tally(ctx, ws); err == nil {
			return t.Risk
		}
	}
	return c.After.Risk
}

// Positions in what movesBetween returns.
const (
	created = iota
	closed
	reopened
)

// movesBetween says, of the exposures that changed in a span, which were new at
// its end, which no longer counted and which counted again. What came and went
// within the span is in none.
func (s *server) movesBetween(ctx context.Context, ws gyre.ID, from, to time.Time) (ids [3][]gyre.ID, err error) {
	type life struct {
		isNew         bool
		before, after gyre.State
	}
	lives := map[gyre.ID]*life{}
	const step = 5000
	for seq := int64(0); ; {
		events, err := s.History.EventsBetween(ctx, ws, "exposure", from.UnixMicro(), to.UnixMicro()+1, seq, step)
		if err != nil {
			return ids, err
		}
		for _, e := range events {
			seq = e.Seq
			l := lives[e.ID]
			if l == nil {
				l = &life{before: gyre.State(e.From)}
			}
			switch e.Kind {
			case "created":
				l.isNew, l.after = true, gyre.StateOpen
			case "state":
				l.after = gyre.State(e.To)
			default:
				continue
			}
			lives[e.ID] = l
		}
		if len(events) < step {
			break
		}
	}
	for id, l := range lives {
		switch {
		case l.isNew && l.after.Active():
			ids[created] = append(ids[created], id)
		case !l.isNew && l.before.Active() && !l.after.Active():
			ids[closed] = append(ids[closed], id)
		case !l.isNew && !l.before.Active() && l.after.Active():
			ids[reopened] = append(ids[reopened], id)
		}
	}
	for i := range ids {
		slices.Sort(ids[i])
	}
	return ids, nil
}
