// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/ingest/identity"
)

// who says which asset each sighting of a batch is of; 0 for those that claim nothing.
type who struct{ of []gyre.ID }

func (w *who) known() []gyre.ID {
	var out []gyre.ID
	for _, id := range w.of {
		if id != 0 {
			out = append(out, id)
		}
	}
	return out
}

// made is a claim that a batch makes.
type made struct {
	gyre.Claim
	isNew bool
	think bool  // it may change who is who
	by    []int // sightings
	asset gyre.ID
}

// whoIsWho finds out which assets the sightings of a batch are of. Claims that
// have been made before, and that nothing speaks against, cost one look-up of the whole
// batch. New ones are thought through together with all that shares an
// identifier with them, which may show that two assets are one, or that one is two.
func (w *write) whoIsWho(ctx context.Context, all []sighting) (*who, error) {
	out := &who{of: make([]gyre.ID, len(all))}
	claims, err := w.claims(ctx, all)
	if err != nil || len(claims) == 0 {
		return out, err
	}
	var again []gyre.ID
	var think []*made
	for _, m := range claims {
		m.asset = m.Asset
		if !m.isNew {
			again = append(again, m.ID)
		}
		if m.think {
			think = append(think, m)
		}
	}
	if err := w.tx.TouchClaims(ctx, again, w.at); err != nil {
		return nil, err
	}
	if len(think) > 0 {
		if err := w.think(ctx, all, think); err != nil {
			return nil, err
		}
	}
	for _, m := range claims {
		for _, i := range m.by {
			out.of[i] = w.now(m.asset)
		}
	}
	return out, nil
}

// digestOf names a claim: a family of assets and a set of identifiers.
func digestOf(family string, ids []gyre.Identifier) string {
	h := sha256.New()
	b := append(make([]byte, 0, 256), family...)
	for _, i := range ids {
		b = append(append(append(append(append(b, 0), i.Type...), 1), i.Value...), 1)
		b = append(b, i.Zone...)
	}
	_, _ = h.Write(b) // of a hash: never fails
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// claims are the different claims of a batch, each with what is stored of it.
func (w *write) claims(ctx context.Context, all []sighting) ([]*made, error) {
	var out []*made
	at := map[string]*made{}
	digests := make([]string, 0, len(all))
	add := func(i int, family string, ids []gyre.Identifier) *made {
		d := digestOf(family, ids)
		m := at[d]
		if m == nil {
			m = &made{isNew: true, think: true, Claim: gyre.Claim{Family: family, Source: w.run.Source, Digest: d, Identifiers: ids, FirstSeen: w.at, LastSeen: w.at}}
			at[d] = m
			out = append(out, m)
			digests = append(digests, d)
		}
		m.by = append(m.by, i)
		return m
	}
	for i := range all {
		if s := &all[i]; !s.KnownOnly && len(s.ids) > 0 {
			add(i, s.family, s.ids)
		}
	}
	if err := w.find(ctx, digests, at); err != nil {
		return nil, err
	}
	if err := w.tieRefs(ctx, all, out); err != nil {
		return nil, err
	}
	for _, m := range out {
		if m.isNew {
			m.ID = gyre.NewID()
		}
	}
	return out, nil
}

// find fills in what is stored of claims.
func (w *write) find(ctx context.Context, digests []string, at map[string]*made) error {
	stored, err := w.tx.FindClaims(ctx, w.run.Source, digests)
	if err != nil {
		return err
	}
	for _, c := range stored {
		m := at[c.Digest]
		if w.at.Before(c.FirstSeen.Add(-w.expiry(m.Identifiers))) || w.at.After(c.LastSeen.Add(w.expiry(m.Identifiers))) {
			continue // so long ago that it may have been another asset
		}
		ids := m.Identifiers
		m.Claim, m.isNew = c, false
		m.Identifiers = ids
		m.think = c.Contested || w.at.Before(c.FirstSeen)
	}
	return nil
}

// expiry is how long a claim lasts that nobody repeats.
func (w *write) expiry(ids []gyre.Identifier) time.Duration {
	d := w.binding.Name
	for _, i := range ids {
		if !identity.Weak(i.Type) {
			return 100 * 365 * 24 * time.Hour
		}
		if i.Type == gyre.IDIP {
			d = w.binding.Address
		}
	}
	return d
}

// tieRefs makes a new claim about something that the run has named before say that
// it is that: it takes over the strongest identifiers that it is known by.
func (w *write) tieRefs(ctx context.Context, all []sighting, claims []*made) error {
	ties := map[*made]gyre.ID{}
	var assets []gyre.ID
	for _, m := range claims {
		if !m.isNew {
			continue
		}
		for _, i := range m.by {
			if id, ok := w.lookup(all[i].Ref); ok && id != 0 {
				ties[m] = id
				assets = append(assets, id)
				break
			}
		}
	}
	if len(ties) == 0 {
		return nil
	}
	known, err := w.tx.Assets(ctx, assets)
	if err != nil {
		return err
	}
	at := map[string]*made{}
	var digests []string
	for m, id := range ties {
		i := slices.IndexFunc(known, func(a gyre.Asset) bool { return a.ID == id })
		if i < 0 || familyOf(known[i].Kind) != m.Family {
			continue
		}
		ids := slices.Clone(m.Identifiers)
		for n, add := range known[i].Identifiers {
			if add.Type.Strength() == known[i].Identifiers[0].Type.Strength() && n < maxListed && !slices.Contains(ids, add) {
				ids = append(ids, add)
			}
		}
		slices.SortFunc(ids, func(a, b gyre.Identifier) int {
			return cmp.Or(b.Type.Strength()-a.Type.Strength(), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Zone, b.Zone))
		})
		d := digestOf(m.Family, ids)
		if at[d] == nil {
			m.Identifiers, m.Digest = ids, d
			at[d] = m
			digests = append(digests, d)
		}
	}
	return w.find(ctx, digests, at)
}
