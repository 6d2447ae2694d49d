// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"math"
	"slices"
	"time"

	"github.com/gyre-ctem/gyre"
)

// builder makes the states of one workspace, one after the other. It is used by
// one goroutine at a time, and does no I/O: what it is given it can always take.
type builder struct {
	star                                  // the state that is being made; only freeze hands it out
	shared struct{ live, assetLive bool } // readers have these

	loci, names, titles, keys, misc textWriter
	tags, aliases, cwes, sources    setWriter
	scopes                          setWriter // of codes of ids
	memberships                     setWriter // of codes of ids, by assetDim.member
	times, ids                      numberWriter
	aspects, classes                words
	states, bands                   words

	lastAsset      found
	lastWeaknesses []found // while everything is loaded

	selectors []selector
	// What changed since the last state.
	stale struct {
		selected           rowset   // assets whose scopes must be found
		assets, weaknesses rowset   // whose facts must be scored
		dims               bool     // there are such
		facts              rowset   // that must be scored
		few                []uint32 // the same, as long as they are few
	}
}

// found is the row of an ID, which stays where it is.
type found struct {
	id  gyre.ID
	row uint32
}

const weaknessBits = 12

func newBuilder() *builder {
	b := &builder{
		loci: newTexts(), names: newTexts(), titles: newTexts(), keys: newTexts(), misc: newTexts(),
		tags: newSets(), aliases: newSets(), cwes: newSets(), sources: newSets(), scopes: newSets(),
		times: newNumbers(), ids: newNumbers(),
		classes: wordsOf(gyre.Classes), states: wordsOf(gyre.States), bands: wordsOf(append(slices.Clone(gyre.Bands), "")),
	}
	b.setScopes(nil, time.Time{})
	return b
}

// sync lets the star see what the dictionaries hold by now.
func (b *builder) sync() {
	b.dicts = dicts{
		loci: b.loci.texts, names: b.names.texts, titles: b.titles.texts, keys: b.keys.texts, misc: b.misc.texts,
		tags: b.tags.sets, aliases: b.aliases.sets, cwes: b.cwes.sets, sources: b.sources.sets, scopes: b.scopes.sets,
		times: b.times.numbers, ids: b.ids.numbers,
		aspects: b.aspects, classes: b.classes, states: b.states, bands: b.bands,
	}
}

// freeze scores what must be scored and returns the state, for readers.
func (b *builder) freeze(seq int64) *star {
	b.selectScopes()
	b.rescore()
	b.renewMemos()
	b.seq = seq
	s := &star{
		seq: seq, members: b.members,
		assets: b.assets.freeze(), assetIDs: b.assetIDs.freeze(), assetLive: b.assetLive, assetCount: b.assetCount,
		weaknesses: b.weaknesses.freeze(), weaknessIDs: b.weaknessIDs.freeze(), weaknessCount: b.weaknessCount,
		facts: b.facts.freeze(), factIDs: b.factIDs.freeze(), live: b.live, factCount: b.factCount,
		dicts: b.dicts, memos: b.memos,
	}
	s.loci, s.names, s.titles, s.keys, s.misc = b.loci.freeze(), b.names.freeze(), b.titles.freeze(), b.keys.freeze(), b.misc.freeze()
	b.shared.live, b.shared.assetLive = true, true
	s.once()
	return s
}

func (f *facts) freeze() facts {
	return facts{
		id: f.id.freeze(), asset: f.asset.freeze(), weakness: f.weakness.freeze(), locus: f.locus.freeze(), action: f.action.freeze(),
		firstSeen: f.firstSeen.freeze(), lastSeen: f.lastSeen.freeze(), stateSince: f.stateSince.freeze(), sources: f.sources.freeze(),
		aspect: f.aspect.freeze(), class: f.class.freeze(), state: f.state.freeze(), severity: f.severity.freeze(), fixable: f.fixable.freeze(),
		band: f.band.freeze(), recorded: f.recorded.freeze(), risk: f.risk.freeze(),
	}
}

// trim gives back what columns have in reserve, after a load.
func (b *builder) trim() {
	b.lastWeaknesses = nil
	b.assets.trim()
	b.weaknesses.trim()
	for _, w := range []*textWriter{&b.loci, &b.names, &b.titles, &b.keys} {
		w.trim()
	}
	f := &b.facts
	f.id.trim()
	f.risk.trim()
	for _, c := range f.wide() {
		c.trim()
	}
	f.sources.trim()
	for _, c := range f.narrow() {
		c.trim()
	}
}

func (f *facts) wide() [7]*column[uint32] {
	return [...]*column[uint32]{&f.asset, &f.weakness, &f.locus, &f.action, &f.firstSeen, &f.lastSeen, &f.stateSince}
}

