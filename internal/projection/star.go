// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"sync"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/prioritize"
)

// star is a state of one workspace: facts, the dimensions that they point at,
// and the dictionaries of both. It never changes; the next state shares with it
// what is the same. What follows from it is worked out once, when it is asked for.
type star struct {
	seq int64

	assets     column[assetDim]
	assetIDs   ids
	assetLive  rowset
	assetCount int

	weaknesses    column[weaknessDim]
	weaknessIDs   ids
	weaknessCount int

	facts     facts
	factIDs   ids
	live      rowset
	factCount int // with those that are gone

	dicts
	members []membership // by assetDim.member

	memos   memos
	totals  func() *totals
	results results
}

// dicts are what codes stand for. A dictionary belongs to one or a few fields,
// so that its order can serve as the order of their rows.
type dicts struct {
	loci, names, titles, keys, misc texts
	tags                            sets // of codes of misc
	aliases                         sets // of codes of keys
	cwes, sources                   sets // of codes of misc
	scopes                          sets // of codes of ids: scopes whose runs saw the asset
	times, ids                      numbers
	aspects, classes                words
	states, bands                   words
}

// facts are the columns of exposures. A code is explained by the dictionary of
// the same name.
type facts struct {
	id                   column[gyre.ID]
	asset, weakness      column[uint32] // rows
	locus, action        column[uint32]
	firstSeen, lastSeen  column[uint32]
	stateSince           column[uint32]
	sources              column[uint16]
	aspect, class, state column[uint8]
	severity, fixable    column[uint8]
	band, recorded       column[uint8] // that of the risk, and as the store has it
	risk                 column[float64]
}

// assetDim is one asset.
type assetDim struct {
	id                  gyre.ID
	firstSeen, lastSeen uint32 // times
	name, owner, os     uint32
	kind, zone, tags    uint32
	scopes, member      uint32
	criticality         uint8
	facing              bool
}

// membership is what belonging to a set of scopes brings.
type membership struct {
	names       []string         // in order
	criticality gyre.Criticality // highest
	appetite    float64          // lowest of those that say one; 0: none does
}

// weaknessDim is one weakness and what the world knows of it.
type weaknessDim struct {
	id                         gyre.ID
	cvssScore                  float64
	epss, epssPercentile       float64
	key, title, cvss           uint32
	aliases, cwes              uint32
	epssDate, kevAdded, kevDue uint32 // times
	exploit                    uint32 // misc
	kev, ransomware            bool
}

func (s *star) assetID(row uint32) gyre.ID    { return s.assets.ref(row).id }
func (s *star) weaknessID(row uint32) gyre.ID { return s.weaknesses.ref(row).id }
func (s *star) factID(row uint32) gyre.ID     { return s.facts.id.at(row) }

// asset finds an asset that is there.
func (s *star) asset(id gyre.ID) (uint32, bool) {
	row, ok := s.assetIDs.find(id, s.assetID)
	return row, ok && s.assetLive.has(row)
}

func (s *star) weakness(id gyre.ID) (uint32, bool) { return s.weaknessIDs.find(id, s.weaknessID) }

// fact finds an exposure that is there.
func (s *star) fact(id gyre.ID) (uint32, bool) {
	row, ok := s.factIDs.find(id, s.factID)
	return row, ok && s.live.has(row)
}

func (s *star) intel(w *weaknessDim) gyre.Intel {
	return gyre.Intel{
		EPSS: w.epss, EPSSPercentile: w.epssPercentile, EPSSDate: s.time(w.epssDate),
		KEV: w.kev, KEVAdded: s.time(w.kevAdded), KEVDue: s.time(w.kevDue), Ransomware: w.ransomware,
		Exploit: gyre.Exploit(s.misc.at(w.exploit)),
	}
}

// eachWeakness yields the names of weaknesses.
func (s *star) eachWeakness(yield func(gyre.Weakness) bool) {
	for row := range uint32(s.weaknessCount) { // #nosec -- fewer than 2^32 rows
		w := s.weaknesses.ref(row)
		if !yield(gyre.Weakness{ID: w.id, Key: s.keys.at(w.key), Aliases: s.texts(&s.keys, s.aliases.at(w.aliases))}) {
			return
		}
	}
}

// input is what the score of one fact depends on.
func (s *star) input(row uint32) prioritize.Input {
	f := &s.facts
	a, w := s.assets.ref(f.asset.at(row)), s.weaknesses.ref(f.weakness.at(row))
	return prioritize.Input{
		Class: gyre.Class(s.classes.list[f.class.at(row)]), Severity: gyre.Severity(f.severity.at(row)),
		CVSSScore: w.cvssScore, CVSS: s.misc.at(w.cvss), Intel: s.intel(w),
		Aspect: gyre.Aspect(s.aspects.list[f.aspect.at(row)]), Locus: s.loci.at(f.locus.at(row)),
		Zone: gyre.Zone(s.misc.at(a.zone)), Criticality: gyre.Criticality(a.criticality), ScopeCriticality: s.members[a.member].criticality,
		State: gyre.State(s.states.list[f.state.at(row)]),
	}
}

