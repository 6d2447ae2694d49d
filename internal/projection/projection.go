// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"sync"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/prioritize"
)

// Projection answers for all workspaces. Safe for concurrent use.
type Projection struct {
	store Store
	risk  Risk
	past  past

	mu    sync.Mutex
	views map[gyre.ID]*view
}

// New returns a projection over a store. It loads nothing yet.
func New(store Store, risk Risk) *Projection {
	return &Projection{store: store, risk: risk, views: map[gyre.ID]*view{}}
}

// View returns the workspace as it is now: it holds every event that was
// committed before the call.
func (p *Projection) View(ctx context.Context, ws gyre.ID) (*View, error) {
	v, err := p.current(ctx, ws)
	if err != nil {
		return nil, err
	}
	return &View{v: v}, nil
}

// Exposures lists exposures. What is wrong with the query is gyre.Invalid with its part as Field.
func (p *Projection) Exposures(ctx context.Context, ws gyre.ID, q gyre.ListQuery) ([]gyre.ExposureRow, gyre.ListInfo, error) {
	v, err := p.View(ctx, ws)
	if err != nil {
		return nil, gyre.ListInfo{}, err
	}
	return v.Exposures(q)
}

// ExposureIDs lists the exposures that match a filter, at most limit of them.
func (p *Projection) ExposureIDs(ctx context.Context, ws gyre.ID, filter string, limit int) ([]gyre.ID, error) {
	v, err := p.View(ctx, ws)
	if err != nil {
		return nil, err
	}
	return v.ExposureIDs(filter, limit)
}

// ExposureRows returns the rows of the given exposures that exist, in the given order.
func (p *Projection) ExposureRows(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.ExposureRow, error) {
	v, err := p.View(ctx, ws)
	if err != nil {
		return nil, err
	}
	return v.ExposureRows(ids), nil
}

// AssetRows returns the rows of the given assets that exist, in the given order.
func (p *Projection) AssetRows(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.AssetRow, error) {
	v, err := p.View(ctx, ws)
	if err != nil {
		return nil, err
	}
	return v.AssetRows(ids), nil
}

// Assets lists assets.
func (p *Projection) Assets(ctx context.Context, ws gyre.ID, q gyre.ListQuery) ([]gyre.AssetRow, gyre.ListInfo, error) {
	v, err := p.View(ctx, ws)
	if err != nil {
		return nil, gyre.ListInfo{}, err
	}
	return v.Assets(q)
}

// Tally adds up the estate as it is now.
func (p *Projection) Tally(ctx context.Context, ws gyre.ID) (gyre.Tally, error) {
	v, err := p.View(ctx, ws)
	if err != nil {
		return gyre.Tally{}, err
	}
	return v.Tally(), nil
}

// Scores calls yield for every exposure of the workspace, from a consistent
// state. yield must not call the projection.
func (p *Projection) Scores(ctx context.Context, ws gyre.ID, yield func(Scored) error) error {
	v, err := p.View(ctx, ws)
	if err != nil {
		return err
	}
	return v.Scores(yield)
}

// Input returns what the score of one exposure depends on, so that it can be explained.
func (p *Projection) Input(ctx context.Context, ws, exposure gyre.ID) (prioritize.Input, error) {
	v, err := p.View(ctx, ws)
	if err != nil {
		return prioritize.Input{}, err
	}
	return v.Input(exposure)
}

// Lag is how many events a loaded view is behind the store; 0 when none is loaded.
func (p *Projection) Lag(ctx context.Context, ws gyre.ID) (int64, error) {
	p.mu.Lock()
	v := p.views[ws]
	p.mu.Unlock()
	last, err := p.store.LastSeq(ctx, ws)
	if err != nil || v == nil {
		return 0, err
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	if !v.loaded {
		return 0, nil
	}
	return max(last-v.seq, 0), nil
}
