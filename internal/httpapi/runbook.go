// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// place is what fills the blanks of a runbook.
type place struct {
	asset    gyre.Asset
	weakness string
	locus    string
}

func placeOf(d ExposureDetail) place { return place{d.Asset, d.Weakness.Key, d.Exposure.Locus} }

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

func (p place) fill(runbook string) string {
	return strings.NewReplacer(
		"{asset}", p.asset.Name, "{address}", addressOf(p.asset), "{weakness}", p.weakness, "{locus}", p.locus,
	).Replace(runbook)
}

// addressOf is the asset's IP address, else its best name.
func addressOf(a gyre.Asset) string {
	for _, want := range []gyre.IdentifierType{gyre.IDIP, gyre.IDFQDN, gyre.IDHostname} {
		for _, i := range a.Identifiers {
			if i.Type == want {
				return i.Value
			}
		}
	}
	return a.Name
}
