// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
)

const weaknessColumns = "id, name, class, title, severity, cvss, cvss_score, published, body"

type weaknessBody struct {
	Aliases     []string `json:"aliases,omitempty"`
	Description string   `json:"description,omitempty"`
	CWEs        []string `json:"cwes,omitempty"`
	Remediation string   `json:"remediation,omitempty"`
	References  []string `json:"references,omitempty"`
	Related     []string `json:"related,omitempty"`
}

func scanWeakness(s scanner) (w gyre.Weakness, err error) {
	var class, text string
	var severity, published int64
	var body weaknessBody
	err = s.Scan((*int64)(&w.ID), &w.Key, &class, &w.Title, &severity, &w.CVSS, &w.CVSSScore, &published, &text)
	if err != nil {
		return w, err
	}
	err = fromJSON(text, &body)
	w.Class, w.Severity, w.Published = gyre.Class(class), gyre.Severity(severity), timeOf(published)
	w.Aliases, w.Description, w.CWEs, w.Remediation, w.References, w.Related = body.Aliases, body.Description, body.CWEs, body.Remediation, body.References, body.Related
	return w, err
}

func weaknessArgs(a []any, ws gyre.ID, w *gyre.Weakness) ([]any, error) {
	body, err := jsonText(weaknessBody{
		Aliases: w.Aliases, Description: w.Description, CWEs: w.CWEs, Remediation: w.Remediation, References: w.References, Related: w.Related,
	})
	return append(a, int64(w.ID), w.Key, string(w.Class), w.Title, int64(w.Severity), w.CVSS, w.CVSSScore, micros(w.Published), body, int64(ws)), err
}

// Weakness reads one weakness.
func (db *DB) Weakness(ctx context.Context, ws, id gyre.ID) (gyre.Weakness, error) {
	return one(ctx, db.r, "weakness", id, scanWeakness, "SELECT "+weaknessColumns+" FROM weakness WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
}

// Weaknesses reads weaknesses by ID. Unknown IDs are left out.
func (db *DB) Weaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Weakness, error) {
	return weaknessesByID(ctx, db.r, ws, ids)
}

