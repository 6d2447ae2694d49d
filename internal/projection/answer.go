// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"maps"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/prioritize"
)

// View answers about one state of a workspace: as it is, from Projection.View,
// or as it was, from Projection.AsOf. It never changes, so that several answers
// of one view fit together. Safe for concurrent use.
type View struct {
	s       *star
	freshAt time.Time
	// at is what the word now means in a filter; zero for the time of the question.
	at time.Time
}

func (v *View) now() time.Time {
	if v.at.IsZero() {
		return time.Now()
	}
	return v.at
}

// Seq is the number of the newest event that the view holds.
func (v *View) Seq() int64 { return v.s.seq }

// Exposures lists exposures. What is wrong with the query is gyre.Invalid with its part as Field.
func (v *View) Exposures(q gyre.ListQuery) ([]gyre.ExposureRow, gyre.ListInfo, error) {
	return answer(v, v.s.exposureTable(), q, v.s.exposureRow)
}

// Assets lists assets.
func (v *View) Assets(q gyre.ListQuery) ([]gyre.AssetRow, gyre.ListInfo, error) {
	return answer(v, v.s.assetTable(), q, v.s.assetRow)
}

func answer[R any](v *View, t *table, q gyre.ListQuery, show func(row uint32) R) ([]R, gyre.ListInfo, error) {
	l, err := t.list(q, v.now())
	if err != nil {
		return nil, gyre.ListInfo{}, err
	}
	rows := make([]R, len(l.page))
	for i, row := range l.page {
		rows[i] = show(row)
	}
	l.info.FreshAt = v.freshAt.UTC()
	return rows, l.info, nil
}

// ExposureIDs lists the exposures that match a filter, at most limit of them.
func (v *View) ExposureIDs(filter string, limit int) ([]gyre.ID, error) {
	t := v.s.exposureTable()
	defer t.turn.end()
	found, err := t.find(filter, v.now())
	if err != nil {
		return nil, err
	}
	ids := make([]gyre.ID, 0, min(limit, found.total))
	found.rows.each(func(row uint32) bool {
		if len(ids) == limit {
			return false
		}
		ids = append(ids, v.s.factID(row))
		return true
	})
	return ids, nil
}

// ExposureRows returns the rows of the given exposures that exist, in the given order.
func (v *View) ExposureRows(ids []gyre.ID) []gyre.ExposureRow {
	return rowsOf(ids, v.s.fact, v.s.exposureRow)
}

// AssetRows returns the rows of the given assets that exist, in the given order.
func (v *View) AssetRows(ids []gyre.ID) []gyre.AssetRow {
	return rowsOf(ids, v.s.asset, v.s.assetRow)
}

func rowsOf[R any](ids []gyre.ID, find func(gyre.ID) (uint32, bool), show func(uint32) R) []R {
	rows := make([]R, 0, len(ids))
	for _, id := range ids {
		if row, ok := find(id); ok {
			rows = append(rows, show(row))
		}
	}
	return rows
}

// Tally adds up the estate.
func (v *View) Tally() gyre.Tally {
	t := v.s.totals().tally
	t.Bands, t.Classes = maps.Clone(t.Bands), maps.Clone(t.Classes)
	return t
}

// Scored is an exposure with everything that its score depends on.
type Scored struct {
	ID       gyre.ID
	Recorded gyre.Band // as the store has it
	Risk     float64
	Active   bool
	Input    prioritize.Input
}

// Scores calls yield for every exposure.
func (v *View) Scores(yield func(Scored) error) (err error) {
	s := v.s
	active := s.activeStates()
	s.live.each(func(row uint32) bool {
		err = yield(Scored{
			ID: s.factID(row), Recorded: gyre.Band(s.bands.list[s.facts.recorded.at(row)]), Risk: s.facts.risk.at(row),
			Active: active[s.facts.state.at(row)] != 0, Input: s.input(row),
		})
		return err == nil
	})
	return err
}

// Score explains the risk of one exposure.
func (v *View) Score(exposure gyre.ID) (gyre.Score, error) {
	in, err := v.Input(exposure)
	if err != nil {
		return gyre.Score{}, err
	}
	return prioritize.Score(in, prioritize.Sources{}), nil
}

// Input returns what the score of one exposure depends on.
func (v *View) Input(exposure gyre.ID) (prioritize.Input, error) {
	row, ok := v.s.fact(exposure)
	if !ok {
		return prioritize.Input{}, gyre.Errorf(gyre.NotFound, "there is no exposure %s", exposure)
	}
	return v.s.input(row), nil
}
