// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
)

// Past answers about how the estate was.
type Past interface {
	// AsOf returns the estate as it was; gyre.Invalid for a time before the history begins.
	AsOf(ctx context.Context, ws gyre.ID, at time.Time) (PastView, error)
	// Then reads single objects as they were.
	Then(at time.Time) Then
	// Trend adds up the estate at times that ascend.
	Trend(ctx context.Context, ws gyre.ID, at []time.Time) ([]gyre.Tally, error)
	// HistoryBegins is the first moment that can be looked back at; zero: nothing has happened yet.
	HistoryBegins(ctx context.Context, ws gyre.ID) (time.Time, error)
	// HistoryOf lists events of one object, newest first, those before a number; 0 is all.
	HistoryOf(ctx context.Context, ws, object gyre.ID, before int64, limit int) ([]gyre.Event, error)
}

// PastView is the estate at one moment.
type PastView interface {
	Exposures(q gyre.ListQuery) ([]gyre.ExposureRow, gyre.ListInfo, error)
	Assets(q gyre.ListQuery) ([]gyre.AssetRow, gyre.ListInfo, error)
	Tally() gyre.Tally
	// ExposureRows and AssetRows return the rows of ids that were there, in their order.
	ExposureRows(ids []gyre.ID) []gyre.ExposureRow
	AssetRows(ids []gyre.ID) []gyre.AssetRow
	Score(exposure gyre.ID) (gyre.Score, error)
}

// Compactor removes what the retention settings say, or counts it.
type Compactor interface {
	Compact(ctx context.Context, ws gyre.ID, dry bool) (gyre.Compacted, error)
}

// CompactInput asks for a compaction.
type CompactInput struct {
	DryRun bool `json:"dry_run,omitempty" doc:"Only count"`
}

func (s *server) compact(ctx context.Context, in *struct {
	Unhurried
	Body CompactInput
},
) (*reply[gyre.Compacted], error) {
	in.allow(compactTimeout)
	return ok(s.Compactor.Compact(ctx, workspace(ctx), in.Body.DryRun))
}

const (
	compactTimeout = 10 * time.Minute
	trendDefault   = 30 // steps
	maxTrend       = 400
)

func (s *server) registerHistory(api huma.API) {
	add(s, api, "get-history", http.MethodGet, "/history/{id}", "What happened to an exposure, asset, weakness, action or scope", s.getHistory)
	add(s, api, "compact", http.MethodPost, "/compact", "Remove what old runs leave and nobody will ask for again", s.compact)
	add(s, api, "get-trend", http.MethodGet, "/trend", "The estate in numbers over time", s.getTrend)
}

// AsOfQuery asks how it was.
type AsOfQuery struct {
	AsOf string `query:"as_of" maxLength:"40" example:"2026-11-01" doc:"How it was at a time (RFC 3339), or at the end of a day (UTC). Who is who is as known today"`
}

// asOf is the moment that is asked for; zero is now.
func (s *server) asOf(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	now := s.Now()
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		switch end := day.AddDate(0, 0, 1).Add(-time.Microsecond); {
		case day.After(now):
			return time.Time{}, gyre.FieldErrorf(gyre.Invalid, field, "%s has not come yet", text)
		case end.After(now):
			return time.Time{}, nil // today so far
		default:
			return end, nil
		}
	}
	at, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		return time.Time{}, gyre.FieldErrorf(gyre.Invalid, field, "%q is neither a date such as 2026-11-01 nor a time such as 2026-11-01T12:00:00Z", text)
	case at.After(now):
		return time.Time{}, gyre.FieldErrorf(gyre.Invalid, field, "%s has not come yet", text)
	}
	return at.UTC(), nil
}

// past returns the estate at the moment that is asked for, nil for now.
func (s *server) past(ctx context.Context, q AsOfQuery) (PastView, time.Time, error) {
	at, err := s.asOf("as_of", q.AsOf)
	if err != nil || at.IsZero() {
		return nil, at, err
	}
	v, err := s.Past.AsOf(ctx, workspace(ctx), at)
	return v, at, err
}

// HistoryPage is what happened to one object.
type HistoryPage struct {
	Items []gyre.Event `json:"items" doc:"Newest first"`
	Next  string       `json:"next,omitempty" doc:"Cursor of the next page; empty on the last"`
}

