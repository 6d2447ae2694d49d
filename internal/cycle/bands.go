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
	// Record stores the changes with their events and says how many: one that
	// starts from a band which is not the stored one any more is left out.
	Record func(ctx context.Context, ws gyre.ID, changes []BandChange) (recorded int, err error)
}

// BandChange is an exposure that has come to another band. Details is the
// gyre.Score that explains it, as JSON.
type BandChange struct {
	Exposure gyre.ID
	From, To gyre.Band
	Details  string
}

const (
	bandBatch = 1000
	// bandRounds bounds how often what somebody else scored meanwhile is scored again.
	bandRounds = 3
)

// Prioritize implements Prioritizer.
func (b *Bands) Prioritize(ctx context.Context, ws gyre.ID) (int, error) {
	recorded := 0
	for range bandRounds {
		asked, done, err := b.round(ctx, ws)
		recorded += done
		if err != nil {
			return recorded, fmt.Errorf("score exposures: %w", err)
		}
		if done == asked {
			break
		}
	}
	return recorded, nil
}

// round records as it goes: scores come from a state that stays as it was, and
// explanations of a whole estate would be many.
func (b *Bands) round(ctx context.Context, ws gyre.ID) (asked, recorded int, err error) {
	part := make([]BandChange, 0, bandBatch)
	flush := func() error {
		if len(part) == 0 {
			return nil
		}
		n, err := b.Record(ctx, ws, part)
		if err != nil {
			return fmt.Errorf("record bands: %w", err)
		}
		asked += len(part)
		recorded += n
		part = part[:0]
		return nil
	}
	err = b.Scores.Scores(ctx, ws, func(s projection.Scored) error {
		band := gyre.BandOf(s.Risk)
		if !s.Active || band == s.Recorded {
			return nil
		}
		details, err := json.Marshal(prioritize.Score(s.Input, prioritize.Sources{}))
		if err != nil {
			return fmt.Errorf("explain score: %w", err)
		}
		if part = append(part, BandChange{Exposure: s.ID, From: s.Recorded, To: band, Details: string(details)}); len(part) == bandBatch {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	return asked, recorded, err
}
