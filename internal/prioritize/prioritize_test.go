// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package prioritize

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
)

// What a practitioner would expect of cases that everyone knows. When a number of
// the model changes, these say whether it is still a sensible model.
func TestWellKnownCases(t *testing.T) {
	redis := Input{Class: gyre.ExposedService, Severity: gyre.SeverityCritical, Aspect: gyre.AspectService, Locus: "tcp/6379"}
	on := func(in Input, z gyre.Zone) Input { in.Zone = z; return in }
	log4shell := Input{
		Class: gyre.Vulnerability, Severity: gyre.SeverityCritical, CVSSScore: 10,
		CVSS: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Aspect: gyre.AspectPackage, Locus: "/srv/app.jar#log4j-core",
		Intel: gyre.Intel{EPSS: 0.94, KEV: true, Ransomware: true},
	}
	for _, tc := range []struct {
		name   string
		in     Input
		lo, hi float64
	}{
		{"KEV, internet, critical, package", on(log4shell, gyre.ZoneInternet), 95, 100},
		{"KEV, internet, critical, port", Input{
			Class: gyre.Vulnerability, Severity: gyre.SeverityCritical, Zone: gyre.ZoneInternet,
			Aspect: gyre.AspectService, Locus: "tcp/443", Intel: gyre.Intel{KEV: true},
		}, 95, 100},
		{"KEV, internal, critical, package", on(log4shell, gyre.ZoneInternal), 70, 95},
		{"Redis without a password, internal", on(redis, gyre.ZoneInternal), 60, 75},
		{"Redis without a password, internet", on(redis, gyre.ZoneInternet), 85, 100},
		{"missing CSP, internet", Input{
			Class: gyre.Misconfiguration, Severity: gyre.SeverityLow, Zone: gyre.ZoneInternet,
			Aspect: gyre.AspectHTTP, Locus: "tcp/443",
		}, 0.5, 15},
		{"expired certificate, internet", Input{
			Class: gyre.CertificateRisk, Severity: gyre.SeverityHigh, Zone: gyre.ZoneInternet,
			Aspect: gyre.AspectTLS, Locus: "tcp/443",
		}, 35, 50},
		{"CVE with EPSS 0.001, medium, internal", Input{
			Class: gyre.Vulnerability, Severity: gyre.SeverityMedium, Zone: gyre.ZoneInternal,
			Aspect: gyre.AspectPackage, Locus: "/var/lib/dpkg/status#curl", Intel: gyre.Intel{EPSS: 0.001},
		}, 0, 10},
		{"default credentials, internet", Input{
			Class: gyre.Misconfiguration, Severity: gyre.SeverityCritical, Zone: gyre.ZoneInternet,
			Aspect: gyre.AspectHTTP, Locus: "tcp/80/admin",
		}, 80, 100},
		{"critical CVE of which nothing is known, internet port", Input{
			Class: gyre.Vulnerability, Severity: gyre.SeverityCritical, Zone: gyre.ZoneInternet,
			Aspect: gyre.AspectService, Locus: "tcp/443",
		}, 35, 60},
		{"public bucket", Input{
			Class: gyre.Misconfiguration, Severity: gyre.SeverityHigh, Aspect: gyre.AspectCloud, Locus: "arn:aws:s3:::b",
		}, 50, 80},
		{"the same in a template", Input{
			Class: gyre.Misconfiguration, Severity: gyre.SeverityHigh, Aspect: gyre.AspectIaC, Locus: "main.tf#aws_s3_bucket.b",
		}, 5, 20},
		{"fixed", Input{Class: gyre.ExposedService, Severity: gyre.SeverityCritical, State: gyre.StateFixed}, 0, 0},
	} {
		if got := Risk(&tc.in); got < tc.lo || got > tc.hi {
			t.Errorf("%s: risk %.1f, want %g to %g", tc.name, got, tc.lo, tc.hi)
		}
	}
}

