// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cycle

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/remediate"
)

// PlanStore is what planning reads. Unknown IDs are left out of answers.
type PlanStore interface {
	Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Asset, error)
	Weaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Weakness, error)

	// Seq is the number of the newest event.
	Seq(ctx context.Context, ws gyre.ID) (int64, error)
	// PlanMark is the mark of the newest plan that was saved whole.
	PlanMark(ctx context.Context, ws gyre.ID) (string, error)
	// PlanChanges says what happened after one event, up to another one:
	// everything; or exposures, those of them that moved, and actions.
	PlanChanges(ctx context.Context, ws gyre.ID, from, to int64) (everything bool, exposures, moved, actions []gyre.ID, err error)
	// EachPlanRow calls fn for exposures, all that are active with ids nil: where they
	// lie, their state, remedy and action.
	EachPlanRow(ctx context.Context, ws gyre.ID, ids []gyre.ID, fn func(e gyre.Exposure, action gyre.ID) error) error
	// FormerActions are the actions in which exposures ever were.
	FormerActions(ctx context.Context, ws gyre.ID, exposures []gyre.ID) ([]gyre.ID, error)
	// EachMember calls fn for the active exposures of actions.
	EachMember(ctx context.Context, ws gyre.ID, actions []gyre.ID, fn func(exposure, action gyre.ID) error) error
	// ActionKeys are the actions by their key.
	ActionKeys(ctx context.Context, ws gyre.ID) (map[string]gyre.ID, error)
	// PlannedActions counts the actions that have work left.
	PlannedActions(ctx context.Context, ws gyre.ID) (int, error)
}

// Plan is the remediate stage: it groups what is active into actions.
//
// It plans anew only what changed since the plan before: the actions which
// exposures join, leave or changed in, also because their asset or weakness did. The
// event log says which they are. New intelligence, a changed scope, another edition of
// the program and a plan that was never finished make it plan everything. Either way it
// works on some actions at a time, so memory does not grow with the estate but by
// a few bytes for each exposure that is planned anew.
type Plan struct {
	// Risks returns the risk of exposures as they stand now.
	Risks  func(ctx context.Context, ws gyre.ID) (func(exposure gyre.ID) float64, error)
	Store  PlanStore
	Guides remediate.Guides
	// Edition changes with whatever else a plan depends on: the program and its checks.
	Edition string
	// Save stores some actions, says of others that nothing is left of them, and
	// keeps the mark when it is not empty.
	Save func(ctx context.Context, ws gyre.ID, drafts []remediate.Draft, empty []gyre.ID, mark string) error
	Now  func() time.Time

	mu sync.Mutex // plans of one process take turns
}

const (
	planChunk = 500 // exposures read at a time
	// planPart bounds the exposures whose actions are made and saved together, while
	// the next ones are read; a single action may have more.
	planPart = 5_000
)

// Plan implements Remediator.
func (p *Plan) Plan(ctx context.Context, ws gyre.ID) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mark, err := p.Store.PlanMark(ctx, ws)
	if err != nil {
		return 0, fmt.Errorf("read mark of plan: %w", err)
	}
	edition, at, _ := strings.Cut(mark, " ")
	from, err := strconv.ParseInt(at, 10, 64)
	return p.plan(ctx, ws, from, err != nil || edition != p.Edition)
}

// PlanAll plans everything anew.
func (p *Plan) PlanAll(ctx context.Context, ws gyre.ID) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plan(ctx, ws, 0, true)
}

