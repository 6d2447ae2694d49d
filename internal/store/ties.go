// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/gyre-ctem/gyre"
)

// What is said of names, from which internal/ingest resolves weaknesses.

// Ties lists what reports and advisories that stand say of names, each tie as
// often as somebody says it.
func (tx *Tx) Ties(ctx context.Context, names []string) ([]gyre.Tie, error) {
	return ties(ctx, tx.tx, tx.ws, names)
}

// Ties lists what reports and advisories that stand say of names.
func (db *DB) Ties(ctx context.Context, ws gyre.ID, names []string) ([]gyre.Tie, error) {
	return ties(ctx, db.r, ws, names)
}

func ties(ctx context.Context, q querier, ws gyre.ID, names []string) ([]gyre.Tie, error) {
	var out []gyre.Tie
	read := func(by gyre.TieRank, query string, first []any) error {
		return inChunks(names, stringArg, first, func(in string, args []any) error {
			return each(ctx, q, query+in, args, func(s scanner) error {
				t := gyre.Tie{By: by}
				err := s.Scan(&t.Name, &t.Other, &t.Source)
				out = append(out, t)
				return err
			})
		})
	}
	const advisory = "SELECT n.name, n.key, n.advisory FROM advisory_name n JOIN advisory a ON a.id = n.advisory WHERE NOT a.withdrawn AND n.name <> n.key AND "
	err := cmp.Or(
		read(gyre.TieReport, "SELECT name, other, source FROM weakness_tie WHERE workspace = $1 AND name IN ", []any{int64(ws)}),
		read(gyre.TieAdvisory, advisory+"n.name IN ", nil),
		read(gyre.TieAdvisory, advisory+"n.key IN ", nil),
	)
	if err != nil {
		return nil, fmt.Errorf("read ties of names: %w", err)
	}
	return out, nil
}

// ReportTies says what reports have said of names so far: name → others.
func (tx *Tx) ReportTies(ctx context.Context, names []string) (map[string][]string, error) {
	out := map[string][]string{}
	err := inChunks(names, stringArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		return each(ctx, tx.tx, "SELECT name, other FROM weakness_tie WHERE workspace = $1 AND name IN "+in, args, func(s scanner) error {
			var name, other string
			err := s.Scan(&name, &other)
			out[name] = append(out[name], other)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read ties of reports: %w", err)
	}
	return out, nil
}

// AddTies stores what a report says of names.
func (tx *Tx) AddTies(ctx context.Context, all []gyre.Tie) error {
	err := insert(ctx, tx.tx, "INSERT INTO weakness_tie (workspace, name, other, source)", "ON CONFLICT (workspace, name, other) DO NOTHING",
		4, 2*len(all), func(i int, a []any) []any {
			t := &all[i/2]
			if i%2 == 0 {
				return append(a, int64(tx.ws), t.Name, t.Other, t.Source)
			}
			return append(a, int64(tx.ws), t.Other, t.Name, t.Source)
		})
	if err != nil {
		return fmt.Errorf("store ties: %w", err)
	}
	return nil
}

// SetNames says which weaknesses names are of; 0 takes the name away.
func (tx *Tx) SetNames(ctx context.Context, of map[string]gyre.ID) error {
	var set, gone []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if of[name] == 0 {
			gone = append(gone, name)
		} else {
			set = append(set, name)
		}
	}
	err := inChunks(gone, stringArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		_, err := tx.exec(ctx, "DELETE FROM weakness_alias WHERE workspace = $1 AND alias IN "+in, args...)
		return err
	})
	if err == nil {
		err = insert(ctx, tx.tx, "INSERT INTO weakness_alias (workspace, alias, weakness)", "ON CONFLICT (workspace, alias) DO UPDATE SET weakness = excluded.weakness",
			3, len(set), func(i int, a []any) []any { return append(a, int64(tx.ws), set[i], int64(of[set[i]])) })
	}
	if err != nil {
		return fmt.Errorf("store names of weaknesses: %w", err)
	}
	return nil
}

