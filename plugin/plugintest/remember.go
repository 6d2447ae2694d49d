// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package plugintest

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Remembers is the contract of importers that use a plugin.Memory: they keep
// something of each of the reports in dir. That what they emit does not depend on it
// TestImporter shows.
func Remembers(t *testing.T, imp plugin.Importer, dir string) {
	for _, file := range reports(t, dir) {
		text, err := os.ReadFile(file) // #nosec G304 -- the test's own data
		if err != nil {
			t.Fatal(err)
		}
		if !SameFromMemory(t, imp, filepath.Base(file), text) {
			t.Errorf("nothing is kept of %s", file)
		}
	}
}

// SameFromMemory sees to it that what an importer emits, batch by batch, and what
// it reports does not depend on whether it has a memory of the document. It says
// whether the importer has kept anything in one.
func SameFromMemory(t *testing.T, imp plugin.Importer, name string, text []byte) bool {
	t.Helper()
	read := func(m *plugin.Memory) (all []*gyre.Batch, report plugin.Report) {
		in := plugin.Input{
			Name: name, Reader: bytes.NewReader(text), Zone: "test", Memory: m,
			Progress: func(int, int, string) {}, Log: slog.New(slog.DiscardHandler),
		}
		report, err := imp.Import(t.Context(), in, func(_ context.Context, b *gyre.Batch) error {
			all = append(all, b)
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return all, report
	}
	want, said := read(nil)
	memory := &plugin.Memory{}
	for pass := range 3 {
		got, report := read(memory)
		if !reflect.DeepEqual(want, got) || !reflect.DeepEqual(said, report) { // cmp takes its time
			if d := cmp.Diff(want, got) + cmp.Diff(said, report); d != "" {
				t.Fatalf("%s: in pass %d with a memory it emits something else:\n%s", name, pass+1, d)
			}
		}
		if memory.Learned() == nil {
			return false
		}
	}
	return true
}
