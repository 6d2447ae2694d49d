// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package truth

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	gyre "github.com/gyre-ctem/gyre"
)

// small is a table of three rows.
func small() []Row {
	return []Row{
		{ID: "W-1", Class: gyre.CertificateRisk, Host: "shop", Address: "127.0.10.12", Loci: []string{"tcp/8443"}, Keys: []string{"tls.certificate-expired"}},
		{ID: "W-2", Class: gyre.Vulnerability, Host: "orders1", Address: "127.0.12.21", Loci: []string{"/var/lib/dpkg/status#curl"}, Keys: []string{"CVE-1", "CVE-2"}},
		{ID: "W-3", Class: gyre.Secret, Host: "backup", Address: "127.0.13.12", Loci: []string{"/srv/key.pem"}, Keys: []string{"secret.*"}},
	}
}

func TestScore(t *testing.T) {
	expired := Found{Asset: "127.0.10.12", Weakness: "tls.certificate-expired", Locus: "tcp/8443", Class: gyre.CertificateRisk, State: gyre.StateOpen}
	with := func(f Found, change func(*Found)) Found { change(&f); return f }
	for name, test := range map[string]struct {
		fixed       []string
		found       []Found
		hits, wrong int
		missed      []string
		wrongRow    string
	}{
		"nothing":         {missed: []string{"W-1", "W-2", "W-3"}},
		"by address":      {found: []Found{expired}, hits: 1, missed: []string{"W-2", "W-3"}},
		"by another name": {found: []Found{with(expired, func(f *Found) { f.Asset, f.Names = "web", []string{"SHOP.corp.example."} })}, hits: 1, missed: []string{"W-2", "W-3"}},
		"by host address": {found: []Found{with(expired, func(f *Found) { f.Asset, f.Addresses = "web", []string{"127.0.10.12"} })}, hits: 1, missed: []string{"W-2", "W-3"}},
		"wrong host":      {found: []Found{with(expired, func(f *Found) { f.Asset = "127.0.10.13" })}, wrong: 1, missed: []string{"W-1", "W-2", "W-3"}},
		"wrong port":      {found: []Found{with(expired, func(f *Found) { f.Locus = "tcp/84430" })}, wrong: 1, missed: []string{"W-1", "W-2", "W-3"}},
		"below the port":  {found: []Found{with(expired, func(f *Found) { f.Locus = "tcp/8443/admin" })}, hits: 1, missed: []string{"W-2", "W-3"}},
		"not active": {
			found:  []Found{with(expired, func(f *Found) { f.State = gyre.StateFixed }), with(expired, func(f *Found) { f.State, f.Asset = gyre.StateFalsePositive, "nowhere" })},
			missed: []string{"W-1", "W-2", "W-3"},
		},
		"one row twice": {found: []Found{
			{Asset: "orders1", Weakness: "CVE-1", Locus: "/var/lib/dpkg/status#curl"},
			{Asset: "orders1", Weakness: "GHSA-x", Aliases: []string{"CVE-2"}, Locus: "/var/lib/dpkg/status#curl"},
		}, hits: 1, missed: []string{"W-1", "W-3"}},
		"another package":    {found: []Found{{Asset: "orders1", Weakness: "CVE-1", Locus: "/var/lib/dpkg/status#curl-doc"}}, wrong: 1, missed: []string{"W-1", "W-2", "W-3"}},
		"any detector":       {found: []Found{{Asset: "backup", Weakness: "secret.private-key", Locus: "/srv/key.pem:1"}}, hits: 1, missed: []string{"W-1", "W-2"}},
		"fixed is not there": {fixed: []string{"W-1"}, missed: []string{"W-2", "W-3"}},
		"fixed but found":    {fixed: []string{"W-1"}, found: []Found{expired}, wrong: 1, missed: []string{"W-2", "W-3"}, wrongRow: "W-1"},
	} {
		t.Run(name, func(t *testing.T) {
			rows := small()
			for i := range rows {
				for _, id := range test.fixed {
					rows[i].Fixed = rows[i].Fixed || rows[i].ID == id
				}
			}
			res := Score(rows, test.found)
			var missed []string
			for _, m := range res.Missed {
				missed = append(missed, m.ID)
			}
			if res.Found != test.hits || len(res.False) != test.wrong || !cmp.Equal(missed, test.missed) {
				t.Errorf("found %d, false %v, missed %v", res.Found, res.False, missed)
			}
			if test.wrongRow != "" && res.False[0].Row != test.wrongRow {
				t.Errorf("false on row %q", res.False[0].Row)
			}
		})
	}
}

