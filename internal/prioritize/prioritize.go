// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package prioritize says how much risk one exposure carries, 0 to 100, and why.
//
//	risk = 100 × likelihood × impact
//	likelihood = 1 − exp(−rate × reach × zone)
//	impact     = 1 − (1 − harm)^worth
//
// rate is how often in a year an attacker would use such a weakness against a
// place that lies open on the internet; reach and zone are how much of that
// arrives here; harm comes from the severity, worth from the asset's criticality.
// The numbers and where they come from are in docs/scoring.md.
//
// Anyone may import it. Invariants, held by property tests:
//   - pure: no clock, no I/O, no state; equal input gives equal output, so a score can be replayed;
//   - 0 ≤ Risk ≤ 100, for any input;
//   - a KEV listing, a higher known EPSS value, better exploit evidence, a more
//     exposed zone and a higher criticality never lower the risk;
//   - the contributions of Score's factors add up to Risk.
package prioritize

import (
	"math"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// Input is everything that a score depends on. The zero value of a field means
// that it is not known.
type Input struct {
	Class     gyre.Class
	Severity  gyre.Severity // of the finding at this place
	CVSSScore float64       // base score, 0 to 10; refines Severity when the two agree
	CVSS      string        // vector, any version; only the attack vector is read
	Intel     gyre.Intel    // EPSS 0 is "not known": FIRST publishes no zero
	Aspect    gyre.Aspect
	Locus     string
	Zone      gyre.Zone
	// Criticality is the asset's own; when unset ScopeCriticality stands in for it.
	Criticality      gyre.Criticality
	ScopeCriticality gyre.Criticality
	State            gyre.State
}

// Risk is the risk of one exposure, 0 to 100. It allocates nothing: the
// projection calls it for every exposure when a feed changes.
//
// Accepted risk keeps its number (sums leave it out, see gyre.State.Active); what
// is fixed or false has none, and a proven control takes most of it away.
func Risk(in *Input) float64 {
	l, i := parts(in)
	return 100 * l * i
}

func parts(in *Input) (likelihood, impact float64) {
	t := ThreatOf(&in.Intel)
	return likelihoodOf(t.Rate(classRate(in.Class, in.Severity)), reach(in.Aspect, in.Locus, in.CVSS), zoneShare(in.Aspect, in.Zone), stateShare(in.State)),
		impactOf(harm(in.Severity, in.CVSSScore), criticality(in.Criticality, in.ScopeCriticality))
}

// epssRate turns the probability of at least one exploitation within 30 days
// into events a year, taking them to arrive independently of each other.
func epssRate(p float64) float64 {
	if p >= 1 {
		return maxRate
	}
	return -math.Log1p(-p) * daysPerYear / epssDays
}

// reach is the share of attackers on the network who can get at the place at
// all, before the zone is considered.
func reach(a gyre.Aspect, locus, cvss string) float64 {
	return reachOf(a, IsPort(locus), attackVector(cvss))
}

// IsPort says whether a locus is a port of the network.
func IsPort(locus string) bool {
	return strings.HasPrefix(locus, "tcp/") || strings.HasPrefix(locus, "udp/")
}

func reachOf(a gyre.Aspect, port bool, av byte) float64 {
	switch {
	case port:
		return remoteReach(av)
	case a == gyre.AspectIaC:
		return planReach
	case a == gyre.AspectPackage || a == gyre.AspectFile || a == gyre.AspectSecret || a == gyre.AspectCode:
		return localReach(av)
	}
	return 1
}

// attackVector is the letter of the metric AV of a CVSS vector, 0 when there is
// none. CVSS 2, 3 and 4 all call it AV.
func attackVector(cvss string) byte {
	for i := 0; i+3 < len(cvss); i++ {
		if cvss[i] == 'A' && cvss[i+1] == 'V' && cvss[i+2] == ':' && (i == 0 || cvss[i-1] == '/' || cvss[i-1] == '(') {
			return cvss[i+3]
		}
	}
	return 0
}

func criticality(asset, scope gyre.Criticality) gyre.Criticality {
	c := asset
	if c == gyre.CriticalityUnset {
		c = scope
	}
	if c == gyre.CriticalityUnset {
		return gyre.CriticalityMedium
	}
	return min(max(c, gyre.CriticalityLow), gyre.CriticalityCrown)
}

// impactOf is 1 − (1 − harm)^worth, with worth 0.5, 1, 1.5 and 2 for the four
// criticalities: as if the harm were done to half, one, one and a half or two
// systems of ordinary worth. It stays below 1 however bad both are.
func impactOf(harm float64, c gyre.Criticality) float64 {
	rest := 1 - harm
	switch c {
	case gyre.CriticalityLow:
		rest = math.Sqrt(rest)
	case gyre.CriticalityHigh:
		rest *= math.Sqrt(rest)
	case gyre.CriticalityCrown:
		rest *= rest
	}
	return 1 - rest
}
