// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package intel is the practice estate's small snapshot of threat intelligence:
// real facts about the software that the estate plants, each with its source,
// written to a folder in the layout of the official downloads. So the estate is
// complete without a network.
//
// Only lab packages may import it. Invariants: every fact names where it is
// from; nothing here is invented; the folder is the same bytes for the same facts.
package intel

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

//go:embed facts.json
var raw []byte

// Snapshot is everything the estate knows of the world.
type Snapshot struct {
	KEV        json.RawMessage `json:"kev"`
	EPSS       Scores          `json:"epss"`
	Advisories []Advisory      `json:"advisories"`
}

// Scores are EPSS values of one day.
type Scores struct {
	Source string  `json:"source"`
	Date   string  `json:"date"` // YYYY-MM-DD
	Scores []Score `json:"scores"`
}

// Score is one EPSS value, in the digits of the official file.
type Score struct {
	CVE        string `json:"cve"`
	EPSS       string `json:"epss"`
	Percentile string `json:"percentile"`
}

// Advisory is one fact: a weakness in a package, affected and fixed versions,
// and the page that says so.
type Advisory struct {
	ID        string   `json:"id"`
	CVE       string   `json:"cve"`
	Aliases   []string `json:"aliases"`
	Upstream  []string `json:"upstream"` // as Debian's records name the CVE
	Ecosystem string   `json:"ecosystem"`
	Package   string   `json:"package"`
	Ranges    []Range  `json:"ranges"`
	Versions  []string `json:"versions"`
	CVSS      string   `json:"cvss"`
	Severity  string   `json:"severity"` // word, where there is no vector
	Summary   string   `json:"summary"`
	CWEs      []string `json:"cwes"`
	Published string   `json:"published"` // YYYY-MM-DD
	Source    string   `json:"source"`
	Advisory  string   `json:"advisory"` // the vendor's own page
}

// Range is affected from Introduced to before Fixed.
type Range struct {
	Introduced string `json:"introduced"`
	Fixed      string `json:"fixed"`
}

// Facts returns the snapshot. It must not be changed.
var Facts = sync.OnceValue(func() Snapshot {
	var s Snapshot
	if err := json.Unmarshal(raw, &s); err != nil {
		panic("lab/intel: facts.json: " + err.Error()) // embedded at build time; a test reads it
	}
	return s
})

// Keys lists every id under which the snapshot's weaknesses of a package are
// known: advisory ids, CVE ids, aliases.
func Keys(ecosystem, name string) []string {
	var keys []string
	for _, a := range Facts().Advisories {
		if a.Ecosystem != ecosystem || !strings.EqualFold(a.Package, name) {
			continue
		}
		keys = append(keys, a.ID)
		if a.CVE != "" {
			keys = append(keys, a.CVE)
		}
		keys = append(append(keys, a.Aliases...), a.Upstream...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
