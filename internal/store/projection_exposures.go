// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/gyre-ctem/gyre"
)

const (
	// A fixed version or a configuration change is known. The remedy itself is wide.
	// SQLite looks for the first letter and then compares: a quotation mark is everywhere.
	fixable = `CAST(CASE WHEN remedy LIKE '%%fixed":"%%' OR remedy LIKE '%%kind":"change"%%' THEN 1 ELSE 0 END AS BIGINT)`

	// Each column costs SQLite about as much as reading the row: words come as one.
	exposureWords       = "state || '\n' || band || '\n' || aspect || '\n' || class"
	projectionExposures = "SELECT id, asset, weakness, action, severity, first_seen, last_seen, state_since, locus, " + exposureWords + ", " + fixable +
		" FROM exposure WHERE %sworkspace = $1 %s ORDER BY id"
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
		reader := exposureReader{}
		return db.eachWide(ctx, fmt.Sprintf(projectionExposures, "", "AND id IN "+in), args, func(r wideRow) error {
			e := reader.exposure(r)
			e.Sources = sources[e.ID]
			return yield(e)
		})
	})
}

// exposureReader makes exposures of rows. What it remembers are the few
// combinations of words that there are.
type exposureReader map[string]*ProjectionExposure

func (x exposureReader) exposure(r wideRow) ProjectionExposure {
	joined := r.word(9)
	words, ok := x[joined]
	if !ok {
		part := strings.SplitN(joined, "\n", 4)
		words = &ProjectionExposure{State: gyre.State(part[0]), Band: gyre.Band(part[1]), Aspect: gyre.Aspect(part[2]), Class: gyre.Class(part[3])}
		if len(x) < maxWordList {
			x[joined] = words
		}
	}
	e := *words
	e.ID, e.Asset, e.Weakness, e.Action = gyre.ID(r.int(0)), gyre.ID(r.int(1)), gyre.ID(r.int(2)), gyre.ID(r.int(3))
	e.Severity, e.Fixable, e.Locus = gyre.Severity(r.int(4)), r.int(10) != 0, r.text(8)
	e.FirstSeen, e.LastSeen, e.StateSince = timeOf(r.int(5)), timeOf(r.int(6)), timeOf(r.int(7))
	return e
}

// span is the IDs from one to another, both of them included.
type span struct{ from, to gyre.ID }

