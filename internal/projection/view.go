// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
	"github.com/gyre-ctem/gyre/internal/prioritize"
)

// view is the star of one workspace. mu guards everything below it.
type view struct {
	// refresh makes those who find the view old take turns at catching up.
	refresh sync.Mutex

	mu      sync.RWMutex
	loaded  bool
	seq     int64
	freshAt time.Time

	assets     []assetDim
	assetAt    map[gyre.ID]int32
	weaknesses []weaknessDim
	weaknessAt map[gyre.ID]int32
	scopes     map[gyre.ID]scopeDim
	scopesList []gyre.Scope

	facts  facts
	factAt map[gyre.ID]int32
	// totals of the asset dimension lag behind the facts until sumUp.
	dirty bool
}

// assetDim is one asset with what its exposures add up to.
type assetDim struct {
	Asset
	scopeNames  []string
	criticality gyre.Criticality // highest of its scopes
	appetite    float64          // lowest of its scopes that say one; 0: none does
	facing      bool
	exposures   int
	risk        float64
	worst       float64
}

type weaknessDim struct{ Weakness }

// scopeDim is a scope with its selector over the rows of the asset dimension;
// nil when it has none.
type scopeDim struct {
	gyre.Scope
	selects func(row int) bool
}

// facts are the columns of exposures. Words are numbers into dictionaries.
type facts struct {
	id, action                      []gyre.ID
	asset, weakness                 []int32
	locus                           []string
	aspect, class, state, recorded  []uint8
	severity                        []gyre.Severity
	fixable                         []bool
	sources                         []uint16
	firstSeen, lastSeen, stateSince []int64 // microseconds
	risk                            []float64

	words      dict
	sourceSets [][]string
	sourceAt   map[string]uint16
}

// dict numbers the few words of a closed vocabulary.
type dict struct {
	list []string
	at   map[string]uint8
}

func (d *dict) number(w string) uint8 {
	if n, ok := d.at[w]; ok {
		return n
	}
	if d.at == nil {
		d.at = map[string]uint8{}
	}
	if len(d.list) == 256 {
		return 255 // aspects are open to plug-ins, but not without end
	}
	n := uint8(len(d.list)) // #nosec -- below 256
	d.list, d.at[w] = append(d.list, w), n
	return n
}

func (f *facts) sourceSet(names []string) uint16 {
	slices.Sort(names)
	names = slices.Compact(names)
	key := strings.Join(names, "\x00")
	if n, ok := f.sourceAt[key]; ok {
		return n
	}
	if f.sourceAt == nil {
		f.sourceAt = map[string]uint16{}
	}
	if len(f.sourceSets) == 1<<16-1 {
		return 0
	}
	n := uint16(len(f.sourceSets)) // #nosec -- bounded above
	f.sourceSets, f.sourceAt[key] = append(f.sourceSets, slices.Clone(names)), n
	return n
}

func (v *view) reset() {
	v.assets, v.weaknesses, v.facts = nil, nil, facts{}
	v.assetAt, v.weaknessAt, v.factAt = map[gyre.ID]int32{}, map[gyre.ID]int32{}, map[gyre.ID]int32{}
	v.dirty = true
}

