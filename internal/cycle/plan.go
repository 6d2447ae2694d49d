// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cycle

import (
	"context"
	"fmt"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/projection"
	"github.com/gyre-ctem/gyre/internal/remediate"
)

// PlanStore is what planning reads. Unknown IDs are left out of answers.
type PlanStore interface {
	Exposures(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Exposure, error)
	Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Asset, error)
	Weaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Weakness, error)
}

// Plan is the remediate stage: it groups what is active into actions.
type Plan struct {
	Scores interface {
		Scores(ctx context.Context, ws gyre.ID, yield func(projection.Scored) error) error
	}
	Store  PlanStore
	Guides remediate.Guides
	// Save makes the workspace's actions those of the plan and returns how many have work left.
	Save func(ctx context.Context, ws gyre.ID, drafts []remediate.Draft) (int, error)
	Now  func() time.Time
}

const planChunk = 500

// Plan implements Remediator.
func (p *Plan) Plan(ctx context.Context, ws gyre.ID) (int, error) {
	risks := map[gyre.ID]float64{}
	var ids []gyre.ID
	err := p.Scores.Scores(ctx, ws, func(s projection.Scored) error {
		if s.Active {
			risks[s.ID] = s.Risk
			ids = append(ids, s.ID)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("score exposures: %w", err)
	}
	items, err := p.items(ctx, ws, ids, risks)
	if err != nil {
		return 0, err
	}
	n, err := p.Save(ctx, ws, remediate.Plan(items, p.Guides, p.Now()))
	if err != nil {
		return 0, fmt.Errorf("save plan: %w", err)
	}
	return n, nil
}

// items reads the exposures and, once each, what they refer to.
func (p *Plan) items(ctx context.Context, ws gyre.ID, ids []gyre.ID, risks map[gyre.ID]float64) ([]remediate.Item, error) {
	items := make([]remediate.Item, 0, len(ids))
	assets := map[gyre.ID]gyre.Asset{}
	weaknesses := map[gyre.ID]gyre.Weakness{}
	for from := 0; from < len(ids); from += planChunk {
		exposures, err := p.Store.Exposures(ctx, ws, ids[from:min(from+planChunk, len(ids))])
		if err != nil {
			return nil, fmt.Errorf("read exposures: %w", err)
		}
		if err := remember(assets, exposures, func(e gyre.Exposure) gyre.ID { return e.Asset }, func(ids []gyre.ID) ([]gyre.Asset, error) {
			return p.Store.Assets(ctx, ws, ids)
		}, func(a gyre.Asset) gyre.ID { return a.ID }); err != nil {
			return nil, fmt.Errorf("read assets: %w", err)
		}
		if err := remember(weaknesses, exposures, func(e gyre.Exposure) gyre.ID { return e.Weakness }, func(ids []gyre.ID) ([]gyre.Weakness, error) {
			return p.Store.Weaknesses(ctx, ws, ids)
		}, func(w gyre.Weakness) gyre.ID { return w.ID }); err != nil {
			return nil, fmt.Errorf("read weaknesses: %w", err)
		}
		for _, e := range exposures {
			items = append(items, remediate.Item{Exposure: e, Asset: assets[e.Asset], Weakness: weaknesses[e.Weakness], Risk: risks[e.ID]})
		}
	}
	return items, nil
}

// remember reads into known what exposures refer to and known lacks.
func remember[T any](known map[gyre.ID]T, exposures []gyre.Exposure, of func(gyre.Exposure) gyre.ID, read func([]gyre.ID) ([]T, error), id func(T) gyre.ID) error {
	var missing []gyre.ID
	asked := map[gyre.ID]bool{}
	for _, e := range exposures {
		if _, ok := known[of(e)]; !ok && !asked[of(e)] {
			asked[of(e)] = true
			missing = append(missing, of(e))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	found, err := read(missing)
	if err != nil {
		return err
	}
	for _, v := range found {
		known[id(v)] = v
	}
	return nil
}
