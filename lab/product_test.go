// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/osv-scalibr/semantic"

	"github.com/gyre-ctem/gyre/internal/scope"
	"github.com/gyre-ctem/gyre/lab/intel"
	"github.com/gyre-ctem/gyre/lab/truth"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugins/feed/epss"
	"github.com/gyre-ctem/gyre/plugins/feed/kev"
	"github.com/gyre-ctem/gyre/plugins/feed/osv"
)

// TestScopesAreValid: the product takes the estate's scopes as they are.
func TestScopesAreValid(t *testing.T) {
	for name, o := range map[string]Options{"own addresses": {}, "mapped": {Mapped: true}} {
		t.Run(name, func(t *testing.T) {
			e := up(t, o)
			text, err := e.ScopeYAML()
			if err != nil {
				t.Fatal(err)
			}
			scopes, err := scope.Decode("scopes.yaml", bytes.NewReader(text))
			if err != nil || len(scopes) != len(e.Scopes()) {
				t.Errorf("%d scopes: %v", len(scopes), err)
			}
		})
	}
}

// TestFeedsReadTheSnapshot runs the product's own feeds over the folder.
func TestFeedsReadTheSnapshot(t *testing.T) {
	dir := t.TempDir()
	if err := intel.Write(dir); err != nil {
		t.Fatal(err)
	}
	facts := intel.Facts()
	ids := map[string]bool{}
	var kevs, scores int
	for name, feed := range map[string]plugin.Feed{"kev": kev.New(), "epss": epss.New(), "osv": osv.New()} {
		req := plugin.FeedRequest{
			Base: filepath.Join(dir, name), Client: http.DefaultClient, Log: slog.New(slog.DiscardHandler),
			Progress: func(int, int, string) {},
		}
		if _, err := feed.Sync(t.Context(), req, func(_ context.Context, b *plugin.IntelBatch) error {
			kevs += len(b.KEV)
			scores += len(b.EPSS)
			for _, a := range b.Advisories {
				ids[a.ID] = true
			}
			return nil
		}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if kevs != bytes.Count(facts.KEV, []byte(`"cveID"`)) || scores != len(facts.EPSS.Scores) || len(ids) != len(facts.Advisories) {
		t.Errorf("the feeds brought %d KEV, %d EPSS, %d advisories", kevs, scores, len(ids))
	}
}

// TestPackagesAreWhatTheFactsSay: every planted version is affected by every
// fact about its package, and the version after the fix by none.
func TestPackagesAreWhatTheFactsSay(t *testing.T) {
	unused := map[string]bool{}
	for _, a := range intel.Facts().Advisories {
		unused[a.ID] = true
	}
	for _, r := range truth.Rows() {
		p := r.Package
		if p == nil {
			continue
		}
		seen := 0
		for _, a := range intel.Facts().Advisories {
			if a.Ecosystem != p.Ecosystem || !strings.EqualFold(a.Package, p.Name) {
				continue
			}
			seen++
			delete(unused, a.ID)
			if !affected(t, a, p.Vulnerable) {
				t.Errorf("%s: %s does not affect %s %s", r.ID, a.ID, p.Name, p.Vulnerable)
			}
			if affected(t, a, p.Fixed) {
				t.Errorf("%s: %s affects %s %s, too", r.ID, a.ID, p.Name, p.Fixed)
			}
		}
		if seen == 0 {
			t.Errorf("%s: no fact speaks of %s", r.ID, p.Name)
		}
	}
	if len(unused) > 0 {
		t.Errorf("facts about nothing that is planted: %v", slices.Sorted(maps.Keys(unused)))
	}
}

func affected(t *testing.T, a intel.Advisory, version string) bool {
	t.Helper()
	family, _, _ := strings.Cut(a.Ecosystem, ":")
	v, err := semantic.Parse(version, family)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range a.Ranges {
		below, err := v.CompareStr(r.Fixed)
		if err != nil {
			t.Fatal(err)
		}
		above := 1
		if r.Introduced != "0" {
			if above, err = v.CompareStr(r.Introduced); err != nil {
				t.Fatal(err)
			}
		}
		if below < 0 && above >= 0 {
			return true
		}
	}
	return false
}
