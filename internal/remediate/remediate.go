// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package remediate turns exposures into actions: things that one person does
// once and that remove many exposures.
//
// Anyone may import it. It is pure: no clock, no I/O. Invariants:
//   - every active exposure is in exactly one action; others are in none;
//   - the key of an exposure's action depends on the exposure and its weakness
//     only, never on what else there is, so an action keeps its owner and state from cycle to cycle;
//   - names and versions come from reports that anyone may have written: what
//     goes into a command is quoted for a POSIX shell.
package remediate

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/osv-scalibr/semantic"

	"github.com/gyre-ctem/gyre"
)

// Item is one exposure with what it is made of.
type Item struct {
	Exposure gyre.Exposure
	Asset    *gyre.Asset
	Weakness *gyre.Weakness
	Risk     float64 // as internal/prioritize says
}

// Guides knows what to do about what checks find. internal/check implements it.
type Guides interface {
	// Steps returns the steps of a check with what is in braces filled in, quoted
	// where it stands in a command; none when it does not know the check.
	// placeholders has asset, address, locus and weakness, and for a cloud
	// resource name and account, all as reports wrote them.
	Steps(checkID string, placeholders map[string]string) []gyre.Step
}

// Draft is an action as the exposures of now call for it. The fields that people
// set (ID, State, Owner, Due) are empty; Created and Updated are the time of the plan.
type Draft struct {
	gyre.Action
	ExposureIDs []gyre.ID // the riskiest first
	AssetIDs    []gyre.ID // ascending
}

const (
	maxSteps      = 40 // of one action
	maxStepAssets = 200
)

// Plan groups the active exposures of items into actions, the one that removes
// most risk first. guides may be nil.
func Plan(items []Item, guides Guides, now time.Time) []Draft {
	groups := map[string][]*Item{}
	for i := range items {
		it := &items[i]
		if it.Exposure.State.Active() {
			key := Key(&it.Exposure, it.Weakness)
			groups[key] = append(groups[key], it)
		}
	}
	drafts := make([]Draft, 0, len(groups))
	for key, group := range groups {
		drafts = append(drafts, draft(key, group, guides, now))
	}
	slices.SortFunc(drafts, func(a, b Draft) int {
		return cmp.Or(cmp.Compare(b.RiskRemoved, a.RiskRemoved), cmp.Compare(a.Key, b.Key))
	})
	return drafts
}

// Key is the key of the action that removes an exposure:
//
//	upgrade/Debian/openssl       one package upgrade, on any asset and release
//	mitigate/npm/left-pad        the same package, no fixed version is published
//	change/tls.protocol-old      one configuration change, as the check describes it
//	text/CVE-2024-1234           all there is, is what a tool wrote about it
func Key(e *gyre.Exposure, w *gyre.Weakness) string {
	r := e.Remedy
	switch {
	case r.Kind == gyre.RemedyUpgrade && r.Package != "" && r.Fixed != "":
		return "upgrade/" + family(r.Ecosystem) + "/" + r.Package
	case r.Kind == gyre.RemedyUpgrade && r.Package != "":
		return "mitigate/" + family(r.Ecosystem) + "/" + r.Package
	case r.Kind == gyre.RemedyChange && r.Check != "":
		return "change/" + r.Check
	}
	return "text/" + w.Key
}

func draft(key string, group []*Item, guides Guides, now time.Time) Draft {
	slices.SortFunc(group, func(a, b *Item) int {
		return cmp.Or(cmp.Compare(b.Risk, a.Risk), cmp.Compare(a.Exposure.ID, b.Exposure.ID))
	})
	d := Draft{ExposureIDs: make([]gyre.ID, len(group))}
	d.Key, d.Created, d.Updated, d.Exposures = key, now, now, len(group)
	for i, it := range group {
		d.ExposureIDs[i] = it.Exposure.ID
		d.AssetIDs = append(d.AssetIDs, it.Exposure.Asset)
		d.RiskRemoved += it.Risk
	}
	slices.Sort(d.AssetIDs)
	d.AssetIDs = slices.Compact(d.AssetIDs)
	d.Assets = len(d.AssetIDs)

	kind, _, _ := strings.Cut(key, "/")
	switch kind {
	case "upgrade":
		d.Title, d.Steps = upgrade(group, d.Assets)
	case "mitigate":
		d.Title, d.Steps = mitigate(group, d.Assets)
	case "change":
		d.Title, d.Steps = change(group, d.Assets, guides)
	default:
		d.Title, d.Steps = text(group, d.Assets)
	}
	d.Steps = limit(d.Steps)
	return d
}

// limit keeps an action readable, and says what it left out.
func limit(steps []gyre.Step) []gyre.Step {
	for i := range steps {
		slices.Sort(steps[i].Assets)
		if n := len(steps[i].Assets); n > maxStepAssets {
			steps[i].Assets = append(steps[i].Assets[:maxStepAssets:maxStepAssets], "… and "+strconv.Itoa(n-maxStepAssets)+" more")
		}
	}
	if n := len(steps); n > maxSteps {
		steps = append(steps[:maxSteps-1:maxSteps-1], gyre.Step{
			Platform: "any",
			Text:     "The same at " + strconv.Itoa(n-maxSteps+1) + " more places; the exposures of this action list them.",
		})
	}
	return steps
}

// family is the ecosystem without its release: "Debian:12" → "Debian".
func family(ecosystem string) string {
	f, _, _ := strings.Cut(ecosystem, ":")
	return cmp.Or(f, "unknown")
}

// later says whether version a is later than b by the rules of the ecosystem.
// Versions that cannot be compared keep the first.
func later(a, b, ecosystem string) bool {
	if b == "" {
		return true
	}
	va, err := semantic.Parse(a, ecosystem)
	if err != nil {
		return false
	}
	c, err := va.CompareStr(b)
	return err == nil && c > 0
}

func on(assets int, only string) string {
	if assets == 1 && only != "" {
		return " on " + only
	}
	return " on " + strconv.Itoa(assets) + " assets"
}
