// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package remediate

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// guide stands for the check pack.
type guide struct{}

func (guide) Steps(check string, v map[string]string) []gyre.Step {
	if check != "service.redis-no-auth" {
		return nil
	}
	return []gyre.Step{{
		Platform: "Redis", Text: "Require a password.",
		Commands: []string{"redis-cli -h " + v["address"] + " -p " + strings.TrimPrefix(v["locus"], "tcp/") + " config set requirepass NEW"},
	}}
}

type estate struct {
	items []Item
	next  gyre.ID
}

func (e *estate) add(asset gyre.ID, name string, kind gyre.AssetKind, w gyre.Weakness, locus string, risk float64, r gyre.Remedy) {
	e.next++
	e.items = append(e.items, Item{
		Exposure: gyre.Exposure{ID: e.next, Asset: asset, Locus: locus, State: gyre.StateOpen, Remedy: r},
		Asset: &gyre.Asset{ID: asset, Name: name, Kind: kind, Identifiers: []gyre.Identifier{
			{Type: gyre.IDHostname, Value: name}, {Type: gyre.IDIP, Value: "10.0.0." + string(rune('0'+asset%10))},
		}},
		Weakness: &w, Risk: risk,
	})
}

func up(ecosystem, pkg, current, fixed, location string) gyre.Remedy {
	return gyre.Remedy{Kind: gyre.RemedyUpgrade, Ecosystem: ecosystem, Package: pkg, Current: current, Fixed: fixed, Location: location}
}

func cve(key string) gyre.Weakness { return gyre.Weakness{Key: key, Title: "Title of " + key} }

