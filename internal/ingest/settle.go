// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/ingest/identity"
)

// moving are claims on their way from one asset to another.
type moving struct {
	from, into gyre.ID
	claims     []int
}

// settle makes the estate what the result says: IDs stay where most claims are,
// assets that are one are merged, claims that are of another asset move.
func (w *write) settle(ctx context.Context, all []sighting, t *thought, r *identity.Result) error {
	t.target = targets(t, r)
	moves, merges := t.changes(r)
	names, err := w.assetsOf(ctx, moves, merges)
	if err != nil {
		return err
	}
	for _, m := range moves {
		if err := w.split(ctx, t, r, m, names); err != nil {
			return err
		}
	}
	for _, m := range merges {
		w.reshaped = true
		err := w.tx.MergeAsset(ctx, gyre.Merge{From: m.from, Into: m.into, Reason: t.reason(r, m), Actor: actor(w.run), Run: w.run.ID})
		if err != nil {
			return err
		}
		w.merged[m.from], w.made[m.from] = m.into, m.into
	}
	return w.saveClaims(ctx, t, r)
}

// targets says which asset each number of the result is: the one that most of its
// claims have, of two such the older one; a new one for those that are left.
func targets(t *thought, r *identity.Result) []gyre.ID {
	type pair struct {
		asset gyre.ID
		n     int
	}
	counts := map[pair]int{}
	for i, c := range t.claims {
		if c.Asset != 0 {
			counts[pair{c.Asset, r.Of[i]}]++
		}
	}
	pairs := make([]pair, 0, len(counts))
	for p := range counts {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(counts[b]-counts[a], cmp.Compare(a.asset, b.asset), a.n-b.n)
	})
	out := make([]gyre.ID, r.N)
	taken := map[gyre.ID]bool{}
	for _, p := range pairs {
		if out[p.n] == 0 && !taken[p.asset] {
			out[p.n], taken[p.asset] = p.asset, true
		}
	}
	for n := range out {
		if out[n] == 0 {
			out[n] = gyre.NewID()
		}
	}
	return out
}

// changes are the claims that are of another asset than they were given to, and
// the assets that none is left of.
func (t *thought) changes(r *identity.Result) (moves, merges []moving) {
	of := map[gyre.ID]map[gyre.ID][]int{} // asset → target → claims
	for i, c := range t.claims {
		if c.Asset == 0 {
			continue
		}
		if of[c.Asset] == nil {
			of[c.Asset] = map[gyre.ID][]int{}
		}
		to := t.target[r.Of[i]]
		of[c.Asset][to] = append(of[c.Asset][to], i)
	}
	for _, asset := range sortedKeys(of) {
		stays := asset
		if of[asset][asset] == nil { // it goes where most of it goes
			for _, to := range sortedKeys(of[asset]) {
				if len(of[asset][to]) > len(of[asset][stays]) {
					stays = to
				}
			}
			merges = append(merges, moving{asset, stays, of[asset][stays]})
		}
		for _, to := range sortedKeys(of[asset]) {
			if to != stays {
				moves = append(moves, moving{asset, to, of[asset][to]})
			}
		}
	}
	return moves, merges
}

// assetsOf reads the assets that moves and merges are about.
func (w *write) assetsOf(ctx context.Context, parts ...[]moving) (map[gyre.ID]*gyre.Asset, error) {
	want := map[gyre.ID]bool{}
	for _, part := range parts {
		for _, m := range part {
			want[m.from], want[m.into] = true, true
		}
	}
	if len(want) == 0 {
		return nil, nil
	}
	found, err := w.tx.Assets(ctx, sortedKeys(want))
	out := make(map[gyre.ID]*gyre.Asset, len(found))
	for i := range found {
		out[found[i].ID] = &found[i]
	}
	return out, err
}

// split moves claims to the asset that they turned out to be of, which may be new.
func (w *write) split(ctx context.Context, t *thought, r *identity.Result, m moving, names map[gyre.ID]*gyre.Asset) error {
	from := names[m.from]
	if from == nil {
		return gyre.Errorf(gyre.Internal, "claims of asset %s, which is not there", m.from)
	}
	if names[m.into] == nil {
		a := t.assetFor(m, from)
		if err := w.tx.SaveAssets(ctx, []gyre.Asset{a}); err != nil {
			return err
		}
		w.event(gyre.Event{Object: "asset", ID: a.ID, Kind: "created", To: a.Name, Reason: "it was taken for " + from.Name})
		w.counts.NewAssets++
		names[m.into] = &a
	}
	sp := gyre.Split{Merge: gyre.Merge{
		From: m.from, Into: m.into, FromName: from.Name, IntoName: names[m.into].Name, Actor: actor(w.run), Run: w.run.ID,
		Reason: t.splitReason(m),
	}}
	moves := map[int]bool{}
	for n, i := range m.claims {
		moves[i] = true
		sp.Claims = append(sp.Claims, t.claims[i].ID)
		since := r.Since[i]
		if n == 0 || since.Before(sp.Since) {
			sp.Since = since
		}
	}
	stay, gone := map[string]bool{}, map[string]bool{}
	for i, c := range t.claims {
		switch {
		case moves[i]:
			gone[c.Source] = true
		case c.Asset == m.from:
			stay[c.Source] = true
		}
	}
	for _, source := range sortedKeys(gone) {
		if !stay[source] {
			sp.Source = append(sp.Source, source)
		}
	}
	w.reshaped = true
	if err := w.tx.SplitAsset(ctx, sp); err != nil {
		return err
	}
	for _, i := range m.claims {
		c := &t.claims[i]
		c.Asset = m.into
		owners := slices.Repeat([]gyre.ID{m.into}, len(c.Identifiers))
		if err := w.tx.SaveIdentifiers(ctx, c.Family, c.Identifiers, owners, c.LastSeen); err != nil {
			return err
		}
	}
	return nil
}