func (s *server) getHistory(ctx context.Context, in *struct {
	ByID
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	After string `query:"after" maxLength:"20" doc:"next of the page before"`
},
) (*reply[HistoryPage], error) {
	before := int64(0)
	if in.After != "" {
		var err error
		if before, err = strconv.ParseInt(in.After, 10, 64); err != nil || before < 1 {
			return nil, gyre.FieldErrorf(gyre.Invalid, "after", "%q is not the cursor of a page", in.After)
		}
	}
	events, err := s.Past.HistoryOf(ctx, workspace(ctx), in.ID.ID, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 && before == 0 {
		return nil, gyre.Errorf(gyre.NotFound, "nothing is known of %s", in.ID.ID)
	}
	page := HistoryPage{Items: events}
	if len(events) > in.Limit {
		page.Items = events[:in.Limit]
		page.Next = strconv.FormatInt(page.Items[in.Limit-1].Seq, 10)
	}
	return ok(page, nil)
}

// Trend is the estate in numbers over time.
type Trend struct {
	Points []TrendPoint `json:"points" doc:"Oldest first"`
	Begins time.Time    `json:"begins,omitzero" doc:"When the history begins; there are no points before"`
}

// TrendPoint is the estate at one moment, with today's knowledge of who is who.
type TrendPoint struct {
	At time.Time `json:"at"`
	gyre.Tally
}

func (s *server) getTrend(ctx context.Context, in *struct {
	From string `query:"from" maxLength:"40" doc:"Date or time (RFC 3339); 30 steps ago when left out"`
	To   string `query:"to" maxLength:"40" doc:"Date or time (RFC 3339); now when left out"`
	Step string `query:"step" enum:"hour,day,week,month" default:"day"`
	Unhurried
},
) (*reply[Trend], error) {
	ws, now := workspace(ctx), s.Now()
	to, err := s.asOf("to", in.To)
	if err != nil {
		return nil, err
	}
	if to.IsZero() {
		to = now
	}
	from, err := s.asOf("from", in.From)
	if err != nil {
		return nil, err
	}
	if from.IsZero() {
		from = stepBack(to, in.Step, trendDefault-1)
	}
	if from.After(to) {
		return nil, gyre.FieldErrorf(gyre.Invalid, "from", "%s is after %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	out := Trend{Points: []TrendPoint{}}
	if out.Begins, err = s.Past.HistoryBegins(ctx, ws); err != nil || out.Begins.IsZero() {
		return ok(out, err)
	}
	if out.Begins.After(to) {
		return nil, gyre.FieldErrorf(gyre.Invalid, "to", "the history begins on %s", out.Begins.Format(time.RFC3339))
	}
	var times []time.Time
	for n := 0; ; n++ {
		at := stepBack(to, in.Step, n)
		if at.Before(from) || at.Before(out.Begins) {
			break
		}
		if len(times) == maxTrend {
			return nil, gyre.FieldErrorf(gyre.TooLarge, "step", "more than %d points: take larger steps", maxTrend)
		}
		times = append([]time.Time{at}, times...)
	}
	in.allow(validateTimeout)
	live := len(times) > 0 && times[len(times)-1].Equal(now)
	if live {
		times = times[:len(times)-1]
	}
	tallies, err := s.Past.Trend(ctx, ws, times)
	if err != nil {
		return nil, err
	}
	for i, t := range tallies {
		out.Points = append(out.Points, TrendPoint{times[i], t})
	}
	if live {
		t, err := s.Lists.Tally(ctx, ws)
		if err != nil {
			return nil, err
		}
		out.Points = append(out.Points, TrendPoint{now, t})
	}
	return ok(out, nil)
}

// stepBack is n steps before a time: ends of days, weeks and months, so that
// asking again tomorrow asks for the same moments.
func stepBack(to time.Time, step string, n int) time.Time {
	if n == 0 {
		return to
	}
	day := to.UTC().Truncate(24 * time.Hour)
	end := func(t time.Time) time.Time { return t.Add(-time.Microsecond) }
	switch step {
	case "hour":
		return end(to.UTC().Truncate(time.Hour).Add(-time.Duration(n-1) * time.Hour))
	case "week":
		monday := day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
		return end(monday.AddDate(0, 0, -7*(n-1)))
	case "month":
		return end(time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, -(n - 1), 0))
	}
	return end(day.AddDate(0, 0, -(n - 1)))
}
