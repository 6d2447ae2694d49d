// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	gyre "github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/lab/labtest"
	"github.com/gyre-ctem/gyre/lab/truth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(labtest.Turn{M: m}) }

// up starts an estate in a folder of its own and takes it down with the test.
func up(t *testing.T, o Options) *Estate {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.Logf = t.Logf
	e, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func TestStartIsQuickAndCloseLeavesNothing(t *testing.T) {
	// The best of three: other tests of the same run may have the machine busy.
	var e *Estate
	best := time.Hour
	for range 3 {
		if e != nil {
			e.Close()
		}
		began := time.Now()
		e = up(t, Options{})
		best = min(best, time.Since(began))
	}
	if best > 2*time.Second {
		t.Errorf("start took %v", best)
	}
	began := time.Now()
	e.Close()
	e.Close() // twice is once
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("close took %v", took)
	}
	goleak.VerifyNone(t, goleak.IgnoreCurrent())
}

func TestEstateIsLargeEnough(t *testing.T) {
	e := up(t, Options{})
	rows, zones, classes := e.Rows(), map[gyre.Zone]int{}, map[gyre.Class]int{}
	for _, h := range e.hosts {
		zones[h.zone]++
	}
	for _, r := range rows {
		classes[r.Class]++
	}
	if len(e.hosts) < 20 || len(rows) < 35 || len(zones) != 4 {
		t.Errorf("%d hosts, %d rows, %d zones", len(e.hosts), len(rows), len(zones))
	}
	for _, c := range gyre.Classes {
		if classes[c] == 0 {
			t.Errorf("nothing is planted of class %s", c)
		}
	}
}

func TestScopesNameWhatIsThere(t *testing.T) {
	e := up(t, Options{})
	scopes := e.Scopes()
	for _, s := range scopes {
		if s.Runbook != DefaultRunbook || s.Owner == "" || s.Criticality == 0 {
			t.Errorf("scope %q is incomplete: %+v", s.Name, s)
		}
		for _, target := range s.Targets {
			for _, path := range []string{target.Root, target.File} {
				if path == "" {
					continue
				}
				if _, err := os.Stat(path); err != nil || !filepath.IsAbs(path) {
					t.Errorf("scope %q: %q: %v", s.Name, path, err)
				}
			}
			if target.CIDR != "" && (target.Ports == "" || target.Zone == "") {
				t.Errorf("scope %q: %+v", s.Name, target)
			}
		}
		for _, known := range s.Inventory {
			if strings.HasPrefix(known, "shadow") || !e.mapped && known == "127.0.10.60" {
				t.Errorf("scope %q lists the host that nobody has listed", s.Name)
			}
		}
	}
	text, err := e.ScopeYAML()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n---\n") + 1; n != len(scopes) {
		t.Errorf("%d YAML documents for %d scopes", n, len(scopes))
	}
	if onDisk, err := os.ReadFile(e.ScopeFile()); err != nil || string(onDisk) != string(text) {
		t.Errorf("scopes.yaml differs from ScopeYAML: %v", err)
	}
}

func TestSecondEstateInOneFolderIsRefused(t *testing.T) {
	e := up(t, Options{})
	if _, err := Start(t.Context(), Options{Dir: e.Dir()}); gyre.ErrorCode(err) != gyre.Conflict {
		t.Errorf("second start: %v", err)
	}
}

func TestTwoEstatesShareTheMachine(t *testing.T) {
	first := up(t, Options{})
	second := up(t, Options{})
	if first.Scopes()[0].Targets[0].Ports == second.Scopes()[0].Targets[0].Ports {
		t.Error("the second estate claims the ports of the first")
	}
}

func TestMappedEstate(t *testing.T) {
	e := up(t, Options{Mapped: true})
	for _, h := range e.Scopes() {
		if cidr := h.Targets[0].CIDR; cidr != "127.0.0.1/32" {
			t.Errorf("scope %q looks at %s", h.Name, cidr)
		}
	}
	seen := map[int]string{}
	for _, l := range e.listeners {
		if other := seen[l.port]; other != "" {
			t.Errorf("%s and %s share port %d", l.host.name, other, l.port)
		}
		seen[l.port] = l.host.name
	}
	if _, err := e.Fix("W-31"); gyre.ErrorCode(err) != gyre.Conflict {
		t.Errorf("fixing what cannot be planted here: %v", err)
	}
	if res := e.Score(nil); res.Planted != len(e.Rows())-1 {
		t.Errorf("%d planted of %d rows", res.Planted, len(e.Rows()))
	}
}

func TestStateSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	e := up(t, Options{Dir: dir})
	if _, err := e.Fix("W-01", "W-63"); err != nil {
		t.Fatal(err)
	}
	e.Close()
	stored, err := Stored(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := truth.Score(stored, nil).Planted; got != len(stored)-2 {
		t.Errorf("%d planted in the stored table of %d", got, len(stored))
	}
	again := up(t, Options{Dir: dir})
	for _, r := range again.Rows() {
		if want := r.ID == "W-01" || r.ID == "W-63"; r.Fixed != want {
			t.Errorf("%s fixed: %v", r.ID, r.Fixed)
		}
	}
	if _, err := os.Stat(filepath.Join(again.Dir(), "roots/backup", truth.BackupKey)); !os.IsNotExist(err) {
		t.Errorf("the fixed secret is back: %v", err)
	}
}

func TestControlChangesTheRunningEstate(t *testing.T) {
	e := up(t, Options{})
	c, err := Dial(e.Dir())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := c.Fix("127.0.12.21", truth.DpkgStatus+"#curl", "CVE-2023-38545")
	if err != nil || len(rows) != 1 || rows[0].ID != "W-39" {
		t.Fatalf("fix by place: %v %v", rows, err)
	}
	if rows, err = c.Rows(); err != nil || !fixedRow(rows, "W-39") {
		t.Errorf("the table does not know: %v", err)
	}
	if _, err := c.Break("W-39"); err != nil {
		t.Error(err)
	}
	if _, err := c.Fix("W-999"); gyre.ErrorCode(err) != gyre.NotFound {
		t.Errorf("unknown row: %v", err)
	}
	bad := *c
	bad.Info.Token = "wrong"
	if _, err := bad.Rows(); gyre.ErrorCode(err) != gyre.Unauthorized {
		t.Errorf("wrong token: %v", err)
	}
	if _, err := c.ScopeYAML(); err != nil {
		t.Error(err)
	}
	if err := c.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-e.Done():
	case <-time.After(3 * time.Second):
		t.Error("down did not take the estate down")
	}
	if _, err := Dial(e.Dir()); gyre.ErrorCode(err) != gyre.NotFound {
		t.Errorf("dial after down: %v", err)
	}
}

func TestControlWithALongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long-", 30))
	e := up(t, Options{Dir: dir})
	c, err := Dial(e.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if c.Info.Network != "tcp" {
		t.Errorf("control by %s", c.Info.Network)
	}
	if _, err := c.Fix("W-01"); err != nil {
		t.Error(err)
	}
}

func fixedRow(rows []Row, id string) bool {
	for _, r := range rows {
		if r.ID == id {
			return r.Fixed
		}
	}
	return false
}
