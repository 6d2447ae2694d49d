// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/prioritize"
)

// maxFew is how many facts are scored one by one; for more the parts of their
// scores are worked out first.
const maxFew = 2000

// rescore scores what is stale: facts that changed, and facts whose asset or
// weakness did.
func (b *builder) rescore() {
	st := &b.stale
	defer func() {
		clear(st.assets)
		clear(st.weaknesses)
		st.facts, st.few, st.dims = nil, st.few[:0], false
	}()
	if !st.dims && st.facts == nil {
		for _, row := range st.few {
			in := b.input(row)
			b.setRisk(row, prioritize.Risk(&in))
		}
		return
	}
	for _, row := range st.few {
		markStale(&st.facts, row)
	}
	if st.dims {
		b.markFacts()
	}
	b.scoreFacts(st.facts)
}

// markFacts marks the facts whose asset or weakness is stale.
func (b *builder) markFacts() {
	st := &b.stale
	for len(st.facts) < (b.factCount+63)/64 {
		st.facts = append(st.facts, 0)
	}
	pad := func(s *rowset, rows int) {
		for len(*s) < (rows+63)/64 {
			*s = append(*s, 0)
		}
	}
	pad(&st.assets, b.assetCount)
	pad(&st.weaknesses, b.weaknessCount)
	for p := range b.facts.asset.pages {
		out, weakness := st.facts.page(p), b.facts.weakness.pages[p]
		for i, a := range b.facts.asset.pages[p] {
			w := weakness[i]
			out[i>>6] |= (st.assets[a>>6]>>(a&63)&1 | st.weaknesses[w>>6]>>(w&63)&1) << (i & 63)
		}
	}
}

func (b *builder) setRisk(row uint32, risk float64) {
	update(&b.facts.risk, row, risk)
	update(&b.facts.band, row, bandCode(risk))
}

// bandCode is the code of gyre.BandOf: bands are numbered in the order of gyre.Bands.
func bandCode(risk float64) uint8 {
	switch {
	case risk >= 80:
		return 0
	case risk >= 60:
		return 1
	case risk >= 35:
		return 2
	case risk >= 10:
		return 3
	}
	return 4
}

// scoreParts are the parts of scores, by the codes that they depend on.
type scoreParts struct {
	threats []prioritize.Threat // by weakness
	rate    []float64           // by weakness; negative: it depends on the class
	vector  []uint8             // by weakness
	zone    []float64           // by asset
	worth   []gyre.Criticality  // by asset
	port    rowset              // of loci
	class   [maxWords][gyre.SeverityCritical + 1]float64
	reach   [maxWords][2][prioritize.Vectors]float64 // by aspect
	cloud   [maxWords]bool                           // aspects whose zone does not matter
	state   [maxWords]float64
}

func (s *star) scoreParts() *scoreParts {
	p := &scoreParts{
		threats: make([]prioritize.Threat, s.weaknessCount), rate: make([]float64, s.weaknessCount), vector: make([]uint8, s.weaknessCount),
		zone: make([]float64, s.assetCount), worth: make([]gyre.Criticality, s.assetCount), port: newRowset(s.loci.len()),
	}
	for row := range uint32(s.weaknessCount) { // #nosec -- fewer than 2^32 rows
		w := s.weaknesses.ref(row)
		in := s.intel(w)
		t := prioritize.ThreatOf(&in)
		p.threats[row], p.rate[row], p.vector[row] = t, -1, prioritize.Vector(s.misc.at(w.cvss))
		if !t.ClassCounts() {
			p.rate[row] = t.Rate(0)
		}
	}
	for row := range uint32(s.assetCount) { // #nosec -- fewer than 2^32 rows
		a := s.assets.ref(row)
		p.zone[row] = prioritize.ZoneShare("", gyre.Zone(s.misc.at(a.zone)))
		p.worth[row] = prioritize.Worth(gyre.Criticality(a.criticality), s.members[a.member].criticality)
	}
	for code := range uint32(s.loci.len()) { // #nosec -- fewer than 2^32 texts
		if prioritize.IsPort(s.loci.at(code)) {
			p.port.put(code)
		}
	}
	for code, word := range s.classes.list {
		for sev := range p.class[code] {
			p.class[code][sev] = prioritize.ClassRate(gyre.Class(word), gyre.Severity(sev))
		}
	}
	for code, word := range s.aspects.list {
		a := gyre.Aspect(word)
		p.cloud[code] = a == gyre.AspectCloud
		for v := range uint8(prioritize.Vectors) {
			p.reach[code][0][v], p.reach[code][1][v] = prioritize.Reach(a, false, v), prioritize.Reach(a, true, v)
		}
	}
	for code, word := range s.states.list {
		p.state[code] = prioritize.StateShare(gyre.State(word))
	}
	return p
}

// scoreFacts scores many facts.
func (b *builder) scoreFacts(rows rowset) {
	parts := b.scoreParts()
	everywhere := prioritize.ZoneShare(gyre.AspectCloud, "")
	f := &b.facts
	for p := range f.id.pages {
		todo := rows.page(p)
		if rowset(todo).count() == 0 {
			continue
		}
		asset, weakness, locus := f.asset.pages[p], f.weakness.pages[p], f.locus.pages[p]
		aspect, class, state, severity := f.aspect.pages[p], f.class.pages[p], f.state.pages[p], f.severity.pages[p]
		risk, band := f.risk.changePage(p), f.band.changePage(p)
		rowset(todo).each(func(row uint32) bool {
			i := int(row)
			w, sev := weakness[i], severity[i]
			rate := parts.rate[w]
			if rate < 0 {
				rate = parts.threats[w].Rate(parts.class[class[i]][sev])
			}
			port := parts.port[locus[i]>>6] >> (locus[i] & 63) & 1
			zone := parts.zone[asset[i]]
			if parts.cloud[aspect[i]] {
				zone = everywhere
			}
			harm := prioritize.Harm(gyre.Severity(sev), b.weaknesses.ref(w).cvssScore)
			r := prioritize.Combine(rate, parts.reach[aspect[i]][port][parts.vector[w]], zone, parts.state[state[i]],
				prioritize.Impact(harm, parts.worth[asset[i]]))
			risk[i], band[i] = r, bandCode(r)
			return true
		})
	}
}
