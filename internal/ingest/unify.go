// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/correlate"
	"github.com/gyre-ctem/gyre/internal/locus"
)

// Names are resolved anew at most this many at a time, and what hangs together
// with them is followed up to maxGraph names, far more than a weakness has.
const (
	pendingNames = 500
	maxGraph     = 20_000
)

// Unify resolves the names that advisories speak of in another way than they
// did: weaknesses that are one now are made one, with their exposures, and those that are
// one no longer are taken apart. It returns the number of names it looked at.
func (in *Ingest) Unify(ctx context.Context, ws gyre.ID) (int, error) {
	total := 0
	for {
		n := 0
		err := in.InTx(ctx, ws, func(tx Tx) error {
			names, err := tx.PendingNames(ctx, pendingNames)
			if err != nil || len(names) == 0 {
				return err
			}
			n = len(names)
			w := &write{tx: tx, run: gyre.Run{Workspace: ws}, at: in.now()}
			if err := w.unify(ctx, names, nil); err != nil {
				return err
			}
			return tx.DonePending(ctx, names)
		})
		if err != nil {
			return total, fmt.Errorf("unite weaknesses: %w", err)
		}
		if total += n; n < pendingNames {
			return total, nil
		}
	}
}

// unify resolves names, with all that hangs together with them, and makes the
// stored weaknesses follow. of says what a report tells of a name that is new; nil: none is.
//
// What comes of it depends on what is said of the names and not on what was
// stored when: each group of names has one weakness, whose key and aliases they are, and an
// exposure belongs to the group of the name by which its source calls it.
func (w *write) unify(ctx context.Context, names []string, of func(string) *gyre.Weakness) error {
	said, err := w.rules(ctx)
	if err != nil {
		return err
	}
	ties, all, err := w.graph(ctx, names, said)
	if err != nil {
		return err
	}
	u := &unifying{w: w, of: of, key: correlate.Resolve(all, ties, said.apart), ties: ties, groups: map[string][]string{}}
	for _, n := range all {
		u.groups[u.key[n]] = append(u.groups[u.key[n]], n)
	}
	if err := u.load(ctx, all); err != nil {
		return err
	}
	w.renamed = w.renamed || len(u.rows) > 0
	// Every group gets its row before anything moves into one.
	order := sortedKeys(u.groups)
	for _, step := range []func(context.Context, string) error{u.settle, u.split, u.merge, u.meet, u.name} {
		for _, key := range order {
			if err := step(ctx, key); err != nil {
				return err
			}
		}
	}
	return u.save(ctx)
}

// graph collects what is said of names and of those that it leads to. CVEs that
// only a bulletin leads to are left alone: it says nothing of them.
func (w *write) graph(ctx context.Context, names []string, said persons) (ties []gyre.Tie, all []string, err error) {
	seen := make(map[string]bool, len(names))
	for _, n := range names {
		seen[n] = true
	}
	for ask := sortedKeys(seen); len(ask) > 0; {
		part, err := w.tx.Ties(ctx, ask)
		if err != nil {
			return nil, nil, err
		}
		part = append(part, said.of(ask)...)
		ties = append(ties, part...)
		cves := map[string]map[string]bool{}
		for _, e := range bothWays(part) {
			if correlate.IsCVE(e[1]) {
				if cves[e[0]] == nil {
					cves[e[0]] = map[string]bool{}
				}
				cves[e[0]][e[1]] = true
			}
		}
		asked := make(map[string]bool, len(ask))
		for _, n := range ask {
			asked[n] = true
		}
		ask = nil
		for _, e := range bothWays(part) {
			if asked[e[0]] && !seen[e[1]] && len(seen) < maxGraph && (!correlate.IsCVE(e[1]) || len(cves[e[0]]) == 1) {
				seen[e[1]] = true
				ask = append(ask, e[1])
			}
		}
		if len(ask) > 0 || len(ties) == 0 {
			continue
		}
		// Of several CVEs that a name is said to be, the one that it is counts too.
		for n, key := range correlate.Resolve(sortedKeys(seen), ties, said.apart) {
			if seen[n] && !seen[key] {
				seen[key] = true
				ask = append(ask, key)
			}
		}
	}
	return ties, sortedKeys(seen), nil
}

func bothWays(ties []gyre.Tie) [][2]string {
	out := make([][2]string, 0, 2*len(ties))
	for _, t := range ties {
		out = append(out, [2]string{t.Name, t.Other}, [2]string{t.Other, t.Name})
	}
	return out
}

// unifying is one resolution on its way into the store.
type unifying struct {
	w      *write
	of     func(string) *gyre.Weakness
	key    map[string]string   // name → key of its group
	groups map[string][]string // key → names
	ties   []gyre.Tie
	now    map[string]gyre.ID         // name → weakness, as stored and then as it will be
	rows   map[gyre.ID]*gyre.Weakness // of now, and those kept under one of the names
	hidden map[gyre.ID]gyre.ID        // of rows: merged into
	into   map[string]gyre.ID         // key of a group → its weakness; 0: it has none
	back   map[gyre.ID][]gyre.ID      // rows that came back out of others, which have some of their exposures again
	dirty  map[gyre.ID]string         // rows to save, and what became of them
	met    map[gyre.ID]bool           // rows that exposures of others came to
}

