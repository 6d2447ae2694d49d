// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// MergeAsset moves everything of one asset to another and removes it. Where
// both have the same thing (a fact, a component, an exposure), the other's stays and
// takes over what only the removed one's had: earlier first and later last sightings, observations, history.
func (tx *Tx) MergeAsset(ctx context.Context, from, into gyre.ID) error {
	for _, q := range []string{
		// Exposures that both have: the observations of sources that only one
		// of them has, the verdicts and the history go over.
		`UPDATE exposure SET first_seen = CASE WHEN x.first_seen < exposure.first_seen THEN x.first_seen ELSE exposure.first_seen END,
			last_seen = CASE WHEN x.last_seen > exposure.last_seen THEN x.last_seen ELSE exposure.last_seen END
			FROM exposure x WHERE exposure.workspace = $1 AND exposure.asset = $3 AND x.asset = $2 AND x.weakness = exposure.weakness AND x.locus = exposure.locus`,
		`DELETE FROM observation WHERE workspace = $1 AND EXISTS (SELECT 1 FROM exposure x JOIN exposure y ON y.asset = $3 AND y.weakness = x.weakness AND y.locus = x.locus
			JOIN observation o ON o.exposure = y.id WHERE x.asset = $2 AND x.id = observation.exposure AND o.source = observation.source)`,
		mergeTwins("observation"), mergeTwins("verdict"),
		`UPDATE event SET object_id = y.id FROM exposure x JOIN exposure y ON y.asset = $3 AND y.weakness = x.weakness AND y.locus = x.locus
			WHERE event.workspace = $1 AND x.asset = $2 AND event.object_id = x.id`,
		`DELETE FROM exception WHERE workspace = $1 AND exposure IN (SELECT x.id FROM exposure x JOIN exposure y
			ON y.asset = $3 AND y.weakness = x.weakness AND y.locus = x.locus WHERE x.asset = $2)`,
		`DELETE FROM exposure WHERE workspace = $1 AND asset = $2 AND EXISTS (SELECT 1 FROM exposure y
			WHERE y.asset = $3 AND y.weakness = exposure.weakness AND y.locus = exposure.locus)`,
		"UPDATE exposure SET asset = $3 WHERE workspace = $1 AND asset = $2",

		`DELETE FROM fact WHERE workspace = $1 AND asset = $2 AND EXISTS (SELECT 1 FROM fact y
			WHERE y.asset = $3 AND y.aspect = fact.aspect AND y.locus = fact.locus AND y.source = fact.source)`,
		"UPDATE fact SET asset = $3 WHERE workspace = $1 AND asset = $2",
		`DELETE FROM component WHERE workspace = $1 AND asset = $2 AND EXISTS (SELECT 1 FROM component y
			WHERE y.asset = $3 AND y.source = component.source AND y.location = component.location AND y.purl = component.purl)`,
		"UPDATE component SET asset = $3 WHERE workspace = $1 AND asset = $2",
		"UPDATE coverage SET asset = $3 WHERE workspace = $1 AND asset = $2",
		"UPDATE identifier SET asset = $3 WHERE workspace = $1 AND asset = $2",
		"INSERT INTO run_asset (run, asset, workspace) SELECT run, CAST($3 AS BIGINT), workspace FROM run_asset WHERE workspace = $1 AND asset = $2 ON CONFLICT (run, asset) DO NOTHING",
		"INSERT INTO asset_scope (workspace, asset, scope) SELECT workspace, CAST($3 AS BIGINT), scope FROM asset_scope WHERE workspace = $1 AND asset = $2 ON CONFLICT (workspace, scope, asset) DO NOTHING",
		`INSERT INTO relation (workspace, from_asset, to_asset, type, first_seen, last_seen)
			SELECT workspace, CASE WHEN from_asset = $2 THEN CAST($3 AS BIGINT) ELSE from_asset END, CASE WHEN to_asset = $2 THEN CAST($3 AS BIGINT) ELSE to_asset END,
			type, first_seen, last_seen FROM relation WHERE workspace = $1 AND (from_asset = $2 OR to_asset = $2) ON CONFLICT (from_asset, to_asset, type) DO NOTHING`,
		"DELETE FROM relation WHERE workspace = $1 AND (from_asset = $2 OR to_asset = $2 OR (from_asset = $3 AND to_asset = $3))",
		"DELETE FROM run_asset WHERE workspace = $1 AND asset = $2",
		"DELETE FROM asset_scope WHERE workspace = $1 AND asset = $2",
		"DELETE FROM asset WHERE workspace = $1 AND id = $2",
	} {
		if err := tx.mergeStep(ctx, q, from, into); err != nil {
			return fmt.Errorf("merge asset %s into %s: %w", from, into, err)
		}
	}
	return nil
}

// mergeTwins moves rows of the exposures that will go to those that stay.
func mergeTwins(table string) string {
	return "UPDATE " + table + ` SET exposure = y.id FROM exposure x JOIN exposure y ON y.asset = $3 AND y.weakness = x.weakness AND y.locus = x.locus
		WHERE ` + table + `.workspace = $1 AND x.asset = $2 AND ` + table + `.exposure = x.id`
}

// mergeStep runs one statement of a merge. PostgreSQL refuses arguments that a
// statement does not mention, so those that mention two get two.
func (tx *Tx) mergeStep(ctx context.Context, query string, from, into gyre.ID) error {
	args := []any{int64(tx.ws), int64(from), int64(into)}
	if !strings.Contains(query, "$3") {
		args = args[:2]
	}
	_, err := tx.exec(ctx, query, args...)
	return err
}
