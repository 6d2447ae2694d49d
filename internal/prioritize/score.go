// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package prioritize

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Sources names where the facts of an Input come from, as people read it: a
// feed and its date, a scope, a check, an account. Empty ones get a general word.
type Sources struct {
	EPSS, KEV, Exploit          string
	Severity, Zone, Criticality string
	State                       string
}

// Score is Risk with its reasons. It starts from what the class alone would
// give at an ordinary place (medium severity, internal zone, medium
// criticality, reachable) and switches on one fact after the other, always in the same
// order; a factor's contribution is what its step moved. Facts that are not
// known are left out, so they contribute nothing.
func Score(in Input, src Sources) gyre.Score {
	at := Input{
		Class: in.Class, Severity: gyre.SeverityMedium,
		Zone: gyre.ZoneInternal, Criticality: gyre.CriticalityMedium, State: gyre.StateOpen,
	}
	risk := Risk(&at)
	s := gyre.Score{Factors: make([]gyre.Factor, 1, 9)}
	s.Factors[0] = gyre.Factor{
		Key: "base_rate", Part: "likelihood", Contribution: risk, Value: string(in.Class),
		Label:  "What a " + className(in.Class) + " usually carries",
		Source: "Gyre's base rates (docs/scoring.md)",
	}
	step := func(f gyre.Factor) {
		now := Risk(&at)
		f.Contribution = now - risk
		risk = now
		s.Factors = append(s.Factors, f)
	}

	if in.Intel.EPSS > 0 {
		at.Intel.EPSS = in.Intel.EPSS
		step(gyre.Factor{
			Key: "epss", Part: "likelihood", Value: strconv.FormatFloat(in.Intel.EPSS, 'f', -1, 64),
			Label:  fmt.Sprintf("EPSS: %s chance of exploitation within 30 days", percent(in.Intel.EPSS)),
			Source: cmp.Or(src.EPSS, "FIRST EPSS"+dated(in.Intel.EPSSDate)),
		})
	}
	if in.Intel.Exploit != gyre.ExploitUnknown {
		at.Intel.Exploit = in.Intel.Exploit
		label := "Exploit code is public"
		if in.Intel.Exploit == gyre.ExploitAttacked {
			label = "Exploitation has been reported"
		}
		step(gyre.Factor{
			Key: "exploit", Part: "likelihood", Value: string(in.Intel.Exploit), Label: label,
			Source: cmp.Or(src.Exploit, "exploit evidence"),
		})
	}
	if in.Intel.KEV {
		at.Intel.KEV = true
		label := "Listed in KEV: known to be exploited"
		if !in.Intel.KEVAdded.IsZero() {
			label = "Listed in KEV since " + in.Intel.KEVAdded.Format(time.DateOnly)
		}
		step(gyre.Factor{Key: "kev", Part: "likelihood", Value: "true", Label: label, Source: cmp.Or(src.KEV, "CISA KEV")})
	}
	if in.Intel.Ransomware {
		at.Intel.Ransomware = true
		step(gyre.Factor{
			Key: "ransomware", Part: "likelihood", Value: "true",
			Label: "Used in ransomware campaigns", Source: cmp.Or(src.KEV, "CISA KEV"),
		})
	}
	if av := attackVector(in.CVSS); in.Aspect != "" || in.Locus != "" || av != 0 {
		// Whether a place is in the cloud matters for its zone, not for its
		// reach; that part of Aspect is switched on with the zone.
		at.Locus, at.CVSS = in.Locus, in.CVSS
		if in.Aspect != gyre.AspectCloud {
			at.Aspect = in.Aspect
		}
		if r := reach(in.Aspect, in.Locus, in.CVSS); r != 1 || in.Locus != "" {
			step(gyre.Factor{
				Key: "reach", Part: "likelihood", Value: cmp.Or(in.Locus, string(in.Aspect)),
				Label: reachLabel(in), Source: reachSource(av),
			})
		}
	}
	at.Zone, at.Aspect = in.Zone, in.Aspect
	step(zoneFactor(in, src))
	at.Severity, at.CVSSScore = in.Severity, in.CVSSScore
	step(severityFactor(in, src))
	at.Criticality, at.ScopeCriticality = in.Criticality, in.ScopeCriticality
	step(criticalityFactor(in, src))
	if at.State = in.State; stateShare(in.State) != 1 {
		step(gyre.Factor{
			Key: "state", Part: "likelihood", Value: string(in.State), Label: stateLabel(in.State),
			Source: cmp.Or(src.State, "state of the exposure"),
		})
	}

	s.Likelihood, s.Impact = parts(&in)
	s.Risk = Risk(&in)
	s.Band = gyre.BandOf(s.Risk)
	return s
}