func everyPlatform() []Item {
	var e estate
	const dpkg = "/var/lib/dpkg/status"
	e.add(1, "web-1", gyre.Host, cve("CVE-2024-1"), dpkg+"#libssl3", 50, up("Debian:12", "openssl", "3.0.9-1", "3.0.11-1~deb12u2", dpkg))
	e.add(1, "web-1", gyre.Host, cve("CVE-2024-2"), dpkg+"#openssl", 20, up("Debian:12", "openssl", "3.0.9-1", "3.0.13-1~deb12u1", dpkg))
	e.add(2, "web-2", gyre.Host, cve("CVE-2024-2"), dpkg+"#openssl", 20, up("Debian:11", "openssl", "1.1.1n-0", "1.1.1w-0+deb11u1", dpkg))
	e.add(3, "app-image", gyre.Image, cve("CVE-2024-2"), dpkg+"#openssl", 9, up("Debian:12", "openssl", "3.0.9-1", "3.0.13-1~deb12u1", dpkg))
	e.add(4, "ubuntu", gyre.Host, cve("CVE-2024-3"), dpkg+"#sudo", 30, up("Ubuntu:22.04:LTS", "sudo", "1.9.9-1", "1.9.9-1ubuntu2.4", dpkg))
	e.add(5, "edge", gyre.Host, cve("CVE-2024-4"), "/lib/apk/db/installed#busybox", 8, up("Alpine:v3.19", "busybox", "1.36.1-r15", "1.36.1-r19", "/lib/apk/db/installed"))
	e.add(6, "db", gyre.Host, cve("CVE-2024-5"), "/var/lib/rpm/rpmdb.sqlite#glibc", 8, up("Rocky Linux:9", "glibc", "2.34-60.el9", "2.34-100.el9_4.2", "/var/lib/rpm/rpmdb.sqlite"))
	e.add(6, "db", gyre.Host, cve("CVE-2024-6"), dpkg+"#ed", 3, up("Debian:12", "ed", "1.19-1", "", dpkg))
	e.add(7, "shop", gyre.Repository, cve("CVE-2024-7"), "/srv/shop/package-lock.json#lodash", 40, up("npm", "lodash", "4.17.15", "4.17.21", "/srv/shop/package-lock.json"))
	e.add(7, "shop", gyre.Repository, cve("CVE-2024-8"), "web/yarn.lock#@babel/traverse", 7, up("npm", "@babel/traverse", "7.1.0", "7.23.2", "web/yarn.lock"))
	e.add(7, "shop", gyre.Repository, cve("CVE-2024-8"), "node_modules/@babel/traverse/package.json#@babel/traverse", 7, up("npm", "@babel/traverse", "7.1.0", "7.23.2", "node_modules/@babel/traverse/package.json"))
	e.add(7, "shop", gyre.Repository, cve("CVE-2024-9"), "requirements.txt#django", 7, up("PyPI", "django", "3.2", "3.2.25", "requirements.txt"))
	e.add(7, "shop", gyre.Repository, cve("CVE-2024-9"), "api/poetry.lock#django", 7, up("PyPI", "django", "4.0", "4.2.11", "api/poetry.lock"))
	e.add(7, "shop", gyre.Repository, cve("CVE-2024-10"), "go.mod#golang.org/x/net", 7, up("Go", "golang.org/x/net", "0.17.0", "0.23.0", "go.mod"))
	e.add(8, "build", gyre.Host, cve("CVE-2024-10"), "/usr/local/bin/agent#golang.org/x/net", 7, up("Go", "golang.org/x/net", "0.17.0", "0.23.0", "/usr/local/bin/agent"))
	e.add(8, "build", gyre.Host, cve("CVE-2024-11"), "/usr/local/bin/agent#stdlib", 7, up("Go", "stdlib", "1.21.0", "1.21.11", "/usr/local/bin/agent"))
	e.add(7, "shop", gyre.Repository, cve("CVE-2024-12"), "Cargo.lock#h2", 7, up("crates.io", "h2", "0.3.20", "0.3.26", "Cargo.lock"))
	e.add(7, "shop", gyre.Repository, cve("CVE-2024-13"), "Gemfile.lock#rack", 7, up("RubyGems", "rack", "2.2.3", "2.2.8.1", "Gemfile.lock"))
	e.add(7, "shop", gyre.Repository, cve("CVE-2024-14"), "composer.lock#twig/twig", 7, up("Packagist", "twig/twig", "2.0.0", "2.15.3", "composer.lock"))
	e.add(7, "shop", gyre.Repository, cve("CVE-2021-44228"), "pom.xml#org.apache.logging.log4j:log4j-core", 95, up("Maven", "org.apache.logging.log4j:log4j-core", "2.14.1", "2.17.1", "pom.xml"))
	e.add(9, "cache-1", gyre.Host, gyre.Weakness{Key: "service.redis-no-auth", Title: "Redis accepts commands without a password"}, "tcp/6379", 68,
		gyre.Remedy{Kind: gyre.RemedyChange, Check: "service.redis-no-auth"})
	e.add(10, "cache-2", gyre.Host, gyre.Weakness{Key: "service.redis-no-auth", Title: "Redis accepts commands without a password"}, "tcp/6380", 60,
		gyre.Remedy{Kind: gyre.RemedyChange, Check: "service.redis-no-auth"})
	e.add(9, "cache-1", gyre.Host, gyre.Weakness{Key: "x.unknown", Title: "No guide", Remediation: "Do this.\nThen that.", References: []string{"https://example.org/a"}}, "tcp/1", 2,
		gyre.Remedy{Kind: gyre.RemedyChange, Check: "x.unknown"})
	e.add(7, "shop", gyre.Repository, gyre.Weakness{Key: "py/sql-injection", Title: "SQL built from user input"}, "app.py:14", 33, gyre.Remedy{Kind: gyre.RemedyText, Text: "Use parameters."})
	e.add(7, "shop", gyre.Repository, gyre.Weakness{Key: "py/other"}, "app.py:15", 1, gyre.Remedy{})
	return e.items
}

func TestPlanGolden(t *testing.T) {
	got, err := json.MarshalIndent(Plan(everyPlatform(), guide{}, now), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/plan.json"
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)+"\n"); d != "" {
		t.Error("run with -update if this is right:\n", d)
	}
}

