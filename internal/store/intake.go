// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

// What ingest needs of a transaction: sets in, sets out, never a statement for
// a row. Only internal/ingest calls these, through an interface of its own.

// AssetsByIdentifier finds the assets of a family that have the identifiers.
func (tx *Tx) AssetsByIdentifier(ctx context.Context, family string, ids []gyre.Identifier) (map[gyre.Identifier]gyre.ID, error) {
	out := make(map[gyre.Identifier]gyre.ID, len(ids))
	want := make(map[gyre.Identifier]bool, len(ids))
	values := map[gyre.IdentifierType][]string{}
	for _, i := range ids {
		want[i] = true
		values[i.Type] = append(values[i.Type], i.Value)
	}
	for typ, vals := range values {
		err := inChunks(vals, stringArg, []any{int64(tx.ws), family, string(typ)}, func(in string, args []any) error {
			return each(ctx, tx.tx, "SELECT asset, type, value, zone FROM identifier WHERE workspace = $1 AND family = $2 AND type = $3 AND value IN "+in, args, func(s scanner) error {
				asset, i, err := scanIdentifier(s)
				if want[i] {
					out[i] = asset
				}
				return err
			})
		})
		if err != nil {
			return nil, fmt.Errorf("find assets: %w", err)
		}
	}
	return out, nil
}

// Assets reads assets by ID, with identifiers.
func (tx *Tx) Assets(ctx context.Context, ids []gyre.ID) ([]gyre.Asset, error) {
	all, err := assetsWithIdentifiers(ctx, tx.tx, tx.ws, ids)
	tx.rememberSeen(all)
	return all, err
}

// SaveAssets stores assets, new or known, without their identifiers.
func (tx *Tx) SaveAssets(ctx context.Context, all []gyre.Asset) error {
	attributes := make([]string, len(all))
	for i := range all {
		var err error
		if attributes[i], err = jsonText(all[i].Attributes); err != nil {
			return err
		}
	}
	if err := tx.noteAssets(ctx, all, attributes); err != nil {
		return err
	}
	err := insert(ctx, tx.tx, "INSERT INTO asset ("+assetColumns+")",
		`ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name = excluded.name, zone = excluded.zone, criticality = excluded.criticality,
			owner = excluded.owner, tags = excluded.tags, attributes = excluded.attributes, first_seen = excluded.first_seen, last_seen = excluded.last_seen
			WHERE asset.workspace = excluded.workspace`,
		12, len(all), func(i int, args []any) []any {
			a := &all[i]
			return append(args, int64(a.ID), int64(tx.ws), string(a.Kind), a.Name, string(a.Zone), int64(a.Criticality), a.Owner,
				strings.Join(a.Tags, "\n"), attributes[i], pinBits(a.Pinned), micros(a.FirstSeen), micros(a.LastSeen))
		})
	if err != nil {
		return fmt.Errorf("save assets: %w", err)
	}
	return nil
}

// TouchAssets notes that assets were seen.
func (tx *Tx) TouchAssets(ctx context.Context, ids []gyre.ID, seen time.Time) error {
	return tx.touch(ctx, "asset", ids, seen)
}

// TouchExposures notes that exposures were seen.
func (tx *Tx) TouchExposures(ctx context.Context, ids []gyre.ID, seen time.Time) error {
	return tx.touch(ctx, "exposure", ids, seen)
}