func (u *unifying) load(ctx context.Context, all []string) error {
	var err error
	if u.now, err = u.w.tx.WeaknessesByAlias(ctx, all); err != nil {
		return err
	}
	kept, hidden, err := u.w.tx.KeptWeaknesses(ctx, all)
	if err != nil {
		return err
	}
	u.rows, u.hidden, u.into, u.dirty, u.met = map[gyre.ID]*gyre.Weakness{}, hidden, map[string]gyre.ID{}, map[gyre.ID]string{}, map[gyre.ID]bool{}
	u.back = map[gyre.ID][]gyre.ID{}
	for i := range kept {
		u.rows[kept[i].ID] = &kept[i]
	}
	var missing []gyre.ID
	for _, id := range u.now {
		if u.rows[id] == nil {
			u.rows[id] = &gyre.Weakness{}
			missing = append(missing, id)
		}
	}
	slices.Sort(missing)
	rest, err := u.w.tx.Weaknesses(ctx, missing)
	for i := range rest {
		u.rows[rest[i].ID] = &rest[i]
	}
	return err
}

// home lists the rows that stand under a name of the group, the oldest first.
func (u *unifying) home(key string) []gyre.ID {
	var out []gyre.ID
	for id, r := range u.rows {
		if u.hidden[id] == 0 && u.key[r.Key] == key {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// settle finds or makes the row of a group. One that nobody needs gets none: no
// report and no stored weakness has a name of it.
func (u *unifying) settle(ctx context.Context, key string) error {
	home := u.home(key)
	for _, id := range home {
		if u.rows[id].Key == key {
			u.into[key] = id
			return nil
		}
	}
	// One that was merged away under this very name comes back.
	for id, r := range u.rows {
		if u.hidden[id] != 0 && r.Key == key && (len(home) > 0 || u.needed(key)) {
			if err := u.w.tx.UnmergeWeakness(ctx, id, u.actor()); err != nil {
				return err
			}
			for from := u.hidden[id]; from != 0; from = u.hidden[from] {
				u.back[from] = append(u.back[from], id)
			}
			delete(u.hidden, id)
			u.into[key], u.dirty[id] = id, "updated"
			return nil
		}
	}
	if len(home) > 0 {
		r := u.rows[home[0]]
		r.Key, u.into[key], u.dirty[r.ID] = key, r.ID, "updated"
		return nil
	}
	r, err := u.fresh(ctx, key)
	if err != nil || r == nil {
		return err
	}
	u.rows[r.ID], u.into[key], u.dirty[r.ID] = r, r.ID, "created"
	return nil
}

// needed says whether a report has a name of the group right now.
func (u *unifying) needed(key string) bool {
	return u.reported(key) != nil || slices.ContainsFunc(u.groups[key], func(n string) bool { return u.now[n] != 0 })
}

func (u *unifying) reported(key string) *gyre.Weakness {
	if u.of == nil {
		return nil
	}
	for _, n := range u.groups[key] {
		if r := u.of(n); r != nil {
			return r
		}
	}
	return nil
}

// fresh makes the row of a group that has none: from what a report says, or from
// the one that its names leave, if a source calls something there by them.
func (u *unifying) fresh(ctx context.Context, key string) (*gyre.Weakness, error) {
	from := u.reported(key)
	if from == nil {
		for _, n := range u.groups[key] {
			for _, id := range u.holding(n) {
				used, err := u.w.tx.HasNamed(ctx, id, u.groups[key])
				if err != nil {
					return nil, err
				}
				if used && from == nil {
					from = u.rows[id]
				}
			}
		}
	}
	if from == nil {
		return nil, nil
	}
	r := *from
	r.ID, r.Key, r.Aliases = gyre.NewID(), key, nil
	return &r, nil
}

// holding are the rows that may have what is called by a name: the one whose
// name it is, and those that came back out of that one.
func (u *unifying) holding(name string) []gyre.ID {
	id := u.now[name]
	if id == 0 {
		return nil
	}
	return append([]gyre.ID{id}, u.back[id]...)
}

// split takes what is called by names of the group out of rows of other groups.
func (u *unifying) split(ctx context.Context, key string) error {
	leave := map[gyre.ID][]string{}
	for _, n := range u.groups[key] {
		for _, id := range u.holding(n) {
			if id != u.into[key] && u.key[u.rows[id].Key] != key {
				leave[id] = append(leave[id], n)
			}
		}
	}
	for _, id := range sortedKeys(leave) {
		if u.into[key] == 0 {
			continue
		}
		m := u.merging(id, u.into[key], "they are not one weakness: "+u.why(leave[id]))
		if err := u.w.tx.MoveNamed(ctx, m, leave[id]); err != nil {
			return err
		}
		u.met[u.into[key]] = true
	}
	return nil
}

// merge makes the other rows of the group one with its own.
func (u *unifying) merge(ctx context.Context, key string) error {
	into := u.into[key]
	if into == 0 {
		return nil
	}
	for _, id := range u.home(key) {
		if id == into {
			continue
		}
		if err := u.w.tx.MergeWeakness(ctx, u.merging(id, into, u.why([]string{u.rows[id].Key, key}))); err != nil {
			return err
		}
		u.hidden[id], u.met[into] = into, true
		if join(u.rows[into], u.rows[id], "") {
			u.changed(into)
		}
	}
	return nil
}

// meet makes exposures one whose weaknesses are one now and of which one says
// more exactly where the package lies; locate does so for findings.
func (u *unifying) meet(ctx context.Context, key string) error {
	into := u.into[key]
	if !u.met[into] {
		return nil
	}
	all, err := u.w.tx.ExposuresOfWeakness(ctx, into)
	if err != nil {
		return err
	}
	at := map[gyre.ID][]gyre.Exposure{} // by asset
	for _, e := range all {
		at[e.Asset] = append(at[e.Asset], e)
	}
	for _, asset := range sortedKeys(at) {
		for _, vague := range at[asset] {
			var exact *gyre.Exposure
			for i := range at[asset] {
				if e := &at[asset][i]; e.Aspect == vague.Aspect && locus.SameThing(vague.Place, e.Place) && (exact == nil || e.Place < exact.Place) {
					exact = e
				}
			}
			if exact == nil {
				continue
			}
			m := gyre.Merge{
				From: vague.ID, Into: exact.ID, FromName: vague.Locus, IntoName: exact.Locus, Actor: u.actor(), Run: u.w.run.ID,
				Reason: fmt.Sprintf("they are %s, and %s says where %s is", u.rows[into].Key, exact.Locus, vague.Locus),
			}
			if err := u.w.tx.MergeExposure(ctx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// name gives the group's row its names.
func (u *unifying) name(_ context.Context, key string) error {
	into := u.into[key]
	for _, n := range u.groups[key] {
		if was := u.now[n]; was != 0 && was != into {
			u.unname(was, n)
		}
		if into != 0 || u.now[n] != 0 {
			u.now[n] = into
		}
	}
	if into == 0 {
		return nil
	}
	r := u.rows[into]
	aliases := slices.DeleteFunc(slices.Clone(u.groups[key]), func(n string) bool { return n == key })
	slices.Sort(aliases)
	aliases = aliases[:min(len(aliases), maxListed)]
	related := slices.DeleteFunc(slices.Clone(r.Related), func(n string) bool { return n == key || slices.Contains(aliases, n) })
	if slices.Equal(aliases, r.Aliases) && len(related) == len(r.Related) {
		return nil
	}
	r.Aliases, r.Related = aliases, related
	u.changed(into)
	return nil
}

// unname takes a name off a row that it leaves. The graph need not have led to
// the row's own group.
func (u *unifying) unname(id gyre.ID, name string) {
	r := u.rows[id]
	if i := slices.Index(r.Aliases, name); i >= 0 && u.hidden[id] == 0 {
		r.Aliases = slices.Delete(slices.Clone(r.Aliases), i, i+1)
		u.changed(id)
	}
}

func (u *unifying) changed(id gyre.ID) {
	if u.dirty[id] == "" {
		u.dirty[id] = "updated"
	}
}

// save stores the rows and the names. A row that gives up a key comes before
// one that takes it.
func (u *unifying) save(ctx context.Context) error {
	for _, what := range []string{"updated", "created"} {
		var all []gyre.Weakness
		for _, id := range sortedKeys(u.dirty) {
			if u.dirty[id] == what && u.hidden[id] == 0 {
				u.w.tx.Append(gyre.Event{Object: "weakness", ID: id, Kind: what, To: u.rows[id].Key, Actor: u.actor(), Run: u.w.run.ID})
				all = append(all, *u.rows[id])
			}
		}
		if err := u.w.tx.SaveWeaknesses(ctx, all); err != nil {
			return err
		}
	}
	return u.w.tx.SetNames(ctx, u.now)
}

func (u *unifying) actor() string {
	if u.w.run.ID != 0 {
		return actor(u.w.run)
	}
	return cmp.Or(u.w.by, "system")
}

func (u *unifying) merging(from, into gyre.ID, why string) gyre.Merge {
	return gyre.Merge{
		From: from, Into: into, FromName: u.rows[from].Key, IntoName: u.rows[into].Key, Reason: prose(why, 1<<10), Actor: u.actor(), Run: u.w.run.ID,
	}
}

// why says who ties names, for people.
func (u *unifying) why(names []string) string {
	var out []string
	for _, t := range u.ties {
		if slices.Contains(names, t.Name) || slices.Contains(names, t.Other) {
			if s := fmt.Sprintf("%s says that %s is %s", t.Source, t.Name, t.Other); !slices.Contains(out, s) && len(out) < 5 {
				out = append(out, s)
			}
		}
	}
	if len(out) == 0 {
		return "nothing ties them any more"
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}
