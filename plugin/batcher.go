// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"

	"github.com/gyre-ctem/gyre"
)

// BatchSize is how many entries a Batcher emits at once. Larger batches cost memory;
// smaller ones, questions to the database. Where an import stands is a number of
// batches, so another size is another way to read a report.
const BatchSize = 2500

// Batcher collects entries and emits them in batches of a fitting size, in the
// order in which they were added. Call Flush at the end. Not safe for concurrent use.
type Batcher struct {
	ctx  context.Context
	emit Emit
	b    *gyre.Batch
	n    int
	like int // findings of the batch before, which this one is mostly like
}

// NewBatcher returns a Batcher that emits with ctx.
func NewBatcher(ctx context.Context, emit Emit) *Batcher {
	return &Batcher{ctx: ctx, emit: emit, b: &gyre.Batch{}}
}

// Asset adds an asset; entries that name its ref come after it.
func (x *Batcher) Asset(a gyre.AssetSighting) error {
	x.b.Assets = append(x.b.Assets, a)
	return x.added()
}

// Relation adds a relation.
func (x *Batcher) Relation(r gyre.RelationSighting) error {
	x.b.Relations = append(x.b.Relations, r)
	return x.added()
}

// Component adds a component.
func (x *Batcher) Component(c gyre.ComponentSighting) error {
	x.b.Components = append(x.b.Components, c)
	return x.added()
}

// Fact adds a fact.
func (x *Batcher) Fact(f gyre.Fact) error {
	x.b.Facts = append(x.b.Facts, f)
	return x.added()
}

// Finding adds a finding.
func (x *Batcher) Finding(f gyre.Finding) error {
	if x.b.Findings == nil && x.like > 0 {
		x.b.Findings = make([]gyre.Finding, 0, x.like)
	}
	x.b.Findings = append(x.b.Findings, f)
	return x.added()
}

// Cover adds coverage.
func (x *Batcher) Cover(c gyre.Coverage) error {
	x.b.Coverage = append(x.b.Coverage, c)
	return x.added()
}

// Flush emits what is left.
func (x *Batcher) Flush() error {
	if x.n == 0 {
		return x.ctx.Err()
	}
	b := x.b
	x.b, x.n = &gyre.Batch{}, 0
	return x.emit(x.ctx, b)
}

func (x *Batcher) added() error {
	if x.n++; x.n < BatchSize {
		return nil
	}
	x.like = len(x.b.Findings)
	return x.Flush()
}
