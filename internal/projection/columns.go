// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
)

// exposureColumns shows the facts, with their dimensions, under the names of
// expr.ExposureSchema.
type exposureColumns struct{ v *view }

var _ expr.Columns = exposureColumns{}

func (c exposureColumns) asset(row int) *assetDim { return &c.v.assets[c.v.facts.asset[row]] }
func (c exposureColumns) weakness(row int) *weaknessDim {
	return &c.v.weaknesses[c.v.facts.weakness[row]]
}

func (c exposureColumns) Bool(field string) func(int) bool {
	switch field {
	case "intel.kev":
		return func(r int) bool { return c.weakness(r).Intel.KEV }
	case "intel.ransomware":
		return func(r int) bool { return c.weakness(r).Intel.Ransomware }
	case "asset.internet_facing":
		return func(r int) bool { return c.asset(r).facing }
	case "fix_available":
		return func(r int) bool { return c.v.facts.fixable[r] }
	case "over_appetite":
		return func(r int) bool {
			limit := c.asset(r).appetite
			return limit > 0 && c.v.facts.risk[r] > limit
		}
	}
	return nil
}

func (c exposureColumns) Number(field string) func(int) float64 {
	f := &c.v.facts
	switch field {
	case "severity":
		return func(r int) float64 { return float64(f.severity[r]) }
	case "risk":
		return func(r int) float64 { return f.risk[r] }
	case "cvss":
		return func(r int) float64 { return c.weakness(r).CVSSScore }
	case "intel.epss":
		return func(r int) float64 { return c.weakness(r).Intel.EPSS }
	case "asset.criticality":
		return func(r int) float64 { return float64(c.asset(r).Asset.Criticality) }
	}
	return nil
}

func (c exposureColumns) Text(field string) func(int) string {
	f := &c.v.facts
	word := func(column []uint8) func(int) string {
		return func(r int) string { return f.words.list[column[r]] }
	}
	switch field {
	case "state":
		return word(f.state)
	case "class":
		return word(f.class)
	case "aspect":
		return word(f.aspect)
	case "band":
		return func(r int) string { return string(gyre.BandOf(f.risk[r])) }
	case "locus":
		return func(r int) string { return f.locus[r] }
	case "title":
		return func(r int) string { return c.weakness(r).Title }
	case "weakness":
		return func(r int) string { return c.weakness(r).Key }
	case "intel.exploit":
		return func(r int) string { return string(c.weakness(r).Intel.Exploit) }
	case "asset.name":
		return func(r int) string { return c.asset(r).Name }
	case "asset.id":
		return func(r int) string { return c.asset(r).ID.String() }
	case "asset.kind":
		return func(r int) string { return string(c.asset(r).Kind) }
	case "asset.zone":
		return func(r int) string { return string(c.asset(r).Zone) }
	case "asset.owner":
		return func(r int) string { return c.asset(r).Owner }
	case "action":
		return func(r int) string { return f.action[r].String() }
	}
	return nil
}

func (c exposureColumns) TextList(field string) func(int) []string {
	f := &c.v.facts
	switch field {
	case "aliases":
		return func(r int) []string { return c.weakness(r).Aliases }
	case "cwes":
		return func(r int) []string { return c.weakness(r).CWEs }
	case "asset.tags":
		return func(r int) []string { return c.asset(r).Tags }
	case "scope":
		return func(r int) []string { return c.asset(r).scopeNames }
	case "sources":
		return func(r int) []string { return f.sourceSets[f.sources[r]] }
	}
	return nil
}

func (c exposureColumns) Time(field string) func(int) int64 {
	f := &c.v.facts
	switch field {
	case "first_seen":
		return func(r int) int64 { return f.firstSeen[r] }
	case "last_seen":
		return func(r int) int64 { return f.lastSeen[r] }
	case "state_since":
		return func(r int) int64 { return f.stateSince[r] }
	}
	return nil
}

// assetColumns shows the asset dimension under the names of expr.AssetSchema.
type assetColumns struct{ v *view }

var _ expr.Columns = assetColumns{}

func (c assetColumns) Bool(field string) func(int) bool {
	if field == "internet_facing" {
		return func(r int) bool { return c.v.assets[r].facing }
	}
	return nil
}

func (c assetColumns) Number(field string) func(int) float64 {
	switch field {
	case "criticality":
		return func(r int) float64 { return float64(c.v.assets[r].Asset.Criticality) }
	case "exposures":
		return func(r int) float64 { return float64(c.v.assets[r].exposures) }
	case "risk":
		return func(r int) float64 { return c.v.assets[r].risk }
	}
	return nil
}

func (c assetColumns) Text(field string) func(int) string {
	switch field {
	case "name":
		return func(r int) string { return c.v.assets[r].Name }
	case "kind":
		return func(r int) string { return string(c.v.assets[r].Kind) }
	case "zone":
		return func(r int) string { return string(c.v.assets[r].Zone) }
	case "owner":
		return func(r int) string { return c.v.assets[r].Owner }
	case "max_band":
		return func(r int) string { return string(c.v.assets[r].maxBand()) }
	case "os":
		return func(r int) string { return c.v.assets[r].Attributes["os"] }
	}
	return nil
}

func (c assetColumns) TextList(field string) func(int) []string {
	if field == "tags" {
		return func(r int) []string { return c.v.assets[r].Tags }
	}
	return nil
}

func (c assetColumns) Time(field string) func(int) int64 {
	switch field {
	case "first_seen":
		return func(r int) int64 { return micros(c.v.assets[r].FirstSeen) }
	case "last_seen":
		return func(r int) int64 { return micros(c.v.assets[r].LastSeen) }
	}
	return nil
}

func (a *assetDim) maxBand() gyre.Band {
	if a.exposures == 0 {
		return ""
	}
	return gyre.BandOf(a.worst)
}
