// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"iter"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Source is where the rows of a view come from.
type Source interface {
	// Assets, Weaknesses and Exposures stream what lists need; ids nil is everything.
	Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(Asset) error) error
	Weaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(Weakness) error) error
	Exposures(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(Exposure) error) error
	Scopes(ctx context.Context, ws gyre.ID) ([]gyre.Scope, error)
}

// Store is a source that changes, and tells what changed.
type Store interface {
	Source
	// SeenByRuns streams when the assets that runs touched, and the exposures on
	// them, were seen last: sightings that change nothing else have no event.
	SeenByRuns(ctx context.Context, ws gyre.ID, runs []gyre.ID, asset, exposure func(id gyre.ID, lastSeen time.Time) error) error
	// IntelOfWeaknesses streams what the world knows of weaknesses, which come with
	// ID, key and aliases. Those of which nothing is known are left out.
	IntelOfWeaknesses(ctx context.Context, ws gyre.ID, weaknesses iter.Seq[gyre.Weakness], yield func(weakness gyre.ID, in gyre.Intel) error) error
	LastSeq(ctx context.Context, ws gyre.ID) (int64, error)
	EventsSince(ctx context.Context, ws gyre.ID, seq int64, limit int) ([]gyre.Event, error)
}

// Asset is one row of the asset dimension.
type Asset struct {
	gyre.Asset
	Scopes []gyre.ID
}

// Weakness is one row of the weakness dimension.
type Weakness struct {
	gyre.Weakness
	Intel gyre.Intel
}

// Exposure is one row of the facts.
type Exposure struct {
	ID, Asset, Weakness, Action     gyre.ID
	Locus                           string
	Aspect                          gyre.Aspect
	Class                           gyre.Class
	Severity                        gyre.Severity
	State                           gyre.State
	Band                            gyre.Band // as recorded last
	Fixable                         bool
	Sources                         []string
	FirstSeen, LastSeen, StateSince time.Time
}
