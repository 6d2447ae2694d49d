// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"slices"

	"github.com/gyre-ctem/gyre"
)

// familyOf groups the kinds that can be one and the same thing, so that their
// identifiers are matched: what one tool calls a device another calls a host.
// A domain and a web application may well share a name with a host and are not it.
func familyOf(kind gyre.AssetKind) string {
	switch kind {
	case "", gyre.Host, gyre.Device:
		return string(gyre.Host)
	}
	return string(kind)
}

// sighting is an asset sighting in normal form.
type sighting struct {
	*gyre.AssetSighting
	family string
	ids    []gyre.Identifier // the strongest first
}

// known is an asset as the transaction knows it.
type known struct {
	gyre.Asset
	isNew   bool
	changes []string // fields that differ from what is stored
}

// estate is the part of the estate that a batch touches.
type estate struct {
	assets map[gyre.ID]*known
	owner  map[string]map[gyre.Identifier]gyre.ID // by family
}

// loadEstate reads what the sightings and refs may be.
func (w *write) loadEstate(ctx context.Context, all []sighting, refs []gyre.ID) (*estate, error) {
	e := &estate{assets: map[gyre.ID]*known{}, owner: map[string]map[gyre.Identifier]gyre.ID{}}
	byFamily := map[string][]gyre.Identifier{}
	for _, s := range all {
		byFamily[s.family] = append(byFamily[s.family], s.ids...)
	}
	want := map[gyre.ID]bool{}
	for _, id := range refs {
		want[id] = true
	}
	for _, family := range sortedKeys(byFamily) {
		found, err := w.tx.AssetsByIdentifier(ctx, family, byFamily[family])
		if err != nil {
			return nil, err
		}
		e.owner[family] = found
		for _, id := range found {
			want[id] = true
		}
	}
	assets, err := w.tx.Assets(ctx, sortedKeys(want))
	if err != nil {
		return nil, err
	}
	for _, a := range assets {
		e.assets[a.ID] = &known{Asset: a}
	}
	return e, nil
}

// match finds the asset that a sighting is of: the one that shares its
// strongest identifier, unless a stronger one says that they differ. others are assets
// that share weaker identifiers and turn out to be the same.
func (e *estate) match(s *sighting) (id gyre.ID, others []gyre.ID) {
	for _, i := range s.ids {
		candidate := e.owner[s.family][i]
		a := e.assets[candidate]
		switch {
		case a == nil || candidate == id || slices.Contains(others, candidate):
		case id == 0:
			if !differ(a.Identifiers, s.ids, i.Type.Strength(), false) {
				id = candidate
			}
		case !differ(a.Identifiers, e.assets[id].Identifiers, 0, true) && !differ(a.Identifiers, s.ids, 0, true):
			others = append(others, candidate)
		}
	}
	return id, others
}

// differ says whether two sets of identifiers cannot be of one asset: both have
// a type stronger than above, and share no value of it. Names and addresses
// count only when asked for, since one asset may have several.
func differ(a, b []gyre.Identifier, above int, names bool) bool {
	for _, i := range a {
		t := i.Type
		if t.Strength() <= above || t == gyre.IDIP || (!names && t.Strength() < gyre.IDMAC.Strength()) {
			continue
		}
		theirs, shared := 0, false
		for _, j := range b {
			if j.Type == t && j.Zone == i.Zone {
				theirs++
				shared = shared || hasIdentifier(a, j)
			}
		}
		if theirs > 0 && !shared {
			return true
		}
	}
	return false
}

func hasIdentifier(all []gyre.Identifier, i gyre.Identifier) bool { return slices.Contains(all, i) }

// give makes identifiers an asset's own; an address that was another's moves.
func (e *estate) give(a *known, family string, ids []gyre.Identifier) {
	owner := e.owner[family]
	if owner == nil {
		owner = map[gyre.Identifier]gyre.ID{}
		e.owner[family] = owner
	}
	for _, i := range ids {
		if before := e.assets[owner[i]]; before != nil && before != a {
			before.Identifiers = slices.DeleteFunc(before.Identifiers, func(j gyre.Identifier) bool { return j == i })
		}
		owner[i] = a.ID
		if !hasIdentifier(a.Identifiers, i) {
			a.Identifiers = append(a.Identifiers, i)
			a.note("identifiers")
		}
	}
}

func (a *known) note(field string) {
	if !slices.Contains(a.changes, field) {
		a.changes = append(a.changes, field)
	}
}