// activeStates says of each state's code whether it is active.
func (s *star) activeStates() *[maxWords]uint8 {
	var active [maxWords]uint8
	for code, word := range s.states.list {
		if gyre.State(word).Active() {
			active[code] = 1
		}
	}
	return &active
}

func (s *star) exposureRow(row uint32) gyre.ExposureRow {
	f := &s.facts
	a, w := s.assets.ref(f.asset.at(row)), s.weaknesses.ref(f.weakness.at(row))
	return gyre.ExposureRow{
		ID: f.id.at(row), Risk: f.risk.at(row), Band: gyre.Band(s.bands.list[f.band.at(row)]), Severity: gyre.Severity(f.severity.at(row)),
		Class: gyre.Class(s.classes.list[f.class.at(row)]), State: gyre.State(s.states.list[f.state.at(row)]),
		Title: s.titles.at(w.title), Weakness: s.keys.at(w.key), Locus: s.loci.at(f.locus.at(row)),
		Asset: gyre.AssetName{ID: a.id, Name: s.names.at(a.name), Kind: gyre.AssetKind(s.misc.at(a.kind)), Zone: gyre.Zone(s.misc.at(a.zone))},
		Owner: s.misc.at(a.owner), KEV: w.kev, EPSS: w.epss,
		FirstSeen: s.time(f.firstSeen.at(row)), LastSeen: s.time(f.lastSeen.at(row)),
		Action: gyre.ID(s.ids.list[f.action.at(row)]), Sources: s.texts(&s.misc, s.sources.at(uint32(f.sources.at(row)))),
	}
}

func (s *star) assetRow(row uint32) gyre.AssetRow {
	a, t := s.assets.ref(row), s.totals()
	return gyre.AssetRow{
		ID: a.id, Name: s.names.at(a.name), Kind: gyre.AssetKind(s.misc.at(a.kind)), Zone: gyre.Zone(s.misc.at(a.zone)),
		Criticality: gyre.Criticality(a.criticality), Owner: s.misc.at(a.owner), Tags: s.texts(&s.misc, s.tags.at(a.tags)),
		Exposures: int(t.assets[row].exposures), Risk: t.assets[row].risk, MaxBand: t.maxBand(row), LastSeen: s.time(a.lastSeen),
	}
}

// texts returns the texts of codes; nil for none.
func (d *dicts) texts(t *texts, codes []uint32) []string {
	if len(codes) == 0 {
		return nil
	}
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = t.at(c)
	}
	return out
}

// totals is what exposures add up to, for each asset and in all.
type totals struct {
	assets []assetTotal
	tally  gyre.Tally
}

// assetTotal is what the active exposures of an asset add up to.
type assetTotal struct {
	risk, worst float64
	exposures   uint32
}

func (t *totals) maxBand(asset uint32) gyre.Band {
	if t.assets[asset].exposures == 0 {
		return ""
	}
	return gyre.BandOf(t.assets[asset].worst)
}

// once makes the star work its totals out when they are asked for.
func (s *star) once() {
	s.totals = sync.OnceValue(s.addUp)
}

func (s *star) addUp() *totals {
	t := &totals{
		assets: make([]assetTotal, s.assetCount),
		tally:  gyre.Tally{Assets: s.assetLive.count(), Bands: map[gyre.Band]int{}, Classes: map[gyre.Class]int{}},
	}
	active := s.activeStates()
	var bands, classes [maxWords]int
	f := &s.facts
	for p := range f.id.pages {
		state, asset, risk := f.state.pages[p], f.asset.pages[p], f.risk.pages[p]
		band, class := f.band.pages[p], f.class.pages[p]
		live := s.live.page(p)
		giveWay()
		for i, st := range state {
			if active[st] == 0 || live[i>>6]>>(i&63)&1 == 0 {
				continue
			}
			a, r := &t.assets[asset[i]], risk[i]
			a.exposures++
			a.risk += r
			a.worst = max(a.worst, r)
			t.tally.Risk += r
			bands[band[i]]++
			classes[class[i]]++
		}
	}
	for code, n := range bands {
		if n > 0 {
			t.tally.Exposures += n
			t.tally.Bands[gyre.Band(s.bands.list[code])] = n
		}
	}
	for code, n := range classes {
		if n > 0 {
			t.tally.Classes[gyre.Class(s.classes.list[code])] = n
		}
	}
	return t
}
