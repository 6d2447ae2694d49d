// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/validate"
	"github.com/gyre-ctem/gyre/plugin"
)

// TestLookAgain: what cannot be repeated is refused with the reason, and
// nothing is looked at.
func TestLookAgain(t *testing.T) {
	a := openAt(t, filepath.Join(t.TempDir(), "data"), t.TempDir())
	ws := a.workspace.ID
	s, err := a.db.CreateScope(t.Context(), ws, "test", gyre.Scope{Name: "here", Targets: []gyre.Target{{CIDR: "127.0.0.83", Ports: "1-3"}}})
	if err != nil {
		t.Fatal(err)
	}
	place := plugin.Place{Asset: a.known(t, "127.0.0.83"), Aspect: gyre.AspectService, Locus: "tcp/1"}
	origin := gyre.Run{Scope: s.ID, Source: "network", Target: "127.0.0.83"}
	if run, method, err := a.lookAgain(t.Context(), ws, origin, place); err != nil || method != validate.MethodRetest || run.Status != gyre.RunSucceeded {
		t.Errorf("a target that is there: %v, %s, run %s: %+v", err, method, run.Status, run.Problems)
	}
	for name, tc := range map[string]struct {
		origin gyre.Run
		says   string
	}{
		"upload":      {gyre.Run{Source: "nmap", Target: "scan.xml"}, `it came from the report "scan.xml"`},
		"scope gone":  {gyre.Run{Scope: gyre.NewID(), Source: "network", Target: "127.0.0.83"}, "the scope that allowed looking there was removed"},
		"target gone": {gyre.Run{Scope: s.ID, Source: "network", Target: "127.0.0.84"}, `scope "here" has no target "127.0.0.84" any more`},
		"source gone": {gyre.Run{Scope: s.ID, Source: "telepathy", Target: "127.0.0.83"}, "any more"},
	} {
		before, err := a.db.Runs(t.Context(), ws, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = a.lookAgain(t.Context(), ws, tc.origin, place)
		if gyre.ErrorCode(err) != gyre.Conflict || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
		after, err := a.db.Runs(t.Context(), ws, 0, 100)
		if err != nil || len(after) != len(before) {
			t.Errorf("%s: %d runs before, %d after: %v", name, len(before), len(after), err)
		}
	}

	// Outside the hours nothing is sent, and that is no proof of anything.
	soon := time.Now().UTC().Add(2 * time.Hour)
	s.Hours = []gyre.Window{{From: soon.Format("15:04"), To: soon.Add(time.Hour).Format("15:04")}}
	if _, err := a.db.UpdateScope(t.Context(), ws, "test", s); err != nil {
		t.Fatal(err)
	}
	run, _, err := a.lookAgain(t.Context(), ws, origin, place)
	if err != nil {
		t.Fatal(err)
	}
	covered, err := a.db.CoverageOfRun(t.Context(), ws, run.ID)
	if err != nil || len(covered) != 0 {
		t.Errorf("outside the hours the run (%s) covered %v: %v", run.Status, covered, err)
	}
}

// known stores a host with an address.
func (a *App) known(t *testing.T, address string) gyre.Asset {
	t.Helper()
	ws := a.workspace.ID
	sess, err := a.discover.Begin(t.Context(), ws, gyre.Run{Source: "test", Started: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	err = sess.Emit(t.Context(), &gyre.Batch{Assets: []gyre.AssetSighting{{
		Ref: "h", Kind: gyre.Host, Name: address, Identifiers: []gyre.Identifier{{Type: gyre.IDIP, Value: address}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sess.Finish(t.Context(), gyre.RunSucceeded, plugin.Report{}); err != nil {
		t.Fatal(err)
	}
	var ids []gyre.ID
	err = a.db.ProjectionAssets(t.Context(), ws, nil, func(p store.ProjectionAsset) error { ids = append(ids, p.ID); return nil })
	if err != nil || len(ids) != 1 {
		t.Fatalf("%d assets: %v", len(ids), err)
	}
	asset, err := a.db.Asset(t.Context(), ws, ids[0])
	if err != nil {
		t.Fatal(err)
	}
	return asset
}
