// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/prioritize"
)

// Projection answers for all workspaces. Safe for concurrent use.
type Projection struct {
	store Store
	clock func() time.Time // what the word now in a selector means when rows change
	past  past

	mu         sync.Mutex
	workspaces map[gyre.ID]*workspace
}

// workspace is one workspace that was asked for.
type workspace struct {
	id gyre.ID
	// turn lets those who find the state old catch up one after the other. It
	// guards the builder.
	turn    sync.Mutex
	builder *builder

	now     atomic.Pointer[star] // nil: not loaded yet
	freshAt atomic.Int64         // when the store was last seen to have nothing newer, in nanoseconds
}

// New returns a projection over a store. It loads nothing yet.
func New(store Store) *Projection { return NewAt(store, time.Now) }

// NewAt is New with a clock of its own, for a store that replays the past.
func NewAt(store Store, clock func() time.Time) *Projection {
	return &Projection{store: store, clock: clock, workspaces: map[gyre.ID]*workspace{}}
}

// View returns the workspace as it is now: it holds every event that was
// committed before the call.
func (p *Projection) View(ctx context.Context, ws gyre.ID) (*View, error) {
	w := p.workspace(ws)
	s, err := p.current(ctx, w)
	if err != nil {
		return nil, err
	}
	return &View{s: s, freshAt: time.Unix(0, w.freshAt.Load())}, nil
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

// Lag is how many events a loaded workspace is behind the store; 0 when it is not loaded.
func (p *Projection) Lag(ctx context.Context, ws gyre.ID) (int64, error) {
	last, err := p.store.LastSeq(ctx, ws)
	if err != nil {
		return 0, err
	}
	s := p.workspace(ws).now.Load()
	if s == nil {
		return 0, nil
	}
	return max(last-s.seq, 0), nil
}

func (p *Projection) workspace(id gyre.ID) *workspace {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.workspaces[id]
	if w == nil {
		w = &workspace{id: id}
		p.workspaces[id] = w
	}
	return w
}
