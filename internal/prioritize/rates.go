// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package prioritize

import "github.com/gyre-ctem/gyre"

// The numbers of the model. Those that come from data say so; the others are
// judgement, chosen so that the order of well-known cases comes out as a
// practitioner would put it, and held by the table in TestWellKnownCases.
const (
	daysPerYear = 365.0
	epssDays    = 30.0 // EPSS speaks of the next 30 days (FIRST)

	// Once a month is as often as it gets: beyond that an open place is hit for
	// certain, and a higher number would only wipe out the difference between zones.
	maxRate = 12.0
	// KEV says that attackers do use it, now. Not how often: judgement.
	kevFloor        = 8.0
	ransomwareFloor = maxRate
	// Exploitation that was reported but is not in KEV.
	attackedFloor = 4.0
	// Public code lowers the effort. EPSS knows of much of it, so it adds little.
	pocFactor = 1.5
	pocFloor  = 0.3

	// What is written in a template may not be deployed.
	planReach = 0.3
	// A control that was proven to work takes most attempts, not all.
	mitigatedShare = 0.2
)

// classRate is the rate when no intelligence speaks of the weakness itself. For
// what checks find, the severity also says how directly it can be used: an
// admin page with the maker's password is used, a missing header is
// a step in somebody's chain. An invalid certificate does its harm (outages,
// people trained to click warnings away) without any attacker, whatever its severity.
func classRate(c gyre.Class, s gyre.Severity) float64 {
	switch c {
	case gyre.ExposedService:
		return 4 // found by mass scanning within hours
	case gyre.CertificateRisk:
		return 1.05
	case gyre.Secret:
		return 3 * ease(s)
	case gyre.APIRisk:
		return 2.5 * ease(s)
	case gyre.IdentityRisk:
		return 2.5 * ease(s)
	case gyre.Misconfiguration:
		return 1.5 * ease(s)
	case gyre.SupplyChain, gyre.ShadowIT, gyre.Anomaly:
		return ease(s)
	case gyre.ThirdParty:
		return 0.6 * ease(s)
	}
	// A vulnerability of which nothing is known is more often unused than used;
	// not knowing is no reason to call it harmless. Control gaps likewise: they
	// need another weakness to matter.
	return 0.5 * ease(s)
}

func ease(s gyre.Severity) float64 {
	switch s {
	case gyre.SeverityCritical:
		return 1.5
	case gyre.SeverityHigh:
		return 1
	case gyre.SeverityMedium:
		return 0.65
	case gyre.SeverityLow:
		return 0.35
	}
	return 0.1
}

// zoneShare is the share of attackers that stand in front of the place. A
// cloud account's control plane answers on the internet wherever its resources are.
func zoneShare(a gyre.Aspect, z gyre.Zone) float64 {
	if a == gyre.AspectCloud {
		return 1
	}
	switch z {
	case gyre.ZoneInternet:
		return 1
	case gyre.ZoneDMZ:
		return 0.6
	case gyre.ZoneManagement:
		return 0.25
	}
	return 0.3
}

// remoteReach is for a port that was seen to answer.
func remoteReach(av byte) float64 {
	switch av {
	case 'A':
		return 0.6
	case 'L':
		return 0.4
	case 'P':
		return 0.1
	}
	return 1
}

// localReach is for a package or file: whether anything that listens uses it
// is not known.
func localReach(av byte) float64 {
	switch av {
	case 'N':
		return 0.6
	case 'A':
		return 0.4
	case 'L':
		return 0.25
	case 'P':
		return 0.1
	}
	return 0.5
}

func stateShare(s gyre.State) float64 {
	switch s {
	case gyre.StateFixed, gyre.StateFalsePositive:
		return 0
	case gyre.StateMitigated:
		return mitigatedShare
	}
	return 1
}

// harm is what a successful use does to a system of ordinary worth, 0 to 1. A
// CVSS score in the band that the severity names gives a finer value.
func harm(s gyre.Severity, cvss float64) float64 {
	if cvss > 0 && cvss <= 10 && gyre.SeverityOfCVSS(cvss) == s {
		switch {
		case cvss >= 9:
			return line(cvss, 9, 10, 0.92, 0.99)
		case cvss >= 7:
			return line(cvss, 7, 9, 0.62, 0.92)
		case cvss >= 4:
			return line(cvss, 4, 7, 0.32, 0.62)
		}
		return line(cvss, 0, 4, 0.06, 0.32)
	}
	switch s {
	case gyre.SeverityCritical:
		return 0.97
	case gyre.SeverityHigh:
		return 0.75
	case gyre.SeverityMedium:
		return 0.45
	case gyre.SeverityLow:
		return 0.18
	}
	return 0.04
}

func line(x, x0, x1, y0, y1 float64) float64 { return y0 + (x-x0)/(x1-x0)*(y1-y0) }
