// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// snap is what single pages and lists say at one moment, by ID.
type snap struct {
	at        time.Time
	what      string
	exposures map[gyre.ID]gyre.Exposure
	rows      map[gyre.ID]store.ProjectionExposure
	assets    map[gyre.ID]gyre.Asset
	actions   map[gyre.ID]gyre.Action
}

// rowSource is the rows of the present, or of the past.
type rowSource interface {
	ProjectionExposures(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(store.ProjectionExposure) error) error
}

// snap takes down what there is now.
func (h *historian) snap(what string) snap {
	s := snap{h.now, what, map[gyre.ID]gyre.Exposure{}, map[gyre.ID]store.ProjectionExposure{}, map[gyre.ID]gyre.Asset{}, map[gyre.ID]gyre.Action{}}
	h.ok(h.db.EachExposure(h.ctx, h.ws, func(e gyre.Exposure) error { s.exposures[e.ID] = e; return nil }))
	h.ok(rowSource(h.db).ProjectionExposures(h.ctx, h.ws, nil, func(e store.ProjectionExposure) error { s.rows[e.ID] = e; return nil }))
	h.ok(h.db.EachAsset(h.ctx, h.ws, func(a gyre.Asset) error { s.assets[a.ID] = a; return nil }))
	all, err := h.db.Actions(h.ctx, h.ws, nil, 0)
	h.ok(err)
	for _, a := range all {
		a.Steps, a.Updated = nil, time.Time{} // as today; as of its last event
		s.actions[a.ID] = a
	}
	return s
}

// TestAsOfMerges: today's identities, yesterday's states. Whatever was merged and
// taken apart since, what is there today and was there then is as it was; what is one of two
// is as the one that stayed was; what came later is not there.
func TestAsOfMerges(t *testing.T) {
	storetest.Cases(t, 40)
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			db := storetest.Open(t, e) // intelligence is all workspaces', and so is its past
			n, clock := 0, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			rapid.Check(t, func(rt *rapid.T) {
				n++
				h := newHistorian(rt, t, db, fmt.Sprintf("%s/%d", t.Name(), n), clock)
				defer func() { clock = h.now }()
				past := []snap{}
				for range rapid.IntRange(2, 12).Draw(rt, "steps") {
					what := h.mergeOrStep()
					past = append(past, h.snap(what))
				}
				today := h.snap("today")
				into := h.mergedInto(past, today)
				for i, then := range past {
					h.looksBack(past[:i], then, today, into)
				}
			})
		})
	}
}

// mergeOrStep is a step, or assets or weaknesses turn out to be one, or two.
func (h *historian) mergeOrStep() string {
	var assets []gyre.ID
	h.ok(h.db.EachAsset(h.ctx, h.ws, func(a gyre.Asset) error { assets = append(assets, a.ID); return nil }))
	slices.Sort(assets)
	merges, err := h.db.Merges(h.ctx, h.ws, 0, 100)
	h.ok(err)
	merges = slices.DeleteFunc(merges, func(m gyre.Merge) bool { return !m.Undone.IsZero() || m.Object == "split" })
	what := rapid.SampledFrom([]string{"step", "step", "merge", "undo", "tie"}).Draw(h.rt, "kind")
	switch {
	case what == "merge" && len(assets) > 1:
		two := rapid.SliceOfNDistinct(rapid.SampledFrom(assets), 2, 2, rapid.ID[gyre.ID]).Draw(h.rt, "assets")
		h.now = h.now.Add(time.Hour)
		_, err := h.db.MergeAssets(h.ctx, h.ws, two[0], two[1], "ann", "they are one")
		h.ok(err)
		return fmt.Sprintf("merge %s into %s", two[0], two[1])
	case what == "undo" && len(merges) > 0:
		m := rapid.SampledFrom(merges).Draw(h.rt, "merge")
		h.now = h.now.Add(time.Hour)
		if _, err := h.db.UndoMerge(h.ctx, h.ws, m.ID, "ann"); err != nil && gyre.ErrorCode(err) != gyre.Conflict {
			h.ok(err)
		}
		return "undo merge of " + m.FromName
	case what == "tie":
		return h.tie()
	}
	return h.step()
}

// tie says that two weaknesses are one, or takes that back.
func (h *historian) tie() string {
	h.now = h.now.Add(time.Hour)
	in := &ingest.Ingest{
		Now: func() time.Time { return h.now },
		InTx: func(ctx context.Context, ws gyre.ID, fn func(ingest.Tx) error) error {
			return h.db.Write(ctx, ws, func(tx *store.Tx) error { return fn(tx) })
		},
	}
	rules, err := h.db.CorrelationRules(h.ctx, h.ws)
	h.ok(err)
	if len(rules) > 0 {
		_, err := in.RemoveCorrelationRule(h.ctx, h.ws, rules[0].ID, "ann", false)
		h.ok(err)
		return "two weaknesses again"
	}
	_, err = in.AddCorrelationRule(h.ctx, h.ws, gyre.CorrelationRule{Kind: gyre.CorrelateSame, Name: "a", Other: "CVE-2026-1", By: "ann"}, false)
	h.ok(err)
	return "two weaknesses are one"
}

