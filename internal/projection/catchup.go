// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"fmt"
	"time"

	"github.com/gyre-ctem/gyre"
)

// More new events than this cost more to apply than to load everything anew.
const maxCatchUp = 5000

// current returns the workspace's view, brought up to the store's newest event.
func (p *Projection) current(ctx context.Context, ws gyre.ID) (*view, error) {
	p.mu.Lock()
	v := p.views[ws]
	if v == nil {
		v = &view{}
		p.views[ws] = v
	}
	p.mu.Unlock()

	now := time.Now()
	last, err := p.store.LastSeq(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("newest event: %w", err)
	}
	v.mu.RLock()
	fresh := v.loaded && v.seq >= last
	v.mu.RUnlock()
	if fresh {
		v.mu.Lock()
		if v.freshAt.Before(now) {
			v.freshAt = now
		}
		v.mu.Unlock()
		return v, nil
	}
	v.refresh.Lock()
	defer v.refresh.Unlock()
	if v.loaded && v.seq >= last { // somebody else has
		return v, nil
	}
	if err := p.catchUp(ctx, ws, v, last, now); err != nil {
		return nil, err
	}
	return v, nil
}

// changes are the rows that a stretch of events touches.
type changes struct {
	exposures, assets, weaknesses map[gyre.ID]bool
	everything, scopes            bool
	runs                          []gyre.ID
	last                          int64
}

func (p *Projection) catchUp(ctx context.Context, ws gyre.ID, v *view, last int64, now time.Time) error {
	if !v.loaded || last-v.seq > maxCatchUp {
		return p.load(ctx, ws, v, now)
	}
	events, err := p.store.EventsSince(ctx, ws, v.seq, maxCatchUp+1)
	if err != nil {
		return fmt.Errorf("new events: %w", err)
	}
	c := sortOut(events, v.seq)
	if c.everything {
		return p.load(ctx, ws, v, now)
	}
	return p.apply(ctx, ws, v, c, now)
}

func sortOut(events []gyre.Event, from int64) changes {
	c := changes{exposures: map[gyre.ID]bool{}, assets: map[gyre.ID]bool{}, weaknesses: map[gyre.ID]bool{}, last: from}
	for _, e := range events {
		if e.Seq != c.last+1 {
			c.everything = true // a gap: what is between is not known
		}
		c.last = e.Seq
		switch e.Object {
		case "exposure":
			c.exposures[e.ID] = true
		case "asset":
			c.assets[e.ID] = true
		case "weakness":
			c.weaknesses[e.ID] = true
		case "scope":
			c.scopes = true
		case "intel", "action":
			c.everything = c.everything || e.Object == "intel" || e.ID == 0
		case "run":
			c.runs = append(c.runs, e.ID)
		}
	}
	return c
}

// load builds the view from nothing, beside the old one, and swaps it in.
func (p *Projection) load(ctx context.Context, ws gyre.ID, v *view, now time.Time) error {
	// The number is read first: rows that change during the load have later
	// events, and are loaded again.
	seq, err := p.store.LastSeq(ctx, ws)
	if err != nil {
		return fmt.Errorf("newest event: %w", err)
	}
	next, err := loadView(ctx, p.store, p.risk, ws, now)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.assets, v.assetAt, v.weaknesses, v.weaknessAt = next.assets, next.assetAt, next.weaknesses, next.weaknessAt
	v.facts, v.factAt, v.dirty = next.facts, next.factAt, false
	v.setScopes(next.scopesList, now) // selectors look at the rows of the view that they were bound to
	v.seq, v.freshAt, v.loaded = seq, now, true
	return nil
}

// loadView makes a view of everything that a source has.
func loadView(ctx context.Context, source Source, risk Risk, ws gyre.ID, now time.Time) (*view, error) {
	v := &view{}
	v.reset()
	scopes, err := source.Scopes(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("load scopes: %w", err)
	}
	v.setScopes(scopes, now)
	if err := fill(ctx, source, risk, ws, v); err != nil {
		return nil, err
	}
	v.sumUp()
	return v, nil
}

// fill loads rows into a view that nobody else sees.
func fill(ctx context.Context, source Source, risk Risk, ws gyre.ID, v *view) error {
	if err := source.Assets(ctx, ws, nil, func(a Asset) error { v.putAsset(a); return nil }); err != nil {
		return fmt.Errorf("load assets: %w", err)
	}
	if err := source.Weaknesses(ctx, ws, nil, func(w Weakness) error { v.putWeakness(w); return nil }); err != nil {
		return fmt.Errorf("load weaknesses: %w", err)
	}
	var late []Exposure
	if err := source.Exposures(ctx, ws, nil, func(e Exposure) error {
		if !v.putExposure(e, risk) {
			late = append(late, e)
		}
		return nil
	}); err != nil {
		return fmt.Errorf("load exposures: %w", err)
	}
	// Written between the three reads: fetch their dimensions by name.
	return fillLate(ctx, source, risk, ws, v, late)
}