func TestTargetIsTheHighestOfTheLowest(t *testing.T) {
	var e estate
	for i, fixed := range []string{"1.9.0", "1.10.0", "1.2.0"} {
		e.add(gyre.ID(i+1), "h", gyre.Host, cve("CVE-1"), "go.mod#m", 1, up("Go", "m", "1.0.0", fixed, "go.mod"))
	}
	d := Plan(e.items, nil, now)
	if len(d) != 1 || d[0].Title != "Upgrade m to 1.10.0 on 3 assets" {
		t.Fatalf("%+v", d)
	}
}

func TestPlanPartitionsTheActive(t *testing.T) {
	all := everyPlatform()
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, len(all), func(i Item) gyre.ID { return i.Exposure.ID }).Draw(t, "items")
		items = slices.Clone(items)
		keyOf, risk := map[gyre.ID]string{}, 0.0
		for i := range items {
			items[i].Exposure.State = rapid.SampledFrom(gyre.States).Draw(t, "state")
			if items[i].Exposure.State.Active() {
				keyOf[items[i].Exposure.ID] = Key(&items[i].Exposure, items[i].Weakness)
				risk += items[i].Risk
			}
		}
		drafts := Plan(items, guide{}, now)
		removed := 0.0
		for i, d := range drafts {
			if i > 0 && drafts[i-1].RiskRemoved < d.RiskRemoved {
				t.Fatal("not ordered by risk removed")
			}
			if len(d.Steps) == 0 || d.Exposures != len(d.ExposureIDs) || d.Assets != len(d.AssetIDs) {
				t.Fatalf("incomplete: %+v", d)
			}
			for _, id := range d.ExposureIDs {
				if keyOf[id] != d.Key {
					t.Fatalf("exposure %d is in %s, its key is %q", id, d.Key, keyOf[id])
				}
				delete(keyOf, id)
			}
			removed += d.RiskRemoved
		}
		if len(keyOf) > 0 {
			t.Fatalf("in no action: %v", keyOf)
		}
		if math.Abs(removed-risk) > 1e-6 {
			t.Fatalf("risk removed %v of %v", removed, risk)
		}
	})
}

func TestManyPlacesAreLimitedAndSaidSo(t *testing.T) {
	var e estate
	for i := range 100 {
		folder := "/srv/" + strings.Repeat("a", i+1)
		e.add(gyre.ID(i+1), "h", gyre.Host, cve("CVE-1"), folder+"/package-lock.json#x", 1, up("npm", "x", "1", "2", folder+"/package-lock.json"))
	}
	d := Plan(e.items, nil, now)[0]
	if len(d.Steps) != maxSteps || !strings.Contains(d.Steps[maxSteps-1].Text, "61 more places") {
		t.Fatalf("%d steps, last %q", len(d.Steps), d.Steps[len(d.Steps)-1].Text)
	}
}

func TestRunbook(t *testing.T) {
	it := everyPlatform()[0]
	it.Asset.Name = "a b'; rm -rf / {locus}"
	for template, want := range map[string]string{
		"ssh {address} fix {weakness} # {asset} {other}": `ssh 10.0.0.1 fix CVE-2024-1 # 'a b'\''; rm -rf / {locus}' {other}`,
		"https://wiki.example/{weakness}?on={asset}":     "https://wiki.example/CVE-2024-1?on=a+b%27%3B+rm+-rf+%2F+%7Blocus%7D",
		"":          "",
		"{locus}\n": "'/var/lib/dpkg/status#libssl3'\n",
	} {
		if got := Runbook(template, it); got != want {
			t.Errorf("Runbook(%q) = %q, want %q", template, got, want)
		}
	}
}

// Whatever a report calls a package, the shell sees one word and no option.
func TestQuoteIsOneWord(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	for _, s := range []string{"openssl", "a b", "$(id)", "`id`", "'", `"`, `\`, "a\nb", "--option", "*", "~root", "a;b", "|", "é", "#x", "!!", "{a,b}", "<x", "\x00y"} {
		out, err := exec.Command(sh, "-c", "printf '%s\\n' "+quote(s)).Output() // #nosec -- that is the test
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if want := strings.TrimLeft(clean(s), "-") + "\n"; string(out) != want {
			t.Errorf("%q reaches the program as %q, want %q", s, out, want)
		}
	}
}
