// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
	"github.com/gyre-ctem/gyre/internal/prioritize"
)

// View answers about one workspace: as it is, from Projection.View, or as it
// was, from Projection.AsOf. Safe for concurrent use.
type View struct {
	v *view
	// at is what the word now means in a filter; zero for the time of the question.
	at time.Time
}

func (w *View) now() time.Time {
	if w.at.IsZero() {
		return time.Now()
	}
	return w.at
}

// Exposures lists exposures. What is wrong with the query is gyre.Invalid with its part as Field.
func (w *View) Exposures(q gyre.ListQuery) ([]gyre.ExposureRow, gyre.ListInfo, error) {
	v := w.v
	v.mu.RLock()
	defer v.mu.RUnlock()
	t := v.exposures()
	l, err := t.compile(q, w.now())
	if err != nil {
		return nil, gyre.ListInfo{}, err
	}
	info := v.info()
	page, total, next := t.run(l, func(row int) {
		if v.facts.active(int32(row)) { // #nosec -- fewer than 2^31 rows
			info.Risk += v.facts.risk[row]
		}
	})
	rows := make([]gyre.ExposureRow, len(page))
	for i, r := range page {
		rows[i] = v.exposureRow(r)
	}
	info.Total, info.Next, info.Facets = total, next, l.facetValues()
	return rows, info, nil
}

// ExposureIDs lists the exposures that match a filter, at most limit of them.
func (w *View) ExposureIDs(filter string, limit int) ([]gyre.ID, error) {
	v := w.v
	v.mu.RLock()
	defer v.mu.RUnlock()
	l, err := v.exposures().compile(gyre.ListQuery{Filter: filter}, w.now())
	if err != nil {
		return nil, err
	}
	var ids []gyre.ID
	for row, id := range v.facts.id {
		if len(ids) == limit {
			break
		}
		if l.match(row) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// ExposureRows returns the rows of the given exposures that exist, in the given order.
func (w *View) ExposureRows(ids []gyre.ID) []gyre.ExposureRow {
	v := w.v
	v.mu.RLock()
	defer v.mu.RUnlock()
	rows := make([]gyre.ExposureRow, 0, len(ids))
	for _, id := range ids {
		if i, ok := v.factAt[id]; ok {
			rows = append(rows, v.exposureRow(int(i)))
		}
	}
	return rows
}

// AssetRows returns the rows of the given assets that exist, in the given order.
func (w *View) AssetRows(ids []gyre.ID) []gyre.AssetRow {
	v := w.v
	v.mu.RLock()
	defer v.mu.RUnlock()
	rows := make([]gyre.AssetRow, 0, len(ids))
	for _, id := range ids {
		if i, ok := v.assetAt[id]; ok {
			rows = append(rows, v.assetRow(int(i)))
		}
	}
	return rows
}

// Assets lists assets.
func (w *View) Assets(q gyre.ListQuery) ([]gyre.AssetRow, gyre.ListInfo, error) {
	v := w.v
	v.mu.RLock()
	defer v.mu.RUnlock()
	t := v.assetTable()
	l, err := t.compile(q, w.now())
	if err != nil {
		return nil, gyre.ListInfo{}, err
	}
	info := v.info()
	page, total, next := t.run(l, func(row int) { info.Risk += v.assets[row].risk })
	rows := make([]gyre.AssetRow, len(page))
	for i, r := range page {
		rows[i] = v.assetRow(r)
	}
	info.Total, info.Next, info.Facets = total, next, l.facetValues()
	return rows, info, nil
}

// Tally adds up the estate.
func (w *View) Tally() gyre.Tally {
	v := w.v
	v.mu.RLock()
	defer v.mu.RUnlock()
	t := gyre.Tally{Assets: len(v.assets), Bands: map[gyre.Band]int{}, Classes: map[gyre.Class]int{}}
	f := &v.facts
	for i := range f.id {
		if !f.active(int32(i)) { // #nosec -- fewer than 2^31 rows
			continue
		}
		t.Exposures++
		t.Risk += f.risk[i]
		t.Bands[gyre.BandOf(f.risk[i])]++
		t.Classes[gyre.Class(f.words.list[f.class[i]])]++
	}
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

// Scores calls yield for every exposure, from a consistent state.
func (w *View) Scores(yield func(Scored) error) error {
	v := w.v
	v.mu.RLock()
	defer v.mu.RUnlock()
	f := &v.facts
	for i := range f.id {
		n := int32(i) // #nosec -- fewer than 2^31 rows
		if err := yield(Scored{
			ID: f.id[i], Recorded: gyre.Band(f.words.list[f.recorded[i]]), Risk: f.risk[i], Active: f.active(n), Input: v.input(n),
		}); err != nil {
			return err
		}
	}
	return nil
}

// Input returns what the score of one exposure depends on.
func (w *View) Input(exposure gyre.ID) (prioritize.Input, error) {
	v := w.v
	v.mu.RLock()
	defer v.mu.RUnlock()
	i, ok := v.factAt[exposure]
	if !ok {
		return prioritize.Input{}, gyre.Errorf(gyre.NotFound, "there is no exposure %s", exposure)
	}
	return v.input(i), nil
}

func (v *view) exposures() *table {
	return &table{
		schema: expr.ExposureSchema, columns: exposureColumns{v}, rows: len(v.facts.id),
		id: func(r int) gyre.ID { return v.facts.id[r] }, defaultSort: []string{"-risk"},
	}
}

func (v *view) assetTable() *table {
	return &table{
		schema: expr.AssetSchema, columns: assetColumns{v}, rows: len(v.assets),
		id: func(r int) gyre.ID { return v.assets[r].ID }, defaultSort: []string{"-risk"},
	}
}

func (v *view) info() gyre.ListInfo { return gyre.ListInfo{Seq: v.seq, FreshAt: v.freshAt.UTC()} }

func (v *view) exposureRow(r int) gyre.ExposureRow {
	f := &v.facts
	a, w := &v.assets[f.asset[r]], &v.weaknesses[f.weakness[r]]
	return gyre.ExposureRow{
		ID: f.id[r], Risk: f.risk[r], Band: gyre.BandOf(f.risk[r]), Severity: f.severity[r],
		Class: gyre.Class(f.words.list[f.class[r]]), State: gyre.State(f.words.list[f.state[r]]),
		Title: w.Title, Weakness: w.Key, Locus: f.locus[r],
		Asset: gyre.AssetName{ID: a.ID, Name: a.Name, Kind: a.Kind, Zone: a.Zone},
		Owner: a.Owner, KEV: w.Intel.KEV, EPSS: w.Intel.EPSS,
		FirstSeen: timeOf(f.firstSeen[r]), LastSeen: timeOf(f.lastSeen[r]),
		Action: f.action[r], Sources: f.sourceSets[f.sources[r]],
	}
}

func (v *view) assetRow(r int) gyre.AssetRow {
	a := &v.assets[r]
	return gyre.AssetRow{
		ID: a.ID, Name: a.Name, Kind: a.Kind, Zone: a.Zone, Criticality: a.Asset.Criticality, Owner: a.Owner, Tags: a.Tags,
		Exposures: a.exposures, Risk: a.risk, MaxBand: a.maxBand(), LastSeen: a.LastSeen,
	}
}
