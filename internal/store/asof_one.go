// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gyre-ctem/gyre"
)

// fieldsBefore are what fields were, as the first event that tells of each says.
type fieldsBefore map[string]changeOf

func (f fieldsBefore) note(e sinceEvent) {
	for field, c := range e.changes {
		if _, earlier := f[field]; !earlier {
			f[field] = c
		}
	}
}

// was reads fields into what they are of. Times are microseconds, severities numbers.
func (f fieldsBefore) was(into map[string]any) error {
	for field, dest := range into {
		c, changed := f[field]
		if !changed {
			continue
		}
		var err error
		switch dest := dest.(type) {
		case *time.Time:
			var us int64
			err = c.was(&us)
			*dest = timeOf(us)
		case *gyre.Severity:
			err = c.was((*int)(dest))
		default:
			err = c.was(dest)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// notThen is the error for what was not there at the time.
func (p *AsOf) notThen(object string, id gyre.ID) error {
	return gyre.Errorf(gyre.NotFound, "%s %s was not there on %s", object, id, timeOf(p.at).Format(time.RFC3339))
}

// Exposure reads one exposure as it was.
func (p *AsOf) Exposure(ctx context.Context, ws, id gyre.ID) (e gyre.Exposure, err error) {
	err = p.snapshot(ctx, ws, func(q querier, seq int64) error {
		now, err := exposuresByID(ctx, q, ws, []gyre.ID{id})
		if err != nil {
			return err
		}
		if len(now) == 0 {
			return gyre.Errorf(gyre.NotFound, "no exposure %s", id)
		}
		e = now[0]
		moved, err := movedEvents(ctx, q, ws, p.at)
		if err != nil {
			return err
		}
		var came since
		own := fieldsBefore{}
		err = eachSince(ctx, q, ws, "exposure", seq, []gyre.ID{id}, func(ev sinceEvent) error {
			if of := moved[ev.seq]; of == 0 || of == ev.id { // else it tells of one that was merged into it
				came.note(ev.id, ev.kind)
				own.note(ev)
			}
			return nil
		})
		if err != nil {
			return err
		}
		older, err := elders(ctx, q, ws, seq, came.joinedYoung(), moved)
		if err != nil {
			return err
		}
		seen, err := seenSince(ctx, q, ws, "exposure", p.at)
		if err != nil {
			return err
		}
		if o := older[id]; o != nil {
			e, err = o.exposure(e, seen)
			return err
		}
		if came.created[id] {
			return p.notThen("exposure", id)
		}
		if at, ok := seen[id]; ok {
			e.LastSeen = timeOf(at)
		}
		return restoreExposure(&e, own)
	})
	return e, err
}

func restoreExposure(e *gyre.Exposure, before fieldsBefore) error {
	if _, changed := before["remedy"]; changed {
		e.Remedy = gyre.Remedy{}
	}
	return before.was(map[string]any{
		"locus": &e.Locus, "aspect": &e.Aspect, "class": &e.Class, "severity": &e.Severity, "state": &e.State, "state_since": &e.StateSince,
		"fixed_at": &e.FixedAt, "credentialed": &e.Credentialed, "remedy": &e.Remedy, "first_seen": &e.FirstSeen,
	})
}

// Asset reads one asset as it was, with its scopes; what it was known by is as today.
func (p *AsOf) Asset(ctx context.Context, ws, id gyre.ID) (a gyre.Asset, scopes []gyre.ID, err error) {
	found := false
	err = p.Assets(ctx, ws, []gyre.ID{id}, func(one ProjectionAsset) error {
		a, scopes, found = one.Asset, one.Scopes, true
		return nil
	})
	if err != nil {
		return a, nil, err
	}
	today, err := p.db.Asset(ctx, ws, id)
	if err == nil && !found {
		err = p.notThen("asset", id)
	}
	a.Identifiers = today.Identifiers
	return a, scopes, err
}

// Weakness reads one weakness as it was, with what was known of it.
func (p *AsOf) Weakness(ctx context.Context, ws, id gyre.ID) (w gyre.Weakness, intel gyre.Intel, err error) {
	found := false
	err = p.Weaknesses(ctx, ws, []gyre.ID{id}, func(one ProjectionWeakness) error {
		w, intel, found = one.Weakness, one.Intel, true
		return nil
	})
	if err == nil && !found {
		err = gyre.Errorf(gyre.NotFound, "no weakness %s", id)
	}
	return w, intel, err
}

// Actions lists actions as they were by the risk that they remove, most first; ids
// nil is all. Steps are today's: history does not keep them.
func (p *AsOf) Actions(ctx context.Context, ws gyre.ID, ids []gyre.ID) (all []gyre.Action, err error) {
	err = p.snapshot(ctx, ws, func(q querier, seq int64) error {
		var came since
		before := map[gyre.ID]fieldsBefore{}
		err := eachSince(ctx, q, ws, "action", seq, ids, func(e sinceEvent) error {
			came.note(e.id, e.kind)
			if before[e.id] == nil {
				before[e.id] = fieldsBefore{}
			}
			before[e.id].note(e)
			return nil
		})
		if err != nil {
			return err
		}
		err = byID(ctx, q, ws, ids, "id", "SELECT "+actionColumns+" FROM action WHERE workspace = $1 %s ORDER BY id", func(s scanner) error {
			a, err := scanAction(s)
			if err != nil || came.created[a.ID] {
				return err
			}
			err = before[a.ID].was(map[string]any{
				"state": &a.State, "title": &a.Title, "owner": &a.Owner, "due": &a.Due,
				"exposures": &a.Exposures, "assets": &a.Assets, "risk_removed": &a.RiskRemoved,
			})
			if a.Title != "" { // else it was not planned yet
				all = append(all, a)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("read actions: %w", err)
		}
		return p.updated(ctx, q, ws, seq, all)
	})
	slices.SortStableFunc(all, func(a, b gyre.Action) int {
		return cmp.Or(cmp.Compare(b.RiskRemoved, a.RiskRemoved), cmp.Compare(a.ID, b.ID))
	})
	return all, err
}

// updated says of actions that changed since when they had changed last before.
func (p *AsOf) updated(ctx context.Context, q querier, ws gyre.ID, seq int64, all []gyre.Action) error {
	at := map[gyre.ID]int{}
	var ask []gyre.ID
	for i := range all {
		if micros(all[i].Updated) > p.at {
			at[all[i].ID] = i
			ask = append(ask, all[i].ID)
			all[i].Updated = all[i].Created
		}
	}
	err := inChunks(ask, idArg, []any{int64(ws), seq}, func(in string, args []any) error {
		return each(ctx, q, "SELECT object_id, MAX(at) FROM event WHERE workspace = $1 AND seq <= $2 AND object = 'action' AND object_id IN "+in+" GROUP BY object_id", args, func(s scanner) error {
			var id gyre.ID
			var last int64
			err := s.Scan((*int64)(&id), &last)
			all[at[id]].Updated = timeOf(last)
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("read when actions changed: %w", err)
	}
	return nil
}
