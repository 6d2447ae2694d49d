// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package prioritize

import (
	"math"

	"github.com/gyre-ctem/gyre"
)

// A million exposures share some thousand weaknesses, assets and kinds of place.
// What follows takes Risk apart along these, so that whoever scores them all works
// each part out once. Risk itself is made of the same parts, so both give the same
// bits; the projection's property test holds that.

// Threat is what intelligence makes of a weakness.
type Threat struct {
	epss            float64 // events a year that EPSS foretells; 0 when it says nothing
	exploit         gyre.Exploit
	kev, ransomware bool
}

// ThreatOf is the threat of a weakness.
func ThreatOf(in *gyre.Intel) Threat {
	t := Threat{exploit: in.Exploit, kev: in.KEV, ransomware: in.Ransomware}
	if in.EPSS > 0 {
		t.epss = epssRate(in.EPSS)
	}
	return t
}

// Rate is events a year at a place that is open to the internet. class is what
// ClassRate says; ClassCounts tells whether it matters.
func (t *Threat) Rate(class float64) float64 {
	r := class
	if t.epss > 0 {
		r = t.epss
	}
	switch t.exploit {
	case gyre.ExploitPOC:
		r = max(r*pocFactor, pocFloor)
	case gyre.ExploitAttacked:
		r = max(r*pocFactor, attackedFloor)
	}
	if t.kev {
		r = max(r, kevFloor)
	}
	if t.ransomware {
		r = max(r, ransomwareFloor)
	}
	return min(r, maxRate)
}

// ClassCounts says whether the class has a say in Rate.
func (t *Threat) ClassCounts() bool { return t.epss <= 0 }

// ClassRate is the rate when no intelligence speaks of the weakness itself.
func ClassRate(c gyre.Class, s gyre.Severity) float64 { return classRate(c, s) }

// Vector numbers the attack vectors of CVSS vectors, for Reach: 0 is none.
func Vector(cvss string) uint8 {
	switch attackVector(cvss) {
	case 'N':
		return 1
	case 'A':
		return 2
	case 'L':
		return 3
	case 'P':
		return 4
	}
	return 0
}

// Vectors is how many numbers Vector gives.
const Vectors = 5

// Reach is the share of attackers on the network who can get at a place. port
// is what IsPort says of its locus.
func Reach(a gyre.Aspect, port bool, vector uint8) float64 {
	return reachOf(a, port, [Vectors]byte{0, 'N', 'A', 'L', 'P'}[vector])
}

// ZoneShare is the share of attackers that stand in front of a place.
func ZoneShare(a gyre.Aspect, z gyre.Zone) float64 { return zoneShare(a, z) }

// StateShare is the share of attempts that the state of an exposure leaves.
func StateShare(s gyre.State) float64 { return stateShare(s) }

// Harm is what a successful use does to a system of ordinary worth, 0 to 1.
func Harm(s gyre.Severity, cvss float64) float64 { return harm(s, cvss) }

// Worth is the criticality that counts, of the asset's own and its scopes'.
func Worth(asset, scope gyre.Criticality) gyre.Criticality { return criticality(asset, scope) }

// Impact is the impact part of a score, 0 to 1.
func Impact(harm float64, worth gyre.Criticality) float64 { return impactOf(harm, worth) }

// Combine is the risk of the parts.
func Combine(rate, reach, zone, state, impact float64) float64 {
	return 100 * likelihoodOf(rate, reach, zone, state) * impact
}

func likelihoodOf(rate, reach, zone, state float64) float64 {
	return -math.Expm1(-(rate * reach * zone * state))
}
