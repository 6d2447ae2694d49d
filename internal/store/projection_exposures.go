// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/gyre-ctem/gyre"
)

const (
	// A fixed version or a configuration change is known. The remedy itself is wide.
	fixable = `CAST(CASE WHEN remedy LIKE '%%"fixed":"%%' OR remedy LIKE '%%"kind":"change"%%' THEN 1 ELSE 0 END AS BIGINT)`

	projectionExposures = `SELECT id, asset, weakness, action, severity, first_seen, last_seen, state_since, locus, aspect, class, state, band, ` + fixable + `
		FROM exposure WHERE %sworkspace = $1 %s ORDER BY id`
	projectionSources = "SELECT exposure, source FROM observation WHERE workspace = $1 AND seen %s ORDER BY exposure, source"
)

// ProjectionExposures streams exposures; ids nil is all.
func (db *DB) ProjectionExposures(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(ProjectionExposure) error) error {
	if ids == nil {
		return db.allExposures(ctx, ws, yield)
	}
	return inChunks(ids, idArg, []any{int64(ws)}, func(in string, args []any) error {
		sources := map[gyre.ID][]string{}
		err := db.eachWide(ctx, fmt.Sprintf(projectionSources, "AND exposure IN "+in), args, func(r wideRow) error {
			id := gyre.ID(r.int(0))
			sources[id] = append(sources[id], r.text(1))
			return nil
		})
		if err != nil {
			return fmt.Errorf("read sources of exposures: %w", err)
		}
		return db.eachWide(ctx, fmt.Sprintf(projectionExposures, "", "AND id IN "+in), args, func(r wideRow) error {
			e := exposureOf(r)
			e.Sources = sources[e.ID]
			return yield(e)
		})
	})
}

func exposureOf(r wideRow) ProjectionExposure {
	return ProjectionExposure{
		ID: gyre.ID(r.int(0)), Asset: gyre.ID(r.int(1)), Weakness: gyre.ID(r.int(2)), Action: gyre.ID(r.int(3)), Severity: gyre.Severity(r.int(4)),
		FirstSeen: timeOf(r.int(5)), LastSeen: timeOf(r.int(6)), StateSince: timeOf(r.int(7)), Locus: r.text(8), Aspect: gyre.Aspect(r.word(9)),
		Class: gyre.Class(r.word(10)), State: gyre.State(r.word(11)), Band: gyre.Band(r.word(12)), Fixable: r.int(13) != 0,
	}
}

// allExposures reads exposures and their sources side by side, each in the order
// of exposures, and merges them here: a join would repeat the wide side, and two
// readers use two cores.
func (db *DB) allExposures(ctx context.Context, ws gyre.ID, yield func(ProjectionExposure) error) error {
	noIndex, err := db.mostExposures(ctx, ws)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	exposures, sources := make(chan []ProjectionExposure, 4), make(chan []sourcesOf, 4)
	g.Go(func() error {
		defer close(exposures)
		out := batcher[ProjectionExposure]{to: exposures}
		err := db.eachWide(ctx, fmt.Sprintf(projectionExposures, noIndex, ""), []any{int64(ws)}, func(r wideRow) error { return out.add(ctx, exposureOf(r)) })
		if err != nil {
			return fmt.Errorf("read exposures: %w", err)
		}
		return out.flush(ctx)
	})
	g.Go(func() error {
		defer close(sources)
		if err := db.allSources(ctx, ws, &batcher[sourcesOf]{to: sources}); err != nil {
			return fmt.Errorf("read sources of exposures: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		var part []sourcesOf
		for batch := range exposures {
			for i := range batch {
				e := &batch[i]
				for len(part) == 0 || part[0].exposure < e.ID {
					if len(part) > 0 {
						part = part[1:]
						continue
					}
					var more bool
					if part, more = <-sources; !more {
						break
					}
				}
				if len(part) > 0 && part[0].exposure == e.ID {
					e.Sources = part[0].names
				}
				if err := yield(*e); err != nil {
					return err
				}
			}
		}
		for range sources { // of exposures that came since
		}
		return nil
	})
	return g.Wait()
}

// mostExposures returns what to write before the workspace when most exposures
// belong to it: then reading all in the order in which they lie is twice as
// fast as looking each of them up.
func (db *DB) mostExposures(ctx context.Context, ws gyre.ID) (string, error) {
	if db.dialect.NoIndex == "" {
		return "", nil
	}
	var all, own int64
	err := db.r.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM exposure), (SELECT count(*) FROM exposure WHERE workspace = $1)", int64(ws)).Scan(&all, &own)
	if err != nil {
		return "", fmt.Errorf("count exposures: %w", err)
	}
	if 2*own < all {
		return "", nil
	}
	return db.dialect.NoIndex, nil
}

// sourcesOf is the sources that see an exposure.
type sourcesOf struct {
	exposure gyre.ID
	names    []string
}

func (db *DB) allSources(ctx context.Context, ws gyre.ID, out *batcher[sourcesOf]) error {
	sets := map[string][]string{} // most exposures share a few sets
	var last gyre.ID
	var names []string
	var key []byte
	end := func() error {
		if len(names) == 0 {
			return nil
		}
		key = key[:0]
		for _, n := range names {
			key = append(append(key, n...), '\n')
		}
		set, ok := sets[string(key)]
		if !ok {
			set = strings.Split(strings.TrimSuffix(string(key), "\n"), "\n")
			sets[string(key)] = set
		}
		return out.add(ctx, sourcesOf{last, set})
	}
	err := db.eachWide(ctx, fmt.Sprintf(projectionSources, ""), []any{int64(ws)}, func(r wideRow) error {
		if id := gyre.ID(r.int(0)); id != last {
			if err := end(); err != nil {
				return err
			}
			last, names = id, names[:0]
		}
		names = append(names, r.word(1))
		return nil
	})
	if err != nil {
		return err
	}
	if err := end(); err != nil {
		return err
	}
	return out.flush(ctx)
}

// batcher sends many at a time: a channel costs too much for each.
type batcher[T any] struct {
	to   chan<- []T
	part []T
}

const batchRows = 1000

func (b *batcher[T]) add(ctx context.Context, v T) error {
	if b.part == nil {
		b.part = make([]T, 0, batchRows)
	}
	if b.part = append(b.part, v); len(b.part) == batchRows {
		return b.flush(ctx)
	}
	return nil
}

func (b *batcher[T]) flush(ctx context.Context) error {
	if len(b.part) == 0 {
		return nil
	}
	select {
	case b.to <- b.part:
		b.part = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