func fillLate(ctx context.Context, source Source, risk Risk, ws gyre.ID, v *view, late []Exposure) error {
	if len(late) == 0 {
		return nil
	}
	assets, weaknesses := map[gyre.ID]bool{}, map[gyre.ID]bool{}
	for _, e := range late {
		if _, ok := v.assetAt[e.Asset]; !ok {
			assets[e.Asset] = true
		}
		if _, ok := v.weaknessAt[e.Weakness]; !ok {
			weaknesses[e.Weakness] = true
		}
	}
	if len(assets) > 0 {
		if err := source.Assets(ctx, ws, keys(assets), func(a Asset) error { v.putAsset(a); return nil }); err != nil {
			return fmt.Errorf("load new assets: %w", err)
		}
	}
	if len(weaknesses) > 0 {
		if err := source.Weaknesses(ctx, ws, keys(weaknesses), func(w Weakness) error { v.putWeakness(w); return nil }); err != nil {
			return fmt.Errorf("load new weaknesses: %w", err)
		}
	}
	for _, e := range late {
		if !v.putExposure(e, risk) {
			return gyre.Errorf(gyre.Internal, "exposure %s has no asset %s or weakness %s", e.ID, e.Asset, e.Weakness)
		}
	}
	return nil
}

// apply changes the rows that events touched. Rows are read before the lock is
// taken, so readers wait for memory only.
func (p *Projection) apply(ctx context.Context, ws gyre.ID, v *view, c changes, now time.Time) error {
	var assets []Asset
	var weaknesses []Weakness
	var exposures []Exposure
	if len(c.assets) > 0 {
		if err := p.store.Assets(ctx, ws, keys(c.assets), func(a Asset) error { assets = append(assets, a); return nil }); err != nil {
			return fmt.Errorf("load changed assets: %w", err)
		}
	}
	if len(c.weaknesses) > 0 {
		if err := p.store.Weaknesses(ctx, ws, keys(c.weaknesses), func(w Weakness) error { weaknesses = append(weaknesses, w); return nil }); err != nil {
			return fmt.Errorf("load changed weaknesses: %w", err)
		}
	}
	if len(c.exposures) > 0 {
		if err := p.store.Exposures(ctx, ws, keys(c.exposures), func(e Exposure) error { exposures = append(exposures, e); return nil }); err != nil {
			return fmt.Errorf("load changed exposures: %w", err)
		}
	}
	if len(assets) < len(c.assets) || len(weaknesses) < len(c.weaknesses) || len(exposures) < len(c.exposures) {
		return p.load(ctx, ws, v, now) // something was merged into another and is gone
	}
	var scopes []gyre.Scope
	if c.scopes {
		var err error
		if scopes, err = p.store.Scopes(ctx, ws); err != nil {
			return fmt.Errorf("load scopes: %w", err)
		}
	}
	seenAssets, seen, err := p.seen(ctx, ws, c.runs)
	if err != nil {
		return err
	}

	v.mu.Lock()
	defer v.mu.Unlock()
	if c.scopes {
		v.setScopes(scopes, now)
	}
	for _, a := range assets {
		v.putAsset(a)
	}
	for _, w := range weaknesses {
		v.putWeakness(w)
	}
	var late []Exposure
	for _, e := range exposures {
		if !v.putExposure(e, p.risk) {
			late = append(late, e)
		}
	}
	if err := fillLate(ctx, p.store, p.risk, ws, v, late); err != nil {
		return err
	}
	for id, t := range seenAssets {
		if i, ok := v.assetAt[id]; ok && micros(v.assets[i].LastSeen) < t {
			v.assets[i].LastSeen = timeOf(t)
		}
	}
	for id, t := range seen {
		if i, ok := v.factAt[id]; ok {
			v.facts.lastSeen[i] = max(v.facts.lastSeen[i], t)
		}
	}
	if c.scopes || len(assets) > 0 || len(weaknesses) > 0 {
		v.rescore(p.risk, c)
	}
	v.sumUp()
	v.seq, v.freshAt = c.last, now
	return nil
}

// rescore scores the facts anew whose dimensions changed.
func (v *view) rescore(risk Risk, c changes) {
	f := &v.facts
	for i := range f.id {
		if c.scopes || c.assets[v.assets[f.asset[i]].ID] || c.weaknesses[v.weaknesses[f.weakness[i]].ID] {
			v.score(int32(i), risk) // #nosec -- fewer than 2^31 rows
		}
	}
	v.dirty = true
}

// seen reads the sightings of runs that ended: of assets, and of exposures.
func (p *Projection) seen(ctx context.Context, ws gyre.ID, runs []gyre.ID) (assets, exposures map[gyre.ID]int64, err error) {
	if len(runs) == 0 {
		return nil, nil, nil
	}
	assets, exposures = map[gyre.ID]int64{}, map[gyre.ID]int64{}
	into := func(m map[gyre.ID]int64) func(gyre.ID, time.Time) error {
		return func(id gyre.ID, t time.Time) error {
			m[id] = micros(t)
			return nil
		}
	}
	if err := p.store.SeenByRuns(ctx, ws, runs, into(assets), into(exposures)); err != nil {
		return nil, nil, fmt.Errorf("load sightings: %w", err)
	}
	return assets, exposures, nil
}

func keys(m map[gyre.ID]bool) []gyre.ID {
	ids := make([]gyre.ID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	return ids
}