func (f *facts) narrow() [7]*column[uint8] {
	return [...]*column[uint8]{&f.aspect, &f.class, &f.state, &f.severity, &f.fixable, &f.band, &f.recorded}
}

// setLive says of a row whether it is there; it may be the row after the last.
func setLive(s *rowset, shared *bool, row uint32, live bool) {
	if s.has(row) == live && int(row>>6) < len(*s) {
		return
	}
	if *shared {
		*s, *shared = slices.Clone(*s), false
	}
	for int(row>>6) >= len(*s) {
		*s = append(*s, 0)
	}
	if live {
		s.put(row)
	} else {
		s.drop(row)
	}
}

// putAsset adds or replaces one asset.
func (b *builder) putAsset(a *Asset) uint32 {
	dim := assetDim{
		id: a.ID, firstSeen: b.time(a.FirstSeen), lastSeen: b.time(a.LastSeen),
		name: b.names.code(a.Name), owner: b.misc.code(a.Owner), os: b.misc.code(a.Attributes["os"]), zone: b.misc.code(string(a.Zone)),
		tags: b.tags.code(codesOf(&b.misc, a.Tags)), scopes: b.scopes.code(b.codesOfIDs(a.Scopes)),
		kind: b.misc.code(string(a.Kind)), criticality: uint8(min(max(a.Criticality, 0), math.MaxUint8)), // #nosec -- bounded
		facing: a.Zone == gyre.ZoneInternet,
	}
	row, known := b.assetIDs.find(a.ID, b.assetID)
	if known {
		old := *b.assets.ref(row)
		dim.member = old.member
		if old.zone != dim.zone || old.criticality != dim.criticality {
			b.staleAsset(row)
		}
		if old != dim {
			b.assets.set(row, dim)
		}
	} else {
		row = uint32(b.assetCount) // #nosec -- fewer than 2^32 rows
		b.assetCount++
		b.assets.add(dim)
		b.assetIDs.add(row, a.ID, b.assetID)
	}
	setLive(&b.assetLive, &b.shared.assetLive, row, true)
	markStale(&b.stale.selected, row)
	return row
}

// staleAsset has the facts of an asset scored again.
func (b *builder) staleAsset(row uint32) {
	markStale(&b.stale.assets, row)
	b.stale.dims = true
}

// dropAsset takes an asset out that is no more.
func (b *builder) dropAsset(id gyre.ID) {
	if row, ok := b.assetIDs.find(id, b.assetID); ok {
		setLive(&b.assetLive, &b.shared.assetLive, row, false)
	}
}

// putWeakness adds or replaces one weakness.
func (b *builder) putWeakness(w *Weakness) uint32 {
	dim := weaknessDim{
		id: w.ID, cvssScore: w.CVSSScore, key: b.keys.code(w.Key), title: b.titles.code(w.Title), cvss: b.misc.code(w.CVSS),
		aliases: b.aliases.code(codesOf(&b.keys, w.Aliases)), cwes: b.cwes.code(codesOf(&b.misc, w.CWEs)),
	}
	b.fillIntel(&dim, &w.Intel)
	row, known := b.weaknessIDs.find(w.ID, b.weaknessID)
	if known {
		b.changeWeakness(row, &dim)
	} else {
		row = uint32(b.weaknessCount) // #nosec -- fewer than 2^32 rows
		b.weaknessCount++
		b.weaknesses.add(dim)
		b.weaknessIDs.add(row, w.ID, b.weaknessID)
	}
	return row
}

func (b *builder) changeWeakness(row uint32, dim *weaknessDim) {
	old := *b.weaknesses.ref(row)
	if old == *dim {
		return
	}
	b.weaknesses.set(row, *dim)
	if old.cvssScore != dim.cvssScore || old.cvss != dim.cvss || old.epss != dim.epss || old.exploit != dim.exploit ||
		old.kev != dim.kev || old.ransomware != dim.ransomware {
		markStale(&b.stale.weaknesses, row)
		b.stale.dims = true
	}
}

func (b *builder) fillIntel(dim *weaknessDim, in *gyre.Intel) {
	dim.epss, dim.epssPercentile, dim.epssDate = in.EPSS, in.EPSSPercentile, b.time(in.EPSSDate)
	dim.kev, dim.kevAdded, dim.kevDue, dim.ransomware = in.KEV, b.time(in.KEVAdded), b.time(in.KEVDue), in.Ransomware
	dim.exploit = b.misc.code(string(in.Exploit))
}

// putIntel replaces what the world knows of every weakness; those that are not
// in known have nothing.
func (b *builder) putIntel(known map[gyre.ID]gyre.Intel) {
	for row := range uint32(b.weaknessCount) { // #nosec -- fewer than 2^32 rows
		dim := *b.weaknesses.ref(row)
		in := known[dim.id]
		b.fillIntel(&dim, &in)
		b.changeWeakness(row, &dim)
	}
}

