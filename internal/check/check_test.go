// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/packs"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

const minimal = `checks:
  - id: test.one
    aspect: service
    class: misconfiguration
    title: One
    severity: 'fact.port == 22 ? HIGH : LOW'
    cwe: [CWE-1]
    when: fact.protocol == "ssh"
    condition: fact.version == "1"
    evidence:
      summary: "{asset} at {locus} runs {product?} {version}"
      show: [version, product]
    motive: Because.
    effort: low
    remediation:
      text: Upgrade.
      steps:
        - platform: Debian
          text: On {asset}.
          commands: ["upgrade {address} {port} ${HOME}"]
          config: "set {name} %{http_code}"
        - platform: Windows (PowerShell)
          text: There.
          commands: ["Upgrade {address}"]
`

func parse(t *testing.T, edits ...string) (*Set, error) {
	t.Helper()
	src := strings.NewReplacer(edits...).Replace(minimal)
	if len(edits) > 0 && src == minimal {
		t.Fatalf("%q does not occur", edits[0])
	}
	return Load(fstest.MapFS{"a.yaml": {Data: []byte(src)}})
}

func mustParse(t *testing.T, edits ...string) *Set {
	t.Helper()
	s, err := parse(t, edits...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestErrors: what is wrong is named with file and line.
func TestErrors(t *testing.T) {
	for _, tc := range []struct{ old, new, want string }{
		{"id: test.one", "id: Test One", `a.yaml:2: id "Test One"`},
		{"class: misconfiguration", "class: bug", `a.yaml:4: test.one: class "bug"`},
		{"title: One", "titel: One", `a.yaml:5: field titel not found`},
		{"title: One", "title: ''", `a.yaml:5: test.one: title is missing`},
		{"title: One", "title: [a]", `a.yaml:5: a text is needed`},
		{`? HIGH : LOW`, `? HIGH : BAD`, `a.yaml:6: severity:1:26: there is no "BAD"`},
		{`severity: 'fact.port == 22 ? HIGH : LOW'`, `severity: awful`, `a.yaml:6: severity:1:1: there is no "awful"`},
		{"[CWE-1]", "[CWE-x]", `a.yaml:7: test.one: "CWE-x" is not a CWE id`},
		{`fact.version == "1"`, `fact.version = "1"`, `a.yaml:9: condition:1:14: `},
		{`fact.version == "1"`, `fact.versoin == "1"`, `a.yaml:9: facts of aspect service have no "versoin"; they have anonymous, auth_required`},
		{`fact.version == "1"`, `locus`, `a.yaml:9: condition:1:1: it must give true or false, this gives text`},
		{`{version}`, `{verzion}`, `a.yaml:11: test.one: facts of aspect service have no {verzion}`},
		{`show: [version`, `show: [colour`, `a.yaml:12: test.one: facts of aspect service have no "colour"`},
		{"effort: low", "effort: some", `a.yaml:14: test.one: effort "some"`},
		{"${HOME}", "{secret}", `a.yaml:20: test.one: a step cannot name {secret}`},
		{"upgrade {address}", `upgrade '{address}'`, `a.yaml:20: test.one: a placeholder stands between quotes`},
		{"checks:", "check:", `a.yaml:1: field check not found`},
		{"checks:", "checks: {", `a.yaml`},
		{"    effort: low", "    effort: low\n    effort: low", `a.yaml:15: mapping key "effort" already defined`},
	} {
		_, err := parse(t, tc.old, tc.new)
		if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s → %s:\n got %v\nwant %s", tc.old, tc.new, err, tc.want)
			continue
		}
		if gyre.ErrorCode(err) != gyre.Invalid {
			t.Errorf("%s: code %s", tc.new, gyre.ErrorCode(err))
		}
	}
	for name, data := range map[string]string{
		"two documents": minimal + "---\nchecks: []\n",
		"twice":         minimal + strings.TrimPrefix(minimal, "checks:\n"),
		"too large":     "# " + strings.Repeat("x", maxFile),
	} {
		if _, err := Load(fstest.MapFS{"a.yaml": {Data: []byte(data)}}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestMerge(t *testing.T) {
	first := fstest.MapFS{"a.yaml": {Data: []byte(minimal)}, "testdata/x.yaml": {Data: []byte("nonsense")}, "b.txt": {Data: []byte("text")}}
	own := fstest.MapFS{"mine/own.yml": {Data: []byte(strings.ReplaceAll(minimal, "title: One", "title: Mine"))}}
	s, err := Load(first, own)
	if err != nil {
		t.Fatal(err)
	}
	c, ok := s.ByID("test.one")
	if !ok || c.Title != "Mine" || len(s.ByAspect(gyre.AspectService)) != 1 {
		t.Errorf("%+v", c)
	}
	if diff := cmp.Diff([]string{"check test.one of a.yaml is replaced by mine/own.yml"}, s.Notes()); diff != "" {
		t.Error(diff)
	}
	if _, err := Load(fstest.MapFS{"a.yaml": first["a.yaml"], "b.yaml": first["a.yaml"]}); err == nil {
		t.Error("an id twice in one folder is accepted")
	}
}

func TestEvaluate(t *testing.T) {
	s := mustParse(t)
	asset := gyre.Asset{Name: "h\x1b[1m1"}
	fact := func(data map[string]any) gyre.Fact {
		return gyre.Fact{Asset: "r", Aspect: gyre.AspectService, Locus: "tcp/22", Data: data}
	}
	findings, judged, problems := s.Evaluate(fact(map[string]any{"protocol": "ssh", "version": "1", "port": int64(22)}), asset, now)
	if len(problems) > 0 || len(judged) != 1 || len(findings) != 1 {
		t.Fatal(findings, judged, problems)
	}
	want := gyre.Finding{
		Asset: "r", Aspect: gyre.AspectService, Locus: "tcp/22", Severity: gyre.SeverityHigh,
		Weakness: gyre.Weakness{
			Key: "test.one", Class: gyre.Misconfiguration, Title: "One", Description: "Because.",
			Severity: gyre.SeverityHigh, CWEs: []string{"CWE-1"}, Remediation: "Upgrade.",
		},
		Evidence: gyre.Evidence{Summary: "h[1m1 at tcp/22 runs 1", Data: map[string]any{"version": "1"}},
		Remedy:   gyre.Remedy{Kind: gyre.RemedyChange, Check: "test.one"},
	}
	if diff := cmp.Diff(want, findings[0]); diff != "" {
		t.Error(diff)
	}
	for name, tc := range map[string]struct {
		data             map[string]any
		judged, problems int
	}{
		"false":             {map[string]any{"protocol": "ssh", "version": "2"}, 1, 0},
		"guard false":       {map[string]any{"protocol": "ftp", "version": "1"}, 0, 0},
		"key missing":       {map[string]any{"protocol": "ssh"}, 0, 0},
		"guard key missing": {nil, 0, 0},
		"another type":      {map[string]any{"protocol": "ssh", "version": map[string]any{}}, 1, 0},
	} {
		findings, judged, problems := s.Evaluate(fact(tc.data), asset, now)
		if len(findings) != 0 || len(judged) != tc.judged || len(problems) != tc.problems {
			t.Errorf("%s: %v %v %v", name, findings, judged, problems)
		}
	}
	bad := mustParse(t, `fact.version == "1"`, `fact.version.startsWith("1")`)
	if findings, judged, problems := bad.Evaluate(fact(map[string]any{"protocol": "ssh", "version": 1.0}), asset, now); len(findings)+len(judged) > 0 || len(problems) != 1 {
		t.Error("a fact of the wrong shape must be a problem:", findings, judged, problems)
	}
	if findings, _, _ := s.Evaluate(fact(map[string]any{"protocol": "ssh", "version": "1"}), asset, now); len(findings) != 1 || findings[0].Severity != gyre.SeverityHigh {
		t.Error("what would soften the severity is missing, so it must be the highest:", findings)
	}
}

func TestSteps(t *testing.T) {
	s := mustParse(t)
	got := s.Steps("test.one", map[string]string{"asset": "db {port}", "address": "--x; rm 'a'", "locus": "tcp/22"})
	want := []gyre.Step{
		{Platform: "Debian", Text: "On db {port}.", Commands: []string{`upgrade 'x; rm '\''a'\''' 22 ${HOME}`}, Config: "set <name> %{http_code}"},
		{Platform: "Windows (PowerShell)", Text: "There.", Commands: []string{`Upgrade 'x; rm ''a'''`}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := s.Steps("test.one", map[string]string{"platform": "debian"}); len(got) != 1 || got[0].Platform != "Debian" {
		t.Error(got)
	}
	if got := s.Steps("test.one", map[string]string{"platform": "Plan 9"}); len(got) != 2 {
		t.Error("an unknown platform must leave every step:", got)
	}
	if s.Steps("test.two", nil) != nil {
		t.Error("steps of a check that does not exist")
	}
}

// TestPlatform: the finding says what the fact shows of the platform.
func TestPlatform(t *testing.T) {
	set, err := Load(packs.Checks())
	if err != nil {
		t.Fatal(err)
	}
	for server, want := range map[string]string{"nginx/1.18": "nginx", "Apache/2.4 (Debian)": "Apache httpd", "Microsoft-IIS/10.0": "IIS", "gws": ""} {
		data := map[string]any{"probe": "git", "found": true, "headers": map[string]any{"server": server}, "url": "https://a/.git/HEAD"}
		findings, _, _ := set.Evaluate(gyre.Fact{Aspect: gyre.AspectHTTP, Locus: "tcp/443/.git/HEAD", Data: data}, gyre.Asset{}, now)
		if len(findings) != 1 || findings[0].Remedy.Ecosystem != want || findings[0].Remedy.Location != "https://a/.git/HEAD" {
			t.Errorf("%s: %+v", server, findings)
		}
	}
}

// TestAnyFact: whatever a source emits, evaluation ends, and every check of the
// aspect either judges, or says nothing, or is a problem, but never two of these.
func TestAnyFact(t *testing.T) {
	set, err := Load(packs.Checks())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		aspects := []gyre.Aspect{gyre.AspectHTTP, gyre.AspectTLS, gyre.AspectService, gyre.AspectDNS, gyre.AspectFile, gyre.AspectIdentity, gyre.AspectCloud, gyre.AspectIaC}
		a := rapid.SampledFrom(aspects).Draw(t, "aspect")
		data := rapid.MapOfN(rapid.SampledFrom(keysOf(a)), rapid.Custom(anyValue), 0, 10).Draw(t, "data")
		locus := rapid.SampledFrom([]string{"", "tcp/443", "dns/SPF", "/etc/ssh/sshd_config", "main.tf#x"}).Draw(t, "locus")
		findings, judged, problems := set.Evaluate(gyre.Fact{Aspect: a, Locus: locus, Data: data}, gyre.Asset{}, now)
		if len(judged)+len(problems) > len(set.ByAspect(a)) || len(findings) > len(judged) {
			t.Fatalf("%d judged, %d problems, %d findings of %d checks", len(judged), len(problems), len(findings), len(set.ByAspect(a)))
		}
		for _, f := range findings {
			if f.Evidence.Summary == "" || len(f.Evidence.Summary) > 4096 {
				t.Fatalf("summary %q", f.Evidence.Summary)
			}
		}
	})
}

func anyValue(t *rapid.T) any {
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return rapid.Float64().Draw(t, "number")
	case 3:
		return rapid.SampledFrom([]string{"root", "https", "ssh", "rsa", "2026-01-01T00:00:00Z", "text/html", "sshd_config", "\x00{port}"}).Draw(t, "word")
	case 4:
		return rapid.String().Draw(t, "text")
	case 5:
		return []any{rapid.String().Draw(t, "element"), map[string]any{"cidr": "0.0.0.0/0", "from_port": 1.0, "to_port": 65535.0, "name": "sid"}}
	}
	return map[string]any{"server": "nginx/1.2", "permitrootlogin": "yes"}
}

// TestDocs: the example in the documentation loads.
func TestDocs(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "expressions.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), "```yaml pack\n")
	if !ok {
		t.Fatal("docs/expressions.md has no example of a pack")
	}
	example, _, _ := strings.Cut(rest, "```")
	if checks, err := Parse("example", []byte(example)); err != nil || len(checks) != 1 {
		t.Error(checks, err)
	}
	for name := range stepNames {
		if !strings.Contains(rest, "`{"+name+"}`") {
			t.Errorf("docs/expressions.md does not say that a step may name {%s}", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte("checks: &a [*a]\n"))
	f.Add([]byte("checks:\n  - id: a.b\n    condition: 'true'\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		checks, err := Parse("f.yaml", data)
		if err != nil {
			if c := gyre.ErrorCode(err); c != gyre.Invalid && c != gyre.TooLarge {
				t.Fatalf("code %s: %v", c, err)
			}
			return
		}
		for _, c := range checks {
			_ = c.Weakness()
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	set, err := Load(packs.Checks())
	if err != nil {
		b.Fatal(err)
	}
	fact := gyre.Fact{Aspect: gyre.AspectHTTP, Locus: "tcp/443", Data: map[string]any{
		"probe": "root", "scheme": "https", "status": 200.0, "content_type": "text/html", "headers": map[string]any{"server": "nginx"}, "url": "https://a/",
	}}
	for b.Loop() {
		set.Evaluate(fact, gyre.Asset{Name: "a"}, now)
	}
}
