// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package plugintest

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Discard is an Emit that forgets.
type Discard struct{}

// Emit implements plugin.Emit.
func (*Discard) Emit(ctx context.Context, _ *gyre.Batch) error { return ctx.Err() }

// Corpus imports every file of reports/TOOL in a folder of real reports and
// compares the number of findings with expected_findings.csv there. known names the
// files where another number is right, or which are of another format, with the
// reason. It skips without the folder.
func Corpus(t *testing.T, imp plugin.Importer, corpus, tool string, known map[string]string) {
	t.Helper()
	csvFile, err := os.Open(filepath.Join(corpus, "expected_findings.csv")) // #nosec G304 -- the test's own data
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no corpus of real reports here")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = csvFile.Close() }()
	rows, err := csv.NewReader(csvFile).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	expected := map[string]string{}
	for _, row := range rows {
		expected[row[0]] = row[1]
	}
	files, err := filepath.Glob(filepath.Join(corpus, "reports", tool, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no reports of %s: %v", tool, err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		text, err := os.ReadFile(file) // #nosec G304 -- the test's own data
		if err != nil {
			t.Fatal(err)
		}
		if imp.Detect(name, head(text)) == 0 {
			if known[name] == "" {
				t.Errorf("%s is not detected", name)
			}
			continue
		}
		c, report, err := Import(t.Context(), imp, plugin.Input{Name: name, Reader: bytes.NewReader(text)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, w := range c.Wrong {
			t.Errorf("%s: %s", name, w)
		}
		SameFromMemory(t, imp, name, text)
		want, got := expected[tool+"/"+name], strconv.Itoa(len(c.Findings))
		switch {
		case want == "" || want == got:
			if known[name] != "" {
				t.Errorf("%s is listed as different, but is not", name)
			}
		case known[name] != "":
			t.Logf("%s: %s findings, the corpus says %s: %s", name, got, want, known[name])
		default:
			t.Errorf("%s: %s findings, the corpus says %s; problems %v", name, got, want, report.Problems)
		}
	}
}
