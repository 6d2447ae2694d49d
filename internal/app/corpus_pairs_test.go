// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// TestCorpusPairs: two real reports about one target come to one asset; what is
// the same in both is one exposure, and what is not stays two. The numbers are counted in
// the reports, by file, line and rule: docs/corpus.md.
func TestCorpusPairs(t *testing.T) {
	corpusReports(t) // skips where there are none
	const (
		lgtm   = "sarif/DefectDojo_django-DefectDojo__2020-12-11_13 42 10__export.sarif"
		python = "sarif/taint-python-report.sarif"
		shell  = "sarif/bash-report.sarif"
	)
	for _, c := range []struct {
		name, first, second, asset string
		exposures                  int // of both together
		added                      int // by the second
		one                        string
	}{
		{"LGTM and a taint analysis of one repository", lgtm, python, "django-DefectDojo", 501 + 10, 10, "cred/views.py:592"},
		{"LGTM and an analysis of shell scripts of one repository", lgtm, shell, "django-DefectDojo", 501 + 12, 12, ""},
		{"two tools that name the repository themselves", python, shell, "", 10 + 12, 12, "cred/views.py:592"},
		{"one scan as JSON and as XML", "cyclonedx/log4j.json", "cyclonedx/log4j.xml", "", 8, 0, ""},
		{"the same two the other way round", "cyclonedx/log4j.xml", "cyclonedx/log4j.json", "", 8, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := openOn(t, filepath.Join(t.TempDir(), "data"), t.TempDir(), storetest.URL(t, storetest.Engines[0]))
			take := func(file string) gyre.RunCounts {
				text, err := os.ReadFile(filepath.Join(corpusFolder, "reports", filepath.FromSlash(file))) // #nosec G304 -- the test's own data
				if err != nil {
					t.Fatal(err)
				}
				u := a.imported(t, httpapi.Import{Name: filepath.Base(file), Asset: c.asset, Body: bytes.NewReader(text)})
				run, err := a.db.Run(t.Context(), a.workspace.ID, u.Run)
				if err != nil {
					t.Fatal(err)
				}
				return run.Counts
			}
			take(c.first)
			got := take(c.second)
			if got.Created != c.added || got.Closed != 0 || got.Reopened != 0 || got.NewAssets != 0 {
				t.Errorf("the second report: %+v; want %d new exposures and nothing else", got, c.added)
			}
			assets, exposures, at := 0, 0, 0
			err := a.db.EachAsset(t.Context(), a.workspace.ID, func(gyre.Asset) error { assets++; return nil })
			if err == nil {
				err = a.db.EachExposure(t.Context(), a.workspace.ID, func(e gyre.Exposure) error {
					exposures++
					if c.one != "" && strings.HasSuffix(e.Locus, c.one) {
						at++
					}
					return nil
				})
			}
			if err != nil {
				t.Fatal(err)
			}
			if assets != 1 || exposures != c.exposures {
				t.Errorf("%d assets and %d exposures, want 1 and %d", assets, exposures, c.exposures)
			}
			if c.one != "" && at != 1 {
				t.Errorf("%d exposures at %s, which one report names twice; want 1", at, c.one)
			}
		})
	}
}
