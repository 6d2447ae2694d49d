// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cycle

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/remediate"
)

// replan is one plan in the making.
type replan struct {
	*Plan
	ws      gyre.ID
	mark    string
	actions map[string]gyre.ID   // as they are stored, by key
	touched map[gyre.ID]bool     // stored actions that are planned anew
	groups  map[string][]gyre.ID // exposures that changed, by the key of their action
	changed []gyre.ID            // all of them, ascending
	members map[gyre.ID]int      // at most, of touched actions; nil: groups has them all
	keys    map[gyre.ID]string   // of weaknesses
	risk    func() (func(exposure gyre.ID) float64, error)
	// What exposures refer to, as far as it was read: parts.
	assets     map[gyre.ID]*gyre.Asset
	weaknesses map[gyre.ID]*gyre.Weakness
}

// everything puts all that is active into groups.
func (r *replan) everything(ctx context.Context) error {
	clear(r.groups)
	for _, action := range r.actions {
		r.touched[action] = true
	}
	return r.rows(ctx, nil, func(id, _ gyre.ID, key string) { r.groups[key] = append(r.groups[key], id) })
}

// changes puts what changed into groups, and with it all else that its actions remove.
func (r *replan) changes(ctx context.Context, from, to int64) (everything bool, err error) {
	everything, changed, moved, actions, err := r.Store.PlanChanges(ctx, r.ws, from, to)
	if err != nil || everything {
		return everything, err
	}
	for _, a := range actions {
		r.touched[a] = true
	}
	if len(changed) > 0 {
		there := make(map[gyre.ID]bool, len(changed))
		err = r.rows(ctx, changed, func(id, action gyre.ID, key string) {
			there[id] = true
			if action != 0 {
				r.touched[action] = true
			}
			if key != "" {
				r.groups[key] = append(r.groups[key], id)
				if a := r.actions[key]; a != 0 {
					r.touched[a] = true
				}
			}
		})
		if err != nil {
			return false, err
		}
		gone := slices.DeleteFunc(slices.Clone(changed), func(id gyre.ID) bool { return there[id] })
		former, err := r.Store.FormerActions(ctx, r.ws, append(gone, moved...))
		if err != nil {
			return false, err
		}
		for _, a := range former {
			r.touched[a] = true
		}
	}
	r.changed = changed
	r.members, err = r.Store.Members(ctx, slices.Sorted(maps.Keys(r.touched)))
	return false, err
}

