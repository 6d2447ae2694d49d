// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

// What the projection keeps in memory. Every write that changes one of these
// rows appends an event with the object's ID, except a sighting that changes
// nothing but last_seen (SeenByRuns), and intelligence, which is one event "intel".

// ProjectionAsset is an asset, without identifiers, and the scopes whose runs saw it.
type ProjectionAsset struct {
	gyre.Asset
	Scopes []gyre.ID
}

// ProjectionWeakness is a weakness and what the world knows of it.
type ProjectionWeakness struct {
	gyre.Weakness
	Intel gyre.Intel
}

// ProjectionExposure is what lists show of an exposure.
type ProjectionExposure struct {
	ID, Asset, Weakness, Action     gyre.ID
	Locus                           string
	Aspect                          gyre.Aspect
	Class                           gyre.Class
	Severity                        gyre.Severity
	State                           gyre.State
	Band                            gyre.Band // as recorded last
	Fixable                         bool
	Sources                         []string
	FirstSeen, LastSeen, StateSince time.Time
}

// LastSeq is the number of the workspace's newest event.
func (db *DB) LastSeq(ctx context.Context, ws gyre.ID) (int64, error) { return db.Seq(ctx, ws) }

// byID runs a query for everything (ids nil) or for parts of ids. In query, %s
// stands for the condition on the column.
func byID(ctx context.Context, q querier, ws gyre.ID, ids []gyre.ID, column, query string, row func(scanner) error) error {
	if ids == nil {
		return each(ctx, q, fmt.Sprintf(query, ""), []any{int64(ws)}, row)
	}
	return inChunks(ids, idArg, []any{int64(ws)}, func(in string, args []any) error {
		return each(ctx, q, fmt.Sprintf(query, "AND "+column+" IN "+in), args, row)
	})
}

// ProjectionAssets streams assets; ids nil is all.
func (db *DB) ProjectionAssets(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(ProjectionAsset) error) error {
	return projectionAssets(ctx, db.r, ws, ids, yield)
}

func projectionAssets(ctx context.Context, q querier, ws gyre.ID, ids []gyre.ID, yield func(ProjectionAsset) error) error {
	scopes := map[gyre.ID][]gyre.ID{}
	err := byID(ctx, q, ws, ids, "asset", "SELECT asset, scope FROM asset_scope WHERE workspace = $1 %s ORDER BY scope", func(s scanner) error {
		var asset, scope gyre.ID
		err := s.Scan((*int64)(&asset), (*int64)(&scope))
		scopes[asset] = append(scopes[asset], scope)
		return err
	})
	if err != nil {
		return fmt.Errorf("read scopes of assets: %w", err)
	}
	return byID(ctx, q, ws, ids, "id", "SELECT "+assetColumns+" FROM asset WHERE workspace = $1 %s ORDER BY id", func(s scanner) error {
		a, err := scanAsset(s)
		if err != nil {
			return err
		}
		return yield(ProjectionAsset{Asset: a, Scopes: scopes[a.ID]})
	})
}

// ProjectionWeaknesses streams weaknesses with their intelligence; ids nil is all.
func (db *DB) ProjectionWeaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(ProjectionWeakness) error) error {
	intel := func(cves []string) (map[string]gyre.Intel, error) { return db.Intel(ctx, cves) }
	if ids == nil { // of all at once: by a few names at a time it takes as long as the weaknesses
		known, err := db.intelOfWorkspace(ctx, ws)
		if err != nil {
			return fmt.Errorf("read intelligence: %w", err)
		}
		intel = func([]string) (map[string]gyre.Intel, error) { return known, nil }
	}
	return projectionWeaknesses(ctx, db.r, ws, ids, nil, intel, yield)
}

