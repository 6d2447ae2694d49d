// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/gyre-ctem/gyre"
)

// Trial is a writer of one workspace whose work is thrown away. What it writes
// in one turn it sees in the next, and nobody else ever does.
type Trial struct {
	db    *DB
	tx    *txn
	ws    gyre.ID
	began int64 // number of the newest event before it
}

// Try runs fn with a trial. While it takes, other writers of the workspace wait (on SQLite, all
// writers): bound its time by ctx.
func (db *DB) Try(ctx context.Context, ws gyre.ID, fn func(*Trial) error) error {
	tx, err := db.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.close() // which rolls back
	began, err := one(ctx, tx, "workspace", ws, func(s scanner) (seq int64, err error) { return seq, s.Scan(&seq) },
		"UPDATE workspace SET seq = seq WHERE id = $1 RETURNING seq", int64(ws))
	if err != nil {
		return err
	}
	return db.full(fn(&Trial{db: db, tx: tx, ws: ws, began: began}))
}

// Write is DB.Write within the trial.
func (t *Trial) Write(ctx context.Context, fn func(*Tx) error) error {
	_, _, err := t.db.turn(ctx, t.tx, t.ws, fn)
	return err
}

// Reader reads what the trial has written, for judging it; it has none of the
// other methods that a DB has.
func (t *Trial) Reader() *DB {
	return &DB{dialect: t.db.dialect, url: t.db.url, now: t.db.now, trial: t.tx}
}

// judged is where judging reads: from the pool of readers, or within a trial.
func (db *DB) judged() querier {
	if db.trial != nil {
		return db.trial
	}
	return db.r
}

// stream is each for callbacks that read on: within a transaction there is one
// connection only, which PostgreSQL does not share between two queries.
func stream[T any](ctx context.Context, q querier, scan func(scanner) (T, error), fn func(T) error, query string, args ...any) error {
	if _, alone := q.(*txn); alone {
		all, err := collect(ctx, q, scan, query, args...)
		for i := 0; i < len(all) && err == nil; i++ {
			err = fn(all[i])
		}
		return err
	}
	return each(ctx, q, query, args, func(s scanner) error {
		v, err := scan(s)
		if err != nil {
			return err
		}
		return fn(v)
	})
}

// Changes says what the trial has changed: how much of each kind, with the
// names of the first few.
func (t *Trial) Changes(ctx context.Context) ([]gyre.PreviewChange, error) {
	type kind struct{ object, kind string }
	counts, first := map[kind]int{}, map[kind][]gyre.ID{}
	var order []kind
	err := each(ctx, t.tx, "SELECT "+eventColumns+" FROM event WHERE workspace = $1 AND seq > $2 ORDER BY seq", []any{int64(t.ws), t.began}, func(s scanner) error {
		e, err := scanEvent(s)
		if err != nil || e.Object == "run" {
			return err
		}
		k := kind{e.Object, e.Kind}
		if e.Object == "exposure" && e.Kind == "state" {
			switch {
			case e.To == string(gyre.StateFixed):
				k.kind = "closed"
			case e.From == string(gyre.StateFixed):
				k.kind = "reopened"
			}
		}
		if counts[k] == 0 {
			order = append(order, k)
		}
		if counts[k]++; len(first[k]) < previewExamples {
			first[k] = append(first[k], e.ID)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	var out []gyre.PreviewChange
	for _, k := range order {
		names, err := t.names(ctx, k.object, first[k])
		if err != nil {
			return nil, err
		}
		out = append(out, gyre.PreviewChange{Object: k.object, Kind: k.kind, Count: counts[k], Examples: names})
	}
	slices.SortStableFunc(out, func(a, b gyre.PreviewChange) int { return previewRank(a) - previewRank(b) })
	return out, nil
}

const previewExamples = 10

// previewRank orders kinds of change by how much they matter.
func previewRank(c gyre.PreviewChange) int {
	objects, kinds := []string{"exposure", "asset", "weakness"}, []string{"created", "reopened", "closed", "merged", "moved", "split"}
	rank := func(list []string, v string) int {
		if i := slices.Index(list, v); i >= 0 {
			return i
		}
		return len(list)
	}
	return rank(objects, c.Object)*10 + rank(kinds, c.Kind)
}

// names of objects, for people.
func (t *Trial) names(ctx context.Context, object string, ids []gyre.ID) ([]string, error) {
	queries := map[string]string{
		"exposure": `SELECT e.id, w.name || ' at ' || a.name || CASE WHEN e.locus = '' THEN '' ELSE ' ' || e.locus END
			FROM exposure e JOIN asset a ON a.id = e.asset JOIN weakness w ON w.id = e.weakness WHERE e.workspace = $1 AND e.id IN `,
		"asset":    "SELECT id, name FROM asset WHERE workspace = $1 AND id IN ",
		"weakness": "SELECT id, name FROM weakness WHERE workspace = $1 AND id IN ",
	}
	names := map[gyre.ID]string{}
	if q := queries[object]; q != "" {
		err := inChunks(ids, idArg, []any{int64(t.ws)}, func(in string, args []any) error {
			return each(ctx, t.tx, q+in, args, func(s scanner) error {
				var id int64
				var name string
				err := s.Scan(&id, &name)
				names[gyre.ID(id)] = name
				return err
			})
		})
		if err != nil {
			return nil, fmt.Errorf("name changes: %w", err)
		}
	}
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		name := names[id]
		if name == "" {
			name = id.String() // it was merged into another
		}
		out = append(out, name)
	}
	return out, nil
}
