// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gyre-ctem/gyre"
)

func must(t testing.TB, osv string) *Advisory {
	t.Helper()
	a, err := Parse([]byte(osv))
	if err != nil {
		t.Fatal(err)
	}
	return &a
}

const (
	debianOpenSSL = `{"id":"DSA-9001-1","modified":"2024-02-01T00:00:00Z","upstream":["CVE-2024-0001","CVE-2024-0002"],"summary":"openssl - security update",
	 "affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.0.13-1~deb12u1"}]}]},
	             {"package":{"ecosystem":"Debian:11","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.1.1w-0+deb11u1"}]}]}]}`
	npmBranches = `{"id":"GHSA-aaaa-bbbb-cccc","aliases":["CVE-2024-1000"],"summary":"Prototype pollution","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
	 "database_specific":{"severity":"HIGH","cwe_ids":["CWE-1321"]},
	 "affected":[{"package":{"ecosystem":"npm","name":"left"},"ranges":[{"type":"SEMVER","events":[{"introduced":"4.0.0"},{"fixed":"4.2.1"}]}]},
	             {"package":{"ecosystem":"npm","name":"left"},"ranges":[{"type":"SEMVER","events":[{"introduced":"5.0.0"},{"fixed":"5.0.3"}]}]}]}`
)

