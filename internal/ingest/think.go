// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"fmt"
	"slices"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/ingest/identity"
)

// How many claims a batch is thought through with: so many, and so many more for
// each of its own. What hangs together beyond that, by addresses that pass from hand to
// hand, is held together by stronger identifiers only.
const (
	maxThought       = 5000
	maxThoughtPerOwn = 20
)

// thought is what a batch is thought through with.
type thought struct {
	claims []gyre.Claim
	rules  []gyre.IdentityRule
	own    map[gyre.ID]*made
	// left are own claims that have none of the identifiers that count.
	left []*made
	// target is the asset of each number of the result, after it was settled.
	target []gyre.ID
}

// think finds out who is who among the claims and all that hangs together with
// them, and makes the estate so.
func (w *write) think(ctx context.Context, all []sighting, claims []*made) error {
	var t *thought
	for _, weakest := range []gyre.IdentifierType{gyre.IDIP, gyre.IDHostname, gyre.IDMAC} {
		var err error
		if t, err = w.gather(ctx, claims, weakest.Strength()); err != nil {
			return err
		}
		if t != nil {
			break
		}
		w.event(gyre.Event{
			Object: "run", ID: w.run.ID, Kind: "identity", Reason: "too much hangs together by " + string(weakest) + " to think it through: stronger identifiers decide",
		})
	}
	if t == nil {
		return gyre.Errorf(gyre.TooLarge, "the assets of one batch share identifiers with more than %d claims", maxThought+maxThoughtPerOwn*len(claims))
	}
	r := t.resolve(w.binding)
	if err := w.settle(ctx, all, t, r); err != nil {
		return err
	}
	if err := w.placeLeft(ctx, t); err != nil {
		return err
	}
	return w.ask(ctx, t, r)
}

func (t *thought) resolve(b identity.Binding) *identity.Result {
	claims := make([]identity.Claim, len(t.claims))
	for i, c := range t.claims {
		claims[i] = identity.Claim{ID: c.ID, Family: c.Family, Identifiers: c.Identifiers, First: c.FirstSeen, Last: c.LastSeen}
	}
	rules := make([]identity.Rule, len(t.rules))
	for i, r := range t.rules {
		rules[i] = identity.Rule{Same: r.Kind == gyre.RuleSame, Sides: r.Sides}
	}
	return identity.Resolve(claims, rules, b)
}

// gather loads what hangs together with claims by identifiers that are at least
// so strong, by assets and by rules. It gives up, with nil, when that is too much.
func (w *write) gather(ctx context.Context, claims []*made, strength int) (*thought, error) {
	t := &thought{own: map[gyre.ID]*made{}}
	g := &gathering{
		strength: strength, loaded: map[gyre.ID]gyre.Claim{}, asked: map[string]map[gyre.Identifier]bool{}, ask: map[string][]gyre.Identifier{},
		assets: map[gyre.ID]bool{}, rules: map[gyre.ID]gyre.IdentityRule{},
	}
	for _, m := range claims {
		own := m.Claim
		own.Identifiers = g.counting(m.Identifiers)
		if len(own.Identifiers) == 0 {
			t.left = append(t.left, m)
			continue
		}
		t.own[m.ID] = m
		if m.isNew {
			g.add(own)
		} else {
			g.ids = append(g.ids, m.ID)
		}
	}
	limit := maxThought + maxThoughtPerOwn*len(claims)
	for g.more() {
		if err := g.round(ctx, w.tx); err != nil {
			return nil, err
		}
		if len(g.loaded) > limit {
			return nil, nil
		}
	}
	for _, id := range sortedKeys(g.loaded) {
		c := g.loaded[id]
		if m := t.own[id]; m != nil && !m.isNew { // with the time of this batch
			c.LastSeen, c.FirstSeen = later(c.LastSeen, w.at), earlier(c.FirstSeen, w.at)
		}
		if c.Identifiers = g.counting(c.Identifiers); len(c.Identifiers) > 0 {
			t.claims = append(t.claims, c)
		}
	}
	for _, id := range sortedKeys(g.rules) {
		t.rules = append(t.rules, g.rules[id])
	}
	return t, nil
}

// gathering is a search for all that hangs together.
type gathering struct {
	strength int
	loaded   map[gyre.ID]gyre.Claim
	asked    map[string]map[gyre.Identifier]bool // by family
	assets   map[gyre.ID]bool
	rules    map[gyre.ID]gyre.IdentityRule
	// What to look for next.
	ask     map[string][]gyre.Identifier
	ids, of []gyre.ID // claims, and assets of claims
	unruled []gyre.ID // claims whose rules are not loaded
}

func (g *gathering) counting(ids []gyre.Identifier) []gyre.Identifier {
	if i := slices.IndexFunc(ids, func(i gyre.Identifier) bool { return i.Type.Strength() < g.strength }); i < 0 {
		return ids
	}
	return slices.DeleteFunc(slices.Clone(ids), func(i gyre.Identifier) bool { return i.Type.Strength() < g.strength })
}

func (g *gathering) more() bool {
	return len(g.ask) > 0 || len(g.ids) > 0 || len(g.of) > 0 || len(g.unruled) > 0
}

