// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cycle

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/prioritize"
	"github.com/gyre-ctem/gyre/internal/projection"
)

// Bands is the prioritize stage. Scores are derived and not stored; what is
// stored is each change of an exposure's band, with the score that explains it.
type Bands struct {
	Scores interface {
		Scores(ctx context.Context, ws gyre.ID, yield func(projection.Scored) error) error
	}
	// Record stores the changes with their events.
	Record func(ctx context.Context, ws gyre.ID, changes []BandChange) error
}

// BandChange is an exposure that has come to another band. Details is the
// gyre.Score that explains it, as JSON.
type BandChange struct {
	Exposure gyre.ID
	From, To gyre.Band
	Details  string
}

const bandBatch = 1000

// Prioritize implements Prioritizer.
func (b *Bands) Prioritize(ctx context.Context, ws gyre.ID) (int, error) {
	var changes []BandChange
	err := b.Scores.Scores(ctx, ws, func(s projection.Scored) error {
		band := gyre.BandOf(s.Risk)
		if !s.Active || band == s.Recorded {
			return nil
		}
		details, err := json.Marshal(prioritize.Score(s.Input, prioritize.Sources{}))
		if err != nil {
			return fmt.Errorf("explain score: %w", err)
		}
		changes = append(changes, BandChange{Exposure: s.ID, From: s.Recorded, To: band, Details: string(details)})
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("score exposures: %w", err)
	}
	for from := 0; from < len(changes); from += bandBatch {
		if err := b.Record(ctx, ws, changes[from:min(from+bandBatch, len(changes))]); err != nil {
			return from, fmt.Errorf("record bands: %w", err)
		}
	}
	return len(changes), nil
}