// projectionWeaknesses streams weaknesses as then makes them, with what intel knows of their CVEs.
func projectionWeaknesses(ctx context.Context, q querier, ws gyre.ID, ids []gyre.ID, then func(*gyre.Weakness) error,
	intel func(cves []string) (map[string]gyre.Intel, error), yield func(ProjectionWeakness) error,
) error {
	// In parts: intelligence is looked up for many at a time, and memory stays bounded.
	var part []ProjectionWeakness
	flush := func() error {
		if err := addIntel(part, intel); err != nil {
			return err
		}
		for _, w := range part {
			if err := yield(w); err != nil {
				return err
			}
		}
		part = part[:0]
		return nil
	}
	err := byID(ctx, q, ws, ids, "id", "SELECT "+weaknessColumns+" FROM weakness WHERE workspace = $1 %s ORDER BY id", func(s scanner) error {
		w, err := scanWeakness(s)
		if err != nil {
			return err
		}
		if then != nil {
			if err := then(&w); err != nil {
				return err
			}
		}
		part = append(part, ProjectionWeakness{Weakness: w})
		if len(part) == 2000 {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// IntelOf is what the world knows of a weakness: the worst of its CVEs.
func (db *DB) IntelOf(ctx context.Context, w gyre.Weakness) (gyre.Intel, error) {
	known, err := db.Intel(ctx, cvesOf(w))
	return intelOf(w, known), err
}

// IntelOfWeaknesses streams what the world knows of weaknesses of the workspace,
// of which it needs the keys and aliases; those of which nothing is known are left out.
func (db *DB) IntelOfWeaknesses(ctx context.Context, ws gyre.ID, weaknesses iter.Seq[gyre.Weakness], yield func(weakness gyre.ID, in gyre.Intel) error) error {
	known, err := db.intelOfWorkspace(ctx, ws)
	if err != nil {
		return fmt.Errorf("read intelligence: %w", err)
	}
	for w := range weaknesses {
		if in := intelOf(w, known); in != (gyre.Intel{}) {
			if err := yield(w.ID, in); err != nil {
				return err
			}
		}
	}
	return nil
}

// intelOfWorkspace reads what is known of every CVE that a weakness of the
// workspace bears.
func (db *DB) intelOfWorkspace(ctx context.Context, ws gyre.ID) (map[string]gyre.Intel, error) {
	const named = "(SELECT alias FROM weakness_alias WHERE workspace = $1 UNION SELECT name FROM weakness WHERE workspace = $2)"
	args := []any{int64(ws), int64(ws)}
	known := map[string]gyre.Intel{}
	err := db.eachWide(ctx, "SELECT cve, score, percentile, date FROM epss WHERE cve IN "+named, args, func(r wideRow) error {
		known[r.text(0)] = gyre.Intel{EPSS: r.float(1), EPSSPercentile: r.float(2), EPSSDate: timeOf(r.int(3))}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, db.r, "SELECT cve, added, due, ransomware FROM kev WHERE cve IN "+named, args, func(s scanner) error { return scanKEV(s, known) })
	if err != nil {
		return nil, err
	}
	return known, each(ctx, db.r, "SELECT cve, maturity FROM exploit WHERE cve IN "+named, args, func(s scanner) error { return scanExploit(s, known) })
}

func addIntel(rows []ProjectionWeakness, intel func(cves []string) (map[string]gyre.Intel, error)) error {
	var cves []string
	seen := map[string]bool{}
	for i := range rows {
		for _, cve := range cvesOf(rows[i].Weakness) {
			if !seen[cve] {
				seen[cve] = true
				cves = append(cves, cve)
			}
		}
	}
	if len(cves) == 0 {
		return nil
	}
	known, err := intel(cves)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].Intel = intelOf(rows[i].Weakness, known)
	}
	return nil
}

// intelOf joins what is known of the CVEs of a weakness.
func intelOf(w gyre.Weakness, known map[string]gyre.Intel) (all gyre.Intel) {
	for _, cve := range cvesOf(w) {
		if in, ok := known[cve]; ok {
			all = worse(all, in)
		}
	}
	return all
}

func cvesOf(w gyre.Weakness) []string {
	if strings.HasPrefix(w.Key, "CVE-") {
		return []string{w.Key} // the other CVEs of an advisory are weaknesses of their own
	}
	var out []string
	for _, a := range w.Aliases {
		if strings.HasPrefix(a, "CVE-") {
			out = append(out, a)
		}
	}
	return out
}

// worse joins what is known of two CVEs of one weakness.
func worse(a, b gyre.Intel) gyre.Intel {
	if b.EPSS > a.EPSS {
		a.EPSS, a.EPSSPercentile, a.EPSSDate = b.EPSS, b.EPSSPercentile, b.EPSSDate
	}
	if b.KEV && (!a.KEV || b.KEVAdded.Before(a.KEVAdded)) {
		a.KEV, a.KEVAdded, a.KEVDue = true, b.KEVAdded, b.KEVDue
	}
	a.Ransomware = a.Ransomware || b.Ransomware
	if a.Exploit == gyre.ExploitUnknown || b.Exploit == gyre.ExploitAttacked {
		a.Exploit = b.Exploit
	}
	return a
}

// SeenByRuns streams when the assets that runs touched, and the exposures on
// them, were seen last.
func (db *DB) SeenByRuns(ctx context.Context, ws gyre.ID, runs []gyre.ID, asset, exposure func(id gyre.ID, lastSeen time.Time) error) error {
	return inChunks(runs, idArg, []any{int64(ws)}, func(in string, args []any) error {
		for _, q := range []struct {
			text  string
			yield func(gyre.ID, time.Time) error
		}{
			{"SELECT a.id, a.last_seen FROM asset a WHERE a.workspace = $1 AND a.id IN (SELECT asset FROM run_asset WHERE run IN " + in + ")", asset},
			{"SELECT e.id, e.last_seen FROM exposure e WHERE e.workspace = $1 AND e.asset IN (SELECT asset FROM run_asset WHERE run IN " + in + ")", exposure},
		} {
			err := db.eachWide(ctx, q.text, args, func(r wideRow) error { return q.yield(gyre.ID(r.int(0)), timeOf(r.int(1))) })
			if err != nil {
				return fmt.Errorf("read sightings: %w", err)
			}
		}
		return nil
	})
}