// assetFor is a new asset for claims that were another's.
func (t *thought) assetFor(m moving, from *gyre.Asset) gyre.Asset {
	a := gyre.Asset{ID: m.into, Workspace: from.Workspace, Kind: from.Kind, Zone: from.Zone, Attributes: map[string]string{}}
	var ids []gyre.Identifier
	for _, i := range m.claims {
		c := t.claims[i]
		ids = append(ids, c.Identifiers...)
		a.FirstSeen, a.LastSeen = earlier(a.FirstSeen, c.FirstSeen), later(a.LastSeen, c.LastSeen)
	}
	a.Name = nameOf(&sighting{AssetSighting: &gyre.AssetSighting{Kind: from.Kind}, ids: ids})
	return a
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// saveClaims stores the new claims, and what is to be thought through again.
func (w *write) saveClaims(ctx context.Context, t *thought, r *identity.Result) error {
	var fresh []gyre.Claim
	change := map[bool][]gyre.ID{}
	for i := range t.claims {
		c := &t.claims[i]
		c.Asset = t.target[r.Of[i]]
		if m := t.own[c.ID]; m != nil {
			m.asset = t.target[r.Holder(i, w.at)]
			if m.isNew {
				m.Claim.Asset, m.Claim.Contested = c.Asset, r.Contested[i]
				fresh = append(fresh, m.Claim)
				continue
			}
		}
		if c.Contested != r.Contested[i] {
			change[r.Contested[i]] = append(change[r.Contested[i]], c.ID)
		}
	}
	if err := w.tx.SaveClaims(ctx, fresh); err != nil {
		return err
	}
	for _, contested := range []bool{false, true} {
		if err := w.tx.SetContested(ctx, change[contested], contested); err != nil {
			return err
		}
	}
	return nil
}

// reason says why two assets are one: what both hold, or which claim holds
// something of each.
func (t *thought) reason(r *identity.Result, m moving) string {
	n := r.Of[m.claims[0]]
	theirs, ours := map[gyre.Identifier]string{}, map[gyre.Identifier]string{}
	for i, c := range t.claims {
		if r.Of[i] != n || c.Asset == 0 {
			continue
		}
		side := ours
		if c.Asset == m.from {
			side = theirs
		}
		for _, id := range c.Identifiers {
			if side[id] == "" {
				side[id] = c.Source
			}
		}
	}
	var both []string
	for _, id := range sortIdentifiers(theirs) {
		if by := ours[id]; by != "" {
			both = append(both, fmt.Sprintf("%s (%s and %s)", identifierText(id), theirs[id], by))
		}
	}
	if len(both) > 0 {
		return "both have " + listed(both)
	}
	for i, c := range t.claims { // the claim that ties them
		if r.Of[i] != n || c.Asset != 0 {
			continue
		}
		var a, b string
		for _, id := range c.Identifiers {
			if a == "" && theirs[id] != "" {
				a = fmt.Sprintf("%s (%s)", identifierText(id), theirs[id])
			}
			if b == "" && ours[id] != "" {
				b = fmt.Sprintf("%s (%s)", identifierText(id), ours[id])
			}
		}
		if a != "" && b != "" {
			return fmt.Sprintf("%s says that %s and %s are of one", c.Source, a, b)
		}
	}
	return "what sources say of other assets ties them together, or a person's rule"
}

func (t *thought) splitReason(m moving) string {
	var ids []string
	for _, i := range m.claims {
		for _, id := range t.claims[i].Identifiers {
			if text := identifierText(id); !slices.Contains(ids, text) {
				ids = append(ids, text)
			}
		}
	}
	return "what has " + listed(ids) + " is another asset"
}

func identifierText(i gyre.Identifier) string { return string(i.Type) + " " + i.Value }

func sortIdentifiers(m map[gyre.Identifier]string) []gyre.Identifier {
	out := make([]gyre.Identifier, 0, len(m))
	for i := range m {
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b gyre.Identifier) int {
		return cmp.Or(b.Type.Strength()-a.Type.Strength(), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Zone, b.Zone))
	})
	return out
}

// listed names a few of many.
func listed(all []string) string {
	const most = 4
	if len(all) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
	}
	return strings.Join(all, ", ")
}
