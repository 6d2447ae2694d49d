// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gyre-ctem/gyre"
)

// load makes a builder of everything that a source has. now is what the word
// now means in selectors.
func load(ctx context.Context, source Source, ws gyre.ID, now time.Time) (*builder, error) {
	b := newBuilder()
	b.lastWeaknesses = make([]found, 1<<weaknessBits)
	scopes, err := source.Scopes(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("load scopes: %w", err)
	}
	b.setScopes(scopes, now)
	if err := b.loadDimensions(ctx, source, ws); err != nil {
		return nil, err
	}
	ordered := order(b.names.freeze(), b.titles.freeze())
	defer ordered.Wait()
	var late []Exposure
	if err := source.Exposures(ctx, ws, nil, func(e Exposure) error {
		if !b.putExposure(&e) {
			late = append(late, e)
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("load exposures: %w", err)
	}
	// Written between the three reads: fetch their dimensions by name.
	c := &changed{exposures: late}
	if err := c.readDimensions(ctx, source, ws, b); err != nil {
		return nil, err
	}
	c.put(b)
	b.trim()
	b.loci.texts.ranking()
	return b, nil
}

// order works out the order of texts, so that who asks first need not wait for it.
// Meanwhile exposures are read, which bring none of these.
func order(of ...texts) *sync.WaitGroup {
	var g sync.WaitGroup
	for _, t := range of {
		g.Go(func() { t.ranking() })
	}
	return &g
}

// loadDimensions reads assets and weaknesses at the same time.
func (b *builder) loadDimensions(ctx context.Context, source Source, ws gyre.ID) error {
	g, ctx := errgroup.WithContext(ctx)
	weaknesses := make(chan *Weakness, 256)
	g.Go(func() error {
		defer close(weaknesses)
		err := source.Weaknesses(ctx, ws, nil, func(w Weakness) error {
			select {
			case weaknesses <- &w:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			return fmt.Errorf("load weaknesses: %w", err)
		}
		return nil
	})
	assets := make(chan *Asset, 256)
	g.Go(func() error {
		defer close(assets)
		err := source.Assets(ctx, ws, nil, func(a Asset) error {
			select {
			case assets <- &a:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			return fmt.Errorf("load assets: %w", err)
		}
		return nil
	})
	for assets != nil || weaknesses != nil {
		select {
		case a, more := <-assets:
			if !more {
				assets = nil
				continue
			}
			b.putAsset(a)
		case w, more := <-weaknesses:
			if !more {
				weaknesses = nil
				continue
			}
			b.putWeakness(w)
		}
	}
	return g.Wait()
}

// changed is the rows that changed, as they are now.
type changed struct {
	assets     []Asset
	weaknesses []Weakness
	exposures  []Exposure
	// What is no more.
	goneAssets, goneExposures []gyre.ID
}

// readDimensions reads what the exposures point at and the builder does not have.
// Exposures whose asset or weakness is not there either are left out: they
// have moved on since, and the event that says so is yet to come.
func (c *changed) readDimensions(ctx context.Context, source Source, ws gyre.ID, b *builder) error {
	assets, weaknesses := map[gyre.ID]bool{}, map[gyre.ID]bool{}
	for i := range c.assets {
		assets[c.assets[i].ID] = true
	}
	for i := range c.weaknesses {
		weaknesses[c.weaknesses[i].ID] = true
	}
	var newAssets, newWeaknesses []gyre.ID
	for i := range c.exposures {
		e := &c.exposures[i]
		if _, ok := b.asset(e.Asset); !ok && !assets[e.Asset] {
			assets[e.Asset] = true
			newAssets = append(newAssets, e.Asset)
		}
		if _, ok := b.weakness(e.Weakness); !ok && !weaknesses[e.Weakness] {
			weaknesses[e.Weakness] = true
			newWeaknesses = append(newWeaknesses, e.Weakness)
		}
	}
	return c.readRows(ctx, source, ws, newAssets, newWeaknesses)
}

func (c *changed) readRows(ctx context.Context, source Source, ws gyre.ID, assets, weaknesses []gyre.ID) error {
	if len(assets) > 0 {
		err := source.Assets(ctx, ws, assets, func(a Asset) error { c.assets = append(c.assets, a); return nil })
		if err != nil {
			return fmt.Errorf("load changed assets: %w", err)
		}
	}
	if len(weaknesses) > 0 {
		err := source.Weaknesses(ctx, ws, weaknesses, func(w Weakness) error { c.weaknesses = append(c.weaknesses, w); return nil })
		if err != nil {
			return fmt.Errorf("load changed weaknesses: %w", err)
		}
	}
	return nil
}

// put changes the builder.
func (c *changed) put(b *builder) {
	for _, id := range c.goneAssets {
		b.dropAsset(id)
	}
	for i := range c.assets {
		b.putAsset(&c.assets[i])
	}
	for i := range c.weaknesses {
		b.putWeakness(&c.weaknesses[i])
	}
	for _, id := range c.goneExposures {
		b.dropExposure(id)
	}
	for i := range c.exposures {
		if !b.putExposure(&c.exposures[i]) {
			b.dropExposure(c.exposures[i].ID)
		}
	}
}