// mergedInto says into what each object that is gone today was made one, at any remove.
func (h *historian) mergedInto(past []snap, today snap) map[gyre.ID]gyre.ID {
	var ids []gyre.ID
	for _, s := range past {
		for id := range s.exposures {
			if _, there := today.exposures[id]; !there {
				ids = append(ids, id)
			}
		}
		for id := range s.assets {
			if _, there := today.assets[id]; !there {
				ids = append(ids, id)
			}
		}
	}
	out := map[gyre.ID]gyre.ID{}
	for _, id := range ids {
		for at, n := id, 0; n < 20; n++ {
			events, err := h.db.EventsOf(h.ctx, h.ws, at, 1000)
			h.ok(err)
			next := gyre.ID(0)
			for _, m := range events { // newest first
				if m.Kind == "merged" {
					if next, err = gyre.ParseID(m.To); err != nil {
						next = 0
					}
					break
				}
			}
			if next == 0 {
				next = h.survivor(at)
			}
			if next == 0 {
				break
			}
			out[id] = next
			at = next
			if _, there := today.exposures[at]; there {
				break // what an undone merge says of it is over
			}
		}
	}
	return out
}

// survivor finds the exposure that tells that it took another one in.
func (h *historian) survivor(gone gyre.ID) gyre.ID {
	var found gyre.ID
	var ids []gyre.ID
	h.ok(h.db.EachExposure(h.ctx, h.ws, func(e gyre.Exposure) error { ids = append(ids, e.ID); return nil }))
	for _, id := range ids {
		events, err := h.db.EventsOf(h.ctx, h.ws, id, 1000)
		h.ok(err)
		for _, e := range events {
			if e.Kind == "merged_in" && e.From == gone.String() {
				found = id
			}
		}
	}
	return found
}

// looksBack compares one moment with what is said of it today.
func (h *historian) looksBack(before []snap, then, today snap, into map[gyre.ID]gyre.ID) {
	p := h.db.AsOf(then.at)
	rows := map[gyre.ID]store.ProjectionExposure{}
	h.ok(p.Exposures(h.ctx, h.ws, nil, func(e store.ProjectionExposure) error { rows[e.ID] = e; return nil }))
	same := func(what string, id gyre.ID, want, got any) {
		if d := cmp.Diff(want, got); d != "" {
			h.rt.Fatalf("%s %s on %s, after %s (-then +looking back):\n%s\n%s", what, id, then.at.Format(time.DateTime), then.what, d, h.events(id))
		}
	}
	if h.undoneSince(then.at) {
		return // what was one for a while, and is two again, is shown as of one of the two
	}
	for id, is := range today.exposures {
		row, listed := rows[id]
		one, err := p.Exposure(h.ctx, h.ws, id)
		if gyre.ErrorCode(err) != gyre.NotFound {
			h.ok(err)
		}
		same("a page and a list have exposure", id, listed, err == nil)
		was, there := then.exposures[id]
		wasRow := then.rows[id]
		var candidates []gyre.ID
		if !there {
			for gone := range then.exposures {
				if into[gone] == id {
					candidates = append(candidates, gone)
				}
			}
			if knownBefore(before, id) {
				continue // it was in another one then, and was taken out of it since
			}
			if len(candidates) == 0 {
				if listed {
					h.rt.Fatalf("exposure %s came after %s (%s) and is there when looking back\n%s", id, then.at.Format(time.DateTime), then.what, h.events(id))
				}
				continue
			}
			if len(candidates) != 1 {
				continue // several were what it is
			}
			was, wasRow = then.exposures[candidates[0]], then.rows[candidates[0]]
		}
		if !listed {
			h.rt.Fatalf("exposure %s was there on %s (%s, of %v) and is not when looking back\n%s", id, then.at.Format(time.DateTime), then.what, candidates, h.events(id))
		}
		// Who is who, and so where it lies, is as today.
		was.ID, was.Asset, was.Weakness, was.Place = id, is.Asset, is.Weakness, is.Place
		wasRow.ID, wasRow.Asset, wasRow.Weakness = id, is.Asset, is.Weakness
		same("page of exposure", id, was, one)
		same("row of exposure", id, wasRow, row)
	}
	for id := range today.assets {
		one, _, err := p.Asset(h.ctx, h.ws, id)
		was, there := then.assets[id]
		if gyre.ErrorCode(err) != gyre.NotFound {
			h.ok(err)
		}
		if !there {
			continue // it came later, or was in another one then
		}
		if err != nil {
			h.rt.Fatalf("asset %s was there on %s: %v", id, then.at.Format(time.DateTime), err)
		}
		one.Identifiers = nil // as today
		same("page of asset", id, was, one)
	}
	all, err := p.Actions(h.ctx, h.ws, nil)
	h.ok(err)
	actions := map[gyre.ID]gyre.Action{}
	for _, a := range all {
		a.Steps, a.Updated = nil, time.Time{}
		actions[a.ID] = a
	}
	if d := cmp.Diff(then.actions, actions); d != "" {
		h.rt.Fatalf("actions on %s, after %s (-then +looking back):\n%s", then.at.Format(time.DateTime), then.what, d)
	}
}

// events is what happened to an object, for the report of a failure.
func (h *historian) events(id gyre.ID) string {
	events, err := h.db.EventsOf(h.ctx, h.ws, id, 1000)
	h.ok(err)
	text := ""
	for _, e := range events {
		text += fmt.Sprintln(e.Seq, e.At.Format(time.DateTime), e.Kind, e.From, e.To, e.Reason, e.Changes)
	}
	return text
}

// undoneSince says whether something was one at a time that has been taken apart since.
func (h *historian) undoneSince(at time.Time) bool {
	merges, err := h.db.Merges(h.ctx, h.ws, 0, 1000)
	h.ok(err)
	return slices.ContainsFunc(merges, func(m gyre.Merge) bool { return !m.At.After(at) && m.Undone.After(at) })
}

func knownBefore(before []snap, id gyre.ID) bool {
	return slices.ContainsFunc(before, func(s snap) bool { _, there := s.exposures[id]; return there })
}
