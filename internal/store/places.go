// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// ExposuresOfPairs finds the exposures of (assets[i], weaknesses[i]) at any place.
func (tx *Tx) ExposuresOfPairs(ctx context.Context, assets, weaknesses []gyre.ID) ([]gyre.Exposure, error) {
	var out []gyre.Exposure
	err := eachGiven(tx.tx, 2, len(assets), func(i int, args []any) []any {
		return append(args, int64(assets[i]), int64(weaknesses[i]))
	}, func(g given) error {
		query, args := tx.lookup(g, "asset, weakness", "e."+strings.ReplaceAll(exposureColumns, ", ", ", e."), "exposure", "e.asset = w.asset AND e.weakness = w.weakness")
		part, err := collect(ctx, tx.tx, scanExposure, query+" ORDER BY e.id", args...)
		out = append(out, part...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find exposures of pairs: %w", err)
	}
	tx.remember(out)
	return out, nil
}

// LociOf says where a source last said that exposures lie.
func (tx *Tx) LociOf(ctx context.Context, source string, exposures []gyre.ID) (map[gyre.ID]string, error) {
	out := make(map[gyre.ID]string, len(exposures))
	err := inChunks(exposures, idArg, []any{int64(tx.ws), source}, func(in string, args []any) error {
		return each(ctx, tx.tx, "SELECT exposure, locus FROM observation WHERE workspace = $1 AND source = $2 AND exposure IN "+in, args, func(s scanner) error {
			var id gyre.ID
			var locus string
			err := s.Scan((*int64)(&id), &locus)
			out[id] = locus
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read loci: %w", err)
	}
	return out, nil
}