// allExposures streams exposures in the order of their IDs. Where one reader
// alone is slow, several read spans of them side by side.
func (db *DB) allExposures(ctx context.Context, ws gyre.ID, yield func(ProjectionExposure) error) error {
	noIndex, err := db.mostExposures(ctx, ws)
	if err != nil {
		return err
	}
	spans, err := db.exposureSpans(ctx, ws)
	if err != nil {
		return fmt.Errorf("divide exposures: %w", err)
	}
	if len(spans) == 1 {
		return db.exposuresAtOnce(ctx, ws, noIndex, yield)
	}
	g, ctx := errgroup.WithContext(ctx)
	// Spans are begun in order, and no more than are soon needed: what was read
	// and cannot be handed out yet is kept in memory.
	ahead := make(chan struct{}, min(runtime.GOMAXPROCS(0), maxSpanReaders))
	out := make([]chan []ProjectionExposure, len(spans))
	for i := range out {
		out[i] = make(chan []ProjectionExposure, spanRows/batchRows+2) // a whole span: its reader does not wait with a connection
	}
	g.Go(func() error {
		for i, s := range spans {
			select {
			case ahead <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			g.Go(func() error {
				defer close(out[i])
				b := batcher[ProjectionExposure]{to: out[i]}
				if err := db.exposuresOf(ctx, ws, s, noIndex, func(e ProjectionExposure) error { return b.add(ctx, e) }); err != nil {
					return err
				}
				return b.flush(ctx)
			})
		}
		return nil
	})
	g.Go(func() error {
		for i := range out {
			if err := eachBatch(ctx, out[i], yield); err != nil {
				return err
			}
			<-ahead
		}
		return nil
	})
	return g.Wait()
}

// eachBatch hands out what comes through a channel until that is closed.
func eachBatch[T any](ctx context.Context, from <-chan []T, yield func(T) error) error {
	for {
		select {
		case batch, more := <-from:
			if !more {
				return nil
			}
			for _, v := range batch {
				if err := yield(v); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const (
	spanRows       = 8 * batchRows
	maxSpanReaders = 4
)

// exposureSpans divides the IDs of a workspace's exposures into spans that hold
// about spanRows each.
func (db *DB) exposureSpans(ctx context.Context, ws gyre.ID) ([]span, error) {
	var spans []span
	var from gyre.ID
	for db.dialect.NextSpan != "" {
		var next gyre.ID
		err := db.r.QueryRowContext(ctx, db.dialect.NextSpan, int64(ws), int64(from), spanRows).Scan((*int64)(&next))
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		if err != nil {
			return nil, err
		}
		spans = append(spans, span{from, next - 1})
		from = next
	}
	return append(spans, span{from, maxID}), nil
}

// exposuresOf reads the sources of a span and then its exposures, with one
// connection at a time: a reader that holds one and waits for another could wait for ever.
func (db *DB) exposuresOf(ctx context.Context, ws gyre.ID, s span, noIndex string, yield func(ProjectionExposure) error) error {
	args := []any{int64(ws), int64(s.from), int64(s.to)}
	var sources []sourcesOf
	if err := db.sourcesOf(ctx, args, func(s sourcesOf) error { sources = append(sources, s); return nil }); err != nil {
		return fmt.Errorf("read sources of exposures: %w", err)
	}
	find := inOrder(func() (next sourcesOf, more bool) {
		if len(sources) == 0 {
			return next, false
		}
		next, sources = sources[0], sources[1:]
		return next, true
	})
	reader := exposureReader{}
	query := fmt.Sprintf(projectionExposures, noIndex, "AND id >= $2 AND id <= $3")
	err := db.eachWide(ctx, query, args, func(r wideRow) error {
		e := reader.exposure(r)
		e.Sources = find(e.ID)
		return yield(e)
	})
	if err != nil {
		return fmt.Errorf("read exposures: %w", err)
	}
	return nil
}

// inOrder returns a function that finds the sources of exposures, for which it
// must be asked in their order.
func inOrder(next func() (sourcesOf, bool)) func(exposure gyre.ID) []string {
	var s sourcesOf
	more := true
	return func(exposure gyre.ID) []string {
		for more && s.exposure < exposure {
			s, more = next()
		}
		if more && s.exposure == exposure {
			return s.names
		}
		return nil
	}
}

// pairs lets few read with two connections that wait for each other.
var pairs = make(chan struct{}, 3)

// exposuresAtOnce reads exposures and their sources side by side, each in the
// order of exposures, and merges them here: a join would repeat the wide side, and two
// readers use two cores.
func (db *DB) exposuresAtOnce(ctx context.Context, ws gyre.ID, noIndex string, yield func(ProjectionExposure) error) error {
	select {
	case pairs <- struct{}{}:
		defer func() { <-pairs }()
	case <-ctx.Done():
		return ctx.Err()
	}
	g, ctx := errgroup.WithContext(ctx)
	args := []any{int64(ws), int64(0), int64(maxID)}
	exposures, sources := make(chan []ProjectionExposure, 4), make(chan []sourcesOf, 4)
	g.Go(func() error {
		defer close(exposures)
		out, reader := batcher[ProjectionExposure]{to: exposures}, exposureReader{}
		query := fmt.Sprintf(projectionExposures, noIndex, "AND id >= $2 AND id <= $3")
		if err := db.eachWide(ctx, query, args, func(r wideRow) error { return out.add(ctx, reader.exposure(r)) }); err != nil {
			return fmt.Errorf("read exposures: %w", err)
		}
		return out.flush(ctx)
	})
	g.Go(func() error {
		defer close(sources)
		out := batcher[sourcesOf]{to: sources}
		if err := db.sourcesOf(ctx, args, func(s sourcesOf) error { return out.add(ctx, s) }); err != nil {
			return fmt.Errorf("read sources of exposures: %w", err)
		}
		return out.flush(ctx)
	})
	g.Go(func() error {
		var part []sourcesOf
		find := inOrder(func() (next sourcesOf, more bool) {
			if len(part) == 0 {
				if part, more = <-sources; !more {
					return next, false
				}
			}
			next, part = part[0], part[1:]
			return next, true
		})
		for batch := range exposures {
			for i := range batch {
				batch[i].Sources = find(batch[i].ID)
				if err := yield(batch[i]); err != nil {
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
	var alone bool
	err := db.r.QueryRowContext(ctx, "SELECT NOT EXISTS (SELECT 1 FROM exposure WHERE workspace < $1) AND NOT EXISTS (SELECT 1 FROM exposure WHERE workspace > $1)", int64(ws)).Scan(&alone)
	if err != nil {
		return "", fmt.Errorf("look for other exposures: %w", err)
	}
	if alone {
		return db.dialect.NoIndex, nil
	}
	var all, own int64
	err = db.r.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM exposure), (SELECT count(*) FROM exposure WHERE workspace = $1)", int64(ws)).Scan(&all, &own)
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

func (db *DB) sourcesOf(ctx context.Context, args []any, yield func(sourcesOf) error) error {
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
		return yield(sourcesOf{last, set})
	}
	err := db.eachWide(ctx, fmt.Sprintf(projectionSources, "AND exposure >= $2 AND exposure <= $3"), args, func(r wideRow) error {
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
	return end()
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