// putExposure adds or replaces one fact. Its dimensions must be there; a fact
// whose are not is left out, and says so.
func (b *builder) putExposure(e *Exposure) bool {
	asset, weakness, ok := b.dimensionsOf(e)
	if !ok {
		return false
	}
	f := &b.facts
	row, known := b.factIDs.find(e.ID, b.factID)
	if !known {
		row = uint32(b.factCount) // #nosec -- fewer than 2^32 rows
		b.factCount++
		f.grow(e.ID)
		b.factIDs.add(row, e.ID, b.factID)
	}
	update(&f.asset, row, asset)
	update(&f.weakness, row, weakness)
	update(&f.locus, row, b.loci.code(e.Locus))
	update(&f.action, row, b.ids.code(int64(e.Action)))
	update(&f.firstSeen, row, b.time(e.FirstSeen))
	update(&f.lastSeen, row, b.time(e.LastSeen))
	update(&f.stateSince, row, b.time(e.StateSince))
	update(&f.sources, row, b.sourceSet(e.Sources))
	update(&f.aspect, row, b.aspects.code(string(e.Aspect)))
	update(&f.class, row, b.classes.code(string(e.Class)))
	update(&f.state, row, b.states.code(string(e.State)))
	update(&f.severity, row, uint8(min(max(e.Severity, 0), gyre.SeverityCritical))) // #nosec -- bounded
	update(&f.fixable, row, oneIf(e.Fixable))
	update(&f.recorded, row, b.bands.code(string(e.Band)))
	setLive(&b.live, &b.shared.live, row, true)
	b.touch(row)
	return true
}

// dimensionsOf finds the asset and the weakness of an exposure. Those that came
// before it are often the same: most exposures of an asset come one after the other, and
// a few weaknesses are on most assets.
func (b *builder) dimensionsOf(e *Exposure) (asset, weakness uint32, ok bool) {
	if last := b.lastAsset; last.id == e.Asset && b.assetLive.has(last.row) {
		asset = last.row
	} else {
		if asset, ok = b.asset(e.Asset); !ok {
			return 0, 0, false
		}
		b.lastAsset = found{e.Asset, asset}
	}
	if b.lastWeaknesses == nil {
		weakness, ok = b.weakness(e.Weakness)
		return asset, weakness, ok
	}
	last := &b.lastWeaknesses[uint64(e.Weakness)*0x9e3779b97f4a7c15>>(64-weaknessBits)] // #nosec -- a hash
	if last.id != e.Weakness || last.id == 0 {
		if weakness, ok = b.weakness(e.Weakness); !ok {
			return 0, 0, false
		}
		*last = found{e.Weakness, weakness}
	}
	return asset, last.row, true
}

// touch has a fact scored again.
func (b *builder) touch(row uint32) {
	if len(b.stale.few) < maxFew {
		b.stale.few = append(b.stale.few, row)
		return
	}
	markStale(&b.stale.facts, row)
}

// dropExposure takes a fact out that is no more.
func (b *builder) dropExposure(id gyre.ID) {
	if row, ok := b.factIDs.find(id, b.factID); ok {
		setLive(&b.live, &b.shared.live, row, false)
	}
}

// update writes only what differs, so that pages stay shared.
func update[T comparable](c *column[T], row uint32, v T) {
	if c.at(row) != v {
		c.set(row, v)
	}
}

// grow adds an empty row to every column.
func (f *facts) grow(id gyre.ID) {
	f.id.add(id)
	for _, c := range f.wide() {
		c.add(0)
	}
	f.sources.add(0)
	for _, c := range f.narrow() {
		c.add(0)
	}
	f.risk.add(0)
}

func (b *builder) sourceSet(names []string) uint16 {
	names = slices.Clone(names)
	slices.Sort(names)
	code := b.sources.code(codesOf(&b.misc, slices.Compact(names)))
	if code > math.MaxUint16 {
		return 0
	}
	return uint16(code)
}

func codesOf(w *textWriter, list []string) []uint32 {
	codes := make([]uint32, len(list))
	for i, s := range list {
		codes[i] = w.code(s)
	}
	return codes
}

func (b *builder) codesOfIDs(list []gyre.ID) []uint32 {
	codes := make([]uint32, len(list))
	for i, id := range list {
		codes[i] = b.ids.code(int64(id))
	}
	return codes
}

func (b *builder) time(t time.Time) uint32 { return b.times.code(micros(t)) }

func (d *dicts) time(code uint32) time.Time { return timeOf(d.times.list[code]) }

func markStale(s *rowset, row uint32) {
	for int(row>>6) >= len(*s) {
		*s = append(*s, 0)
	}
	s.put(row)
}

func oneIf(b bool) uint8 {
	if b {
		return 1
	}
	return 0
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
