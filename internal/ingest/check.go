// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"strings"
	"sync"

	"github.com/gyre-ctem/gyre"
)

// Checker holds the batches of a run against everything that storing them would
// demand, by the same code, without a store. What it lets through cannot be refused
// later for what is in it. Its errors name entries by their number in the whole run.
// Safe for concurrent use.
type Checker struct {
	mu      sync.Mutex
	refs    map[gyre.Ref]struct{}
	n       map[string]int // entries of earlier batches, by part
	batches int
}

// NewChecker returns a checker for one run.
func NewChecker() *Checker {
	return &Checker{refs: map[gyre.Ref]struct{}{}, n: map[string]int{}}
}

// Batches is how many were let through.
func (c *Checker) Batches() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.batches
}

// Emit checks a batch.
func (c *Checker) Emit(ctx context.Context, b *gyre.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkSize(b); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, part := range []struct {
		name  string
		n     int
		check func(i int) error
	}{
		{"assets", len(b.Assets), func(i int) error {
			s, err := sightingOf(&b.Assets[i])
			if err != nil {
				return err
			}
			if strings.HasPrefix(string(s.Ref), "id:") {
				return gyre.FieldErrorf(gyre.Invalid, "ref", "%q is not for reports to use", prose(string(s.Ref), 80))
			}
			c.refs[s.Ref] = struct{}{}
			return nil
		}},
		{"relations", len(b.Relations), func(i int) error {
			if err := c.known("from", b.Relations[i].From); err != nil {
				return err
			}
			if err := c.known("to", b.Relations[i].To); err != nil {
				return err
			}
			return checkRelation(b.Relations[i])
		}},
		{"components", len(b.Components), func(i int) error {
			x := b.Components[i]
			if err := c.known("asset", x.Asset); err != nil {
				return err
			}
			return normaliseComponent(&x)
		}},
		{"facts", len(b.Facts), func(i int) error {
			x := b.Facts[i]
			if err := c.known("asset", x.Asset); err != nil {
				return err
			}
			return normaliseFact(&x)
		}},
		{"coverage", len(b.Coverage), func(i int) error {
			x := b.Coverage[i]
			if err := c.known("asset", x.Asset); err != nil {
				return err
			}
			return normaliseCoverage(&x)
		}},
		{"findings", len(b.Findings), func(i int) error {
			x := b.Findings[i]
			if err := c.known("asset", x.Asset); err != nil {
				return err
			}
			return normaliseFinding(&x)
		}},
	} {
		for i := range part.n {
			if err := part.check(i); err != nil {
				return at(part.name, c.n[part.name]+i, err)
			}
		}
		c.n[part.name] += part.n
	}
	c.batches++
	return nil
}

// known says whether a ref was introduced. Nobody but Gyre itself names assets
// that are stored already.
func (c *Checker) known(field string, ref gyre.Ref) error {
	if _, ok := c.refs[ref]; ok {
		return nil
	}
	return gyre.FieldErrorf(gyre.Invalid, field, "asset %q was not introduced", prose(string(ref), 80))
}
