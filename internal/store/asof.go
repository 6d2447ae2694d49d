// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

// AsOf is the estate of a workspace as it was at a time: the rows of today, rolled
// back by every event since. A time is when Gyre learned something, not when a report says
// that it was so: what a late report brought is there from its import on.
//
// Who is who is as known today: what was merged since is one, under the name that it
// has now, with the history of the one that stayed.
//
// It reads rows and events in one snapshot, so it may run beside writers. Memory
// is that of the rows that changed since.
type AsOf struct {
	db *DB
	at int64
	// rough: exposures say when they were seen last as they do today.
	rough bool
}

// AsOf returns the past at a time.
func (db *DB) AsOf(at time.Time) *AsOf { return &AsOf{db: db, at: micros(at.UTC())} }

// Rough leaves out when exposures were seen last, which nothing that adds up
// an estate depends on: of a large one that is most of the work.
func (p *AsOf) Rough() *AsOf { return &AsOf{db: p.db, at: p.at, rough: true} }

// SeqAt is the number of the last event up to a time.
func (db *DB) SeqAt(ctx context.Context, ws gyre.ID, at time.Time) (int64, error) {
	return seqAt(ctx, db.r, ws, micros(at.UTC()))
}

// HistoryBegins is the first moment that can be looked back at: the workspace's
// first event that says what it changed. It is zero when nothing has happened yet.
func (db *DB) HistoryBegins(ctx context.Context, ws gyre.ID) (time.Time, error) {
	_, first, err := historyOf(ctx, db.r, ws)
	return timeOf(first), err
}

type historyEnd struct{ seq, at int64 }

func historyOf(ctx context.Context, q querier, ws gyre.ID) (last historyEnd, first int64, err error) {
	first, err = one(ctx, q, "workspace", ws, func(s scanner) (since int64, err error) {
		return since, s.Scan(&last.seq, &last.at, &since)
	}, "SELECT seq, at, since FROM workspace WHERE id = $1", int64(ws))
	if err != nil || first > 0 || last.seq == 0 {
		return last, first, err
	}
	first, err = eventAt(ctx, q, ws, 1)
	return last, first, err
}

func eventAt(ctx context.Context, q querier, ws gyre.ID, seq int64) (int64, error) {
	return one(ctx, q, "event", seq, func(s scanner) (at int64, err error) { return at, s.Scan(&at) },
		"SELECT at FROM event WHERE workspace = $1 AND seq = $2", int64(ws), seq)
}

// seqAt is the number of the last event up to a time. Events are in the order
// of time and without gaps, so a few look-ups find it.
func seqAt(ctx context.Context, q querier, ws gyre.ID, at int64) (int64, error) {
	last, first, err := historyOf(ctx, q, ws)
	switch {
	case err != nil:
		return 0, err
	case last.seq == 0:
		return 0, gyre.FieldErrorf(gyre.Invalid, "as_of", "there is no history yet")
	case at < first:
		return 0, gyre.FieldErrorf(gyre.Invalid, "as_of", "%s is before the history begins: the first moment to look back at is %s",
			timeOf(at).Format(time.RFC3339), timeOf(first).Add(time.Second-time.Microsecond).Truncate(time.Second).Format(time.RFC3339))
	case at >= last.at:
		return last.seq, nil
	}
	return lastUpTo(ctx, q, ws, at, 1, last.seq)
}

