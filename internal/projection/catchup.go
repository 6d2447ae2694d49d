// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gyre-ctem/gyre"
)

const (
	// Events are read in parts of so many.
	eventsAtOnce = 5000
	// When more rows changed than this share of all, and more than a few, loading
	// everything anew is cheaper.
	reloadShare = 4
	reloadMin   = 5000
)

// current returns the workspace's state, brought up to the store's newest event.
func (p *Projection) current(ctx context.Context, w *workspace) (*star, error) {
	asked := time.Now()
	last, err := p.store.LastSeq(ctx, w.id)
	if err != nil {
		return nil, fmt.Errorf("newest event: %w", err)
	}
	s := w.now.Load()
	if s == nil || s.seq < last {
		if s, err = p.catchUp(ctx, w, last); err != nil {
			return nil, err
		}
	}
	for {
		before := w.freshAt.Load()
		if before >= asked.UnixNano() || w.freshAt.CompareAndSwap(before, asked.UnixNano()) {
			return s, nil
		}
	}
}

// catchUp brings the state to at least event number last. Those who ask
// meanwhile wait for it.
func (p *Projection) catchUp(ctx context.Context, w *workspace, last int64) (*star, error) {
	w.turn.Lock()
	defer w.turn.Unlock()
	s := w.now.Load()
	if s != nil && s.seq >= last { // somebody else has
		return s, nil
	}
	if s != nil {
		news, err := p.news(ctx, w.id, s.seq)
		if err != nil {
			return nil, err
		}
		if !news.gap && !w.builder.worthReloading(news) {
			if err := p.apply(ctx, w, news); err != nil {
				return nil, err
			}
			s = w.builder.freeze(news.last)
			w.now.Store(s)
			return s, nil
		}
	}
	// The number is read first: rows that change during the load have later
	// events, and are read again.
	seq, err := p.store.LastSeq(ctx, w.id)
	if err != nil {
		return nil, fmt.Errorf("newest event: %w", err)
	}
	b, err := load(ctx, p.store, w.id, p.clock())
	if err != nil {
		return nil, err
	}
	w.builder = b
	s = b.freeze(seq)
	w.now.Store(s)
	return s, nil
}

// news is what a stretch of events speaks of.
type news struct {
	last                          int64 // number of the newest event
	gap                           bool  // what is between is not known
	exposures, assets, weaknesses map[gyre.ID]bool
	runs                          map[gyre.ID]bool
	scopes, intel                 bool
}

func (p *Projection) news(ctx context.Context, ws gyre.ID, from int64) (*news, error) {
	n := &news{last: from, exposures: map[gyre.ID]bool{}, assets: map[gyre.ID]bool{}, weaknesses: map[gyre.ID]bool{}, runs: map[gyre.ID]bool{}}
	for {
		events, err := p.store.EventsSince(ctx, ws, n.last, eventsAtOnce)
		if err != nil {
			return nil, fmt.Errorf("new events: %w", err)
		}
		for i := range events {
			n.take(&events[i])
		}
		if len(events) < eventsAtOnce || n.gap {
			return n, nil
		}
	}
}

func (n *news) take(e *gyre.Event) {
	if e.Seq != n.last+1 {
		n.gap = true
	}
	n.last = e.Seq
	switch e.Object {
	case "exposure":
		n.exposures[e.ID] = true
	case "asset":
		n.assets[e.ID] = true
	case "weakness":
		n.weaknesses[e.ID] = true
	case "run":
		if e.Kind != "started" { // it has seen nothing yet
			n.runs[e.ID] = true
		}
	case "scope":
		n.scopes = true
	case "intel":
		n.intel = true
	case "action":
		n.gap = n.gap || e.ID == 0
	}
}

// worthReloading says that so much changed, or is dead weight by now, that
// loading everything is better.
func (b *builder) worthReloading(n *news) bool {
	changed := len(n.exposures) + len(n.assets) + len(n.weaknesses)
	gone := b.factCount - b.live.count()
	return changed > reloadMin+b.factCount/reloadShare || gone > reloadMin+b.factCount/reloadShare
}

