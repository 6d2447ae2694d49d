// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package scope

import (
	"reflect"
	"sync"

	"golang.org/x/time/rate"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Guards keeps one guard for each scope, so that everything that runs for a
// scope shares its pace. Safe for concurrent use.
type Guards struct {
	opt GuardOptions

	mu  sync.Mutex
	all map[gyre.ID]*Guard
}

// NewGuards makes guards with opt; its Limiter is not used.
func NewGuards(opt GuardOptions) *Guards {
	return &Guards{opt: opt, all: map[gyre.ID]*Guard{}}
}

// Guard returns the guard of a scope. A scope that changed gets a new one; the
// connections of the old one are closed, because they may not be allowed any
// more. One that is not stored yet shares with nobody.
func (g *Guards) Guard(s gyre.Scope) (plugin.Guard, error) {
	if s.ID == 0 {
		opt := g.opt
		opt.Limiter = nil
		return NewGuard(s, opt)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.all[s.ID]
	if old != nil && sameAuthority(old.scope, Normalise(s)) {
		return old, nil
	}
	opt := g.opt
	opt.Limiter = nil
	if old != nil {
		pace, _ := Pace(s)
		opt.Limiter = old.opt.Limiter
		opt.Limiter.SetLimit(pace)
		opt.Limiter.SetBurst(burst(pace))
	}
	guard, err := NewGuard(s, opt)
	if err != nil {
		return nil, err
	}
	if old != nil {
		old.Close()
	}
	g.all[s.ID] = guard
	return guard, nil
}

// Close closes all guards.
func (g *Guards) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, guard := range g.all {
		guard.Close()
		delete(g.all, id)
	}
}

func burst(pace rate.Limit) int { return max(1, int(pace)/10) }

// sameAuthority compares what a guard decides by.
func sameAuthority(a, b gyre.Scope) bool {
	return a.Name == b.Name && a.Intensity == b.Intensity && reflect.DeepEqual(a.Targets, b.Targets) &&
		reflect.DeepEqual(a.Exclusions, b.Exclusions) && reflect.DeepEqual(a.Hours, b.Hours)
}