// lastUpTo is the number of the last event up to a time among those from low,
// which is of then or before, to high; 0 is before all.
func lastUpTo(ctx context.Context, q querier, ws gyre.ID, at, low, high int64) (int64, error) {
	for low < high {
		mid := low + (high-low+1)/2
		t, err := eventAt(ctx, q, ws, mid)
		if err != nil {
			return 0, err
		}
		if t <= at {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low, nil
}

// snapshot runs fn in a transaction that sees one state of the database, with
// the number of the last event before the time.
func (p *AsOf) snapshot(ctx context.Context, ws gyre.ID, fn func(q querier, seq int64) error) error {
	tx, err := p.db.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: p.db.dialect.Snapshot})
	if err != nil {
		return fmt.Errorf("begin to look back: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	seq, err := seqAt(ctx, tx, ws, p.at)
	if err != nil {
		return err
	}
	return fn(tx, seq)
}

// changeOf is [before, after] of a field.
type changeOf [2]json.RawMessage

// was reads what a field was.
func (c changeOf) was(into any) error {
	if err := json.Unmarshal(c[0], into); err != nil {
		return fmt.Errorf("decode history: %w", err)
	}
	return nil
}

// sinceEvent is an event after the time that is looked back at.
type sinceEvent struct {
	seq     int64
	id      gyre.ID
	kind    string
	changes map[string]changeOf
}

// eachSince calls fn with the events of a kind of object after a number, in
// order, which say that one came or changed; ids nil is every one.
func eachSince(ctx context.Context, q querier, ws gyre.ID, object string, seq int64, ids []gyre.ID, fn func(e sinceEvent) error) error {
	query := `SELECT seq, object_id, kind, changes FROM event WHERE workspace = $1 AND seq > $2 AND object = $3
		AND (changes <> '' OR kind IN ('created', 'merged_in')) %s ORDER BY seq`
	read := func(in string, args []any) error {
		return each(ctx, q, fmt.Sprintf(query, in), args, func(s scanner) error {
			var e sinceEvent
			var text string
			if err := s.Scan(&e.seq, (*int64)(&e.id), &e.kind, &text); err != nil {
				return err
			}
			if err := fromJSON(text, &e.changes); err != nil {
				return err
			}
			return fn(e)
		})
	}
	first := []any{int64(ws), seq, object}
	var err error
	if ids == nil {
		err = read("", first)
	} else {
		err = inChunks(ids, idArg, first, func(in string, args []any) error { return read("AND object_id IN "+in, args) })
	}
	if err != nil {
		return fmt.Errorf("read history of %ss: %w", object, err)
	}
	return nil
}

// since is what events after a time say of a kind of object.
type since struct {
	created map[gyre.ID]bool
	joined  []gyre.ID // those that others were merged into
}

func (s *since) note(id gyre.ID, kind string) {
	switch kind {
	case "created":
		if s.created == nil {
			s.created = map[gyre.ID]bool{}
		}
		s.created[id] = true
	case "merged_in":
		s.joined = append(s.joined, id)
	}
}

// joinedYoung are those that came later and took in another.
func (s *since) joinedYoung() map[gyre.ID]bool {
	out := map[gyre.ID]bool{}
	for _, id := range s.joined {
		if s.created[id] {
			out[id] = true
		}
	}
	return out
}

// settle keeps among what came later only what was not there under any name:
// of what was made one since, one that was there is enough.
func (s *since) settle(ctx context.Context, q querier, ws gyre.ID, object string, seq int64) error {
	ask := slices.Collect(maps.Keys(s.joinedYoung()))
	err := inChunks(ask, idArg, []any{int64(ws), seq, object}, func(in string, args []any) error {
		return each(ctx, q, `SELECT DISTINCT m.into_id FROM merge m JOIN event e ON e.object_id = m.from_id AND e.workspace = m.workspace
			WHERE m.workspace = $1 AND m.undone = 0 AND e.seq <= $2 AND e.object = $3 AND m.into_id IN `+in, args, func(sc scanner) error {
			id, err := scanID(sc)
			delete(s.created, id)
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("read merges since: %w", err)
	}
	return nil
}

// movedEvents are the events that merges since have moved from one exposure to
// another, with the one that they were of: they tell how that one was. Where the merge was
// undone and its events went back, they are of that one again.
func movedEvents(ctx context.Context, q querier, ws gyre.ID, at int64) (map[int64]gyre.ID, error) {
	out := map[int64]gyre.ID{}
	err := each(ctx, q, `SELECT i.object_id, i.body FROM merge m JOIN merge_item i ON i.merge = m.id
		WHERE m.workspace = $1 AND m.at > $2 AND i.kind = 'event' AND i.op = 'moved' ORDER BY m.id, i.seq`, []any{int64(ws), at}, func(s scanner) error {
		var id gyre.ID
		var text string
		if err := s.Scan((*int64)(&id), &text); err != nil {
			return err
		}
		var keys [][]int64
		if err := fromJSON(text, &keys); err != nil {
			return err
		}
		for _, k := range keys {
			if _, earlier := out[k[0]]; !earlier {
				out[k[0]] = id
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read merges since: %w", err)
	}
	return out, nil
}

// seenSince is when objects were seen last, of those that were seen after a time.
func seenSince(ctx context.Context, q querier, ws gyre.ID, object string, at int64) (map[gyre.ID]int64, error) {
	out := map[gyre.ID]int64{}
	err := each(ctx, q, "SELECT body FROM seen_before WHERE workspace = $1 AND at > $2 AND object = $3 ORDER BY at, id", []any{int64(ws), at, object}, func(s scanner) error {
		var body []byte
		if err := s.Scan(&body); err != nil {
			return err
		}
		return eachSighting(body, func(id gyre.ID, before int64) {
			if _, earlier := out[id]; !earlier {
				out[id] = before
			}
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read sightings since: %w", err)
	}
	return out, nil
}

// Scopes lists the scopes by name, those deleted since too.
func (p *AsOf) Scopes(ctx context.Context, ws gyre.ID) ([]gyre.Scope, error) {
	var out []gyre.Scope
	err := p.snapshot(ctx, ws, func(q querier, seq int64) error {
		bodies := map[gyre.ID]map[string]json.RawMessage{}
		err := each(ctx, q, "SELECT "+scopeColumns+" FROM scope WHERE workspace = $1", []any{int64(ws)}, func(s scanner) error {
			sc, err := scanScope(s)
			if err != nil {
				return err
			}
			text, err := jsonText(sc)
			if err != nil {
				return err
			}
			var body map[string]json.RawMessage
			err = fromJSON(text, &body)
			bodies[sc.ID] = body
			return err
		})
		if err != nil {
			return fmt.Errorf("read scopes: %w", err)
		}
		var came since
		known := map[gyre.ID]map[string]bool{}
		err = eachSince(ctx, q, ws, "scope", seq, nil, func(e sinceEvent) error {
			came.note(e.id, e.kind)
			id := e.id
			if bodies[id] == nil {
				bodies[id] = map[string]json.RawMessage{}
			}
			if known[id] == nil {
				known[id] = map[string]bool{}
			}
			for field, c := range e.changes {
				if !known[id][field] {
					known[id][field] = true
					bodies[id][field] = c[0]
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for id, body := range bodies {
			if came.created[id] {
				continue
			}
			text, err := jsonText(body)
			if err != nil {
				return err
			}
			sc := gyre.Scope{}
			if err := fromJSON(text, &sc); err != nil {
				return err
			}
			sc.ID, sc.Workspace = id, ws
			out = append(out, sc)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b gyre.Scope) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// CountMerges is a number that changes whenever who is who does.
func (db *DB) CountMerges(ctx context.Context, ws gyre.ID) (int64, error) {
	return one(ctx, db.r, "workspace", ws, func(s scanner) (n int64, err error) { return n, s.Scan(&n) },
		"SELECT COUNT(*) + COUNT(CASE WHEN undone > 0 THEN 1 END) FROM merge WHERE workspace = $1", int64(ws))
}