func zoneFactor(in Input, src Sources) gyre.Factor {
	f := gyre.Factor{
		Key: "zone", Part: "likelihood", Value: string(in.Zone),
		Label: "In the zone " + string(in.Zone), Source: cmp.Or(src.Zone, "scope"),
	}
	switch in.Zone {
	case gyre.ZoneInternet:
		f.Label = "Open to the internet"
	case gyre.ZoneDMZ:
		f.Label = "In the DMZ, one step from the internet"
	case gyre.ZoneInternal:
		f.Label = "Inside the network"
	case gyre.ZoneManagement:
		f.Label = "In the management network"
	case "":
		f.Label, f.Value = "Zone not known: taken as internal", "unknown"
	}
	if in.Aspect == gyre.AspectCloud {
		f.Label, f.Value = "A cloud account's control plane answers on the internet", "cloud"
	}
	return f
}

func severityFactor(in Input, src Sources) gyre.Factor {
	f := gyre.Factor{
		Key: "severity", Part: "impact", Value: in.Severity.String(),
		Label: "Severity " + in.Severity.String(), Source: cmp.Or(src.Severity, "source of the finding"),
	}
	if in.CVSSScore > 0 && gyre.SeverityOfCVSS(in.CVSSScore) == in.Severity {
		f.Value = strconv.FormatFloat(in.CVSSScore, 'f', 1, 64)
		f.Label += " (CVSS " + f.Value + ")"
	}
	return f
}

func criticalityFactor(in Input, src Sources) gyre.Factor {
	c := criticality(in.Criticality, in.ScopeCriticality)
	words := [...]string{"", "low", "medium", "high", "a crown jewel"}
	f := gyre.Factor{
		Key: "criticality", Part: "impact", Value: strconv.Itoa(int(c)),
		Label: "Criticality of the asset: " + words[c], Source: src.Criticality,
	}
	switch {
	case in.Criticality != gyre.CriticalityUnset:
		f.Source = cmp.Or(f.Source, "asset")
	case in.ScopeCriticality != gyre.CriticalityUnset:
		f.Source = cmp.Or(f.Source, "scope")
	default:
		f.Label, f.Source = "Criticality not set: taken as medium", cmp.Or(f.Source, "default")
	}
	return f
}

func reachLabel(in Input) string {
	switch {
	case len(in.Locus) > 4 && (in.Locus[:4] == "tcp/" || in.Locus[:4] == "udp/"):
		if remoteReach(attackVector(in.CVSS)) < 1 {
			return "Answers at a port, but cannot be used across the network"
		}
		return "Answers at a port"
	case in.Aspect == gyre.AspectIaC:
		return "In a template, which may not be deployed"
	case in.Aspect == gyre.AspectPackage:
		switch attackVector(in.CVSS) {
		case 'L', 'P':
			return "An installed package; using it needs access to the machine"
		}
		return "An installed package; whether it can be reached is not known"
	case in.Aspect == gyre.AspectFile, in.Aspect == gyre.AspectSecret:
		return "In a file on the machine"
	case in.Aspect == gyre.AspectCode:
		return "In source code; whether it runs where it can be reached is not known"
	}
	return "Can be reached where it is"
}

func reachSource(av byte) string {
	if av != 0 {
		return "place of the finding; CVSS attack vector AV:" + string(rune(av))
	}
	return "place of the finding"
}

func stateLabel(s gyre.State) string {
	switch s {
	case gyre.StateMitigated:
		return "A control that was proven to work stands in front of it"
	case gyre.StateFalsePositive:
		return "Judged a false positive"
	}
	return "Fixed"
}

func className(c gyre.Class) string {
	switch c {
	case gyre.IdentityRisk:
		return "weak identity"
	case gyre.SupplyChain:
		return "supply chain weakness"
	case gyre.ExposedService:
		return "service open to anyone"
	case gyre.CertificateRisk:
		return "certificate problem"
	case gyre.APIRisk:
		return "weak API"
	case gyre.ShadowIT:
		return "system nobody has listed"
	case gyre.ThirdParty:
		return "supplier's weakness"
	case gyre.ControlGap:
		return "gap in the controls"
	case gyre.Secret:
		return "secret in the open"
	}
	return cmp.Or(string(c), "weakness")
}

func percent(p float64) string { return strconv.FormatFloat(p*100, 'g', 3, 64) + " %" }

func dated(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " of " + t.Format(time.DateOnly)
}
