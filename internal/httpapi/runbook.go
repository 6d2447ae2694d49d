// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"slices"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/remediate"
)

// place is what fills the blanks of a runbook.
type place struct {
	asset    gyre.Asset
	weakness string
	locus    string
}

func placeOf(d ExposureDetail) place { return place{d.Asset, d.Weakness.Key, d.Exposure.Locus} }

// fill quotes what it fills in: names of assets come from strangers, and people
// paste the line into a shell.
func (p place) fill(runbook string) string {
	return remediate.Runbook(runbook, remediate.Item{
		Asset: &p.asset, Weakness: &gyre.Weakness{Key: p.weakness}, Exposure: gyre.Exposure{Locus: p.locus},
	})
}

// runbooks returns how changes are made in the scopes of the places' assets,
// each text once.
func (s *server) runbooks(ctx context.Context, ws gyre.ID, places ...place) ([]string, error) {
	ids := make([]gyre.ID, len(places))
	for i, p := range places {
		ids[i] = p.asset.ID
	}
	of, err := s.Assets.ScopesOfAssets(ctx, ws, ids)
	if err != nil {
		return nil, err
	}
	scopes, err := s.Scopes.Scopes(ctx, ws)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range places {
		for _, sc := range scopes {
			if sc.Runbook == "" || !slices.Contains(of[p.asset.ID], sc.ID) {
				continue
			}
			if text := p.fill(sc.Runbook); !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	return out, nil
}
