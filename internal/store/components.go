// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"time"

	"github.com/gyre-ctem/gyre"
)

const componentColumns = "c.id, c.asset, c.purl, c.ecosystem, c.name, c.version, c.package, c.location, c.first_seen, c.last_seen"

func scanComponent(s scanner) (c gyre.Component, err error) {
	var first, last int64
	err = s.Scan((*int64)(&c.ID), (*int64)(&c.Asset), &c.PURL, &c.Ecosystem, &c.Name, &c.Version, &c.Source, &c.Location, &first, &last)
	c.FirstSeen, c.LastSeen = timeOf(first), timeOf(last)
	return c, err
}

// Components lists the components of an asset by ID, after an ID; limit 0 is all.
func (db *DB) Components(ctx context.Context, ws, asset, after gyre.ID, limit int) ([]gyre.Component, error) {
	if limit <= 0 {
		limit = 1 << 30
	}
	return collect(ctx, db.r, scanComponent, "SELECT "+componentColumns+` FROM component c
		WHERE c.workspace = $1 AND c.asset = $2 AND c.id > $3 ORDER BY c.id LIMIT $4`, int64(ws), int64(asset), int64(after), limit)
}

// CountComponents counts the components of an asset.
func (db *DB) CountComponents(ctx context.Context, ws, asset gyre.ID) (int, error) {
	var n int
	err := db.r.QueryRowContext(ctx, "SELECT COUNT(*) FROM component WHERE workspace = $1 AND asset = $2", int64(ws), int64(asset)).Scan(&n)
	return n, err
}

// EachComponentOfRun calls fn for the components that stand after a run: those
// on the assets that it touched which its source saw last while it ran.
func (db *DB) EachComponentOfRun(ctx context.Context, ws gyre.ID, run gyre.Run, fn func(gyre.Component) error) error {
	return eachComponent(ctx, db.judged(), `SELECT `+componentColumns+` FROM run_asset ra JOIN component c ON c.asset = ra.asset
		WHERE ra.workspace = $1 AND ra.run = $2 AND c.source = $3 AND c.last_seen >= $4 AND c.last_seen <= $5 ORDER BY c.id`,
		[]any{int64(ws), int64(run.ID), run.Source, micros(run.Started), until(run)}, fn)
}

// until is the end of the time in which a run saw what it saw, and the end of
// time for one that does not say.
func until(run gyre.Run) int64 {
	if run.Until.IsZero() {
		return int64(maxID)
	}
	return micros(run.Until)
}

// EachComponentOfOthers calls fn for the components that other sources, or a
// later run of the same, see on the assets whose components a run covered.
func (db *DB) EachComponentOfOthers(ctx context.Context, ws gyre.ID, run gyre.Run, fn func(gyre.Component) error) error {
	return eachComponent(ctx, db.judged(), `SELECT `+componentColumns+` FROM component c WHERE c.workspace = $1 AND (c.source <> $3 OR c.last_seen > $5) AND c.asset IN
		(SELECT v.asset FROM coverage v WHERE v.workspace = $1 AND v.run = $2 AND NOT v.judged AND v.aspect = $4) ORDER BY c.id`,
		[]any{int64(ws), int64(run.ID), run.Source, string(gyre.AspectPackage), until(run)}, fn)
}

// RunsBehindComponents lists, oldest first, the runs whose sight of a component,
// older than a time, still stands. Retests, which look at one place only, are left out.
func (db *DB) RunsBehindComponents(ctx context.Context, ws gyre.ID, before time.Time) ([]gyre.Run, error) {
	return collect(ctx, db.r, scanRun, "SELECT "+runColumns+` FROM run WHERE workspace = $1 AND id IN (
		SELECT id FROM (SELECT r.id, ROW_NUMBER() OVER (PARTITION BY s.asset, s.source, s.last_seen ORDER BY r.started DESC, r.id DESC) AS nth FROM
			(SELECT DISTINCT asset, source, last_seen FROM component WHERE workspace = $1 AND last_seen < $2) s
			JOIN run_asset ra ON ra.asset = s.asset
			JOIN run r ON r.id = ra.run AND r.source = s.source AND r.started <= s.last_seen AND (r.cycle <> 0 OR r.scope = 0)
		WHERE r.workspace = $1 AND r.status <> 'running') newest WHERE nth = 1) ORDER BY started, id`, int64(ws), micros(before))
}

// EachComponentNamed calls fn for the components of one package everywhere:
// where a new advisory may apply.
func (db *DB) EachComponentNamed(ctx context.Context, ws gyre.ID, ecosystem, name string, fn func(gyre.Component) error) error {
	return eachComponent(ctx, db.r, `SELECT `+componentColumns+` FROM component c
		WHERE c.workspace = $1 AND c.ecosystem = $2 AND c.name = $3 ORDER BY c.id`, []any{int64(ws), ecosystem, name}, fn)
}

func eachComponent(ctx context.Context, q querier, query string, args []any, fn func(gyre.Component) error) error {
	return stream(ctx, q, scanComponent, fn, query, args...)
}

// Ecosystems lists the ecosystems that the workspace has components of.
func (db *DB) Ecosystems(ctx context.Context, ws gyre.ID) ([]string, error) {
	return collect(ctx, db.r, func(s scanner) (name string, err error) { return name, s.Scan(&name) },
		"SELECT DISTINCT ecosystem FROM component WHERE workspace = $1 AND ecosystem <> '' ORDER BY ecosystem", int64(ws))
}