// apply reads the rows that events speak of, all of them before the first is
// changed: when reading fails, nothing has happened.
func (p *Projection) apply(ctx context.Context, w *workspace, n *news) error {
	b, now := w.builder, p.clock()
	var c changed
	if err := c.readRows(ctx, p.store, w.id, keys(n.assets), keys(n.weaknesses)); err != nil {
		return err
	}
	c.goneAssets = missing(n.assets, c.assets, func(a *Asset) gyre.ID { return a.ID })
	goneWeaknesses := missing(n.weaknesses, c.weaknesses, func(w *Weakness) gyre.ID { return w.ID })
	b.strays(c.goneAssets, goneWeaknesses, n.exposures)
	if len(n.exposures) > 0 {
		err := p.store.Exposures(ctx, w.id, keys(n.exposures), func(e Exposure) error { c.exposures = append(c.exposures, e); return nil })
		if err != nil {
			return fmt.Errorf("load changed exposures: %w", err)
		}
		c.goneExposures = missing(n.exposures, c.exposures, func(e *Exposure) gyre.ID { return e.ID })
	}
	if err := c.readDimensions(ctx, p.store, w.id, b); err != nil {
		return err
	}
	var scopes []gyre.Scope
	var err error
	if n.scopes {
		if scopes, err = p.store.Scopes(ctx, w.id); err != nil {
			return fmt.Errorf("load scopes: %w", err)
		}
	}
	var intel map[gyre.ID]gyre.Intel
	if n.intel {
		intel = make(map[gyre.ID]gyre.Intel, b.weaknessCount)
		err := p.store.IntelOfWeaknesses(ctx, w.id, w.now.Load().eachWeakness, func(id gyre.ID, in gyre.Intel) error { intel[id] = in; return nil })
		if err != nil {
			return fmt.Errorf("load intelligence: %w", err)
		}
	}
	seen, err := p.sightings(ctx, w.id, keys(n.runs))
	if err != nil {
		return err
	}

	if n.intel {
		b.putIntel(intel) // first: rows that were read bring theirs
	}
	c.put(b)
	if n.scopes {
		b.setScopes(scopes, now)
	}
	for _, at := range seen.assets {
		b.seenAsset(at)
	}
	for _, at := range seen.exposures {
		b.seenExposure(at)
	}
	return nil
}

// strays adds to exposures the facts of assets and weaknesses that are no more.
// Each has an event of its own that says where it went; to be there without its
// asset is worse than to be read twice.
func (b *builder) strays(assets, weaknesses []gyre.ID, exposures map[gyre.ID]bool) {
	if len(assets) == 0 && len(weaknesses) == 0 {
		return
	}
	goneAssets, goneWeaknesses := newRowset(b.assetCount+1), newRowset(b.weaknessCount+1)
	for _, id := range assets {
		if row, ok := b.assetIDs.find(id, b.assetID); ok {
			goneAssets.put(row)
		}
	}
	for _, id := range weaknesses {
		if row, ok := b.weaknessIDs.find(id, b.weaknessID); ok {
			goneWeaknesses.put(row)
		}
	}
	b.live.each(func(row uint32) bool {
		if goneAssets.has(b.facts.asset.at(row)) || goneWeaknesses.has(b.facts.weakness.at(row)) {
			exposures[b.factID(row)] = true
		}
		return true
	})
}

// sighting is when an asset or exposure was seen last.
type sighting struct {
	id gyre.ID
	at int64
}

type sightings struct{ assets, exposures []sighting }

// sightings reads what runs that ended have seen.
func (p *Projection) sightings(ctx context.Context, ws gyre.ID, runs []gyre.ID) (s sightings, err error) {
	if len(runs) == 0 {
		return s, nil
	}
	into := func(list *[]sighting) func(gyre.ID, time.Time) error {
		return func(id gyre.ID, t time.Time) error {
			*list = append(*list, sighting{id, micros(t)})
			return nil
		}
	}
	if err := p.store.SeenByRuns(ctx, ws, runs, into(&s.assets), into(&s.exposures)); err != nil {
		return s, fmt.Errorf("load sightings: %w", err)
	}
	return s, nil
}

func (b *builder) seenAsset(s sighting) {
	if row, ok := b.asset(s.id); ok && b.times.list[b.assets.ref(row).lastSeen] < s.at {
		b.assets.change(row).lastSeen = b.times.code(s.at)
		markStale(&b.stale.selected, row) // a selector may ask for it
	}
}

func (b *builder) seenExposure(s sighting) {
	if row, ok := b.fact(s.id); ok && b.times.list[b.facts.lastSeen.at(row)] < s.at {
		b.facts.lastSeen.set(row, b.times.code(s.at))
	}
}

func keys(m map[gyre.ID]bool) []gyre.ID { return slices.Collect(maps.Keys(m)) }

// missing lists the IDs that were asked for and have no row.
func missing[T any](asked map[gyre.ID]bool, rows []T, id func(*T) gyre.ID) []gyre.ID {
	if len(rows) == len(asked) {
		return nil
	}
	there := make(map[gyre.ID]bool, len(rows))
	for i := range rows {
		there[id(&rows[i])] = true
	}
	var out []gyre.ID
	for a := range asked {
		if !there[a] {
			out = append(out, a)
		}
	}
	return out
}
