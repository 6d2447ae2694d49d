// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package packs_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/check"
	"github.com/gyre-ctem/gyre/packs"
)

var update = flag.Bool("update", false, "write the golden file anew")

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func load(t *testing.T) *check.Set {
	t.Helper()
	set, err := check.Load(packs.Checks())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// tableCase is one fact in packs/checks/testdata/CHECK.yaml and what the check says of it.
type tableCase struct {
	Name     string
	Want     string // fires, quiet or not_applicable
	Severity string // of the finding; "": not compared
	Zone     gyre.Zone
	Locus    string
	Data     map[string]any
}

func table(t *testing.T, id string) []tableCase {
	t.Helper()
	f, err := os.Open(filepath.Join("checks", "testdata", id+".yaml"))
	if err != nil {
		t.Fatalf("every check needs a table: %v", err)
	}
	defer f.Close()
	var file struct{ Cases []tableCase }
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return file.Cases
}

// stored is the data as the store gives it back: out of JSON.
func stored(t *testing.T, data map[string]any) map[string]any {
	t.Helper()
	b, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTables judges every fact of every table, as a source emits it and as the
// store gives it back, and writes down what people would read.
func TestTables(t *testing.T) {
	set := load(t)
	var golden strings.Builder
	for _, id := range set.IDs("") {
		c, _ := set.ByID(id)
		fires, quiet := 0, 0
		fmt.Fprintf(&golden, "%s\n", id)
		for _, tc := range table(t, id) {
			fact := gyre.Fact{Asset: "a", Aspect: c.Aspect, Locus: tc.Locus, Credentialed: true, Data: tc.Data}
			asset := gyre.Asset{Name: "shop.example.com", Kind: gyre.Host, Zone: tc.Zone}
			got, finding := judge(t, set, id, fact, asset)
			if got != tc.Want {
				t.Errorf("%s: %s: %s, want %s", id, tc.Name, got, tc.Want)
			}
			fact.Data = stored(t, tc.Data)
			if again, _ := judge(t, set, id, fact, asset); again != got {
				t.Errorf("%s: %s: %s as emitted, %s as stored", id, tc.Name, got, again)
			}
			switch got {
			case "fires":
				fires++
				if tc.Severity != "" && finding.Severity.String() != tc.Severity {
					t.Errorf("%s: %s: severity %s, want %s", id, tc.Name, finding.Severity, tc.Severity)
				}
				if finding.Severity > c.Severity() {
					t.Errorf("%s: %s: severity %s above the weakness's %s", id, tc.Name, finding.Severity, c.Severity())
				}
				if !finding.Credentialed || finding.Remedy.Check != id || finding.Weakness.Key != id || finding.Locus != tc.Locus {
					t.Errorf("%s: %s: finding %+v", id, tc.Name, finding)
				}
				fmt.Fprintf(&golden, "  %s: %s. %s %s\n", tc.Name, finding.Severity, finding.Evidence.Summary, slices.Sorted(maps.Keys(finding.Evidence.Data)))
			case "quiet":
				quiet++
			}
		}
		if fires == 0 || quiet == 0 {
			t.Errorf("%s: its table has %d facts that fire and %d that do not; it needs both", id, fires, quiet)
		}
	}
	compareGolden(t, "findings.txt", golden.String())
}

func judge(t *testing.T, set *check.Set, id string, fact gyre.Fact, asset gyre.Asset) (string, gyre.Finding) {
	t.Helper()
	findings, judged, problems := set.Evaluate(fact, asset, now)
	for _, p := range problems {
		t.Errorf("%s at %q: %s", id, fact.Locus, p.Reason)
	}
	if i := slices.IndexFunc(findings, func(f gyre.Finding) bool { return f.Weakness.Key == id }); i >= 0 {
		return "fires", findings[i]
	}
	if slices.Contains(judged, id) {
		return "quiet", gyre.Finding{}
	}
	return "not_applicable", gyre.Finding{}
}

// TestQuality holds what makes a check worth having.
func TestQuality(t *testing.T) {
	set := load(t)
	ids := set.IDs("")
	if len(ids) < 60 {
		t.Errorf("%d checks", len(ids))
	}
	titles := map[string]string{}
	for _, id := range ids {
		c, _ := set.ByID(id)
		if len(c.Motive) < 60 || len(c.Text) < 20 || len(c.References) == 0 || len(c.Title) > 70 {
			t.Errorf("%s: motive, remediation, references or title fall short", id)
		}
		if len(c.CWEs) == 0 && c.Class != gyre.ShadowIT {
			t.Errorf("%s has no CWE", id)
		}
		if other := titles[c.Title]; other != "" {
			t.Errorf("%s and %s have the same title", id, other)
		}
		titles[c.Title] = id
		if !strings.HasPrefix(c.File, string(c.Aspect)) {
			t.Errorf("%s of aspect %s is in %s", id, c.Aspect, c.File)
		}
	}
}

// TestSteps writes down what people are told to do at one place.
func TestSteps(t *testing.T) {
	set := load(t)
	var golden strings.Builder
	for _, id := range set.IDs("") {
		locus := ""
		for _, tc := range table(t, id) {
			if tc.Want == "fires" {
				locus = tc.Locus
				break
			}
		}
		steps := set.Steps(id, map[string]string{"asset": "shop.example.com", "address": "192.0.2.7", "locus": locus})
		if len(steps) == 0 {
			t.Errorf("%s has no steps", id)
		}
		fmt.Fprintf(&golden, "%s at %s\n", id, locus)
		for _, s := range steps {
			if len(s.Commands) == 0 && s.Config == "" {
				t.Errorf("%s: the step for %s has neither commands nor configuration", id, s.Platform)
			}
			fmt.Fprintf(&golden, "  %s: %s\n", s.Platform, s.Text)
			for _, line := range strings.Split(s.Config, "\n") {
				if line != "" {
					fmt.Fprintf(&golden, "    | %s\n", line)
				}
			}
			for _, c := range s.Commands {
				fmt.Fprintf(&golden, "    $ %s\n", c)
			}
		}
	}
	compareGolden(t, "steps.txt", golden.String())
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got; go test ./packs -update writes it anew):\n%s", name, diff)
	}
}

// TestNoStrayTables finds tables of checks that do not exist.
func TestNoStrayTables(t *testing.T) {
	set := load(t)
	files, err := filepath.Glob(filepath.Join("checks", "testdata", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	for _, f := range files {
		if _, ok := set.ByID(strings.TrimSuffix(filepath.Base(f), ".yaml")); !ok {
			t.Errorf("%s belongs to no check", f)
		}
	}
}