// TestScoreAdds: whatever is found, the parts add up to the whole.
func TestScoreAdds(t *testing.T) {
	table := Rows()
	rapid.Check(t, func(t *rapid.T) {
		rows := append([]Row{}, table...)
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(rows)-1), 0, 20).Draw(t, "fixed") {
			rows[i].Fixed = true
		}
		var found []Found
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(rows)-1), 0, 40).Draw(t, "found") {
			f := Found{Asset: rows[i].Host, Weakness: strings.TrimSuffix(rows[i].Keys[0], "*"), Class: rows[i].Class, State: gyre.StateOpen}
			if len(rows[i].Loci) > 0 {
				f.Locus = strings.TrimPrefix(rows[i].Loci[0], "~")
			}
			if rapid.Bool().Draw(t, "wrong") {
				f.Weakness = "no.such-check"
			}
			found = append(found, f)
		}
		res := Score(rows, found)
		var sum Count
		for _, c := range res.Classes {
			sum.Planted += c.Planted
			sum.Found += c.Found
			sum.Missed += c.Missed
			sum.False += c.False
			if c.Found+c.Missed != c.Planted {
				t.Fatalf("class: %+v", *c)
			}
		}
		if sum != (Count{Planted: res.Planted, Found: res.Found, Missed: len(res.Missed), False: len(res.False)}) {
			t.Fatalf("classes add to %+v, the whole is %+v", sum, res)
		}
	})
}

func TestScoreJSON(t *testing.T) {
	data, err := json.Marshal(Score(small()[:1], nil))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"planted":1,"found":0,"share":0,"missed":[{"id":"W-1","class":"certificate","title":"","where":"shop (127.0.10.12) tcp/8443"}],` +
		`"false":[],"classes":{"certificate":{"planted":1,"found":0,"missed":1,"false":0}}}`
	if string(data) != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
}

// TestRowsAreComplete: the table says everything that a reader needs, and no two
// rows claim the same exposure.
func TestRowsAreComplete(t *testing.T) {
	ids, flaws := map[string]bool{}, map[string]bool{}
	rows := Rows()
	classes := map[gyre.Class]int{}
	for i := range rows {
		r := &rows[i]
		if r.ID == "" || r.Title == "" || r.Fix == "" || r.Flaw == "" || r.Host == "" || len(r.Keys) == 0 {
			t.Errorf("incomplete: %+v", *r)
		}
		if ids[r.ID] || flaws[r.Flaw] {
			t.Errorf("%s or %s is there twice", r.ID, r.Flaw)
		}
		ids[r.ID], flaws[r.Flaw] = true, true
		classes[r.Class]++
		if r.Service == "" && len(r.Loci) == 0 && r.Package == nil && r.Class != gyre.ShadowIT {
			t.Errorf("%s is nowhere", r.ID)
		}
		if r.Package != nil && (len(r.Keys) < 1 || r.Package.Vulnerable == r.Package.Fixed) {
			t.Errorf("%s: no fact speaks of %+v", r.ID, *r.Package)
		}
	}
	for _, c := range gyre.Classes {
		if classes[c] == 0 {
			t.Errorf("no row of class %s", c)
		}
	}
	unseen := float64(len(unseenRows())) / float64(len(rows))
	if unseen > 0.15 {
		t.Errorf("%.0f %% of the table cannot be found by any check", 100*unseen)
	}
}

func TestAt(t *testing.T) {
	rows := small()
	rows = append(rows, Row{ID: "W-4", Host: "directory", Assets: []string{"*"}, Loci: []string{"~svc-sql"}, Keys: []string{"identity.kerberoastable"}},
		Row{ID: "W-5", Host: "shadow", Address: "127.0.10.60", Keys: []string{"host.shadow-it"}})
	for place, want := range map[string]string{
		"W-2": "W-2",
		"127.0.10.12 tcp/8443 tls.certificate-expired":       "W-1",
		"shop.corp.example tcp/8443 TLS.certificate-expired": "W-1",
		"tcp/8443 tls.certificate-expired":                   "W-1",
		"127.0.10.12  tls.certificate-expired":               "W-1",
		"127.0.10.13 tcp/8443 tls.certificate-expired":       "",
		"127.0.12.21 /var/lib/dpkg/status#curl CVE-2":        "W-2",
		" user/svc-sql identity.kerberoastable":              "W-4",
		"svc-sql user/svc-sql identity.kerberoastable":       "W-4",
		"127.0.10.60  host.shadow-it":                        "W-5",
		"backup /srv/key.pem:1 secret.private-key":           "W-3",
		"tls.certificate-expired":                            "",
		"a b c d":                                            "",
	} {
		got := ""
		for _, i := range At(rows, strings.Split(place, " ")...) {
			got += rows[i].ID
		}
		if got != want {
			t.Errorf("At(%q) = %q, want %q", place, got, want)
		}
	}
}
