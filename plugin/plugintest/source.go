// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package plugintest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// TestSource is the part of the contract of sources that needs no estate: it
// stops with the context, and it learns nothing when the guard lets nothing
// through. target is one that the source accepts.
func TestSource(t *testing.T, src plugin.Source, target gyre.Target) {
	checkInfo(t, src.Info())
	if !src.Accepts(target) {
		t.Fatalf("%s does not accept %+v", src.Info().Name, target)
	}
	if src.Accepts(gyre.Target{}) {
		t.Error("accepts a target that says nothing")
	}
	request := func(g plugin.Guard) plugin.Request {
		return plugin.Request{
			Scope: gyre.Scope{ID: 1, Name: "test", Targets: []gyre.Target{target}}, Target: target, Guard: g,
			Progress: func(int, int, string) {}, Log: slog.New(slog.DiscardHandler),
		}
	}
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		done := make(chan error, 1)
		go func() {
			_, err := src.Run(ctx, request(&Denying{}), (&Collector{}).Emit)
			done <- err
		}()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("returns %v", err)
			}
		case <-time.After(stopWithin):
			t.Errorf("does not stop within %v", stopWithin)
		}
	})
	t.Run("guard", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		g := &Denying{}
		var c Collector
		_, _ = src.Run(ctx, request(g), c.Emit) // failing is as good as reporting a limit
		if g.Asked.Load() == 0 {
			t.Error("does not ask the guard")
		}
		if len(c.Facts)+len(c.Components)+len(c.Findings)+len(c.Coverage) > 0 {
			t.Errorf("learned something although the guard let nothing through: %+v", c.Batch)
		}
	})
}

// Denying is a guard that lets nothing through.
type Denying struct{ Asked atomic.Int64 }

// DialContext implements plugin.Guard.
func (d *Denying) DialContext(context.Context, string, string) (net.Conn, error) {
	d.Asked.Add(1)
	return nil, gyre.Errorf(gyre.Forbidden, "outside every scope")
}

// AllowPath implements plugin.Guard.
func (d *Denying) AllowPath(string) error {
	d.Asked.Add(1)
	return gyre.Errorf(gyre.Forbidden, "outside every scope")
}
