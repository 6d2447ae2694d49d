// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
)

var subject = Subject{
	Fact: map[string]any{
		"port": 22.0, "bits": int64(2048), "name": "svc$", "until": "2026-06-01T00:00:00Z", "list": []any{"a", "b"}, "texts": []string{"x"},
		"headers": map[string]any{"server": "nginx/1.18"}, "rules": []any{map[string]any{"cidr": "0.0.0.0/0", "from": 20.0, "to": 25.0}}, "none": nil,
	},
	Locus: "tcp/22",
	Asset: gyre.Asset{Name: "web-1", Kind: gyre.Host, Zone: gyre.ZoneDMZ, Criticality: gyre.CriticalityHigh, Tags: []string{"prod"}},
	Now:   testNow,
}

func TestPredicate(t *testing.T) {
	for src, want := range map[string]bool{
		`fact.port == 22 && fact.bits >= 2048`:                                  true,
		`fact.port in [22, 3389]`:                                               true,
		`has(fact.name) && !has(fact.other)`:                                    true,
		`has(fact.other) && fact.other`:                                         false,
		`fact.name.endsWith("$") && locus.startsWith("tcp/")`:                   true,
		`timestamp(fact.until) - now < duration("744h")`:                        true,
		`"server" in fact.headers && fact.headers.server.matches("/[0-9]")`:     true,
		`fact.list.exists(x, x == "b") && fact.texts.all(x, x != "y")`:          true,
		`fact.rules.exists(r, [22, 23].exists(p, r.from <= p && p <= r.to))`:    true,
		`asset.zone == "dmz" && asset.kind == "host" && asset.criticality >= 3`: true,
		`"prod" in asset.tags && asset.name == "web-1"`:                         true,
		`versionLess("8.9p1", "9.0") && !versionLess("10.0", "9.0")`:            true,
		`fact.none == null`: true,
		`fact["port"] == 22.0 && "X".lowerAscii() == "x"`: true,
	} {
		p, err := CompileCheck(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := p.Eval(subject); err != nil || got != want {
			t.Errorf("%s = %v, %v", src, got, err)
		}
	}
	if p, err := CompileCheck(`fact.a.b == 1 && has(fact.c) && fact["d"] == 2 && "e" in fact && fact.list.exists(x, x == fact.f)`); err != nil {
		t.Error(err)
	} else if got := strings.Join(p.Keys(), " "); got != "a c d e f list" {
		t.Errorf("keys %s", got)
	}
}

func TestPredicateErrors(t *testing.T) {
	for src, want := range map[string]string{
		``:                     "condition: it is empty",
		`fact.port`:            "", // known at evaluation only
		`locus`:                "condition:1:1: it must give true or false, this gives text",
		`asset.zonne == "dmz"`: `condition:1:6: there is no "asset.zonne"; did you mean "asset.zone"?`,
		`fact.port == `:        "condition:1:14: ",
		`now > 5`:              "condition:1:5: > does not work on time and severity",
	} {
		_, err := CompileCheck(src)
		if (want == "") != (err == nil) || err != nil && (!strings.HasPrefix(err.Error(), want) || gyre.ErrorCode(err) != gyre.Invalid) {
			t.Errorf("%s\n got %v\nwant %s", src, err, want)
		}
	}
	for src, missing := range map[string]bool{
		`fact.other == 1`:            true,
		`fact.headers.via == "x"`:    true,
		`fact.port`:                  false,
		`fact.port.startsWith("x")`:  false,
		`timestamp(fact.name) < now`: false,
		`fact.list.all(a, fact.list.all(b, fact.list.all(c, "` + strings.Repeat("x", 3000) + `".matches("(x+x+)+y") == false)))`: false,
	} {
		p, err := CompileCheck(src)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Eval(subject)
		if err == nil && strings.Contains(src, "matches") {
			continue // cheap enough
		}
		if err == nil || errors.Is(err, ErrMissing) != missing {
			t.Errorf("%.60s: %v", src, err)
		}
	}
}

// TestEvaluationIsBounded: a condition that would run for long is stopped.
func TestEvaluationIsBounded(t *testing.T) {
	big := make([]any, 2000)
	for i := range big {
		big[i] = float64(i)
	}
	p, err := CompileCheck(`fact.big.all(a, fact.big.all(b, fact.big.all(c, a + b + c >= 0.0)))`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Eval(Subject{Fact: map[string]any{"big": big}, Now: testNow}); err == nil || errors.Is(err, ErrMissing) {
		t.Error(err)
	}
}

func TestSeverityRule(t *testing.T) {
	for src, want := range map[string][2]gyre.Severity{
		`high`:                                  {gyre.SeverityHigh, gyre.SeverityHigh},
		`Critical`:                              {gyre.SeverityCritical, gyre.SeverityCritical},
		`fact.port == 22 ? LOW : HIGH`:          {gyre.SeverityLow, gyre.SeverityHigh},
		`asset.zone == "dmz" ? CRITICAL : INFO`: {gyre.SeverityCritical, gyre.SeverityCritical},
	} {
		r, err := CompileSeverity(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		got, err := r.Eval(subject)
		if err != nil || got != want[0] || r.Max() != want[1] {
			t.Errorf("%s: %v of at most %v, %v", src, got, r.Max(), err)
		}
	}
	for _, src := range []string{``, `awful`, `"high"`, `fact.`} {
		if r, err := CompileSeverity(src); err == nil {
			t.Errorf("%q: %+v", src, r)
		}
	}
	r, err := CompileSeverity(`17`)
	if err == nil {
		if _, err = r.Eval(subject); err == nil {
			t.Error("17 is no severity")
		}
	}
}
