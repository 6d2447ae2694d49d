// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

// SplitAsset gives claims of one asset to another, and with them what only their
// sources support: facts, components, and exposures that nobody else sees. An exposure
// that others see too is one on each asset from then on. It is journaled like a merge.
func (tx *Tx) SplitAsset(ctx context.Context, sp gyre.Split) error {
	sp.Object = "split"
	j, err := tx.beginMerge(ctx, sp.Merge)
	if err != nil {
		return err
	}
	err = inChunks(sp.Claims, idArg, []any{int64(tx.ws), int64(sp.Into), int64(sp.From)}, func(in string, args []any) error {
		_, err := tx.exec(ctx, "UPDATE claim SET asset = $2 WHERE workspace = $1 AND asset = $3 AND id IN "+in, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("move claims: %w", err)
	}
	s := &splitting{j: j, from: int64(sp.From), into: int64(sp.Into), since: micros(sp.Since)}
	for _, source := range sp.Source {
		for _, step := range []func(context.Context, string) error{s.exposures, s.facts} {
			if err := step(ctx, source); err != nil {
				return fmt.Errorf("split asset %s: %w", sp.From, err)
			}
		}
	}
	_, err = tx.exec(ctx, `INSERT INTO asset_scope (workspace, asset, scope) SELECT workspace, CAST($3 AS BIGINT), scope FROM asset_scope
		WHERE workspace = $1 AND asset = $2 ON CONFLICT (workspace, scope, asset) DO NOTHING`, int64(tx.ws), s.from, s.into)
	if err != nil {
		return fmt.Errorf("scopes of split asset: %w", err)
	}
	clear(tx.stored)
	clear(tx.said)
	clear(tx.assetSeen)
	j.event("asset", sp.From, "split", "", sp.Into.String())
	j.event("asset", sp.Into, "split", sp.From.String(), "")
	return j.flush(ctx)
}

type splitting struct {
	j          *journal
	from, into int64
	since      int64
}

// facts moves the facts and components of a source; the newer of two stays.
func (s *splitting) facts(ctx context.Context, source string) error {
	ws := int64(s.j.tx.ws)
	for _, t := range []struct{ table, same string }{
		{"fact", "y.aspect = fact.aspect AND y.locus = fact.locus AND y.source = fact.source"},
		{"component", "y.source = component.source AND y.location = component.location AND y.purl = component.purl"},
	} {
		mine := "workspace = $1 AND asset = $2 AND source = $4 AND last_seen >= $5"
		for _, where := range []string{
			"workspace = $1 AND asset = $3 AND source = $4 AND EXISTS (SELECT 1 FROM " + t.table + " y WHERE y.asset = $2 AND y.last_seen >= $5 AND " +
				t.same + " AND y.last_seen > " + t.table + ".last_seen)",
			mine + " AND EXISTS (SELECT 1 FROM " + t.table + " y WHERE y.asset = $3 AND " + t.same + ")",
		} {
			if err := s.j.drop(ctx, t.table, where, ws, s.from, s.into, source, s.since); err != nil {
				return err
			}
		}
		_, err := s.j.tx.exec(ctx, "UPDATE "+t.table+" SET asset = $3 WHERE "+mine, ws, s.from, s.into, source, s.since)
		if err != nil {
			return fmt.Errorf("move %s: %w", t.table, err)
		}
	}
	return nil
}

// placed is an exposure that a source sees.
type placed struct {
	id, twin gyre.ID // the other asset's at the same place
	others   bool    // other sources see it too
}

// exposures moves those that only the source sees, and doubles the others.
func (s *splitting) exposures(ctx context.Context, source string) error {
	tx := s.j.tx
	all, err := collect(ctx, tx.tx, func(r scanner) (x placed, err error) {
		return x, r.Scan((*int64)(&x.id), (*int64)(&x.twin), &x.others)
	}, `SELECT e.id, COALESCE(t.id, 0), EXISTS (SELECT 1 FROM observation p WHERE p.exposure = e.id AND p.source <> o.source)
		FROM exposure e JOIN observation o ON o.exposure = e.id LEFT JOIN exposure t ON t.asset = $3 AND t.weakness = e.weakness AND t.place = e.place
		WHERE e.workspace = $1 AND e.asset = $2 AND o.source = $4 AND o.at >= $5 ORDER BY e.id`, int64(tx.ws), s.from, s.into, source, s.since)
	if err != nil {
		return fmt.Errorf("find exposures of %s: %w", source, err)
	}
	var pairs []exposurePair
	for _, x := range all {
		switch {
		case !x.others && x.twin != 0:
			pairs = append(pairs, exposurePair{loser: x.id, survivor: x.twin})
		case !x.others:
			if _, err := tx.exec(ctx, "UPDATE exposure SET asset = $3 WHERE workspace = $1 AND id = $2", int64(tx.ws), int64(x.id), s.into); err != nil {
				return fmt.Errorf("move exposure: %w", err)
			}
			s.j.event("exposure", x.id, "moved", gyre.ID(s.from).String(), gyre.ID(s.into).String())
		case x.twin == 0:
			copied, err := s.double(ctx, x.id)
			if err != nil {
				return err
			}
			err = s.giveWord(ctx, x.id, copied, source)
			if err != nil {
				return err
			}
		default:
			if err := s.giveWord(ctx, x.id, x.twin, source); err != nil {
				return err
			}
		}
	}
	return s.j.mergeExposures(ctx, pairs)
}

// double makes an exposure one on the other asset as well, with what was decided of it.
func (s *splitting) double(ctx context.Context, id gyre.ID) (gyre.ID, error) {
	tx := s.j.tx
	rows, err := tx.rows(ctx, "SELECT * FROM exposure WHERE workspace = $1 AND id = $2", int64(tx.ws), int64(id))
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	stand, err := tx.standings(ctx, []gyre.ID{id})
	if err != nil {
		return 0, err
	}
	fresh := gyre.NewID()
	rows[0]["id"], rows[0]["asset"] = int64(fresh), s.into
	if err := tx.insertRow(ctx, "exposure", rows[0]); err != nil {
		return 0, err
	}
	if x := stand[id].Exception; x != nil {
		mine := *x
		mine.ID, mine.Exposure = gyre.NewID(), fresh
		if err := tx.addExceptions(ctx, []gyre.Exception{mine}); err != nil {
			return 0, err
		}
	}
	s.j.event("exposure", fresh, "created", "", string(stand[id].State))
	s.j.event("exposure", id, "split", "", fresh.String())
	return fresh, nil
}

// giveWord moves what a source said of one exposure to another. The newer word stays.
func (s *splitting) giveWord(ctx context.Context, from, to gyre.ID, source string) error {
	tx := s.j.tx
	args := []any{int64(tx.ws), int64(from), int64(to), source}
	both := []gyre.ID{from, to}
	before, err := tx.seenNow(ctx, both)
	if err != nil {
		return err
	}
	for _, where := range []string{
		"workspace = $1 AND exposure = $3 AND source = $4 AND EXISTS (SELECT 1 FROM observation y WHERE y.exposure = $2 AND y.source = $4 AND y.at > observation.at)",
		"workspace = $1 AND exposure = $2 AND source = $4 AND EXISTS (SELECT 1 FROM observation y WHERE y.exposure = $3 AND y.source = $4)",
	} {
		if err := s.j.drop(ctx, "observation", where, args...); err != nil {
			return err
		}
	}
	if _, err := tx.exec(ctx, "UPDATE observation SET exposure = $3 WHERE workspace = $1 AND exposure = $2 AND source = $4", args...); err != nil {
		return fmt.Errorf("move observation: %w", err)
	}
	after, err := tx.seenNow(ctx, both)
	if err != nil {
		return err
	}
	for i, id := range both {
		tx.changed("exposure", id, "sources", before[i], after[i])
	}
	s.j.event("exposure", to, "source", "", source)
	s.j.event("exposure", from, "source", source, "")
	return nil
}