// add takes in a claim and notes what hangs on it.
func (g *gathering) add(c gyre.Claim) {
	if _, twice := g.loaded[c.ID]; twice {
		return
	}
	g.loaded[c.ID] = c
	g.unruled = append(g.unruled, c.ID)
	asked := g.asked[c.Family]
	if asked == nil {
		asked = map[gyre.Identifier]bool{}
		g.asked[c.Family] = asked
	}
	for _, i := range g.counting(c.Identifiers) {
		if !asked[i] {
			asked[i] = true
			g.ask[c.Family] = append(g.ask[c.Family], i)
		}
	}
	if c.Asset != 0 && !g.assets[c.Asset] {
		g.assets[c.Asset] = true
		g.of = append(g.of, c.Asset)
	}
}

// round looks one step further.
func (g *gathering) round(ctx context.Context, tx Tx) error {
	ids, of := g.ids, g.of
	g.ids, g.of = nil, nil
	for _, family := range sortedKeys(g.ask) {
		found, err := tx.ClaimsSharing(ctx, family, g.ask[family])
		if err != nil {
			return err
		}
		ids = append(ids, found...)
	}
	clear(g.ask)
	rules, err := tx.RulesOf(ctx, g.unruled)
	if err != nil {
		return err
	}
	g.unruled = nil
	for _, r := range rules {
		if _, have := g.rules[r.ID]; !have {
			g.rules[r.ID] = r
			ids = append(append(ids, r.Sides[0]...), r.Sides[1]...)
		}
	}
	ids = slices.DeleteFunc(ids, func(id gyre.ID) bool { _, have := g.loaded[id]; return have })
	if len(ids) == 0 && len(of) == 0 {
		return nil
	}
	found, err := tx.Claims(ctx, ids, of)
	for _, c := range found {
		g.add(c)
	}
	return err
}

// placeLeft gives claims that hold nothing that counted to whoever has their
// identifiers, or to an asset of their own.
func (w *write) placeLeft(ctx context.Context, t *thought) error {
	var fresh []gyre.Claim
	for _, m := range t.left {
		if !m.isNew {
			continue
		}
		owners, err := w.tx.AssetsByIdentifier(ctx, m.Family, m.Identifiers)
		if err != nil {
			return err
		}
		for _, i := range m.Identifiers {
			if m.asset == 0 {
				m.asset = owners[i]
			}
		}
		if m.asset == 0 {
			m.asset = gyre.NewID()
		}
		m.Asset = m.asset
		fresh = append(fresh, m.Claim)
	}
	return w.tx.SaveClaims(ctx, fresh)
}

// ask puts what is in doubt before persons, and takes back what is not any more.
func (w *write) ask(ctx context.Context, t *thought, r *identity.Result) error {
	var ids []gyre.ID
	for _, c := range t.claims {
		ids = append(ids, c.ID)
	}
	doubtful := map[gyre.ID]bool{}
	want := map[gyre.ID]bool{}
	for _, d := range r.Doubts {
		doubtful[t.claims[d.Claim].ID] = true
		for _, k := range d.Candidates {
			want[t.target[k.Asset]] = true
		}
	}
	if err := w.tx.SettleReviews(ctx, ids, doubtful); err != nil || len(r.Doubts) == 0 {
		return err
	}
	assets, err := w.tx.Assets(ctx, sortedKeys(want))
	if err != nil {
		return err
	}
	names := map[gyre.ID]string{}
	for _, a := range assets {
		names[a.ID] = a.Name
	}
	var reviews []gyre.Review
	for _, d := range r.Doubts {
		c := t.claims[d.Claim]
		rv := gyre.Review{Claim: c.ID, Asset: t.target[r.Of[d.Claim]]}
		for _, k := range d.Candidates {
			if id := t.target[k.Asset]; names[id] != "" && len(rv.Candidates) < maxCandidates {
				rv.Candidates = append(rv.Candidates, gyre.ReviewCandidate{Asset: id, Name: names[id], Shared: k.Shared, Last: k.Last})
			}
		}
		if len(rv.Candidates) > 1 {
			rv.Suggestion = rv.Candidates[0].Asset
			rv.Why = why(c, d, rv.Candidates)
			reviews = append(reviews, rv)
		}
	}
	return w.tx.SaveReviews(ctx, reviews)
}

const maxCandidates = 20

// why says what is in doubt and what speaks for the first candidate.
func why(c gyre.Claim, d identity.Doubt, all []gyre.ReviewCandidate) string {
	text := fmt.Sprintf("%s %s, seen by %s, is held by %d assets that cannot be one", d.By.Type, d.By.Value, c.Source, len(d.Candidates))
	a, b := all[0], all[1]
	switch {
	case a.Shared > b.Shared:
		return fmt.Sprintf("%s; %s shares most identifiers with it (%d)", text, a.Name, a.Shared)
	case a.Last.After(b.Last):
		return fmt.Sprintf("%s; it was seen last on %s", text, a.Name)
	}
	return text + "; nothing speaks for one of them more than for the other"
}