func (p *Plan) plan(ctx context.Context, ws gyre.ID, from int64, everything bool) (int, error) {
	// The number is read first: what changes meanwhile is planned next time.
	to, err := p.Store.Seq(ctx, ws)
	if err != nil {
		return 0, fmt.Errorf("newest event: %w", err)
	}
	r := &replan{
		Plan: p, ws: ws, mark: p.Edition + " " + strconv.FormatInt(to, 10), groups: map[string][]gyre.ID{}, touched: map[gyre.ID]bool{}, keys: map[gyre.ID]string{},
		assets: map[gyre.ID]gyre.Asset{}, weaknesses: map[gyre.ID]gyre.Weakness{},
	}
	if r.actions, err = p.Store.ActionKeys(ctx, ws); err != nil {
		return 0, fmt.Errorf("read actions: %w", err)
	}
	if !everything {
		everything, err = r.changes(ctx, from, to)
	}
	if err == nil && everything {
		err = r.everything(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("find what to plan: %w", err)
	}
	if err := r.save(ctx); err != nil {
		return 0, err
	}
	return p.Store.PlannedActions(ctx, ws)
}

// replan is one plan in the making.
type replan struct {
	*Plan
	ws      gyre.ID
	mark    string
	actions map[string]gyre.ID   // as they are stored, by key
	groups  map[string][]gyre.ID // exposures by the key of their action: what is planned anew
	touched map[gyre.ID]bool     // stored actions that are planned anew
	keys    map[gyre.ID]string   // of weaknesses
	// What exposures refer to, as far as it was read: parts.
	assets     map[gyre.ID]gyre.Asset
	weaknesses map[gyre.ID]gyre.Weakness
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
	return false, r.others(ctx, changed)
}

// others adds the members of touched actions that did not change themselves.
func (r *replan) others(ctx context.Context, changed []gyre.ID) error {
	byID := make(map[gyre.ID]string, len(r.touched))
	for key, id := range r.actions {
		if r.touched[id] {
			byID[id] = key
		}
	}
	return r.Store.EachMember(ctx, r.ws, slices.Sorted(maps.Keys(byID)), func(exposure, action gyre.ID) error {
		if _, known := slices.BinarySearch(changed, exposure); !known {
			r.groups[byID[action]] = append(r.groups[byID[action]], exposure)
		}
		return nil
	})
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
				r.keys[w.ID] = remediate.Key(gyre.Exposure{}, w)
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
			key := remediate.Key(gyre.Exposure{Remedy: x.Remedy}, gyre.Weakness{Key: byWeakness})
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
	var empty []gyre.ID
	for key, id := range r.actions {
		if r.touched[id] && len(r.groups[key]) == 0 {
			empty = append(empty, id)
		}
	}
	slices.Sort(empty)
	risk := func(gyre.ID) float64 { return 0 }
	if len(r.groups) > 0 {
		var err error
		if risk, err = r.Risks(ctx, r.ws); err != nil {
			return fmt.Errorf("score exposures: %w", err)
		}
	}
	// The next part is read while one is stored: they have nothing in common.
	g, ctx := errgroup.WithContext(ctx)
	parts := make(chan planPartRead)
	g.Go(func() error {
		defer close(parts)
		return r.parts(ctx, risk, parts)
	})
	g.Go(func() error {
		for part := range parts {
			mark := ""
			if part.last {
				mark = r.mark
			}
			if err := r.Save(ctx, r.ws, remediate.Plan(part.items, r.Guides, r.Now()), empty, mark); err != nil {
				return fmt.Errorf("save plan: %w", err)
			}
			empty = nil
		}
		return nil
	})
	return g.Wait()
}

// planPartRead is what some actions are made of.
type planPartRead struct {
	items []remediate.Item
	last  bool
}

// parts reads the groups, some at a time; there is always a last part.
func (r *replan) parts(ctx context.Context, risk func(gyre.ID) float64, to chan<- planPartRead) error {
	keys := slices.Sorted(maps.Keys(r.groups))
	for last := false; !last; {
		var ids []gyre.ID
		n := 0
		for n < len(keys) && (n == 0 || len(ids)+len(r.groups[keys[n]]) <= planPart) {
			ids = append(ids, r.groups[keys[n]]...)
			delete(r.groups, keys[n])
			n++
		}
		keys = keys[n:]
		last = len(keys) == 0
		items, err := r.items(ctx, ids, risk)
		if err != nil {
			return err
		}
		select {
		case to <- planPartRead{items, last}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// items reads the exposures and what they refer to.
func (r *replan) items(ctx context.Context, ids []gyre.ID, risk func(gyre.ID) float64) ([]remediate.Item, error) {
	slices.Sort(ids)
	items := make([]remediate.Item, 0, len(ids))
	for from := 0; from < len(ids); from += planChunk {
		exposures := make([]gyre.Exposure, 0, planChunk)
		err := r.Store.EachPlanRow(ctx, r.ws, ids[from:min(from+planChunk, len(ids))], func(e gyre.Exposure, _ gyre.ID) error {
			exposures = append(exposures, e)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read exposures: %w", err)
		}
		// The same assets and weaknesses come again in other parts.
		if len(r.assets) > maxRemembered {
			clear(r.assets)
		}
		if len(r.weaknesses) > maxRemembered {
			clear(r.weaknesses)
		}
		if err := remember(r.assets, exposures, func(e gyre.Exposure) gyre.ID { return e.Asset }, func(ids []gyre.ID) ([]gyre.Asset, error) {
			return r.Store.Assets(ctx, r.ws, ids)
		}, func(a gyre.Asset) gyre.ID { return a.ID }); err != nil {
			return nil, fmt.Errorf("read assets: %w", err)
		}
		if err := remember(r.weaknesses, exposures, func(e gyre.Exposure) gyre.ID { return e.Weakness }, func(ids []gyre.ID) ([]gyre.Weakness, error) {
			return r.Store.Weaknesses(ctx, r.ws, ids)
		}, func(w gyre.Weakness) gyre.ID { return w.ID }); err != nil {
			return nil, fmt.Errorf("read weaknesses: %w", err)
		}
		slices.SortFunc(exposures, func(a, b gyre.Exposure) int { return cmp.Compare(a.ID, b.ID) })
		for _, e := range exposures {
			items = append(items, remediate.Item{Exposure: e, Asset: r.assets[e.Asset], Weakness: r.weaknesses[e.Weakness], Risk: risk(e.ID)})
		}
	}
	return items, nil
}

// maxRemembered bounds the assets, and the weaknesses, that a plan keeps at hand.
const maxRemembered = 5000

// remember reads into known what exposures refer to and known lacks.
func remember[T any](known map[gyre.ID]T, exposures []gyre.Exposure, of func(gyre.Exposure) gyre.ID, read func([]gyre.ID) ([]T, error), id func(T) gyre.ID) error {
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
	for _, v := range found {
		known[id(v)] = v
	}
	return nil
}
