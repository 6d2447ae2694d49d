// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// What changes beside the columns of one row: who is who, and what hangs on an object.

// noteRelations notes which relations are new.
func (tx *Tx) noteRelations(ctx context.Context, all []gyre.Relation) error {
	type edge struct {
		from, to gyre.ID
		typ      gyre.RelationType
	}
	from := map[gyre.ID]bool{}
	var ids []gyre.ID
	for i := range all {
		if id := all[i].From; !from[id] {
			from[id] = true
			ids = append(ids, id)
		}
	}
	known := map[edge]bool{}
	err := inChunks(ids, idArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		return each(ctx, tx.tx, "SELECT from_asset, to_asset, type FROM relation WHERE workspace = $1 AND from_asset IN "+in, args, func(s scanner) error {
			var e edge
			err := s.Scan((*int64)(&e.from), (*int64)(&e.to), (*string)(&e.typ))
			known[e] = true
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("read relations: %w", err)
	}
	for i := range all {
		r := &all[i]
		if !known[edge{r.From, r.To, r.Type}] {
			tx.changed("asset", r.From, "relation:"+string(r.Type)+":"+r.To.String(), false, true)
		}
	}
	return nil
}

// identifierMoves finds the assets that saving identifiers gives one or takes
// one from, new assets left out, and what they have before.
func (tx *Tx) identifierMoves(ctx context.Context, family string, ids []gyre.Identifier, owners []gyre.ID) (map[gyre.ID][]string, error) {
	now, err := tx.AssetsByIdentifier(ctx, family, ids)
	if err != nil {
		return nil, err
	}
	moves := map[gyre.ID]bool{}
	for i, id := range ids {
		if now[id] == owners[i] {
			continue
		}
		for _, a := range []gyre.ID{now[id], owners[i]} {
			if a != 0 && !tx.isNew("asset", a) {
				moves[a] = true
			}
		}
	}
	if len(moves) == 0 {
		return nil, nil
	}
	return tx.identifierTexts(ctx, slices.Collect(maps.Keys(moves)))
}

func (tx *Tx) identifierTexts(ctx context.Context, assets []gyre.ID) (map[gyre.ID][]string, error) {
	all, err := identifiersOf(ctx, tx.tx, tx.ws, assets)
	if err != nil {
		return nil, err
	}
	out := make(map[gyre.ID][]string, len(assets))
	for _, a := range assets {
		out[a] = []string{}
		for _, i := range all[a] {
			out[a] = append(out[a], strings.TrimSpace(string(i.Type)+" "+i.Value+" "+string(i.Zone)))
		}
	}
	return out, nil
}

// noteIdentifiers notes what assets have of identifiers after they were saved.
func (tx *Tx) noteIdentifiers(ctx context.Context, before map[gyre.ID][]string) error {
	if len(before) == 0 {
		return nil
	}
	after, err := tx.identifierTexts(ctx, slices.Collect(maps.Keys(before)))
	for a, was := range before {
		tx.changed("asset", a, "identifiers", was, after[a])
	}
	return err
}

// noteColumns notes what a merge, or its undoing, makes of columns of one row.
func (tx *Tx) noteColumns(table string, id gyre.ID, from, to map[string]any) error {
	if table != "asset" && table != "weakness" {
		return nil
	}
	for _, col := range slices.Sorted(maps.Keys(to)) {
		was, is := from[col], to[col]
		switch col {
		case "body":
			a, _ := was.(string)
			b, _ := is.(string)
			if err := tx.noteFields(table, id, a, b, "description", "remediation", "references"); err != nil {
				return err
			}
			continue
		case "last_seen":
			a, _ := was.(int64)
			b, _ := is.(int64)
			if a != b {
				tx.overwritten(table, id, timeOf(a))
			}
			continue
		}
		tx.changed(table, id, col, columnValue(col, was), columnValue(col, is))
	}
	return nil
}

// columnValue is the value of a column as events have it.
func columnValue(col string, v any) any {
	switch col {
	case "tags":
		if text, _ := v.(string); text != "" {
			return strings.Split(text, "\n")
		}
		return []string(nil)
	case "attributes":
		text, _ := v.(string)
		return json.RawMessage(text)
	case "pinned":
		bits, _ := v.(int64)
		return pinned(bits)
	}
	return v
}

// noteStanding notes what a merge, or its undoing, makes of an exposure.
func (tx *Tx) noteStanding(id gyre.ID, was, is standing) error {
	note := func(field string, from, to any) { tx.changed("exposure", id, field, from, to) }
	note("state", string(was.State), string(is.State))
	note("state_since", micros(was.Since), micros(is.Since))
	note("fixed_at", micros(was.Fixed), micros(is.Fixed))
	note("severity", int64(was.Severity), int64(is.Severity))
	note("credentialed", was.Credentialed, is.Credentialed)
	note("first_seen", micros(was.First), micros(is.First))
	note("action", was.Action.String(), is.Action.String())
	if !was.Last.Equal(is.Last) {
		tx.overwritten("exposure", id, was.Last)
	}
	delete(tx.stored, id)
	if was.Remedy == is.Remedy {
		return nil
	}
	from, err := jsonText(was.Remedy)
	if err != nil {
		return err
	}
	to, err := jsonText(is.Remedy)
	note("remedy", json.RawMessage(from), json.RawMessage(to))
	return err
}

// noteSources reads who sees exposures, and returns what notes how that changed.
func (tx *Tx) noteSources(ctx context.Context, exposures []gyre.ID) (func(context.Context) error, error) {
	read := func(ctx context.Context) (map[gyre.ID][]string, error) {
		for _, id := range exposures {
			delete(tx.said, id)
		}
		if err := tx.readSaid(ctx, exposures); err != nil {
			return nil, err
		}
		out := make(map[gyre.ID][]string, len(exposures))
		for _, id := range exposures {
			out[id] = seenBy(tx.said[id])
		}
		return out, nil
	}
	was, err := read(ctx)
	return func(ctx context.Context) error {
		is, err := read(ctx)
		for _, id := range exposures {
			tx.changed("exposure", id, "sources", was[id], is[id])
		}
		return err
	}, err
}
