// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/gyre-ctem/gyre"
)

const factColumns = "f.asset, f.aspect, f.locus, f.credentialed, f.data"

func scanFact(s scanner) (f gyre.Fact, err error) {
	var asset gyre.ID
	var aspect, data string
	if err = s.Scan((*int64)(&asset), &aspect, &f.Locus, &f.Credentialed, &data); err != nil {
		return f, err
	}
	f.Asset, f.Aspect = gyre.RefID(asset), gyre.Aspect(aspect)
	f.Data, err = dataOf(data)
	return f, err
}

// dataOf reads the data of a fact or an evidence: whole numbers come back as
// int64, others as float64, as they went in.
func dataOf(text string) (map[string]any, error) {
	if text == "" || text == "null" {
		return nil, nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("decode stored data: %w", err)
	}
	for k, v := range m {
		m[k] = numbers(v)
	}
	return m, nil
}

func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, err := v.Float64()
		if err != nil {
			return math.Inf(1)
		}
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}

// EachFactOfRun calls fn for the facts that stand after a run: those on the
// assets that it touched which its source has seen since it began; newer says that a
// later run did, and has written over what this one saw there. Refs are
// gyre.RefID; AssetOf reads them.
func (db *DB) EachFactOfRun(ctx context.Context, ws gyre.ID, run gyre.Run, fn func(f gyre.Fact, newer bool) error) error {
	type row struct {
		fact  gyre.Fact
		newer bool
	}
	return stream(ctx, db.judged(), func(s scanner) (r row, err error) {
		if r.fact, err = scanFact(window{s, 0, 1}); err != nil {
			return r, err
		}
		return r, (window{s, 5, 0}).Scan(&r.newer)
	}, func(r row) error { return fn(r.fact, r.newer) }, "SELECT "+factColumns+`, f.last_seen > $5 FROM run_asset ra JOIN fact f ON f.asset = ra.asset
		WHERE ra.workspace = $1 AND ra.run = $2 AND f.source = $3 AND f.last_seen >= $4
		ORDER BY f.asset, f.aspect, f.locus`, int64(ws), int64(run.ID), run.Source, micros(run.Started), until(run))
}

// Facts lists the facts of an asset from every source.
func (db *DB) Facts(ctx context.Context, ws, asset gyre.ID) ([]gyre.Fact, error) {
	return collect(ctx, db.r, scanFact,
		"SELECT "+factColumns+" FROM fact f WHERE f.workspace = $1 AND f.asset = $2 ORDER BY f.aspect, f.locus, f.source", int64(ws), int64(asset))
}

// AssetOf is the asset of a stored fact or coverage.
func AssetOf(ref gyre.Ref) gyre.ID {
	text, ok := strings.CutPrefix(string(ref), "id:")
	if !ok {
		return 0
	}
	id, err := gyre.ParseID(text)
	if err != nil {
		return 0
	}
	return id
}

type coverageBody struct {
	Loci       []string `json:"loci,omitempty"`
	Except     []string `json:"except,omitempty"`
	Weaknesses []string `json:"weaknesses,omitempty"`
	// Every says which of the two is nil (everything) rather than empty (nothing).
	EveryLocus    bool `json:"every_locus,omitempty"`
	EveryWeakness bool `json:"every_weakness,omitempty"`
}

const coverageColumns = "asset, aspect, judged, credentialed, body"

func scanCoverage(s scanner) (c gyre.Coverage, err error) {
	var asset gyre.ID
	var aspect, text string
	var body coverageBody
	if err = s.Scan((*int64)(&asset), &aspect, &c.Judged, &c.Credentialed, &text); err != nil {
		return c, err
	}
	if err = fromJSON(text, &body); err != nil {
		return c, err
	}
	c.Asset, c.Aspect, c.Loci, c.Weaknesses = gyre.RefID(asset), gyre.Aspect(aspect), body.Loci, body.Weaknesses
	c.Except = body.Except
	if !body.EveryLocus && c.Loci == nil {
		c.Loci = []string{}
	}
	if !body.EveryWeakness && c.Weaknesses == nil {
		c.Weaknesses = []string{}
	}
	return c, nil
}

// CoverageOfRun lists what a run covered.
func (db *DB) CoverageOfRun(ctx context.Context, ws, run gyre.ID) ([]gyre.Coverage, error) {
	return coverageOf(ctx, db.judged(), ws, run)
}

func coverageOf(ctx context.Context, q querier, ws, run gyre.ID) ([]gyre.Coverage, error) {
	return collect(ctx, q, scanCoverage, "SELECT "+coverageColumns+" FROM coverage WHERE workspace = $1 AND run = $2 ORDER BY id", int64(ws), int64(run))
}