// setScopes takes the scopes over. now is what the word now in a selector means.
// A selector that does not compile selects nothing: scopes are checked when they
// are stored, and a list must not fail because of an old one.
func (v *view) setScopes(scopes []gyre.Scope, now time.Time) {
	v.scopesList = scopes
	v.scopes = make(map[gyre.ID]scopeDim, len(scopes))
	for _, s := range scopes {
		dim := scopeDim{Scope: s}
		if filter, err := CompileSelector(s.Selector, now); err == nil && filter != nil {
			dim.selects, _ = filter.Bind(assetColumns{v})
		}
		v.scopes[s.ID] = dim
	}
	for i := range v.assets {
		v.applyScopes(i)
	}
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

// applyScopes finds the scopes of one asset: those whose runs saw it, and those
// whose selector matches.
func (v *view) applyScopes(row int) {
	a := &v.assets[row]
	a.scopeNames, a.criticality, a.appetite = nil, gyre.CriticalityUnset, 0
	for id, s := range v.scopes {
		if !slices.Contains(a.Scopes, id) && (s.selects == nil || !s.selects(row)) {
			continue
		}
		a.scopeNames = append(a.scopeNames, s.Name)
		a.criticality = max(a.criticality, s.Criticality)
		if s.RiskAppetite > 0 && (a.appetite == 0 || s.RiskAppetite < a.appetite) {
			a.appetite = s.RiskAppetite
		}
	}
	slices.Sort(a.scopeNames)
}

func (v *view) putAsset(a Asset) {
	dim := assetDim{Asset: a, facing: a.Zone == gyre.ZoneInternet}
	i, ok := v.assetAt[a.ID]
	if ok {
		v.assets[i] = dim
	} else {
		i = int32(len(v.assets)) // #nosec -- fewer than 2^31 assets
		v.assetAt[a.ID] = i
		v.assets = append(v.assets, dim)
	}
	v.applyScopes(int(i))
	v.dirty = true
}

func (v *view) putWeakness(w Weakness) {
	if i, ok := v.weaknessAt[w.ID]; ok {
		v.weaknesses[i] = weaknessDim{w}
		return
	}
	v.weaknessAt[w.ID] = int32(len(v.weaknesses)) // #nosec -- fewer than 2^31 weaknesses
	v.weaknesses = append(v.weaknesses, weaknessDim{w})
}

// putExposure adds or replaces one fact. Its dimensions must be there; a fact
// whose are not is left out, and says so.
func (v *view) putExposure(e Exposure, risk Risk) bool {
	asset, okA := v.assetAt[e.Asset]
	weakness, okW := v.weaknessAt[e.Weakness]
	if !okA || !okW {
		return false
	}
	f := &v.facts
	i, known := v.factAt[e.ID]
	if !known {
		i = int32(len(f.id)) // #nosec -- fewer than 2^31 exposures
		v.factAt[e.ID] = i
		f.grow()
	}
	f.id[i], f.action[i], f.asset[i], f.weakness[i] = e.ID, e.Action, asset, weakness
	f.locus[i], f.fixable[i], f.severity[i] = e.Locus, e.Fixable, e.Severity
	f.aspect[i], f.class[i] = f.words.number(string(e.Aspect)), f.words.number(string(e.Class))
	f.state[i], f.recorded[i] = f.words.number(string(e.State)), f.words.number(string(e.Band))
	f.sources[i] = f.sourceSet(e.Sources)
	f.firstSeen[i], f.lastSeen[i], f.stateSince[i] = micros(e.FirstSeen), micros(e.LastSeen), micros(e.StateSince)
	v.score(i, risk)
	v.dirty = true
	return true
}

// grow adds an empty row to every column.
func (f *facts) grow() {
	f.id, f.action = append(f.id, 0), append(f.action, 0)
	f.asset, f.weakness = append(f.asset, 0), append(f.weakness, 0)
	f.locus = append(f.locus, "")
	f.aspect, f.class = append(f.aspect, 0), append(f.class, 0)
	f.state, f.recorded = append(f.state, 0), append(f.recorded, 0)
	f.severity, f.fixable = append(f.severity, 0), append(f.fixable, false)
	f.sources = append(f.sources, 0)
	f.firstSeen, f.lastSeen, f.stateSince = append(f.firstSeen, 0), append(f.lastSeen, 0), append(f.stateSince, 0)
	f.risk = append(f.risk, 0)
}

func (v *view) score(i int32, risk Risk) {
	in := v.input(i)
	v.facts.risk[i] = risk(&in)
}

// input is what the score of one fact depends on.
func (v *view) input(i int32) prioritize.Input {
	f := &v.facts
	a, w := &v.assets[f.asset[i]], &v.weaknesses[f.weakness[i]]
	return prioritize.Input{
		Class: gyre.Class(f.words.list[f.class[i]]), Severity: f.severity[i],
		CVSSScore: w.CVSSScore, CVSS: w.CVSS, Intel: w.Intel,
		Aspect: gyre.Aspect(f.words.list[f.aspect[i]]), Locus: f.locus[i],
		Zone: a.Zone, Criticality: a.Asset.Criticality, ScopeCriticality: a.criticality,
		State: gyre.State(f.words.list[f.state[i]]),
	}
}

func (f *facts) active(i int32) bool { return gyre.State(f.words.list[f.state[i]]).Active() }

// sumUp brings the totals of the asset dimension up to date. It needs the write lock.
func (v *view) sumUp() {
	if !v.dirty {
		return
	}
	for i := range v.assets {
		a := &v.assets[i]
		a.exposures, a.risk, a.worst = 0, 0, 0
	}
	f := &v.facts
	for i := range f.id {
		if !f.active(int32(i)) { // #nosec -- fewer than 2^31 rows
			continue
		}
		a := &v.assets[f.asset[i]]
		a.exposures++
		a.risk += f.risk[i]
		a.worst = max(a.worst, f.risk[i])
	}
	v.dirty = false
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
