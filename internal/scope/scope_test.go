// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package scope_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/scope"
)

func valid() gyre.Scope {
	return gyre.Scope{Name: "dmz", Targets: []gyre.Target{{CIDR: "127.0.10.0/24"}}}
}

func TestValidate(t *testing.T) {
	for field, change := range map[string]func(*gyre.Scope){
		"name":                  func(s *gyre.Scope) { s.Name = " " },
		"worth":                 func(s *gyre.Scope) { s.Worth = -1 },
		"criticality":           func(s *gyre.Scope) { s.Criticality = 5 },
		"risk_appetite":         func(s *gyre.Scope) { s.RiskAppetite = 101 },
		"intensity":             func(s *gyre.Scope) { s.Intensity = "loud" },
		"targets":               func(s *gyre.Scope) { s.Targets = nil },
		"targets[0]":            func(s *gyre.Scope) { s.Targets[0].Domain = "example.org" },
		"targets[0].cidr":       func(s *gyre.Scope) { s.Targets[0].CIDR = "10.0.0.0/11" },
		"targets[0].ports":      func(s *gyre.Scope) { s.Targets[0].Ports = "80-" },
		"targets[0].nameserver": func(s *gyre.Scope) { s.Targets[0].Nameserver = "127.0.10.1:53" },
		"targets[1].cidr":       func(s *gyre.Scope) { s.Targets = append(s.Targets, gyre.Target{CIDR: "10.0.0.300"}) },
		"targets[1].domain":     func(s *gyre.Scope) { s.Targets = append(s.Targets, gyre.Target{Domain: "exa mple.org"}) },
		"targets[1].root":       func(s *gyre.Scope) { s.Targets = append(s.Targets, gyre.Target{Root: "relative"}) },
		"targets[1].file":       func(s *gyre.Scope) { s.Targets = append(s.Targets, gyre.Target{File: "./report.xml"}) },
		"targets[1].address":    func(s *gyre.Scope) { s.Targets = append(s.Targets, gyre.Target{Root: "/", Address: "here"}) },
		"targets[1].format":     func(s *gyre.Scope) { s.Targets = append(s.Targets, gyre.Target{Root: "/", Format: "nmap"}) },
		"exclusions[0]":         func(s *gyre.Scope) { s.Exclusions = []string{"10.0.0.0/99"} },
		"exclusions[1]":         func(s *gyre.Scope) { s.Exclusions = []string{"10.0.0.1", "10.0.0.1-9"} },
		"inventory[0]":          func(s *gyre.Scope) { s.Inventory = []string{"/etc"} },
		"hours[0].from":         func(s *gyre.Scope) { s.Hours = []gyre.Window{{From: "9:00", To: "17:00"}} },
		"hours[0].to":           func(s *gyre.Scope) { s.Hours = []gyre.Window{{From: "09:00", To: "24:30"}} },
		"hours[0].days":         func(s *gyre.Scope) { s.Hours = []gyre.Window{{Days: []string{"tues"}, From: "09:00", To: "17:00"}} },
		"hours[0]":              func(s *gyre.Scope) { s.Hours = []gyre.Window{{From: "09:00", To: "09:00"}} },
	} {
		s := valid()
		change(&s)
		err := scope.Validate(s)
		if gyre.ErrorCode(err) != gyre.Invalid || !strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if err := scope.Validate(valid()); err != nil {
		t.Errorf("a valid scope is refused: %v", err)
	}
	outside := valid()
	outside.Targets = append(outside.Targets, gyre.Target{Domain: "corp.example", Nameserver: "127.0.11.1:5353"})
	if err := scope.Validate(outside); err == nil || !strings.Contains(err.Error(), "targets[1].nameserver") {
		t.Errorf("a name server outside the scope is accepted: %v", err)
	}
	outside.Targets[1].Nameserver = "127.0.10.1:5353"
	if err := scope.Validate(outside); err != nil {
		t.Errorf("a name server inside the scope is refused: %v", err)
	}
	many := valid()
	many.Exclusions = make([]string, 20_000)
	if err := scope.Validate(many); gyre.ErrorCode(err) != gyre.TooLarge {
		t.Errorf("20,000 exclusions: %v", err)
	}
}

func TestNormalise(t *testing.T) {
	got := scope.Normalise(gyre.Scope{
		Name: " dmz ",
		Targets: []gyre.Target{
			{CIDR: "127.0.10.77/24"},
			{CIDR: "::ffff:10.0.0.1"},
			{Domain: "Corp.Example.", Nameserver: "127.0.10.1"},
			{Root: "/srv//x/../y/"},
		},
		Exclusions: []string{" 10.0.0.9/32 ", "Printer.Corp.Example.", "/srv/y/./secret", ""},
		Hours:      []gyre.Window{{Days: []string{"Mon"}, From: "09:00", To: "17:00"}},
	})
	want := gyre.Scope{
		Name: "dmz", Intensity: gyre.IntensityGentle,
		Targets: []gyre.Target{
			{CIDR: "127.0.10.0/24"},
			{CIDR: "10.0.0.1/32"},
			{Domain: "corp.example", Nameserver: "127.0.10.1:53"},
			{Root: "/srv/y"},
		},
		Exclusions: []string{"10.0.0.9", "printer.corp.example", "/srv/y/secret"},
		Hours:      []gyre.Window{{Days: []string{"mon"}, From: "09:00", To: "17:00"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(got, scope.Normalise(got)); diff != "" {
		t.Errorf("the normal form of the normal form differs: %s", diff)
	}
}

const twoScopes = `name: dmz
intensity: normal
targets:
  - cidr: 127.0.10.0/24
    zone: dmz
    ports: 22,8000-8100
hours:
  - {days: [mon, tue], from: "22:00", to: "06:00"}
---
name: files
targets:
  - file: /srv/reports
`

func TestDecode(t *testing.T) {
	got, err := scope.Decode("s.yaml", strings.NewReader(twoScopes))
	if err != nil || len(got) != 2 || got[0].Targets[0].Ports != "22,8000-8100" || got[1].Targets[0].File != "/srv/reports" {
		t.Fatalf("got %+v, %v", got, err)
	}
	for place, text := range map[string]string{
		"s.yaml:3: ":                  "name: a\ntargets: []\nfoo: 1\n",
		"s.yaml:4: targets[0].cidr: ": "name: a\ntargets:\n  -\n    cidr: 10.0.0.0/8\n",
		"s.yaml:6: ":                  "name: a\ntargets: [{root: /}]\n---\nname: b\ntargets:\n  - {cdir: 10.0.0.1}\n",
		"s.yaml:2: ":                  "name: a\n\ttargets: []\n",
		"s.yaml: holds no scope":      "# nothing\n",
		"s.yaml: is larger":           strings.Repeat("#", 2<<20),
	} {
		if _, err := scope.Decode("s.yaml", strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), place) {
			t.Errorf("want an error at %q, got %v", place, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(twoScopes)
	f.Add("name: &a [*a]\n")
	f.Add("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nname: *c\n")
	f.Fuzz(func(t *testing.T, text string) {
		scopes, err := scope.Decode("f", strings.NewReader(text))
		if err != nil {
			return
		}
		for _, s := range scopes {
			if err := scope.Validate(s); err != nil {
				t.Fatalf("Decode returned a scope that is not valid: %v", err)
			}
			g, err := scope.NewGuard(s, scope.GuardOptions{})
			if err != nil {
				t.Fatalf("a valid scope has no guard: %v", err)
			}
			g.Close()
		}
	})
}

func TestAllowPath(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(parts ...string) string { return filepath.Join(append([]string{top}, parts...)...) }
	for _, dir := range []string{at("root", "etc"), at("root", "secret", "deep"), at("outside"), at("root2")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{at("root", "etc", "passwd"), at("root", "secret", "key"), at("outside", "x"), at("report.xml")} {
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		at("root", "way-out"): at("outside"), at("root", "to-secret"): at("root", "secret"), at("way-in"): at("root"),
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	g, err := scope.NewGuard(gyre.Scope{
		Name: "files", Intensity: gyre.IntensityPassive,
		Targets:    []gyre.Target{{Root: at("root")}, {File: at("report.xml")}},
		Exclusions: []string{at("root", "secret")},
	}, scope.GuardOptions{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for path, allowed := range map[string]bool{
		at("root"):                             true,
		at("root", "etc", "passwd"):            true,
		at("root", "not", "there"):             true,
		at("way-in", "etc", "passwd"):          true,
		at("report.xml"):                       true,
		at("root2"):                            false,
		at("outside", "x"):                     false,
		at("root", "way-out", "x"):             false,
		at("root", "way-out", "not-there"):     false,
		at("root", "etc", "..", "..", "root2"): false,
		at("root", "secret"):                   false,
		at("root", "secret", "key"):            false,
		at("root", "to-secret", "key"):         false,
		at("way-in", "secret", "deep"):         false,
		"root/etc":                             false,
		"/":                                    false,
	} {
		err := g.AllowPath(path)
		if (err == nil) != allowed || err != nil && gyre.ErrorCode(err) != gyre.Forbidden {
			t.Errorf("%s: got %v, want allowed %v", path, err, allowed)
		}
	}
}
