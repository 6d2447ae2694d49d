// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"slices"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

func TestSubject(t *testing.T) {
	const digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	image := Image("Shop/API:1.2", strings.ToUpper(digest[:7])+digest[7:])
	for name, tc := range map[string]struct {
		in   plugin.Input
		own  gyre.AssetSighting
		kind gyre.AssetKind
		name string
		ids  []string
	}{
		"the report's word":          {plugin.Input{Name: "r"}, image, gyre.Image, "Shop/API:1.2", []string{digest, "image:shop/api:1.2"}},
		"a digest only":              {plugin.Input{Name: "r"}, Image("", digest), gyre.Image, digest, []string{digest}},
		"no digest":                  {plugin.Input{Name: "r"}, Image("shop", "sha256:12"), gyre.Image, "shop", []string{"image:shop"}},
		"the person's word":          {plugin.Input{Name: "r", Asset: " The  Shop "}, image, gyre.Image, "The Shop", []string{"asset:the shop"}},
		"an address":                 {plugin.Input{Name: "r", Address: "::ffff:192.0.2.1"}, image, gyre.Host, "Shop/API:1.2", []string{"192.0.2.1"}},
		"an address with a name":     {plugin.Input{Name: "r", Address: "192.0.2.1", Asset: "db-1", Zone: "dmz"}, image, gyre.Host, "db-1", []string{"db-1", "192.0.2.1"}},
		"an address that is none":    {plugin.Input{Name: "r", Address: "x"}, gyre.AssetSighting{Kind: gyre.Repository}, gyre.Repository, "r", []string{"file:r"}},
		"nobody says":                {plugin.Input{Name: "a/r.json"}, gyre.AssetSighting{Kind: gyre.Repository}, gyre.Repository, "a/r.json", []string{"file:a/r.json"}},
		"nothing at all but a place": {plugin.Input{}, gyre.AssetSighting{Kind: gyre.Repository}, gyre.Repository, "file:", []string{"file:"}},
	} {
		a := Subject(tc.in, tc.own)
		var ids []string
		for _, i := range a.Identifiers {
			ids = append(ids, i.Value)
			if (i.Zone != "") != (i.Type.Zoned() && tc.in.Zone != "") {
				t.Errorf("%s: %+v is zoned wrongly", name, i)
			}
		}
		if a.Kind != tc.kind || a.Name != tc.name || !slices.Equal(ids, tc.ids) {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func TestWeakness(t *testing.T) {
	for name, tc := range map[string]struct {
		names   []string
		key     string
		aliases []string
	}{
		"a CVE":             {[]string{"cve-2024-0001"}, "CVE-2024-0001", nil},
		"an advisory of it": {[]string{"GHSA-1", "CVE-2024-0001", "CVE-2024-0001", ""}, "CVE-2024-0001", []string{"GHSA-1"}},
		"a bulletin":        {[]string{"DSA-1", "CVE-2024-0001", "CVE-2024-0002"}, "DSA-1", []string{"CVE-2024-0001", "CVE-2024-0002"}},
		"neither":           {[]string{"X-1", "Y-1"}, "X-1", []string{"Y-1"}},
		"too long a name":   {[]string{strings.Repeat("x", 301), "Y-1"}, "Y-1", nil},
		"none":              {[]string{"", " "}, "", nil},
	} {
		var w gyre.Weakness
		if ok := Weakness(&w, tc.names...); ok != (tc.key != "") || w.Key != tc.key || !slices.Equal(w.Aliases, tc.aliases) || w.Title != tc.key {
			t.Errorf("%s: %v %+v", name, ok, w)
		}
	}
}

func TestFix(t *testing.T) {
	for _, tc := range []struct {
		current string
		fixed   []string
		want    string
	}{
		{"2.14.1", []string{"2.3.1", "2.12.2", "2.15.0"}, "2.15.0"},
		{"2.3.0", []string{"2.15.0", "2.12.2", "2.3.1"}, "2.3.1"},
		{"3.0", []string{"2.1", "1.9"}, "2.1"}, // both are behind it: what the tool says first
		{"1.1.1d-0+deb10u4", []string{"1.1.1d-0+deb10u5"}, "1.1.1d-0+deb10u5"},
		{"1.0.0", []string{"1.0.0-rc1", " 1.0.1 "}, "1.0.1"},
		{"", []string{"1.2"}, "1.2"},
		{"1.2", nil, ""},
	} {
		if got := Fix(tc.current, tc.fixed); got != tc.want {
			t.Errorf("from %s to one of %v: %s, want %s", tc.current, tc.fixed, got, tc.want)
		}
	}
}

func TestRate(t *testing.T) {
	var w gyre.Weakness
	for _, r := range []struct {
		version, vector string
		score           float64
		want            string
	}{
		{"2.0", "AV:N/AC:L/Au:N/C:N/I:N/A:P", 5, "AV:N/AC:L/Au:N/C:N/I:N/A:P"},
		{"3.1", "AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", 7.5, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"},
		{"3.1", "CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", 6.2, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"},
		{"2.0", "AV:L/AC:L/Au:N/C:N/I:N/A:P", 2, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"},
		{"4.0", "CVSS:4.0/AV:N", 11, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"},
		{"4.0", "CVSS:4.0/AV:N", 8.7, "CVSS:4.0/AV:N"},
	} {
		if Rate(&w, r.version, r.vector, r.score); w.CVSS != r.want {
			t.Errorf("after %s %s: %s", r.version, r.vector, w.CVSS)
		}
	}
}

func TestCWE(t *testing.T) {
	var list []string
	for _, id := range []string{"79", "CWE-079", "cwe_89", "", "CWE-", "CWE-x", "NVD-CWE-noinfo", "0", "123456"} {
		list = CWE(list, id)
	}
	if !slices.Equal(list, []string{"CWE-79", "CWE-89"}) {
		t.Error(list)
	}
}

// What reports call things passes the contract of importers, whatever it is.
func TestIdentify(t *testing.T) {
	for value, want := range map[string]string{"DB-1.Example. .": "db-1.example", " . ": "", "two words": ""} {
		var a gyre.AssetSighting
		Identify(&a, gyre.IDFQDN, value)
		got := ""
		if len(a.Identifiers) > 0 {
			got = a.Identifiers[0].Value
		}
		if got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
	if a := Image("", "x\x00y"); strings.Contains(a.Name, "\x00") || len(a.Identifiers) != 0 {
		t.Errorf("%+v", a)
	}
}

// The numbers of the Node Security Platform and of the Node.js security group are the same up to 356 only.
func TestNodeSecurity(t *testing.T) {
	for number, want := range map[string]string{
		"17": "NSWG-ECO-17", " 356": "NSWG-ECO-356", "357": "NSP-357", "1179": "NSP-1179", "999999": "NSP-999999",
		"1000000": "", "0": "", "-3": "", "": "", "x": "", "99999999999999999999": "",
	} {
		if got := NodeSecurity(number); got != want {
			t.Errorf("%q: %q, want %q", number, got, want)
		}
	}
}

func TestRangesOfNPM(t *testing.T) {
	for _, tc := range []struct{ current, patched, want string }{
		{"2.2.0", ">= 2.6.9 < 3.0.0 || >= 3.1.0", "2.6.9"},
		{"3.0.1", ">= 2.6.9 < 3.0.0 || >= 3.1.0", "3.1.0"},
		{"5.1.0", ">= 2.11.2 < 3.0.0|| >= 5.2.1 < 6.0.0 || >= 6.0.5  < 6.1.0", "5.2.1"},
		{"1.0.0", ">=1.2.3<2.0.0", "1.2.3"},
		{"1.0.0", "^1.2.3", "1.2.3"},
		{"1.0.0", ">=2.0.0-rc.1", "2.0.0-rc.1"},
		{"", ">=2", "2"},
		{"1.0.0", "<0.0.0", ""},
		{"1.0.0", "> 2.0.0", ""}, // a version above it, but which?
		{"1.0.0", "1.x", ""},
		{"1.0.0", "", ""},
		{"1.0.0", strings.Repeat(">=2||", 500), ""},
	} {
		if got := Patched(tc.current, tc.patched); got != tc.want {
			t.Errorf("from %q in %q: %q, want %q", tc.current, tc.patched, got, tc.want)
		}
	}
	for affected, want := range map[string]string{
		"<2.6.9": "2.6.9", ">=1.0.0 <1.2.3": "1.2.3", "< 1.0.0-beta.2": "1.0.0-beta.2",
		"<=2.6.8": "", "*": "", "<2.6.9 || >=3.0.0 <3.1.0": "", "<2.6.9 || 3.0.0": "", ">=1.0.0": "", "": "",
	} {
		if got := Unaffected(affected); got != want {
			t.Errorf("above %q: %q, want %q", affected, got, want)
		}
	}
}