func TestMatch(t *testing.T) {
	type want struct{ Key, Fixed string }
	for name, tc := range map[string]struct {
		c          gyre.Component
		advisories []string
		want       []want
	}{
		"binary package of an affected source": {
			c:          gyre.Component{Ecosystem: "Debian:12", Name: "libssl3", Source: "openssl", Version: "3.0.11-1~deb12u2"},
			advisories: []string{debianOpenSSL},
			want:       []want{{"CVE-2024-0001", "3.0.13-1~deb12u1"}, {"CVE-2024-0002", "3.0.13-1~deb12u1"}},
		},
		"the other release's fix does not count": {
			c:          gyre.Component{Ecosystem: "Debian:11", Name: "openssl", Version: "1.1.1n-0+deb11u5"},
			advisories: []string{debianOpenSSL},
			want:       []want{{"CVE-2024-0001", "1.1.1w-0+deb11u1"}, {"CVE-2024-0002", "1.1.1w-0+deb11u1"}},
		},
		"at the fix": {
			c:          gyre.Component{Ecosystem: "Debian:12", Name: "openssl", Version: "3.0.13-1~deb12u1"},
			advisories: []string{debianOpenSSL},
		},
		"a release nobody speaks of": {
			c:          gyre.Component{Ecosystem: "Debian:13", Name: "openssl", Version: "1.0"},
			advisories: []string{debianOpenSSL},
		},
		"no release known": {
			c:          gyre.Component{Ecosystem: "Debian", Name: "openssl", Version: "1.0"},
			advisories: []string{debianOpenSSL},
		},
		"source version of the purl": {
			c: gyre.Component{
				Ecosystem: "Debian:12", Name: "dmsetup", Source: "openssl", Version: "2:1.02-1",
				PURL: "pkg:deb/debian/dmsetup@2:1.02-1?source=openssl&sourceversion=3.0.1-1",
			},
			advisories: []string{debianOpenSSL},
			want:       []want{{"CVE-2024-0001", "3.0.13-1~deb12u1"}, {"CVE-2024-0002", "3.0.13-1~deb12u1"}},
		},
		"fix of the branch": {
			c:          gyre.Component{Ecosystem: "npm", Name: "Left", Version: "4.1.0"},
			advisories: []string{npmBranches},
			want:       []want{{"CVE-2024-1000", "4.2.1"}},
		},
		"between branches": {
			c:          gyre.Component{Ecosystem: "npm", Name: "left", Version: "4.2.1"},
			advisories: []string{npmBranches},
		},
		"another advisory of the same CVE wants more": {
			c: gyre.Component{Ecosystem: "npm", Name: "left", Version: "5.0.0"},
			advisories: []string{npmBranches, `{"id":"X-1","aliases":["CVE-2024-1000"],"affected":[{"package":{"ecosystem":"npm","name":"left"},
			 "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"5.0.4"}]}]}]}`},
			want: []want{{"CVE-2024-1000", "5.0.4"}},
		},
		"an advisory that knows no fix does not hide the one that does": {
			c: gyre.Component{Ecosystem: "npm", Name: "left", Version: "5.0.0"},
			advisories: []string{npmBranches, `{"id":"X-1","aliases":["CVE-2024-1000"],"affected":[{"package":{"ecosystem":"npm","name":"left"},
			 "ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`},
			want: []want{{"CVE-2024-1000", "5.0.3"}},
		},
		"an alias of an alias": {
			c: gyre.Component{Ecosystem: "npm", Name: "left", Version: "5.0.0"},
			advisories: []string{`{"id":"X-1","aliases":["GHSA-aaaa-bbbb-cccc"],"affected":[{"package":{"ecosystem":"npm","name":"left"},
			 "versions":["5.0.0"]}]}`, npmBranches},
			want: []want{{"CVE-2024-1000", "5.0.3"}},
		},
		"last affected": {
			c: gyre.Component{Ecosystem: "PyPI", Name: "Some_Thing", Version: "1.2"},
			advisories: []string{`{"id":"PYSEC-1","affected":[{"package":{"ecosystem":"PyPI","name":"some-thing"},
			 "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1.0"},{"last_affected":"1.2"}]}]}]}`},
			want: []want{{"PYSEC-1", ""}},
		},
		"after last affected": {
			c: gyre.Component{Ecosystem: "PyPI", Name: "some.thing", Version: "1.2.1"},
			advisories: []string{`{"id":"PYSEC-1","affected":[{"package":{"ecosystem":"PyPI","name":"some-thing"},
			 "ranges":[{"type":"ECOSYSTEM","events":[{"last_affected":"1.2"},{"introduced":"1.0"}]}]}]}`},
		},
		"introduced again": {
			c: gyre.Component{Ecosystem: "Go", Name: "example.com/m", Version: "1.19.2"},
			advisories: []string{`{"id":"GO-1","affected":[{"package":{"ecosystem":"Go","name":"example.com/m"},
			 "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.18.6"},{"introduced":"1.19.0"},{"fixed":"1.19.4"}]}]}]}`},
			want: []want{{"GO-1", "1.19.4"}},
		},
		"listed versions only": {
			c: gyre.Component{Ecosystem: "PyPI", Name: "evil", Version: "0.1"},
			advisories: []string{
				`{"id":"MAL-2024-1","affected":[{"package":{"ecosystem":"PyPI","name":"evil"},"versions":["0.1"]}]}`,
				`{"id":"MAL-2024-2","affected":[{"package":{"ecosystem":"PyPI","name":"evil"},"versions":["0.1.0"]}]}`,
			},
			want: []want{{"MAL-2024-1", ""}},
		},
		"withdrawn": {
			c: gyre.Component{Ecosystem: "npm", Name: "left", Version: "5.0.0"},
			advisories: []string{
				strings.Replace(npmBranches, `"summary"`, `"withdrawn":"2024-05-05T00:00:00Z","summary"`, 1),
				strings.Replace(npmBranches, `"summary"`, `"withdrawn":"some day","summary"`, 1),
			},
		},
		"commits only": {
			c: gyre.Component{Ecosystem: "npm", Name: "left", Version: "5.0.0"},
			advisories: []string{`{"id":"X","affected":[{"package":{"ecosystem":"npm","name":"left"},
			 "ranges":[{"type":"GIT","repo":"https://example.com/r","events":[{"introduced":"0"}]}]}]}`},
		},
		"bulletin of a release with related CVEs": {
			c: gyre.Component{Ecosystem: "AlmaLinux:8", Name: "openssl", Version: "1:1.1.1k-5.el8"},
			advisories: []string{`{"id":"ALSA-2022:1065","summary":"Important: openssl security update","related":["CVE-2022-0778"],
			 "affected":[{"package":{"ecosystem":"AlmaLinux:8","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1:1.1.1k-6.el8_5"}]}]}]}`},
			want: []want{{"CVE-2022-0778", "1:1.1.1k-6.el8_5"}},
		},
		"a maintenance bulletin is no weakness": {
			c: gyre.Component{Ecosystem: "AlmaLinux:8", Name: "bash", Version: "1"},
			advisories: []string{`{"id":"ALBA-2021:1","affected":[{"package":{"ecosystem":"AlmaLinux:8","name":"bash"},
			 "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"9"}]}]}]}`},
		},
		"Ubuntu long-term support": {
			c: gyre.Component{Ecosystem: "Ubuntu:22.04", Name: "curl", Version: "7.81.0-1ubuntu1.1"},
			advisories: []string{`{"id":"UBUNTU-CVE-2024-7","upstream":["CVE-2024-7777"],"affected":[
			 {"package":{"ecosystem":"Ubuntu:Pro:22.04:LTS","name":"curl"},"versions":["7.81.0-1ubuntu1.1"]},
			 {"package":{"ecosystem":"Ubuntu:22.04:LTS","name":"curl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"7.81.0-1ubuntu1.2"}]}]}]}`},
			want: []want{{"CVE-2024-7777", "7.81.0-1ubuntu1.2"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var list []*Advisory
			for _, a := range tc.advisories {
				list = append(list, must(t, a))
			}
			skipped := Skipped{}
			var got []want
			for _, h := range Match(tc.c, list, skipped) {
				got = append(got, want{h.Key, h.Fixed})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if len(skipped) != 0 {
				t.Errorf("skipped %v", skipped)
			}
		})
	}
}

// TestMatchOrder: which advisory comes first changes nothing but the order of sources.
func TestMatchOrder(t *testing.T) {
	c := gyre.Component{Ecosystem: "npm", Name: "left", Version: "5.0.0", Location: "/srv/package-lock.json"}
	a, b := must(t, npmBranches), must(t, `{"id":"X-1","aliases":["CVE-2024-1000"],"affected":[{"package":{"ecosystem":"npm","name":"left"},
			 "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"5.0.4"}]}]}]}`)
	one, two := Match(c, []*Advisory{a, b}, nil), Match(c, []*Advisory{b, a}, nil)
	if len(one) != 1 || len(two) != 1 || one[0].Key != two[0].Key || one[0].Fixed != two[0].Fixed {
		t.Errorf("%v and %v", one, two)
	}
	if w, v := one[0].Weakness("left"), two[0].Weakness("left"); w.Severity != v.Severity || w.CVSS != v.CVSS || !cmp.Equal(w.Aliases, v.Aliases) {
		t.Errorf("%v and %v", w, v)
	}
}

func TestSkipped(t *testing.T) {
	bad := must(t, `{"id":"X","affected":[{"package":{"ecosystem":"Debian:12","name":"p"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"a:b:c"}]}]}]}`)
	skipped := Skipped{}
	for _, c := range []gyre.Component{
		{Ecosystem: "Debian:12", Name: "p", Version: "1"},
		{Ecosystem: "Debian:12", Name: "p", Version: "x:1"},
		{Ecosystem: "Debian:12", Name: "p", Version: strings.Repeat("9", 1000)},
		{Ecosystem: "Unheard", Name: "p", Version: "1"},
	} {
		if h := Match(c, []*Advisory{bad}, skipped); h != nil {
			t.Errorf("%s: %v", c.Version, h)
		}
	}
	if diff := cmp.Diff(Skipped{SkipVersion: 2, SkipRange: 1, SkipEcosystem: 1}, skipped); diff != "" {
		t.Error(diff)
	}
}

func TestFindings(t *testing.T) {
	c := gyre.Component{
		Asset: gyre.NewID(), Ecosystem: "npm", Name: "left", Version: "4.1.0",
		Location: "/srv/app/package-lock.json", PURL: "pkg:npm/left@4.1.0",
	}
	fs := Findings(gyre.Host, c, Match(c, []*Advisory{must(t, npmBranches)}, nil))
	if len(fs) != 1 {
		t.Fatalf("%d findings", len(fs))
	}
	f := fs[0]
	want := gyre.Finding{
		Asset: gyre.RefID(c.Asset), Aspect: gyre.AspectPackage, Locus: "/srv/app/package-lock.json#left", Severity: gyre.SeverityCritical,
		Weakness: gyre.Weakness{
			Key: "CVE-2024-1000", Aliases: []string{"GHSA-aaaa-bbbb-cccc"}, Class: gyre.Vulnerability, Title: "Prototype pollution",
			Severity: gyre.SeverityCritical, CVSS: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", CVSSScore: 9.8, CWEs: []string{"CWE-1321"},
		},
		Evidence: f.Evidence,
		Remedy: gyre.Remedy{
			Kind: gyre.RemedyUpgrade, Ecosystem: "npm", Package: "left", Current: "4.1.0", Fixed: "4.2.1",
			Location: "/srv/app/package-lock.json",
		},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	if f.Evidence.Summary != "left 4.1.0 is installed; fixed in 4.2.1" || f.Evidence.Data["affected"] != "≥ 4.0.0 < 4.2.1" {
		t.Errorf("%+v", f.Evidence)
	}
	if v := Findings(gyre.Vendor, c, Match(c, []*Advisory{must(t, npmBranches)}, nil))[0]; v.Weakness.Class != gyre.ThirdParty {
		t.Errorf("class %s", v.Weakness.Class)
	}
}

func TestMaliciousRelease(t *testing.T) {
	c := gyre.Component{Ecosystem: "npm", Name: "p", Version: "1"}
	for osv, want := range map[string]gyre.Class{
		`{"id":"MAL-2024-1"`: gyre.SupplyChain,
		`{"id":"GHSA-1","database_specific":{"cwe_ids":["CWE-829","CWE-912"]}`: gyre.SupplyChain,
		`{"id":"GHSA-2","database_specific":{"cwe_ids":["CWE-79"]}`:            gyre.Vulnerability,
	} {
		a := must(t, osv+`,"affected":[{"package":{"ecosystem":"npm","name":"p"},"versions":["1"]}]}`)
		if w := Match(c, []*Advisory{a}, nil)[0].Weakness("p"); w.Class != want {
			t.Errorf("%s: class %s, want %s", osv, w.Class, want)
		}
	}
}

// A bulletin's own id must not tie several CVEs together.
func TestBulletinIsNoAlias(t *testing.T) {
	c := gyre.Component{Ecosystem: "Debian:12", Name: "openssl", Version: "3.0.0-1"}
	for _, f := range Findings(gyre.Host, c, Match(c, []*Advisory{must(t, debianOpenSSL)}, nil)) {
		if len(f.Weakness.Aliases) != 0 {
			t.Errorf("%s has aliases %v", f.Weakness.Key, f.Weakness.Aliases)
		}
	}
}

func TestSeverity(t *testing.T) {
	for name, tc := range map[string]struct {
		osv  string
		want gyre.Severity
	}{
		"nothing said":   {`{"id":"X"`, gyre.SeverityMedium},
		"CVSS 4":         {`{"id":"X","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},{"type":"CVSS_V4","score":"CVSS:4.0/AV:L/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"}]`, gyre.SeverityLow},
		"CVSS 2":         {`{"id":"X","severity":[{"type":"CVSS_V2","score":"AV:N/AC:L/Au:N/C:P/I:P/A:P"}]`, gyre.SeverityHigh},
		"broken vector":  {`{"id":"X","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:Q"}],"database_specific":{"severity":"LOW"}`, gyre.SeverityLow},
		"word":           {`{"id":"X","database_specific":{"severity":"MODERATE"}`, gyre.SeverityMedium},
		"summary's word": {`{"id":"X","summary":"Important: kernel security update"`, gyre.SeverityHigh},
		"Ubuntu":         {`{"id":"X","severity":[{"type":"Ubuntu","score":"negligible"}]`, gyre.SeverityInfo},
	} {
		a := must(t, tc.osv+`,"affected":[{"package":{"ecosystem":"npm","name":"p"},"versions":["1"]}]}`)
		h := Match(gyre.Component{Ecosystem: "npm", Name: "p", Version: "1"}, []*Advisory{a}, nil)
		if len(h) != 1 {
			t.Fatalf("%s: %d hits", name, len(h))
		}
		if got := h[0].Weakness("p").Severity; got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestDebianUrgency(t *testing.T) {
	a := must(t, `{"id":"DEBIAN-CVE-2010-4756","affected":[{"package":{"ecosystem":"Debian:12","name":"glibc"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"ecosystem_specific":{"urgency":"unimportant"}}]}`)
	h := Match(gyre.Component{Ecosystem: "Debian:12", Name: "libc6", Source: "glibc", Version: "2.36-9"}, []*Advisory{a}, nil)
	if len(h) != 1 || h[0].Key != "CVE-2010-4756" || h[0].Weakness("libc6").Severity != gyre.SeverityInfo {
		t.Errorf("%+v", h)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, bad := range []string{``, `[]`, `{}`, `{"id":""}`, `{"id":"a b"}`, `{"id":"X","affected":7}`, `{"id":"` + strings.Repeat("x", 200) + `"}`} {
		if _, err := Parse([]byte(bad)); gyre.ErrorCode(err) != gyre.Invalid {
			t.Errorf("Parse(%.20q) = %v", bad, err)
		}
	}
	many := `{"id":"X","affected":[{"package":{"ecosystem":"npm","name":"p"},"versions":["1"` + strings.Repeat(`,"1"`, maxVersions) + `]}]}`
	if _, err := Parse([]byte(many)); gyre.ErrorCode(err) != gyre.TooLarge {
		t.Errorf("too many versions: %v", err)
	}
}

func TestEncode(t *testing.T) {
	a := must(t, npmBranches)
	b, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*a, back); diff != "" {
		t.Error(diff)
	}
}

func TestCompare(t *testing.T) {
	for _, tc := range []struct {
		eco, a, b string
		want      int
	}{
		{"Debian:12", "1:1.0-1", "2.0-1", 1},
		{"Debian:12", "1.0~rc1-1", "1.0-1", -1},
		{"npm", "1.10.0", "1.9.0", 1},
		{"PyPI", "1.0.post1", "1.0", 1},
		{"Maven", "1.0-alpha", "1.0", -1},
		{"AlmaLinux:8", "1:1.1.1k-5.el8", "1:1.1.1k-6.el8_5", -1},
		{"Alpine:v3.18", "1.2.3-r1", "1.2.3-r0", 1},
		{"Go", "v1.2.3", "1.2.3", 0},
	} {
		got, err := Compare(tc.eco, tc.a, tc.b)
		if err != nil || got != tc.want {
			t.Errorf("Compare(%s, %s, %s) = %d, %v; want %d", tc.eco, tc.a, tc.b, got, err, tc.want)
		}
	}
}