func TestScoreFactors(t *testing.T) {
	in := Input{
		Class: gyre.Vulnerability, Severity: gyre.SeverityHigh, CVSSScore: 8.1, CVSS: "CVSS:3.1/AV:N/AC:H",
		Aspect: gyre.AspectPackage, Locus: "/var/lib/dpkg/status#openssl", Zone: gyre.ZoneInternet,
		ScopeCriticality: gyre.CriticalityHigh, State: gyre.StateOpen,
		Intel: gyre.Intel{EPSS: 0.2, Exploit: gyre.ExploitPOC},
	}
	s := Score(in, Sources{Zone: "scope shop"})
	want := []string{"base_rate", "epss", "exploit", "reach", "zone", "severity", "criticality"}
	if len(s.Factors) != len(want) {
		t.Fatalf("factors %+v, want keys %v", s.Factors, want)
	}
	for i, f := range s.Factors {
		if f.Key != want[i] || f.Label == "" || f.Value == "" || f.Source == "" || f.Part == "" {
			t.Errorf("factor %d is %+v, want key %s with every field", i, f, want[i])
		}
	}
	if s.Factors[1].Contribution <= 0 || s.Factors[3].Contribution >= 0 || s.Factors[4].Source != "scope shop" {
		t.Errorf("EPSS above the base rate must add, an unproven reach must take away: %+v", s.Factors)
	}
	in.Intel = gyre.Intel{EPSS: 0.0004}
	if low := Score(in, Sources{}); low.Factors[1].Contribution >= 0 {
		t.Errorf("an EPSS below the base rate must take away: %+v", low.Factors[1])
	}
}

var (
	genZone   = rapid.SampledFrom([]gyre.Zone{gyre.ZoneInternet, gyre.ZoneDMZ, gyre.ZoneInternal, gyre.ZoneManagement, "", "plant"})
	genCVSS   = rapid.SampledFrom([]string{"", "CVSS:3.1/AV:N/AC:L", "CVSS:4.0/AV:L/AC:L", "AV:A/AC:L/Au:N", "AV:P", "nonsense AV:"})
	genAspect = rapid.SampledFrom([]gyre.Aspect{
		"", gyre.AspectHost, gyre.AspectService, gyre.AspectTLS, gyre.AspectHTTP, gyre.AspectDNS, gyre.AspectFile,
		gyre.AspectPackage, gyre.AspectCode, gyre.AspectSecret, gyre.AspectSocket, gyre.AspectIdentity, gyre.AspectCloud, gyre.AspectIaC,
	})
	genLocus = rapid.SampledFrom([]string{"", "tcp/443", "udp/53", "tcp/", "/etc/ssh/sshd_config", "dns/MX", "user/x"})
	genInput = rapid.Custom(func(t *rapid.T) Input {
		return Input{
			Class:     rapid.SampledFrom(append([]gyre.Class{"", "other"}, gyre.Classes...)).Draw(t, "class"),
			Severity:  gyre.Severity(rapid.IntRange(-1, 6).Draw(t, "severity")),
			CVSSScore: rapid.Float64().Draw(t, "cvss score"), CVSS: genCVSS.Draw(t, "cvss"),
			Aspect: genAspect.Draw(t, "aspect"), Locus: genLocus.Draw(t, "locus"), Zone: genZone.Draw(t, "zone"),
			Criticality:      gyre.Criticality(rapid.IntRange(-1, 6).Draw(t, "criticality")),
			ScopeCriticality: gyre.Criticality(rapid.IntRange(-1, 6).Draw(t, "scope criticality")),
			State:            rapid.SampledFrom(append([]gyre.State{""}, gyre.States...)).Draw(t, "state"),
			Intel: gyre.Intel{
				EPSS: rapid.OneOf(rapid.Float64Range(0, 1), rapid.Float64()).Draw(t, "epss"),
				KEV:  rapid.Bool().Draw(t, "kev"), Ransomware: rapid.Bool().Draw(t, "ransomware"),
				Exploit: rapid.SampledFrom([]gyre.Exploit{"", gyre.ExploitPOC, gyre.ExploitAttacked, "other"}).Draw(t, "exploit"),
			},
		}
	})
)

