// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gyre-ctem/gyre"
)

// elder is an exposure that was there at the time and has since been made one
// with a younger one, which has stayed.
type elder struct {
	id     gyre.ID
	first  int64         // number of its first event
	row    exposureImage // when it was merged
	before fieldsBefore  // of what it was at the time, since then
}

// exposureImage is a row of an exposure as the journal of a merge has it.
type exposureImage struct {
	Locus        string          `json:"locus"`
	Aspect       gyre.Aspect     `json:"aspect"`
	Class        gyre.Class      `json:"class"`
	Severity     int             `json:"severity"`
	State        gyre.State      `json:"state"`
	Band         gyre.Band       `json:"band"`
	StateSince   int64           `json:"state_since"`
	FixedAt      int64           `json:"fixed_at"`
	Credentialed json.RawMessage `json:"credentialed"` // true or 1
	Remedy       string          `json:"remedy"`
	FirstSeen    int64           `json:"first_seen"`
	LastSeen     int64           `json:"last_seen"`
	Action       int64           `json:"action"`
}

// elders finds for exposures that came after the event seq, and took in others, the
// oldest of those that was there by then. moved says whose the events were.
func elders(ctx context.Context, q querier, ws gyre.ID, seq int64, young map[gyre.ID]bool, moved map[int64]gyre.ID) (map[gyre.ID]*elder, error) {
	out := map[gyre.ID]*elder{}
	at := make(map[gyre.ID]gyre.ID, len(young)) // one that took in others → the young one
	for id := range young {
		at[id] = id
	}
	for len(at) > 0 {
		taken, err := takenIn(ctx, q, ws, at, moved)
		if err != nil {
			return nil, err
		}
		next := map[gyre.ID]gyre.ID{}
		for _, x := range taken {
			if old := out[x.into]; x.e.first <= seq && (old == nil || x.e.first < old.first) {
				out[x.into] = x.e
			}
			next[x.e.id] = x.into
		}
		at = next
	}
	for id, e := range out {
		e.before = fieldsBefore{}
		err := eachSince(ctx, q, ws, "exposure", seq, []gyre.ID{id, e.id}, func(ev sinceEvent) error {
			if moved[ev.seq] == e.id || ev.id == e.id { // its own event tells of the merge
				e.before.note(ev)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

type taken struct {
	into gyre.ID
	e    *elder
}

// takenIn lists the exposures that others have taken in; at says for whom. Of a merge
// of weaknesses that ended while others built on it the exposures stay one.
func takenIn(ctx context.Context, q querier, ws gyre.ID, at map[gyre.ID]gyre.ID, moved map[int64]gyre.ID) ([]taken, error) {
	var out []taken
	index := map[gyre.ID]int{}
	ask := make([]gyre.ID, 0, len(at))
	for id := range at {
		ask = append(ask, id)
	}
	slices.Sort(ask)
	err := inChunks(ask, idArg, []any{int64(ws)}, func(in string, args []any) error {
		return each(ctx, q, `SELECT i.object_id, i.other_id, i.kind, i.body FROM merge m JOIN merge_item i ON i.merge = m.id
			WHERE m.workspace = $1 AND (i.kind = 'exposure' AND i.op = 'removed' OR i.kind = 'event' AND i.op = 'moved')
			AND (m.undone = 0 OR NOT EXISTS (SELECT 1 FROM exposure x WHERE x.id = i.object_id)
				AND NOT EXISTS (SELECT 1 FROM merge_item l WHERE l.kind = 'exposure' AND l.op = 'removed' AND l.object_id = i.object_id AND l.merge > i.merge))
			AND i.other_id IN `+in+` ORDER BY m.id, i.seq`, args, func(s scanner) error {
			var id, into gyre.ID
			var kind, body string
			if err := s.Scan((*int64)(&id), (*int64)(&into), &kind, &body); err != nil {
				return err
			}
			i, known := index[id]
			if !known {
				i = len(out)
				index[id] = i
				out = append(out, taken{at[into], &elder{id: id, first: 1<<63 - 1}})
			}
			e := out[i].e
			if kind == "exposure" {
				return fromJSON(body, &e.row)
			}
			var keys [][]int64
			err := fromJSON(body, &keys)
			for _, k := range keys {
				if moved[k[0]] == id {
					e.first = min(e.first, k[0])
				}
			}
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read what exposures have taken in: %w", err)
	}
	return out, nil
}

// exposure is what the elder was: who is who, and so where it lies, is as of the
// one that stayed.
func (e *elder) exposure(stayed gyre.Exposure, seen map[gyre.ID]int64) (gyre.Exposure, error) {
	x := stayed
	x.Locus, x.Aspect, x.Class, x.Severity, x.State = e.row.Locus, e.row.Aspect, e.row.Class, gyre.Severity(e.row.Severity), e.row.State
	x.StateSince, x.FixedAt, x.FirstSeen, x.LastSeen = timeOf(e.row.StateSince), timeOf(e.row.FixedAt), timeOf(e.row.FirstSeen), timeOf(e.row.LastSeen)
	x.Credentialed = string(e.row.Credentialed) == "true" || string(e.row.Credentialed) == "1"
	x.Remedy = gyre.Remedy{}
	if err := fromJSON(e.row.Remedy, &x.Remedy); err != nil {
		return x, err
	}
	if at, ok := seen[e.id]; ok {
		x.LastSeen = timeOf(at)
	}
	return x, restoreExposure(&x, e.before)
}

// listed is what lists show of the elder.
func (e *elder) listed(stayed ProjectionExposure, seen map[gyre.ID]int64) (ProjectionExposure, error) {
	x, err := e.exposure(gyre.Exposure{}, seen)
	if err != nil {
		return stayed, err
	}
	out := stayed
	out.Locus, out.Aspect, out.Class, out.Severity, out.State, out.StateSince = x.Locus, x.Aspect, x.Class, x.Severity, x.State, x.StateSince
	out.FirstSeen, out.LastSeen, out.Action, out.Band = x.FirstSeen, x.LastSeen, gyre.ID(e.row.Action), e.row.Band
	remedy, err := jsonText(x.Remedy)
	if err != nil {
		return out, err
	}
	out.Fixable = remedyFixes(remedy)
	out.Sources = nil
	err = e.before.was(map[string]any{"band": &out.Band, "action": &out.Action, "sources": &out.Sources})
	if len(out.Sources) == 0 {
		out.Sources = nil // as a row that has none
	}
	return out, err
}
