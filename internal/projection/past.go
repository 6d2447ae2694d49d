// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gyre-ctem/gyre"
)

// How many views of the past are kept, and for how long: a person who pages
// through yesterday asks again within minutes, and each view is a whole estate.
const (
	maxPast  = 2
	keepPast = 5 * time.Minute
)

// past is what AsOf needs: where yesterday's rows come from, and the views that
// were asked for last, the newest first.
type past struct {
	source func(at time.Time) Source

	mu    sync.Mutex
	views []*pastView
}

type pastView struct {
	ws    gyre.ID
	at    time.Time
	asked time.Time
	ready chan struct{} // closed when view or err is there
	view  *View
	err   error
}

// Past tells the projection where the rows of a moment in the past come from.
// It is called once, before the projection is used.
func (p *Projection) Past(source func(at time.Time) Source) { p.past.source = source }

// AsOf returns the workspace as it was at a moment. It is built by the same
// code as the present, does not follow the store, and is kept for a while.
func (p *Projection) AsOf(ctx context.Context, ws gyre.ID, at time.Time) (*View, error) {
	if p.past.source == nil {
		return nil, gyre.Errorf(gyre.Unavailable, "this installation cannot look back")
	}
	at = at.UTC().Truncate(time.Microsecond)
	e, build := p.past.find(ws, at, time.Now())
	if build {
		// Whoever waits for it should not fail because the first asker went away.
		e.view, e.err = Build(context.WithoutCancel(ctx), p.past.source(at), ws, at)
		if e.err != nil {
			p.past.drop(e)
		}
		close(e.ready)
	}
	select {
	case <-e.ready:
		return e.view, e.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// find returns the entry of a moment; build says that the caller must fill it.
func (p *past) find(ws gyre.ID, at, now time.Time) (e *pastView, build bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.views = slices.DeleteFunc(p.views, func(e *pastView) bool { return now.Sub(e.asked) > keepPast })
	i := slices.IndexFunc(p.views, func(e *pastView) bool { return e.ws == ws && e.at.Equal(at) })
	if i >= 0 {
		e = p.views[i]
		p.views = slices.Delete(p.views, i, i+1)
	} else {
		e, build = &pastView{ws: ws, at: at, ready: make(chan struct{})}, true
	}
	e.asked = now
	p.views = slices.Insert(p.views, 0, e)
	p.views = p.views[:min(len(p.views), maxPast)]
	return e, build
}

func (p *past) drop(e *pastView) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.views = slices.DeleteFunc(p.views, func(x *pastView) bool { return x == e })
}

// Build makes a view of everything that a source has. now is what the word now
// means in filters and selectors.
func Build(ctx context.Context, source Source, ws gyre.ID, now time.Time) (*View, error) {
	b, err := load(ctx, source, ws, now)
	if err != nil {
		return nil, err
	}
	return &View{s: b.freeze(0), freshAt: now, at: now}, nil
}
