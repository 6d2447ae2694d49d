// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// assetBefore is what an asset was, of what changed since.
type assetBefore struct {
	fields map[string]changeOf
	scopes map[gyre.ID]bool // whether it was in a scope
}

// Assets streams the assets as they were; ids nil is all.
func (p *AsOf) Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(ProjectionAsset) error) error {
	return p.snapshot(ctx, ws, func(q querier, seq int64) error {
		var came since
		before := map[gyre.ID]*assetBefore{}
		err := eachSince(ctx, q, ws, "asset", seq, ids, func(e sinceEvent) error {
			came.note(e.id, e.kind)
			b := before[e.id]
			if b == nil {
				b = &assetBefore{fields: map[string]changeOf{}, scopes: map[gyre.ID]bool{}}
				before[e.id] = b
			}
			for field, c := range e.changes {
				if text, one := strings.CutPrefix(field, "scope:"); one {
					scope, err := gyre.ParseID(text)
					if err != nil {
						return err
					}
					if _, earlier := b.scopes[scope]; !earlier {
						b.scopes[scope] = string(c[0]) == "true"
					}
				} else if _, earlier := b.fields[field]; !earlier {
					b.fields[field] = c
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := came.settle(ctx, q, ws, "asset", seq); err != nil {
			return err
		}
		seen, err := seenSince(ctx, q, ws, "asset", p.at)
		if err != nil {
			return err
		}
		return projectionAssets(ctx, q, ws, ids, func(a ProjectionAsset) error {
			if came.created[a.ID] {
				return nil
			}
			if at, ok := seen[a.ID]; ok {
				a.LastSeen = timeOf(at)
			}
			if b := before[a.ID]; b != nil {
				if err := b.restore(&a); err != nil {
					return err
				}
			}
			return yield(a)
		})
	})
}

func (b *assetBefore) restore(a *ProjectionAsset) error {
	for field, c := range b.fields {
		var err error
		switch field {
		case "kind":
			err = c.was(&a.Kind)
		case "name":
			err = c.was(&a.Name)
		case "zone":
			err = c.was(&a.Zone)
		case "criticality":
			err = c.was(&a.Criticality)
		case "owner":
			err = c.was(&a.Owner)
		case "tags":
			a.Tags = nil
			err = c.was(&a.Tags)
		case "attributes":
			a.Attributes = nil
			err = c.was(&a.Attributes)
		case "pinned":
			a.Pinned = nil
			err = c.was(&a.Pinned)
		case "first_seen":
			var us int64
			err = c.was(&us)
			a.FirstSeen = timeOf(us)
		}
		if err != nil {
			return err
		}
	}
	for scope, was := range b.scopes {
		a.Scopes = slices.DeleteFunc(slices.Clone(a.Scopes), func(s gyre.ID) bool { return s == scope })
		if was {
			a.Scopes = append(a.Scopes, scope)
			slices.Sort(a.Scopes)
		}
	}
	return nil
}

// Weaknesses streams the weaknesses as they were, with what was known of them;
// ids nil is all. Those that came later are among them: no exposure of the time has them.
func (p *AsOf) Weaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(ProjectionWeakness) error) error {
	return p.snapshot(ctx, ws, func(q querier, seq int64) error {
		before := map[gyre.ID]map[string]changeOf{}
		err := eachSince(ctx, q, ws, "weakness", seq, ids, func(e sinceEvent) error {
			if before[e.id] == nil {
				before[e.id] = map[string]changeOf{}
			}
			for field, c := range e.changes {
				if _, earlier := before[e.id][field]; !earlier {
					before[e.id][field] = c
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		intel := func(cves []string) (map[string]gyre.Intel, error) { return intelAt(ctx, q, cves, p.at) }
		return projectionWeaknesses(ctx, q, ws, ids, func(w *gyre.Weakness) error { return restoreWeakness(w, before[w.ID]) }, intel, yield)
	})
}

func restoreWeakness(w *gyre.Weakness, before map[string]changeOf) error {
	for field, c := range before {
		var err error
		switch field {
		case "name":
			err = c.was(&w.Key)
		case "class":
			err = c.was(&w.Class)
		case "title":
			err = c.was(&w.Title)
		case "severity":
			err = c.was((*int)(&w.Severity))
		case "cvss":
			err = c.was(&w.CVSS)
		case "cvss_score":
			err = c.was(&w.CVSSScore)
		case "published":
			var us int64
			err = c.was(&us)
			w.Published = timeOf(us)
		case "aliases":
			w.Aliases = nil
			err = c.was(&w.Aliases)
		case "cwes":
			w.CWEs = nil
			err = c.was(&w.CWEs)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// exposureBefore is what an exposure was, of what changed since; has says what did.
type exposureBefore struct {
	has                   uint16
	fixable               bool
	severity              int8
	state, band, locus    string
	aspect, class         string
	stateSince, firstSeen int64
	action                gyre.ID
	sources               []string
}

const (
	hasState = 1 << iota
	hasStateSince
	hasFirstSeen
	hasSeverity
	hasBand
	hasAspect
	hasClass
	hasFixable
	hasAction
	hasSources
	hasLocus
)

// note keeps what a field was, unless an earlier event has said it.
func (b *exposureBefore) note(field string, c changeOf) error {
	bit := map[string]uint16{
		"state": hasState, "state_since": hasStateSince, "first_seen": hasFirstSeen, "severity": hasSeverity, "band": hasBand,
		"aspect": hasAspect, "class": hasClass, "remedy": hasFixable, "action": hasAction, "sources": hasSources, "locus": hasLocus,
	}[field]
	if bit == 0 || b.has&bit != 0 {
		return nil
	}
	b.has |= bit
	switch bit {
	case hasState:
		return c.was(&b.state)
	case hasStateSince:
		return c.was(&b.stateSince)
	case hasFirstSeen:
		return c.was(&b.firstSeen)
	case hasSeverity:
		return c.was(&b.severity)
	case hasBand:
		return c.was(&b.band)
	case hasAspect:
		return c.was(&b.aspect)
	case hasClass:
		return c.was(&b.class)
	case hasFixable:
		b.fixable = remedyFixes(string(c[0]))
	case hasAction:
		return c.was(&b.action)
	case hasSources:
		return c.was(&b.sources)
	case hasLocus:
		return c.was(&b.locus)
	}
	return nil
}

func (b *exposureBefore) restore(e *ProjectionExposure) {
	has := func(bit uint16) bool { return b.has&bit != 0 }
	if has(hasState) {
		e.State = gyre.State(b.state)
	}
	if has(hasStateSince) {
		e.StateSince = timeOf(b.stateSince)
	}
	if has(hasFirstSeen) {
		e.FirstSeen = timeOf(b.firstSeen)
	}
	if has(hasSeverity) {
		e.Severity = gyre.Severity(b.severity)
	}
	if has(hasBand) {
		e.Band = gyre.Band(b.band)
	}
	if has(hasAspect) {
		e.Aspect = gyre.Aspect(b.aspect)
	}
	if has(hasClass) {
		e.Class = gyre.Class(b.class)
	}
	if has(hasFixable) {
		e.Fixable = b.fixable
	}
	if has(hasAction) {
		e.Action = b.action
	}
	if has(hasLocus) {
		e.Locus = b.locus
	}
	if has(hasSources) {
		if e.Sources = b.sources; len(e.Sources) == 0 {
			e.Sources = nil // as a row that has none
		}
	}
}

// exposureBefores is what exposures were, by ID.
type exposureBefores struct {
	at   map[gyre.ID]int32
	list []exposureBefore
}

func (b *exposureBefores) note(e sinceEvent) error {
	i, known := b.at[e.id]
	if !known {
		if b.at == nil {
			b.at = map[gyre.ID]int32{}
		}
		i = int32(len(b.list)) // #nosec G115 -- fewer than 2^31 exposures
		b.at[e.id] = i
		b.list = append(b.list, exposureBefore{})
	}
	for field, c := range e.changes {
		if err := b.list[i].note(field, c); err != nil {
			return err
		}
	}
	return nil
}

func (b *exposureBefores) restore(e *ProjectionExposure) {
	if i, changed := b.at[e.ID]; changed {
		b.list[i].restore(e)
	}
}

// Exposures streams the exposures as they were; ids nil is all.
func (p *AsOf) Exposures(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(ProjectionExposure) error) error {
	return p.snapshot(ctx, ws, func(q querier, seq int64) error {
		moved, err := movedEvents(ctx, q, ws, p.at)
		if err != nil {
			return err
		}
		var came since
		var own exposureBefores
		err = eachSince(ctx, q, ws, "exposure", seq, ids, func(e sinceEvent) error {
			if of := moved[e.seq]; of != 0 && of != e.id {
				return nil // it tells of one that was merged into it
			}
			came.note(e.id, e.kind)
			if len(e.changes) == 0 {
				return nil
			}
			return own.note(e)
		})
		if err != nil {
			return err
		}
		older, err := elders(ctx, q, ws, seq, came.joinedYoung(), moved)
		if err != nil {
			return err
		}
		var seen map[gyre.ID]int64
		if !p.rough {
			if seen, err = seenSince(ctx, q, ws, "exposure", p.at); err != nil {
				return err
			}
		}
		return exposuresNow(ctx, q, ws, ids, func(e ProjectionExposure) error {
			if o := older[e.ID]; o != nil { // it was the other one then
				e, err := o.listed(e, seen)
				if err != nil {
					return err
				}
				return yield(e)
			}
			if came.created[e.ID] {
				return nil
			}
			if at, ok := seen[e.ID]; ok {
				e.LastSeen = timeOf(at)
			}
			own.restore(&e)
			return yield(e)
		})
	})
}

// exposuresNow streams exposures as the transaction of q sees them; ids nil is all.
func exposuresNow(ctx context.Context, q querier, ws gyre.ID, ids []gyre.ID, yield func(ProjectionExposure) error) error {
	sources := map[gyre.ID][]string{}
	sets := map[string][]string{} // most exposures share a few sets of sources
	err := byID(ctx, q, ws, ids, "exposure", "SELECT exposure, source FROM observation WHERE workspace = $1 AND seen %s ORDER BY exposure, source", func(s scanner) error {
		var id gyre.ID
		var source string
		if err := s.Scan((*int64)(&id), &source); err != nil {
			return err
		}
		key := strings.Join(append(sources[id][:len(sources[id]):len(sources[id])], source), "\n")
		if sets[key] == nil {
			sets[key] = strings.Split(key, "\n")
		}
		sources[id] = sets[key]
		return nil
	})
	if err != nil {
		return fmt.Errorf("read sources of exposures: %w", err)
	}
	return byID(ctx, q, ws, ids, "id", `SELECT id, asset, weakness, action, locus, aspect, class, severity, state, band, remedy,
		first_seen, last_seen, state_since FROM exposure WHERE workspace = $1 %s ORDER BY id`, func(s scanner) error {
		var e ProjectionExposure
		var aspect, class, state, band, remedy string
		var severity, first, last, since int64
		err := s.Scan((*int64)(&e.ID), (*int64)(&e.Asset), (*int64)(&e.Weakness), (*int64)(&e.Action), &e.Locus, &aspect, &class,
			&severity, &state, &band, &remedy, &first, &last, &since)
		if err != nil {
			return err
		}
		e.Aspect, e.Class, e.Severity, e.State, e.Band = gyre.Aspect(aspect), gyre.Class(class), gyre.Severity(severity), gyre.State(state), gyre.Band(band)
		e.FirstSeen, e.LastSeen, e.StateSince = timeOf(first), timeOf(last), timeOf(since)
		e.Sources = sources[e.ID]
		e.Fixable = remedyFixes(remedy)
		return yield(e)
	})
}

// remedyFixes says whether a remedy has a fixed version or a configuration change.
func remedyFixes(remedy string) bool {
	return strings.Contains(remedy, `"fixed":"`) || strings.Contains(remedy, `"kind":"change"`)
}
