// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/projection"
	"github.com/gyre-ctem/gyre/internal/store"
)

// past answers about how the estate was.
type past struct {
	trends
	projected *projection.Projection
}

var _ httpapi.Past = (*past)(nil)

func (p *past) AsOf(ctx context.Context, ws gyre.ID, at time.Time) (httpapi.PastView, error) {
	v, err := p.projected.AsOf(ctx, ws, at)
	if err != nil {
		return nil, err // not a view that is nil
	}
	return v, nil
}

func (p *past) Then(at time.Time) httpapi.Then { return p.db.AsOf(at) }

func (p *past) HistoryBegins(ctx context.Context, ws gyre.ID) (time.Time, error) {
	return p.db.HistoryBegins(ctx, ws)
}

func (p *past) HistoryOf(ctx context.Context, ws, object gyre.ID, before int64, limit int) ([]gyre.Event, error) {
	return p.db.HistoryOf(ctx, ws, object, before, limit)
}

// trends adds up the estate at many moments. It walks forward through history
// with one projection that follows it as the live one follows the present, so a moment
// costs what changed before it, and equals looking back at that moment alone. What was
// added up is kept: the past changes only when two turn out to be one.
type trends struct {
	db *store.DB

	walk sync.Mutex // one walk at a time: each holds an estate in memory

	mu     sync.Mutex
	known  map[moment]gyre.Tally
	merges map[gyre.ID]int64 // by workspace: what known rests on
}

type moment struct {
	ws gyre.ID
	at int64
}

// settled is how long after a moment nobody writes with its time any more.
const settled = time.Minute

// maxKnown bounds what is kept: three years of days for a hundred workspaces.
const maxKnown = 100_000

// Trend returns the estate at each of the times, which ascend.
func (t *trends) Trend(ctx context.Context, ws gyre.ID, times []time.Time) ([]gyre.Tally, error) {
	merges, err := t.db.CountMerges(ctx, ws)
	if err != nil {
		return nil, err
	}
	out, from := t.recall(ws, times, merges)
	if from == len(times) {
		return out, nil
	}
	t.walk.Lock()
	defer t.walk.Unlock()
	r := &replay{db: t.db, ws: ws}
	p := projection.NewAt(r, func() time.Time { return r.at })
	for i := from; i < len(times); i++ {
		if err := r.advance(ctx, times[i]); err != nil {
			return nil, err
		}
		if out[i], err = p.Tally(ctx, ws); err != nil {
			return nil, err
		}
		if time.Since(times[i]) > settled {
			t.remember(moment{ws, times[i].UnixMicro()}, out[i])
		}
	}
	return out, nil
}

// recall returns what is known, and the first time that is not.
func (t *trends) recall(ws gyre.ID, times []time.Time, merges int64) ([]gyre.Tally, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || len(t.known) > maxKnown {
		t.known, t.merges = map[moment]gyre.Tally{}, map[gyre.ID]int64{}
	}
	if t.merges[ws] != merges {
		for m := range t.known {
			if m.ws == ws {
				delete(t.known, m)
			}
		}
		t.merges[ws] = merges
	}
	out := make([]gyre.Tally, len(times))
	for i, at := range times {
		tally, ok := t.known[moment{ws, at.UnixMicro()}]
		if !ok {
			return out, i
		}
		out[i] = tally
	}
	return out, len(times)
}

func (t *trends) remember(m moment, tally gyre.Tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[m] = tally
}

// replay is the store of one workspace at a moment that moves forward, as a
// projection follows it. Between the events there are some of its own.
type replay struct {
	db *store.DB
	ws gyre.ID
	at time.Time

	real    span // numbers of the workspace's events in this step
	virtual int64
	own     []gyre.Event // after them
}

type span struct{ from, to int64 }

// advance moves to a later moment.
func (r *replay) advance(ctx context.Context, at time.Time) error {
	seq, err := r.db.SeqAt(ctx, r.ws, at)
	if err != nil {
		return err
	}
	r.virtual += r.real.to - r.real.from + int64(len(r.own))
	r.real = span{r.real.to, seq}
	before := r.at
	r.at = at
	// What a selector says of now moves on without an event.
	r.own = []gyre.Event{{Object: "scope"}}
	scopes, err := r.Scopes(ctx, r.ws)
	if err != nil || before.IsZero() {
		return err
	}
	for _, s := range scopes {
		if strings.Contains(s.Selector, "last_seen") {
			ids, err := r.db.AssetsSeen(ctx, r.ws, before, at)
			for _, id := range ids {
				r.own = append(r.own, gyre.Event{Object: "asset", ID: id})
			}
			return err
		}
	}
	return nil
}

func (r *replay) past() pastStore { return pastStore{r.db.AsOf(r.at).Rough()} }

// Assets implements projection.Source, as do the next three.
func (r *replay) Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Asset) error) error {
	return r.past().Assets(ctx, ws, ids, yield)
}

// Weaknesses streams those of the moment.
func (r *replay) Weaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Weakness) error) error {
	return r.past().Weaknesses(ctx, ws, ids, yield)
}

// Exposures streams those of the moment.
func (r *replay) Exposures(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Exposure) error) error {
	return r.past().Exposures(ctx, ws, ids, yield)
}

// Scopes lists those of the moment.
func (r *replay) Scopes(ctx context.Context, ws gyre.ID) ([]gyre.Scope, error) {
	return r.past().Scopes(ctx, ws)
}

// IntelOfWeaknesses streams what was known at the moment.
func (r *replay) IntelOfWeaknesses(ctx context.Context, ws gyre.ID, _ iter.Seq[gyre.Weakness], yield func(gyre.ID, gyre.Intel) error) error {
	return r.Weaknesses(ctx, ws, nil, func(w projection.Weakness) error {
		if w.Intel == (gyre.Intel{}) {
			return nil
		}
		return yield(w.ID, w.Intel)
	})
}

// SeenByRuns says nothing: totals do not depend on it, but for selectors (advance).
func (r *replay) SeenByRuns(context.Context, gyre.ID, []gyre.ID, func(gyre.ID, time.Time) error, func(gyre.ID, time.Time) error) error {
	return nil
}

// LastSeq implements projection.Store.
func (r *replay) LastSeq(context.Context, gyre.ID) (int64, error) {
	return r.virtual + r.real.to - r.real.from + int64(len(r.own)), nil
}

// EventsSince lists the events of this step, numbered as if there were none but those.
func (r *replay) EventsSince(ctx context.Context, ws gyre.ID, seq int64, limit int) ([]gyre.Event, error) {
	var out []gyre.Event
	if from := r.real.from + seq - r.virtual; from < r.real.to {
		var err error
		if out, err = r.db.EventsSince(ctx, ws, from, int(min(int64(limit), r.real.to-from))); err != nil {
			return nil, err
		}
	}
	for i := range out {
		out[i].Seq = seq + int64(i) + 1
	}
	next := seq + int64(len(out))
	for done := next - r.virtual - (r.real.to - r.real.from); len(out) < limit && done >= 0 && done < int64(len(r.own)); done++ {
		e := r.own[done]
		next++
		e.Seq = next
		out = append(out, e)
	}
	return out, nil
}
