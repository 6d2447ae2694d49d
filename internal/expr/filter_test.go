// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
)

var testNow = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// rows are columns made of maps, for tests.
type rows []map[string]any

func column[T any](r rows, field string) func(int) T {
	return func(row int) T { v, _ := r[row][field].(T); return v }
}

func (r rows) Bool(f string) func(int) bool         { return column[bool](r, f) }
func (r rows) Number(f string) func(int) float64    { return column[float64](r, f) }
func (r rows) Text(f string) func(int) string       { return column[string](r, f) }
func (r rows) TextList(f string) func(int) []string { return column[[]string](r, f) }
func (r rows) Time(f string) func(int) int64        { return column[int64](r, f) }

var sample = map[string]any{
	"severity": float64(gyre.SeverityHigh), "state": "open", "class": "vulnerability", "risk": 72.5, "band": "high",
	"locus": "/var/lib/dpkg/status#openssl", "aspect": "package", "title": "OpenSSL: Große Lücke", "weakness": "CVE-2024-0001",
	"aliases": []string{"GHSA-aaaa", "DSA-1-1"}, "cwes": []string{"CWE-787"}, "cvss": 8.1, "intel.kev": true, "intel.epss": 0.42,
	"intel.exploit": "poc", "asset.name": "web-1", "asset.kind": "host", "asset.zone": "dmz", "asset.internet_facing": true,
	"asset.criticality": 3.0, "asset.tags": []string{"team:web", "prod"}, "scope": []string{"Shop"},
	"first_seen": testNow.Add(-48 * time.Hour).UnixMicro(), "last_seen": testNow.Add(-time.Hour).UnixMicro(),
}

func TestFilter(t *testing.T) {
	for src, want := range map[string]bool{
		``:                                                      true,
		`true`:                                                  true,
		`severity >= HIGH`:                                      true,
		`HIGH < severity`:                                       false,
		`severity in [HIGH, CRITICAL]`:                          true,
		`severity == CRITICAL || risk > 70`:                     true,
		`risk >= 72.5 && risk <= 72.5`:                          true,
		`risk == 72`:                                            false,
		`risk / 2 + 1 > 37 && -risk < 0`:                        true,
		`asset.criticality == 3`:                                true,
		`asset.criticality in [1, 2]`:                           false,
		`state == "open"`:                                       true,
		`state != "open"`:                                       false,
		`state in ["fixed", "accepted"]`:                        false,
		`!intel.ransomware && intel.kev`:                        true,
		`intel.kev == false`:                                    false,
		`intel.kev != asset.internet_facing`:                    false,
		`asset.name.startsWith("web-")`:                         true,
		`asset.name.endsWith("-2")`:                             false,
		`locus.contains("#openssl")`:                            true,
		`title.matches("(?i)openssl.*lücke")`:                   true,
		`"prod" in asset.tags`:                                  true,
		`"dev" in asset.tags`:                                   false,
		`asset.name in asset.tags`:                              false,
		`asset.tags.exists(t, t == "prod")`:                     true,
		`asset.tags.all(t, t.contains(":"))`:                    false,
		`cwes.all(c, c != "CWE-1" && intel.kev)`:                true,
		`has(asset.owner)`:                                      false,
		`has(asset.tags) && has(risk)`:                          true,
		`has(state_since)`:                                      false,
		`size(aliases) == 2`:                                    true,
		`aliases.size() > 2`:                                    false,
		`first_seen > now - duration("168h")`:                   true,
		`now - last_seen < duration("30m")`:                     false,
		`last_seen - first_seen == duration("47h")`:             true,
		`duration("1h") + last_seen == now`:                     true,
		`last_seen < timestamp("2026-01-01T00:00:00Z")`:         false,
		`search("OPENSSL")`:                                     true,
		`search("ghsa-AAAA")`:                                   true,
		`search("große lücke")`:                                 true,
		`search("nothing")`:                                     false,
		`asset.internet_facing ? risk > 50 : risk > 90`:         true,
		`(intel.kev ? "dmz" : "internal") == asset.zone`:        true,
		`risk > (intel.kev ? 80 : 10)`:                          false,
		`asset.zone in ["a","b","c","d","e","f","g","h","dmz"]`: true,
		`false || !(severity < LOW)`:                            true,
	} {
		f, err := CompileFilter(ExposureSchema, src, testNow)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		match, err := f.Bind(rows{sample})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got := match(0); got != want {
			t.Errorf("%s = %v", src, got)
		}
	}
}
