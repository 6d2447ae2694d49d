// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// corpusFolder holds real reports of other tools, where there are any.
const corpusFolder = "../../../shared/corpus"

// corpusTools are the folders of reports whose formats have an importer, and
// the files in them that are of another format.
var corpusTools = map[string][]string{
	"sarif": nil, "nmap": nil, "cyclonedx": nil,
	"tenable/nessus": nil, "tenable/nessus_was": nil,
	"anchore_grype": nil, "aqua": nil, "bandit": nil, "snyk": nil, "snyk_code": nil,
	"npm_audit": nil, "npm_audit_7_plus": nil, "nsp": nil, "yarn_audit": nil,
	"gitlab_sast": nil, "gitlab_container_scan": nil, "gitlab_dep_scan": nil, "gitlab_secret_detection_report": nil, "gitlab_dast": nil, "gitlab_api_fuzzing": nil,
	"mozilla_observatory": nil, "wapiti": nil,
}

type corpusFile struct {
	tool, name string
	text       []byte
}

// corpusReports are all reports of formats that have an importer.
func corpusReports(t *testing.T) []corpusFile {
	t.Helper()
	if _, err := os.Stat(corpusFolder); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no real reports of other tools here")
	}
	var all []corpusFile
	for _, tool := range slices.Sorted(func(yield func(string) bool) {
		for tool := range corpusTools {
			if !yield(tool) {
				return
			}
		}
	}) {
		files, err := filepath.Glob(filepath.Join(corpusFolder, "reports", filepath.FromSlash(tool), "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no reports of %s: %v", tool, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, ".csv") { // of Tenable.io, which is another format
				continue
			}
			text, err := os.ReadFile(file) // #nosec G304 -- the test's own data
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, corpusFile{tool, filepath.Base(file), text})
		}
	}
	return append(all, corpusBills(t)...)
}

// corpusBills are the CycloneDX documents that come as an archive.
func corpusBills(t *testing.T) (all []corpusFile) {
	t.Helper()
	f, err := os.Open(filepath.Join(corpusFolder, "sboms", "cyclonedx-bom-examples.tar.gz"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if ext := filepath.Ext(h.Name); h.Typeflag != tar.TypeReg || ext != ".json" && ext != ".xml" {
			continue
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, corpusFile{"sboms", h.Name, text})
	}
}

// TestCorpusTwice: every real report, through the way that uploads take, into a
// workspace of its own: the first time it is taken in or refused with a reason, the
// second time nothing changes. -v prints a table.
func TestCorpusTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("imports every report there is")
	}
	all := corpusReports(t)
	expected := corpusExpectations(t)
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			a := openOn(t, filepath.Join(t.TempDir(), "data"), t.TempDir(), storetest.URL(t, engine))
			t.Logf("%-60s %10s %9s %9s %9s %9s", "report", "status", "expected", "findings", "exposures", "software")
			for i, f := range all {
				if engine == store.Postgres && i%5 != 0 && os.Getenv("GYRE_CORPUS") != "all" {
					continue // a sample
				}
				a.twice(t, f, expected[f.tool+"/"+f.name])
			}
		})
	}
}

func corpusExpectations(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(corpusFolder, "expected_findings.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, row := range rows {
		out[row[0]] = row[1]
	}
	return out
}

// refusedReports are those that no importer takes, with the reason.
var refusedReports = map[string]string{
	"aqua/no_vuln.json": "is an empty object, which could be anything",
	"nsp/none.json":     "is an empty list, which could be anything",
}

func (a *App) twice(t *testing.T, f corpusFile, expected string) {
	t.Helper()
	ws, err := a.db.EnsureWorkspace(t.Context(), f.tool+"/"+f.name)
	if err != nil {
		t.Fatal(err)
	}
	where := f.tool + "/" + f.name
	receive := func() (gyre.Upload, bool) {
		r, err := imports{a}.Receive(t.Context(), ws.ID, httpapi.Import{Name: f.name, Zone: gyre.ZoneInternal, Body: bytes.NewReader(f.text), Size: -1, Again: true})
		if err != nil {
			if refusedReports[where] == "" {
				t.Errorf("%s is refused: %v", where, err)
			}
			return gyre.Upload{}, false
		}
		u := r.Upload
		for end := time.Now().Add(time.Minute); !u.State.Ended(); { // Wait looks once a second
			if time.Now().After(end) {
				t.Errorf("%s: stays %s: %+v", where, u.State, u)
				return u, false
			}
			time.Sleep(2 * time.Millisecond)
			if u, err = a.db.Upload(t.Context(), ws.ID, r.ID); err != nil {
				t.Fatal(err)
			}
		}
		if u.State != gyre.UploadDone {
			if refusedReports[where] == "" {
				t.Errorf("%s: %s, %v", where, u.State, u.Err())
			}
			return u, false
		}
		return u, true
	}
	first, fine := receive()
	if !fine {
		return
	}
	before, seq := a.estateOf(t, ws.ID), a.seqOf(t, ws.ID)
	run, err := a.db.Run(t.Context(), ws.ID, first.Run)
	if err != nil {
		t.Fatal(err)
	}
	exposures := strings.Count(before, "\n")
	t.Logf("%-60s %10s %9s %9d %9d %9d", where, run.Status, expected, run.Counts.Findings, exposures, run.Counts.Components)
	second, fine := receive()
	if !fine {
		return
	}
	if second.Run == first.Run {
		t.Errorf("%s: the second import is the first", where)
	}
	if after := a.estateOf(t, ws.ID); after != before {
		t.Errorf("%s: the second import changed the estate", where)
	}
	events, err := a.db.EventsSince(t.Context(), ws.ID, seq, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Object != "run" && e.Object != "upload" && e.Object != "job" {
			t.Errorf("%s: the second import made an event: %s %s %s→%s (%s)", where, e.Object, e.Kind, e.From, e.To, e.Reason)
			break
		}
	}
	again, err := a.db.Run(t.Context(), ws.ID, second.Run)
	if err != nil {
		t.Fatal(err)
	}
	if c := again.Counts; c.NewAssets+c.Created+c.Reopened+c.Closed != 0 {
		t.Errorf("%s: the second import changed something: %+v", where, c)
	}
}

func (a *App) seqOf(t *testing.T, ws gyre.ID) int64 {
	t.Helper()
	n, err := a.db.Seq(t.Context(), ws)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// estateOf is what stands in a workspace: a line for each exposure.
func (a *App) estateOf(t *testing.T, ws gyre.ID) string {
	t.Helper()
	var lines []string
	err := a.db.EachExposure(t.Context(), ws, func(e gyre.Exposure) error {
		lines = append(lines, strings.Join([]string{
			e.ID.String(), e.Asset.String(), e.Weakness.String(), e.Locus, string(e.State), e.Severity.String(), strconv.FormatBool(e.Credentialed),
			e.Remedy.Fixed, e.FirstSeen.String(), e.FixedAt.String(),
		}, " ")+"\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