// KeptWeaknesses finds weaknesses by their own key, those that were merged into
// others too: into says into which.
func (tx *Tx) KeptWeaknesses(ctx context.Context, keys []string) (all []gyre.Weakness, into map[gyre.ID]gyre.ID, err error) {
	into = map[gyre.ID]gyre.ID{}
	var ids []gyre.ID
	err = inChunks(keys, stringArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		return each(ctx, tx.tx, "SELECT id, merged_into FROM weakness WHERE workspace = $1 AND name IN "+in, args, func(s scanner) error {
			var id, at gyre.ID
			err := s.Scan((*int64)(&id), (*int64)(&at))
			ids = append(ids, id)
			if at != 0 {
				into[id] = at
			}
			return err
		})
	})
	if err != nil {
		return nil, nil, fmt.Errorf("find weaknesses by key: %w", err)
	}
	all, err = tx.Weaknesses(ctx, ids)
	return all, into, err
}

// PendingNames lists names whose advisories changed, at most limit.
func (tx *Tx) PendingNames(ctx context.Context, limit int) ([]string, error) {
	names, err := collect(ctx, tx.tx, scanText, "SELECT name FROM weakness_pending WHERE workspace = $1 ORDER BY name LIMIT $2", int64(tx.ws), limit)
	if err != nil {
		return nil, fmt.Errorf("read names to resolve: %w", err)
	}
	return names, nil
}

// AddPending asks for names to be resolved anew.
func (tx *Tx) AddPending(ctx context.Context, names []string) error {
	return addPending(ctx, tx.tx, tx.ws, names)
}

func addPending(ctx context.Context, tx *txn, ws gyre.ID, names []string) error {
	err := insert(ctx, tx, "INSERT INTO weakness_pending (workspace, name)", "ON CONFLICT (workspace, name) DO NOTHING", 2, len(names),
		func(i int, a []any) []any { return append(a, int64(ws), names[i]) })
	if err != nil {
		return fmt.Errorf("note names to resolve: %w", err)
	}
	return nil
}

// DonePending notes that names are resolved.
func (tx *Tx) DonePending(ctx context.Context, names []string) error {
	err := inChunks(names, stringArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		_, err := tx.exec(ctx, "DELETE FROM weakness_pending WHERE workspace = $1 AND name IN "+in, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("note resolved names: %w", err)
	}
	return nil
}

func scanText(s scanner) (t string, err error) { return t, s.Scan(&t) }

// tieOf is one row of what an advisory says of names.
type tieOf struct{ name, advisory, key string }

// retie tells every workspace which of its names advisories speak of in another
// way than they did. It takes their turns, so that a report that is stored
// at the same time either sees the new names or is seen here.
func retie(ctx context.Context, tx *txn, changed []string) error {
	if len(changed) == 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, "UPDATE workspace SET seq = seq"); err != nil {
		return err
	}
	all, err := collect(ctx, tx, scanID, "SELECT id FROM workspace ORDER BY id")
	if err != nil {
		return err
	}
	for _, ws := range all {
		var known []string
		err := inChunks(changed, stringArg, []any{int64(ws)}, func(in string, args []any) error {
			part, err := collect(ctx, tx, scanText, "SELECT alias FROM weakness_alias WHERE workspace = $1 AND alias IN "+in, args...)
			known = append(known, part...)
			return err
		})
		if err != nil {
			return err
		}
		if err := addPending(ctx, tx, ws, known); err != nil {
			return err
		}
	}
	return nil
}

// reworded lists the names of advisories of which rows say another thing than
// what is stored, by what was said before and by what is said now.
func reworded(ctx context.Context, tx *txn, ids []string, rows []tieOf, withdrawn map[string]bool) ([]string, error) {
	was, off := map[tieOf]bool{}, map[string]bool{}
	err := inChunks(ids, stringArg, nil, func(in string, args []any) error {
		err := each(ctx, tx, "SELECT name, advisory, key FROM advisory_name WHERE advisory IN "+in, args, func(s scanner) error {
			var t tieOf
			err := s.Scan(&t.name, &t.advisory, &t.key)
			was[t] = true
			return err
		})
		if err != nil {
			return err
		}
		return each(ctx, tx, "SELECT id, withdrawn FROM advisory WHERE id IN "+in, args, func(s scanner) error {
			var id string
			var gone bool
			err := s.Scan(&id, &gone)
			off[id] = gone
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, t := range rows {
		if !was[t] || off[t.advisory] != withdrawn[t.advisory] {
			names[t.name], names[t.key] = true, true
		}
		delete(was, t)
	}
	for t := range was {
		names[t.name], names[t.key] = true, true
	}
	return slices.Sorted(maps.Keys(names)), nil
}
