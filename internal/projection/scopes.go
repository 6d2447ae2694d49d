// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"cmp"
	"slices"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
)

// selector is a scope with its condition over assets; nil selects nothing.
type selector struct {
	gyre.Scope
	filter *expr.Filter
}

// CompileSelector compiles the selector of a scope. It may not speak of what
// follows from a scope's criticality: that would be a circle.
func CompileSelector(src string, now time.Time) (*expr.Filter, error) {
	filter, err := expr.CompileFilter(expr.AssetSchema, src, now)
	if err != nil || filter == nil {
		return nil, err
	}
	for _, f := range filter.Fields() {
		switch f {
		case "exposures", "risk", "max_band":
			return nil, gyre.Errorf(gyre.Invalid, "a selector cannot use %s: risk depends on the scopes that an asset belongs to", f)
		}
	}
	return filter, nil
}

// setScopes takes the scopes over; selectScopes must follow. now is what the
// word now in a selector means. A selector that does not compile selects nothing:
// scopes are checked when they are stored, and a list must not fail because of an old one.
func (b *builder) setScopes(scopes []gyre.Scope, now time.Time) {
	b.selectors = b.selectors[:0]
	for _, s := range scopes {
		filter, err := CompileSelector(s.Selector, now)
		if err != nil {
			filter = nil
		}
		b.selectors = append(b.selectors, selector{s, filter})
	}
	slices.SortFunc(b.selectors, func(x, y selector) int { return cmp.Compare(x.ID, y.ID) })
	// The same set of scopes may mean something else now.
	b.memberships = newSets()
	b.members = []membership{{}}
	b.assets.touched = true
	for row := range uint32(b.assetCount) { // #nosec -- fewer than 2^32 rows
		markStale(&b.stale.selected, row)
		b.staleAsset(row)
	}
}

// selectScopes finds the scopes of assets that changed: those whose runs saw
// them, and those whose selector matches.
func (b *builder) selectScopes() {
	b.sync()
	codes := make([]uint32, len(b.selectors))
	match := make([]func(int) bool, len(b.selectors))
	for i, s := range b.selectors {
		codes[i] = b.ids.code(int64(s.ID))
		if s.filter != nil {
			match[i], _ = s.filter.Bind(dimColumns{assetFields{&b.star}, dimAsset})
		}
	}
	var of []uint32
	b.stale.selected.each(func(row uint32) bool {
		a := b.assets.ref(row)
		seenBy := b.scopes.at(a.scopes)
		of = of[:0]
		for i, code := range codes {
			if slices.Contains(seenBy, code) || match[i] != nil && match[i](int(row)) {
				of = append(of, code)
			}
		}
		if member := b.membership(of); member != a.member {
			b.assets.change(row).member = member
			b.staleAsset(row)
		}
		return true
	})
	clear(b.stale.selected)
	b.sync() // with the codes of scopes
}

// membership is the code of a set of scopes.
func (b *builder) membership(of []uint32) uint32 {
	code := b.memberships.code(of)
	if int(code) < len(b.members) {
		return code
	}
	var m membership
	for _, s := range b.selectors {
		if !slices.Contains(of, b.ids.code(int64(s.ID))) {
			continue
		}
		m.names = append(m.names, s.Name)
		m.criticality = max(m.criticality, s.Criticality)
		if s.RiskAppetite > 0 && (m.appetite == 0 || s.RiskAppetite < m.appetite) {
			m.appetite = s.RiskAppetite
		}
	}
	slices.Sort(m.names)
	b.members = append(b.members, m)
	return code
}
