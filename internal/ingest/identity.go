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

// loadEstate reads the assets of ids, and those that sightings of what is perhaps
// not there may be.
func (w *write) loadEstate(ctx context.Context, all []sighting, ids []gyre.ID) (*estate, error) {
	e := &estate{assets: map[gyre.ID]*known{}, owner: map[string]map[gyre.Identifier]gyre.ID{}}
	byFamily := map[string][]gyre.Identifier{}
	for _, s := range all {
		if s.KnownOnly {
			byFamily[s.family] = append(byFamily[s.family], s.ids...)
		}
	}
	want := map[gyre.ID]bool{}
	for _, id := range ids {
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

// match finds the asset that has the strongest identifier of a sighting of what is
// perhaps not there, unless a stronger one says that they differ.
func (e *estate) match(s *sighting) gyre.ID {
	for _, i := range s.ids {
		candidate := e.owner[s.family][i]
		if a := e.assets[candidate]; a != nil && !differ(a.Identifiers, s.ids, i.Type.Strength()) {
			return candidate
		}
	}
	return 0
}

// differ says whether two sets of identifiers cannot be of one asset: both have
// a type stronger than above, names and addresses left out, and share no value of it.
func differ(a, b []gyre.Identifier, above int) bool {
	for _, i := range a {
		t := i.Type
		if t.Strength() <= above || t.Strength() < gyre.IDMAC.Strength() {
			continue
		}
		theirs, shared := 0, false
		for _, j := range b {
			if j.Type == t && j.Zone == i.Zone {
				theirs++
				shared = shared || slices.Contains(a, j)
			}
		}
		if theirs > 0 && !shared {
			return true
		}
	}
	return false
}

func (a *known) note(field string) {
	if !slices.Contains(a.changes, field) {
		a.changes = append(a.changes, field)
	}
}