func TestRiskIsBoundedAndExplained(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := genInput.Draw(t, "in")
		r := Risk(&in)
		if !(r >= 0 && r <= 100) {
			t.Fatalf("risk %v of %+v", r, in)
		}
		s := Score(in, Sources{})
		sum := 0.0
		for _, f := range s.Factors {
			sum += f.Contribution
		}
		if s.Risk != r || math.Abs(sum-r) > 1e-9 {
			t.Fatalf("Risk %v, Score.Risk %v, sum of contributions %v", r, s.Risk, sum)
		}
		if p := 100 * s.Likelihood * s.Impact; p != r {
			t.Fatalf("likelihood %v × impact %v is %v, not %v", s.Likelihood, s.Impact, p, r)
		}
		if s.Band != gyre.BandOf(r) {
			t.Fatalf("band %s of %v", s.Band, r)
		}
	})
}

func TestRiskNeverFalls(t *testing.T) {
	// From least to most exposed; zones of the same share are neighbours.
	zones := []gyre.Zone{gyre.ZoneManagement, gyre.ZoneInternal, gyre.ZoneDMZ, gyre.ZoneInternet}
	exploits := []gyre.Exploit{gyre.ExploitUnknown, gyre.ExploitPOC, gyre.ExploitAttacked}
	for name, worsen := range map[string]func(t *rapid.T, in Input) (low, high Input){
		"KEV": func(_ *rapid.T, in Input) (Input, Input) {
			low, high := in, in
			low.Intel.KEV, high.Intel.KEV = false, true
			return low, high
		},
		"ransomware": func(_ *rapid.T, in Input) (Input, Input) {
			low, high := in, in
			low.Intel.Ransomware, high.Intel.Ransomware = false, true
			return low, high
		},
		"EPSS": func(t *rapid.T, in Input) (Input, Input) {
			low, high := in, in
			a, b := rapid.Float64Range(1e-6, 1).Draw(t, "a"), rapid.Float64Range(1e-6, 1).Draw(t, "b")
			low.Intel.EPSS, high.Intel.EPSS = min(a, b), max(a, b)
			return low, high
		},
		"zone": func(t *rapid.T, in Input) (Input, Input) {
			low, high := in, in
			i := rapid.IntRange(0, len(zones)-2).Draw(t, "zone step")
			low.Zone, high.Zone = zones[i], zones[i+1]
			return low, high
		},
		"exploit": func(t *rapid.T, in Input) (Input, Input) {
			low, high := in, in
			i := rapid.IntRange(0, len(exploits)-2).Draw(t, "exploit step")
			low.Intel.Exploit, high.Intel.Exploit = exploits[i], exploits[i+1]
			return low, high
		},
		"criticality": func(t *rapid.T, in Input) (Input, Input) {
			low, high := in, in
			low.Criticality = gyre.Criticality(rapid.IntRange(1, 3).Draw(t, "criticality step"))
			high.Criticality = low.Criticality + 1
			return low, high
		},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				low, high := worsen(t, genInput.Draw(t, "in"))
				if a, b := Risk(&low), Risk(&high); a > b {
					t.Fatalf("risk fell from %v to %v: %+v", a, b, high)
				}
			})
		})
	}
}

func TestRiskAllocatesNothing(t *testing.T) {
	in := Input{Class: gyre.Vulnerability, CVSS: "CVSS:3.1/AV:N/AC:L", Locus: "tcp/443", Intel: gyre.Intel{EPSS: 0.1}}
	if n := testing.AllocsPerRun(100, func() { sink = Risk(&in) }); n != 0 {
		t.Errorf("Risk allocates %v times", n)
	}
}

var sink float64

func BenchmarkRisk(b *testing.B) {
	in := Input{
		Class: gyre.Vulnerability, Severity: gyre.SeverityHigh, CVSSScore: 8.1, CVSS: "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H",
		Aspect: gyre.AspectPackage, Locus: "/var/lib/dpkg/status#openssl", Zone: gyre.ZoneInternet, Intel: gyre.Intel{EPSS: 0.02},
	}
	b.ReportAllocs()
	for b.Loop() {
		sink = Risk(&in)
	}
}
