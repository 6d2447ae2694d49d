// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/locus"
)

// locate finds the exposures that findings are of: those at their places; else
// those that were known by less (no fingerprint, no path), which become theirs. A
// vague finding, of a package without a path, is of every place where that package
// lies on its asset, so what is returned can hold more findings than came in.
//
// The places that come of it do not depend on who came first: those with a path
// if there is one, else the vague one.
func (w *write) locate(ctx context.Context, all []finding) ([]finding, map[place]*gyre.Exposure, error) {
	have := make(map[place]*gyre.Exposure, len(all))
	found, err := w.exposuresAt(ctx, len(all), func(i int) place { return all[i].place })
	if err != nil {
		return nil, nil, err
	}
	for i := range found {
		e := &found[i]
		have[place{e.Asset, e.Weakness, e.Place}] = e
	}
	all, err = w.spread(ctx, all, have)
	if err != nil {
		return nil, nil, err
	}
	return all, have, w.adopt(ctx, all, have)
}

// exposuresAt reads the exposures at n places.
func (w *write) exposuresAt(ctx context.Context, n int, of func(int) place) ([]gyre.Exposure, error) {
	assets, weaknesses, keys := make([]gyre.ID, 0, n), make([]gyre.ID, 0, n), make([]string, 0, n)
	for i := range n {
		if p := of(i); !w.bare(p.asset) {
			assets, weaknesses, keys = append(assets, p.asset), append(weaknesses, p.weakness), append(keys, p.key)
		}
	}
	return w.tx.FindExposures(ctx, assets, weaknesses, keys)
}

// bare says that an asset can have no exposures yet, so that nobody need look.
func (w *write) bare(asset gyre.ID) bool { return w.fresh[asset] && !w.reshaped }

// spread puts a finding at each place where what it vaguely names lies, stored
// or in the same batch.
func (w *write) spread(ctx context.Context, all []finding, have map[place]*gyre.Exposure) ([]finding, error) {
	type pair struct{ asset, weakness gyre.ID }
	var vague []int
	asked := map[pair]bool{}
	var assets, weaknesses []gyre.ID
	for i := range all {
		f := &all[i]
		if !f.lies.Vague || have[f.place] != nil {
			continue
		}
		vague = append(vague, i)
		if p := (pair{f.asset, f.weakness}); !asked[p] {
			asked[p] = true
			if !w.bare(f.asset) {
				assets, weaknesses = append(assets, f.asset), append(weaknesses, f.weakness)
			}
		}
	}
	if len(vague) == 0 {
		return all, nil
	}
	stored, err := w.tx.ExposuresOfPairs(ctx, assets, weaknesses)
	if err != nil {
		return nil, err
	}
	exact := map[pair][]string{}
	taken := map[place]bool{}
	for i := range all {
		if f := &all[i]; !f.lies.Vague && asked[pair{f.asset, f.weakness}] {
			exact[pair{f.asset, f.weakness}] = append(exact[pair{f.asset, f.weakness}], f.key)
			taken[f.place] = true
		}
	}
	for i := range stored {
		e := &stored[i]
		p := place{e.Asset, e.Weakness, e.Place}
		exact[pair{e.Asset, e.Weakness}] = append(exact[pair{e.Asset, e.Weakness}], e.Place)
		if have[p] == nil {
			have[p] = e
		}
	}
	out := make([]finding, 0, len(all))
	next := 0
	for i := range all {
		f := all[i]
		if next == len(vague) || vague[next] != i {
			out = append(out, f)
			continue
		}
		next++
		keys := slices.DeleteFunc(slices.Clone(exact[pair{f.asset, f.weakness}]), func(k string) bool { return !locus.SameThing(f.key, k) })
		if len(keys) == 0 {
			out = append(out, f)
			continue
		}
		slices.Sort(keys)
		for _, k := range slices.Compact(keys) {
			if p := (place{f.asset, f.weakness, k}); !taken[p] { // else the same source is exact about it
				taken[p] = true
				f.key = k
				out = append(out, f)
			}
		}
	}
	return out, nil
}

// adopt gives findings that are of no stored exposure the one that is known by
// less than they tell, if there is one and no other finding is of it.
func (w *write) adopt(ctx context.Context, all []finding, have map[place]*gyre.Exposure) error {
	var weaker []place
	asked := map[place]bool{}
	for i := range all {
		f := &all[i]
		if have[f.place] != nil || f.lies.Key != f.key {
			continue
		}
		for _, k := range f.lies.Weaker {
			if p := (place{f.asset, f.weakness, k}); !asked[p] && have[p] == nil {
				asked[p] = true
				weaker = append(weaker, p)
			}
		}
	}
	if len(weaker) == 0 {
		return nil
	}
	stored, err := w.exposuresAt(ctx, len(weaker), func(i int) place { return weaker[i] })
	if err != nil || len(stored) == 0 {
		return err
	}
	free := map[place]*gyre.Exposure{}
	for i := range stored {
		e := &stored[i]
		free[place{e.Asset, e.Weakness, e.Place}] = e
	}
	// In order of key, so that it does not matter which of a batch comes first.
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(all[a].key, all[b].key) })
	for _, i := range order {
		f := &all[i]
		if have[f.place] != nil {
			continue
		}
		for _, k := range f.lies.Weaker {
			p := place{f.asset, f.weakness, k}
			if e := free[p]; e != nil {
				have[f.place] = e
				delete(free, p)
				break
			}
		}
	}
	return nil
}

// moved says of which exposures the run's source tells another locus than it
// did before.
func (w *write) moved(ctx context.Context, all []finding, have map[place]*gyre.Exposure) (map[gyre.ID]bool, error) {
	says := map[gyre.ID]string{}
	for i := range all {
		if e := have[all[i].place]; e != nil && e.Locus != all[i].Locus {
			says[e.ID] = all[i].Locus
		}
	}
	if len(says) == 0 {
		return nil, nil
	}
	said, err := w.tx.LociOf(ctx, w.run.Observer(), sortedKeys(says))
	if err != nil {
		return nil, err
	}
	out := make(map[gyre.ID]bool, len(said))
	for id, before := range said {
		out[id] = before != "" && before != says[id]
	}
	return out, nil
}