func weaknessesByID(ctx context.Context, q querier, ws gyre.ID, ids []gyre.ID) ([]gyre.Weakness, error) {
	var out []gyre.Weakness
	err := inChunks(ids, idArg, []any{int64(ws)}, func(in string, args []any) error {
		part, err := collect(ctx, q, scanWeakness, "SELECT "+weaknessColumns+" FROM weakness WHERE workspace = $1 AND id IN "+in, args...)
		out = append(out, part...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read weaknesses: %w", err)
	}
	return out, nil
}

// WeaknessByKey finds a weakness by its key or any alias.
func (db *DB) WeaknessByKey(ctx context.Context, ws gyre.ID, key string) (gyre.Weakness, error) {
	id, err := one(ctx, db.r, "weakness", key, func(s scanner) (id gyre.ID, err error) { return id, s.Scan((*int64)(&id)) },
		"SELECT weakness FROM weakness_alias WHERE workspace = $1 AND alias = $2", int64(ws), key)
	if err != nil {
		return gyre.Weakness{}, err
	}
	return db.Weakness(ctx, ws, id)
}

// EachWeaknessAt calls fn with every name of every weakness that an asset has
// or had, and its locus in the words of each source.
func (db *DB) EachWeaknessAt(ctx context.Context, ws, asset gyre.ID, fn func(locus, name string) error) error {
	return each(ctx, db.r, `SELECT COALESCE(NULLIF(o.locus, ''), e.locus), a.alias FROM exposure e JOIN weakness_alias a ON a.weakness = e.weakness
		LEFT JOIN observation o ON o.exposure = e.id WHERE e.workspace = $1 AND e.asset = $2 ORDER BY e.id`, []any{int64(ws), int64(asset)}, func(s scanner) error {
		var locus, name string
		if err := s.Scan(&locus, &name); err != nil {
			return err
		}
		return fn(locus, name)
	})
}

// EachWeakness calls fn for every weakness of the workspace, by ID.
func (db *DB) EachWeakness(ctx context.Context, ws gyre.ID, fn func(gyre.Weakness) error) error {
	return each(ctx, db.r, "SELECT "+weaknessColumns+" FROM weakness WHERE workspace = $1 AND merged_into = 0 ORDER BY id", []any{int64(ws)}, func(s scanner) error {
		w, err := scanWeakness(s)
		if err != nil {
			return err
		}
		return fn(w)
	})
}

// WeaknessesByAlias resolves keys and aliases to weaknesses.
func (tx *Tx) WeaknessesByAlias(ctx context.Context, aliases []string) (map[string]gyre.ID, error) {
	out := make(map[string]gyre.ID, len(aliases))
	err := inChunks(aliases, stringArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		return each(ctx, tx.tx, "SELECT alias, weakness FROM weakness_alias WHERE workspace = $1 AND alias IN "+in, args, func(s scanner) error {
			var alias string
			var id gyre.ID
			err := s.Scan(&alias, (*int64)(&id))
			out[alias] = id
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("resolve weaknesses: %w", err)
	}
	return out, nil
}

// Weaknesses reads weaknesses by ID.
func (tx *Tx) Weaknesses(ctx context.Context, ids []gyre.ID) ([]gyre.Weakness, error) {
	return weaknessesByID(ctx, tx.tx, tx.ws, ids)
}

// SaveWeaknesses stores weaknesses, new or known, and their aliases. An alias
// that belongs to another weakness stays with it.
func (tx *Tx) SaveWeaknesses(ctx context.Context, all []gyre.Weakness) error {
	if len(all) == 0 {
		return nil
	}
	type alias struct {
		name string
		id   gyre.ID
	}
	var aliases []alias
	for i := range all {
		for _, a := range all[i].Aliases {
			aliases = append(aliases, alias{a, all[i].ID})
		}
	}
	if err := tx.noteWeaknesses(ctx, all); err != nil {
		return err
	}
	var encodeErr error
	err := insert(ctx, tx.tx, "INSERT INTO weakness ("+weaknessColumns+", workspace)",
		`ON CONFLICT (id) DO UPDATE SET name = excluded.name, class = excluded.class, title = excluded.title, severity = excluded.severity,
			cvss = excluded.cvss, cvss_score = excluded.cvss_score, published = excluded.published, body = excluded.body
			WHERE weakness.workspace = excluded.workspace`,
		10, len(all), func(i int, a []any) []any {
			a, err := weaknessArgs(a, tx.ws, &all[i])
			if err != nil {
				encodeErr = err
			}
			return a
		})
	if encodeErr != nil {
		return encodeErr
	}
	if err != nil {
		return fmt.Errorf("save weaknesses: %w", err)
	}
	slices.SortFunc(aliases, func(a, b alias) int { return strings.Compare(a.name, b.name) })
	err = insert(ctx, tx.tx, "INSERT INTO weakness_alias (workspace, alias, weakness)", "ON CONFLICT (workspace, alias) DO NOTHING",
		3, len(aliases), func(i int, a []any) []any { return append(a, int64(tx.ws), aliases[i].name, int64(aliases[i].id)) })
	if err != nil {
		return fmt.Errorf("save aliases: %w", err)
	}
	// A key is always its own weakness's, also when it was another's alias before.
	err = insert(ctx, tx.tx, "INSERT INTO weakness_alias (workspace, alias, weakness)", "ON CONFLICT (workspace, alias) DO UPDATE SET weakness = excluded.weakness",
		3, len(all), func(i int, a []any) []any { return append(a, int64(tx.ws), all[i].Key, int64(all[i].ID)) })
	if err != nil {
		return fmt.Errorf("save keys: %w", err)
	}
	return nil
}