func (tx *Tx) touch(ctx context.Context, table string, ids []gyre.ID, seen time.Time) error {
	at := micros(seen)
	if err := tx.noteTouched(ctx, table, ids, seen); err != nil {
		return err
	}
	err := eachKey(tx.tx, ids, func(g given) error {
		n := len(g.args)
		_, err := tx.exec(ctx, "WITH want(id) AS ("+g.text+") UPDATE "+table+" SET last_seen = $"+strconv.Itoa(n+1)+" WHERE workspace = $"+strconv.Itoa(n+2)+
			" AND last_seen < $"+strconv.Itoa(n+3)+" AND id IN (SELECT id FROM want)", append(g.args, at, int64(tx.ws), at)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("note %s as seen: %w", table, err)
	}
	return nil
}

// SaveIdentifiers gives identifiers to assets of a family. One that belonged to
// another asset moves: an address is whose it was last.
func (tx *Tx) SaveIdentifiers(ctx context.Context, family string, ids []gyre.Identifier, owners []gyre.ID, seen time.Time) error {
	before, err := tx.identifierMoves(ctx, family, ids, owners)
	if err != nil {
		return err
	}
	at := micros(seen)
	err = insert(ctx, tx.tx, "INSERT INTO identifier (workspace, family, type, value, zone, asset, last_seen)",
		`ON CONFLICT (workspace, family, type, value, zone) DO UPDATE SET asset = excluded.asset, last_seen = excluded.last_seen
			WHERE identifier.last_seen <= excluded.last_seen`,
		7, len(ids), func(i int, a []any) []any {
			return append(a, int64(tx.ws), family, string(ids[i].Type), ids[i].Value, string(ids[i].Zone), int64(owners[i]), at)
		})
	if err != nil {
		return fmt.Errorf("save identifiers: %w", err)
	}
	return tx.noteIdentifiers(ctx, before)
}

// NoteRun notes that a run of a scope touched assets. It returns those that are
// new to the scope. Scope 0 is no scope.
func (tx *Tx) NoteRun(ctx context.Context, run, scope gyre.ID, assets []gyre.ID) ([]gyre.ID, error) {
	err := insert(ctx, tx.tx, "INSERT INTO run_asset (run, asset, workspace)", "ON CONFLICT (run, asset) DO NOTHING", 3, len(assets),
		func(i int, a []any) []any { return append(a, int64(run), int64(assets[i]), int64(tx.ws)) })
	if err != nil {
		return nil, fmt.Errorf("note assets of run: %w", err)
	}
	if scope == 0 {
		return nil, nil
	}
	var fresh []gyre.ID
	for from := 0; from < len(assets); from += chunkRows {
		part := assets[from:min(from+chunkRows, len(assets))]
		args := make([]any, 0, 3*len(part))
		for _, a := range part {
			args = append(args, int64(tx.ws), int64(a), int64(scope))
		}
		added, err := collect(ctx, tx.tx, scanID, "INSERT INTO asset_scope (workspace, asset, scope) VALUES "+placeholders(len(part), 3)+
			" ON CONFLICT (workspace, scope, asset) DO NOTHING RETURNING asset", args...)
		if err != nil {
			return nil, fmt.Errorf("note assets of scope: %w", err)
		}
		fresh = append(fresh, added...)
	}
	for _, a := range fresh {
		if !tx.isNew("asset", a) {
			tx.changed("asset", a, "scope:"+scope.String(), false, true)
		}
	}
	return fresh, nil
}

// SaveRelations stores edges.
func (tx *Tx) SaveRelations(ctx context.Context, all []gyre.Relation) error {
	if err := tx.noteRelations(ctx, all); err != nil {
		return err
	}
	err := insert(ctx, tx.tx, "INSERT INTO relation (workspace, from_asset, to_asset, type, first_seen, last_seen)",
		`ON CONFLICT (from_asset, to_asset, type) DO UPDATE SET last_seen = excluded.last_seen WHERE relation.last_seen < excluded.last_seen`,
		6, len(all), func(i int, a []any) []any {
			r := &all[i]
			return append(a, int64(tx.ws), int64(r.From), int64(r.To), string(r.Type), micros(r.LastSeen), micros(r.LastSeen))
		})
	if err != nil {
		return fmt.Errorf("save relations: %w", err)
	}
	return nil
}

// SaveComponents stores components as one source sees them. Known ones keep their ID.
func (tx *Tx) SaveComponents(ctx context.Context, source string, all []gyre.Component) error {
	err := insert(ctx, tx.tx, "INSERT INTO component (id, workspace, asset, source, location, purl, ecosystem, name, version, package, first_seen, last_seen)",
		`ON CONFLICT (asset, source, location, purl) DO UPDATE SET ecosystem = excluded.ecosystem, name = excluded.name, version = excluded.version,
			package = excluded.package, last_seen = excluded.last_seen WHERE component.last_seen < excluded.last_seen`,
		12, len(all), func(i int, a []any) []any {
			c := &all[i]
			return append(a, int64(c.ID), int64(tx.ws), int64(c.Asset), source, c.Location, c.PURL, c.Ecosystem, c.Name, c.Version, c.Source,
				micros(c.FirstSeen), micros(c.LastSeen))
		})
	if err != nil {
		return fmt.Errorf("save components: %w", err)
	}
	return nil
}

// SaveFacts stores facts as one source sees them; their refs are gyre.RefID.
// What was seen later already stays.
func (tx *Tx) SaveFacts(ctx context.Context, source string, all []gyre.Fact, seen time.Time) error {
	data := make([]string, len(all))
	for i := range all {
		b, err := json.Marshal(all[i].Data)
		if err != nil {
			return fmt.Errorf("encode fact: %w", err)
		}
		data[i] = string(b)
	}
	at := micros(seen)
	err := insert(ctx, tx.tx, "INSERT INTO fact (asset, aspect, locus, source, workspace, credentialed, data, first_seen, last_seen)",
		`ON CONFLICT (asset, aspect, locus, source) DO UPDATE SET credentialed = excluded.credentialed, data = excluded.data, last_seen = excluded.last_seen
			WHERE fact.last_seen <= excluded.last_seen`,
		9, len(all), func(i int, a []any) []any {
			f := &all[i]
			return append(a, int64(AssetOf(f.Asset)), string(f.Aspect), f.Locus, source, int64(tx.ws), f.Credentialed, data[i], at, at)
		})
	if err != nil {
		return fmt.Errorf("save facts: %w", err)
	}
	return nil
}

// AddCoverage stores what a run covered; refs are gyre.RefID.
func (tx *Tx) AddCoverage(ctx context.Context, run gyre.ID, all []gyre.Coverage) error {
	bodies := make([]string, len(all))
	for i, c := range all {
		var err error
		bodies[i], err = jsonText(coverageBody{
			Loci: c.Loci, Except: c.Except, Weaknesses: c.Weaknesses, EveryLocus: c.Loci == nil, EveryWeakness: c.Weaknesses == nil,
		})
		if err != nil {
			return err
		}
	}
	err := insert(ctx, tx.tx, "INSERT INTO coverage (id, workspace, run, asset, aspect, judged, credentialed, body)", "", 8, len(all),
		func(i int, a []any) []any {
			c := &all[i]
			return append(a, int64(gyre.NewID()), int64(tx.ws), int64(run), int64(AssetOf(c.Asset)), string(c.Aspect), c.Judged, c.Credentialed, bodies[i])
		})
	if err != nil {
		return fmt.Errorf("add coverage: %w", err)
	}
	return nil
}

// FindExposures finds the exposures at (assets[i], weaknesses[i], places[i]).
func (tx *Tx) FindExposures(ctx context.Context, assets, weaknesses []gyre.ID, places []string) ([]gyre.Exposure, error) {
	out, remedyOf := make([]gyre.Exposure, 0, len(assets)), remedyReader()
	err := eachGiven(tx.tx, 3, len(assets), func(i int, args []any) []any {
		return append(args, int64(assets[i]), int64(weaknesses[i]), places[i])
	}, func(g given) error {
		query, args := tx.lookup(g, "asset, weakness, place", "e."+strings.ReplaceAll(exposureColumns, ", ", ", e."), "exposure",
			"e.asset = w.asset AND e.weakness = w.weakness AND e.place = w.place")
		return tx.eachWide(ctx, query, args, func(r wideRow) error {
			e, err := wideExposure(r, remedyOf)
			out = append(out, e)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("find exposures: %w", err)
	}
	tx.remember(out)
	return out, nil
}

// SaveExposures stores exposures, new or known, as they stand. Band and action
// are not ingest's and stay.
func (tx *Tx) SaveExposures(ctx context.Context, all []gyre.Exposure) error {
	return tx.putExposures(ctx, all, nil, `ON CONFLICT (id) DO UPDATE SET place = excluded.place, locus = excluded.locus, aspect = excluded.aspect, class = excluded.class, severity = excluded.severity, state = excluded.state,
			state_since = excluded.state_since, credentialed = excluded.credentialed, remedy = excluded.remedy, first_seen = excluded.first_seen,
			last_seen = excluded.last_seen, fixed_at = excluded.fixed_at WHERE exposure.workspace = excluded.workspace`)
}

// AddExposures stores exposures that are new, as parts of actions: 0 is none, and
// nil none for all of them.
func (tx *Tx) AddExposures(ctx context.Context, all []gyre.Exposure, actions []gyre.ID) error {
	return tx.putExposures(ctx, all, actions, "")
}

func (tx *Tx) putExposures(ctx context.Context, all []gyre.Exposure, actions []gyre.ID, tail string) error {
	remedies := make([]string, len(all))
	for i := range all {
		var err error
		if remedies[i], err = jsonText(all[i].Remedy); err != nil {
			return err
		}
	}
	if tail != "" { // some are known
		if err := tx.noteExposures(ctx, all, remedies); err != nil {
			return err
		}
	}
	err := insert(ctx, tx.tx, "INSERT INTO exposure ("+exposureColumns+", band, action)", tail,
		18, len(all), func(i int, a []any) []any {
			e, action := &all[i], gyre.ID(0)
			if actions != nil {
				action = actions[i]
			}
			return append(a, int64(e.ID), int64(tx.ws), int64(e.Asset), int64(e.Weakness), cmp.Or(e.Place, e.Locus), e.Locus, string(e.Aspect), string(e.Class),
				int64(e.Severity), string(e.State), micros(e.StateSince), e.Credentialed, remedies[i], micros(e.FirstSeen), micros(e.LastSeen),
				micros(e.FixedAt), "", int64(action))
		})
	if err != nil {
		return fmt.Errorf("save exposures: %w", err)
	}
	return nil
}

// SourcesOf lists who has ever seen each exposure, and the latest word of each of them.
func (tx *Tx) SourcesOf(ctx context.Context, exposures []gyre.ID) (map[gyre.ID]map[string]gyre.Word, error) {
	out := map[gyre.ID]map[string]gyre.Word{}
	if err := tx.readSaid(ctx, exposures); err != nil {
		return nil, err
	}
	for _, id := range exposures {
		for source, w := range tx.said[id] {
			if out[id] == nil {
				out[id] = make(map[string]gyre.Word, len(tx.said[id]))
			}
			out[id][source] = gyre.Word{Seen: w.seen, At: timeOf(w.at)}
		}
	}
	return out, nil
}

// SaveObservations stores each source's latest word on exposures. evidence is
// theirs as JSON; nil is not known yet.
func (tx *Tx) SaveObservations(ctx context.Context, all []gyre.Observation, evidence []string) error {
	// That something is gone does not unsay what the source called it.
	return tx.putObservations(ctx, all, evidence, `ON CONFLICT (exposure, source) DO UPDATE SET run = excluded.run, seen = excluded.seen, at = excluded.at, evidence = excluded.evidence,
			weakness = CASE WHEN excluded.seen THEN excluded.weakness ELSE observation.weakness END,
			locus = CASE WHEN excluded.seen THEN excluded.locus ELSE observation.locus END,
			severity = CASE WHEN excluded.seen THEN excluded.severity ELSE observation.severity END
			WHERE observation.at <= excluded.at`)
}

// AddObservations stores the first words of sources on exposures.
func (tx *Tx) AddObservations(ctx context.Context, all []gyre.Observation, evidence []string) error {
	return tx.putObservations(ctx, all, evidence, "")
}

func (tx *Tx) putObservations(ctx context.Context, all []gyre.Observation, evidence []string, tail string) error {
	if evidence == nil {
		evidence = make([]string, len(all))
		for i := range all {
			var err error
			if evidence[i], err = jsonText(all[i].Evidence); err != nil {
				return err
			}
		}
	}
	if err := tx.noteObservations(ctx, all); err != nil {
		return err
	}
	err := insert(ctx, tx.tx, "INSERT INTO observation (exposure, source, id, workspace, run, seen, at, evidence, weakness, locus, severity)", tail,
		11, len(all), func(i int, a []any) []any {
			o := &all[i]
			return append(a, int64(o.Exposure), o.Source, int64(o.ID), int64(tx.ws), int64(o.Run), o.Seen, micros(o.At), evidence[i], o.Weakness, o.Locus, int64(o.Severity))
		})
	if err != nil {
		return fmt.Errorf("save observations: %w", err)
	}
	return nil
}