// rows reads exposures with the keys of their actions, which are "" for those
// that are not active.
func (r *replan) rows(ctx context.Context, ids []gyre.ID, fn func(id, action gyre.ID, key string)) error {
	type row struct {
		id, weakness, action gyre.ID
		key                  string
	}
	var part []row
	flush := func() error {
		var missing []gyre.ID
		for _, e := range part {
			if _, known := r.keys[e.weakness]; !known {
				r.keys[e.weakness] = ""
				missing = append(missing, e.weakness)
			}
		}
		if len(missing) > 0 {
			found, err := r.Store.Weaknesses(ctx, r.ws, missing)
			if err != nil {
				return fmt.Errorf("read weaknesses: %w", err)
			}
			for _, w := range found {
				r.keys[w.ID] = remediate.Key(&gyre.Exposure{}, &w)
			}
		}
		for _, e := range part {
			if e.key == byWeakness {
				e.key = r.keys[e.weakness]
			}
			fn(e.id, e.action, e.key)
		}
		part = part[:0]
		return nil
	}
	intern := map[string]string{}
	err := r.Store.EachPlanRow(ctx, r.ws, ids, func(x gyre.Exposure, action gyre.ID) error {
		e := row{id: x.ID, weakness: x.Weakness, action: action}
		if x.State.Active() {
			key := remediate.Key(&x, &gyre.Weakness{Key: byWeakness})
			if strings.HasSuffix(key, byWeakness) {
				key = byWeakness
			}
			if e.key = intern[key]; e.key == "" {
				e.key, intern[key] = key, key
			}
		}
		if part = append(part, e); len(part) == planChunk {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// byWeakness stands for the key of an action that goes by the weakness alone.
const byWeakness = "\x00"

// save makes the actions of the groups and saves them in parts, the mark with
// the last of them.
func (r *replan) save(ctx context.Context) error {
	parts := r.parts()
	// The next part is read while one is stored: they have nothing in common.
	g, ctx := errgroup.WithContext(ctx)
	read := make(chan planPartRead)
	g.Go(func() error {
		defer close(read)
		return gyre.Caught(func() error { return r.readParts(ctx, parts, read) })
	})
	g.Go(func() error {
		return gyre.Caught(func() error { return r.saveParts(ctx, len(parts), read) })
	})
	return g.Wait()
}

func (r *replan) readParts(ctx context.Context, parts []planPartKeys, to chan<- planPartRead) error {
	for _, p := range parts {
		part, err := r.read(ctx, p)
		if err != nil {
			return err
		}
		select {
		case to <- part:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// saveParts saves n parts; where fewer come, reading says why.
func (r *replan) saveParts(ctx context.Context, n int, from <-chan planPartRead) error {
	for part := range from {
		n--
		if err := r.score(part.items); err != nil {
			return err
		}
		// An exposure that went to another action meanwhile is planned next time: that
		// action removes more than was read here.
		drafts := slices.DeleteFunc(remediate.Plan(part.items, r.Guides, r.Now()), func(d remediate.Draft) bool { return !part.keys[d.Key] })
		save := PlanPart{Drafts: drafts, Stood: part.stood, Seq: part.seq}
		if n == 0 {
			save.Mark = r.mark
		}
		for _, d := range save.Drafts {
			delete(part.touched, d.Key)
		}
		save.Empty = slices.Sorted(maps.Values(part.touched))
		if err := r.Save(ctx, r.ws, save); err != nil {
			return fmt.Errorf("save plan: %w", err)
		}
	}
	return nil
}

// score adds the risks to items.
func (r *replan) score(items []remediate.Item) error {
	if len(items) == 0 {
		return nil
	}
	risk, err := r.risk()
	if err != nil {
		return fmt.Errorf("score exposures: %w", err)
	}
	for i := range items {
		items[i].Risk = risk(items[i].Exposure.ID)
	}
	return nil
}

// planPartRead is what some actions are made of.
type planPartRead struct {
	items   []remediate.Item
	stood   []Standing
	seq     int64              // of the newest event before they were read
	keys    map[string]bool    // of the actions
	touched map[string]gyre.ID // stored ones among them
}

// planPartKeys are the keys of some actions.
type planPartKeys struct {
	keys []string
	size int // of their exposures, at most
}

// parts are the keys of the actions that are planned anew, some at a time; there
// is at least one part.
func (r *replan) parts() []planPartKeys {
	sizes := make(map[string]int, len(r.groups))
	for key, ids := range r.groups {
		sizes[key] = len(ids)
	}
	for key, id := range r.actions {
		if r.touched[id] {
			sizes[key] += r.members[id]
		}
	}
	parts := []planPartKeys{{}}
	for _, key := range slices.Sorted(maps.Keys(sizes)) {
		last := &parts[len(parts)-1]
		if last.size > 0 && last.size+sizes[key] > planPart {
			parts = append(parts, planPartKeys{})
			last = &parts[len(parts)-1]
		}
		last.keys, last.size = append(last.keys, key), last.size+sizes[key]
	}
	return parts
}

// read reads the exposures of some actions, and what they refer to.
func (r *replan) read(ctx context.Context, p planPartKeys) (part planPartRead, err error) {
	if part.seq, err = r.Store.Seq(ctx, r.ws); err != nil {
		return part, fmt.Errorf("newest event: %w", err)
	}
	part.keys, part.touched = make(map[string]bool, len(p.keys)), map[string]gyre.ID{}
	likely := min(p.size, planPart) // of an old action most are closed
	part.items, part.stood = make([]remediate.Item, 0, likely), make([]Standing, 0, likely)
	var ids, actions []gyre.ID
	for _, key := range p.keys {
		ids = append(ids, r.groups[key]...)
		delete(r.groups, key)
		part.keys[key] = true
		if id := r.actions[key]; r.touched[id] {
			part.touched[key] = id
			if r.members != nil {
				actions = append(actions, id)
			}
		}
	}
	slices.Sort(ids)
	slices.Sort(actions)
	exposures := make([]gyre.Exposure, 0, min(likely, planChunk))
	flush := func() error {
		err := r.items(ctx, &part, exposures)
		exposures = exposures[:0]
		return err
	}
	row := func(e gyre.Exposure, action gyre.ID) error {
		part.stood = append(part.stood, Standing{e.ID, action, e.State})
		if exposures = append(exposures, e); len(exposures) == planChunk {
			return flush()
		}
		return nil
	}
	if len(ids) > 0 {
		if err := r.Store.EachPlanRow(ctx, r.ws, ids, row); err != nil {
			return part, fmt.Errorf("read exposures: %w", err)
		}
	}
	err = r.Store.EachMember(ctx, r.ws, actions, func(e gyre.Exposure, action gyre.ID) error {
		if _, changed := slices.BinarySearch(r.changed, e.ID); changed {
			return nil // it is in a group
		}
		return row(e, action)
	})
	if err != nil {
		return part, fmt.Errorf("read exposures of actions: %w", err)
	}
	return part, flush()
}

// items adds exposures to a part, with what they refer to.
func (r *replan) items(ctx context.Context, part *planPartRead, exposures []gyre.Exposure) error {
	// The same assets and weaknesses come again in other parts.
	if len(r.assets) > maxRemembered {
		clear(r.assets)
	}
	if len(r.weaknesses) > maxRemembered {
		clear(r.weaknesses)
	}
	if err := remember(r.assets, exposures, func(e gyre.Exposure) gyre.ID { return e.Asset }, func(ids []gyre.ID) ([]gyre.Asset, error) {
		return r.Store.Assets(ctx, r.ws, ids)
	}, func(a *gyre.Asset) gyre.ID { return a.ID }); err != nil {
		return fmt.Errorf("read assets: %w", err)
	}
	if err := remember(r.weaknesses, exposures, func(e gyre.Exposure) gyre.ID { return e.Weakness }, func(ids []gyre.ID) ([]gyre.Weakness, error) {
		return r.Store.Weaknesses(ctx, r.ws, ids)
	}, func(w *gyre.Weakness) gyre.ID { return w.ID }); err != nil {
		return fmt.Errorf("read weaknesses: %w", err)
	}
	for _, e := range exposures {
		part.items = append(part.items, remediate.Item{Exposure: e, Asset: r.assets[e.Asset], Weakness: r.weaknesses[e.Weakness]})
	}
	return nil
}

// maxRemembered bounds the assets, and the weaknesses, that a plan keeps at hand.
const maxRemembered = 5000

// remember reads into known what exposures refer to and known lacks; what is not
// there any more is empty.
func remember[T any](known map[gyre.ID]*T, exposures []gyre.Exposure, of func(gyre.Exposure) gyre.ID, read func([]gyre.ID) ([]T, error), id func(*T) gyre.ID) error {
	var missing []gyre.ID
	asked := map[gyre.ID]bool{}
	for _, e := range exposures {
		if _, ok := known[of(e)]; !ok && !asked[of(e)] {
			asked[of(e)] = true
			missing = append(missing, of(e))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	found, err := read(missing)
	if err != nil {
		return err
	}
	for i := range found {
		known[id(&found[i])] = &found[i]
	}
	for _, gone := range missing {
		if known[gone] == nil {
			known[gone] = new(T)
		}
	}
	return nil
}
