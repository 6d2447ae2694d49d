// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package plugintest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

var update = flag.Bool("update", false, "write the golden files of plug-ins anew")

const (
	goldenSuffix = ".golden.json"
	headSize     = 64 << 10
	stopWithin   = 2 * time.Second
)

// Import runs an importer over a report and collects what it emits.
func Import(ctx context.Context, imp plugin.Importer, in plugin.Input) (*Collector, plugin.Report, error) {
	if in.Progress == nil {
		in.Progress = func(int, int, string) {}
	}
	if in.Log == nil {
		in.Log = slog.New(slog.DiscardHandler)
	}
	c := &Collector{}
	report, err := imp.Import(ctx, in, c.Emit)
	return c, report, err
}

// TestImporter is the contract of importers. dir holds reports of the importer's
// format, one per file; beside each lies what it emits, in FILE.golden.json
// (written with -update). Folders, and files called README*, are left alone.
func TestImporter(t *testing.T, imp plugin.Importer, dir string) {
	checkInfo(t, imp.Info())
	own := reports(t, dir)
	if len(own) == 0 {
		t.Fatalf("%s holds no reports", dir)
	}
	for _, file := range own {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file) // #nosec G304 -- the test's own data
			if err != nil {
				t.Fatal(err)
			}
			if imp.Detect(filepath.Base(file), head(text)) < 50 {
				t.Errorf("%s is not detected", file)
			}
			golden(t, imp, file, text)
			deterministic(t, imp, filepath.Base(file), text)
			SameFromMemory(t, imp, filepath.Base(file), text)
			stops(t, imp, filepath.Base(file), text)
			truncated(t, imp, filepath.Base(file), text)
		})
	}
	t.Run("others", func(t *testing.T) {
		for _, name := range []string{"x", "x.json", "x.xml", "x.txt"} {
			for _, text := range []string{"", "{}", "[]", "<a/>", "hello", "\x00\x01\xff", "{\"a\":", "<?xml version='1.0'?>"} {
				if n := imp.Detect(name, []byte(text)); n != 0 {
					t.Errorf("%q called %s is detected as sure as %d", text, name, n)
				}
			}
		}
		abs, err := filepath.Abs(dir)
		if err != nil {
			t.Fatal(err)
		}
		siblings, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(abs)), "*", filepath.Base(dir)))
		if err != nil {
			t.Fatal(err)
		}
		for _, sibling := range siblings {
			if sibling == abs {
				continue
			}
			for _, file := range reports(t, sibling) {
				text, err := os.ReadFile(file) // #nosec G304 -- data of sibling plug-ins
				if err != nil {
					t.Fatal(err)
				}
				if n := imp.Detect(filepath.Base(file), head(text)); n != 0 {
					t.Errorf("%s is detected as sure as %d", file, n)
				}
			}
		}
	})
}

func reports(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasSuffix(e.Name(), goldenSuffix) && !strings.HasPrefix(e.Name(), "README") {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files
}

func head(text []byte) []byte { return text[:min(len(text), headSize)] }

func golden(t *testing.T, imp plugin.Importer, file string, text []byte) {
	t.Helper()
	c, report, err := Import(t.Context(), imp, plugin.Input{Name: filepath.Base(file), Reader: bytes.NewReader(text), Zone: "test"})
	if err != nil {
		t.Fatalf("import %s: %v", file, err)
	}
	c.Check(t)
	got := pruned(t, struct {
		gyre.Batch
		Report plugin.Report
	}{c.Batch, report})
	name := file + goldenSuffix
	if *update {
		if err := os.WriteFile(name, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name) // #nosec G304 -- the test's own data
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s: run with -update if this is right:\n%s", name, d)
	}
}

// pruned is v as JSON without what is empty, so that a golden file says what an
// importer emits and not which fields there are. Data is left as it is.
func pruned(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	var prune func(v any) any
	prune = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				if strings.EqualFold(k, "data") {
					continue
				}
				switch e := prune(e); e {
				case nil, "", false, 0.0, "0001-01-01T00:00:00Z":
					delete(v, k)
				}
			}
			if len(v) == 0 {
				return nil
			}
			return empty(v)
		case []any:
			for _, e := range v {
				prune(e)
			}
			if len(v) == 0 {
				return nil
			}
			return empty(v)
		}
		return v
	}
	prune(tree)
	out, err := json.MarshalIndent(tree, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

// empty stands for a tree that is not; maps cannot be compared.
func empty(any) string { return "not" }

func deterministic(t *testing.T, imp plugin.Importer, name string, text []byte) {
	t.Helper()
	var first *Collector
	var said plugin.Report
	for range 3 {
		c, report, err := Import(t.Context(), imp, plugin.Input{Name: name, Reader: bytes.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first, said = c, report
			if at := report.Looked; at.Location() != time.UTC || at.Nanosecond()%1000 != 0 {
				t.Errorf("the report is dated %v: want UTC, in microseconds", at)
			}
		} else if d := cmp.Diff(first.Batch, c.Batch) + cmp.Diff(said, report); d != "" {
			t.Fatalf("the same file twice gives two results:\n%s", d)
		}
	}
}

// stops: when the context ends in the middle of the file, so does the import, in time
// and with the context's error.
func stops(t *testing.T, imp plugin.Importer, name string, text []byte) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := &cancelling{text: text, at: len(text) / 2, cancel: cancel}
	done := make(chan error, 1)
	go func() {
		_, _, err := Import(ctx, imp, plugin.Input{Name: name, Reader: r})
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled in the middle it returns %v", err)
		}
	case <-time.After(stopWithin):
		t.Errorf("does not stop within %v", stopWithin)
	}
}

// cancelling hands out a few bytes at a time and cancels half-way.
type cancelling struct {
	text   []byte
	n, at  int
	cancel context.CancelFunc
}

func (c *cancelling) Read(p []byte) (int, error) {
	if c.n >= c.at {
		c.cancel()
	}
	if c.n == len(c.text) {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 64)], c.text[c.n:])
	c.n += n
	return n, nil
}

// truncated: a file that was cut short is refused where its format shows it
// (JSON, XML), never panics, and the error names the file.
func truncated(t *testing.T, imp plugin.Importer, name string, text []byte) {
	t.Helper()
	text = bytes.TrimSpace(text)
	closes := bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("[")) || bytes.HasPrefix(text, []byte("<"))
	for i := range 16 {
		cut := text[:len(text)*i/16]
		c, _, err := Import(t.Context(), imp, plugin.Input{Name: name, Reader: bytes.NewReader(cut)})
		if err == nil {
			if closes {
				t.Errorf("cut at %d/16 it is taken as complete", i)
			}
			c.Check(t)
			continue
		}
		if e, ok := errors.AsType[*gyre.Error](err); !ok || e.Code != gyre.Invalid || !strings.HasPrefix(e.Field, name) || e.Message == "" {
			t.Errorf("cut at %d/16: error %v of code %q; want code invalid and Field %q:PLACE", i, err, gyre.ErrorCode(err), name)
		}
	}
}

// Fuzz is the fuzz target of an importer: whatever the bytes, it returns, what it
// emits is valid, and an error is about the input. Seeds are the reports in dir.
func Fuzz(f *testing.F, imp plugin.Importer, dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasSuffix(e.Name(), goldenSuffix) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name())) // #nosec G304 -- the test's own data
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		imp.Detect("fuzz", head(text))
		c, _, err := Import(t.Context(), imp, plugin.Input{Name: "fuzz", Reader: bytes.NewReader(text)})
		switch gyre.ErrorCode(err) {
		case "", gyre.Invalid, gyre.TooLarge:
		default:
			t.Fatalf("error of code %q: %v", gyre.ErrorCode(err), err)
		}
		c.Check(t)
		if err == nil {
			SameFromMemory(t, imp, "fuzz", text)
		}
	})
}

// Repeated is a report of any size out of three pieces: head, n times piece,
// tail. It is for tests of memory.
func Repeated(head, piece, tail string, n int) io.Reader {
	return io.MultiReader(strings.NewReader(head), &repeat{piece: piece, n: n}, strings.NewReader(tail))
}

type repeat struct {
	piece, left string
	n, i        int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if r.left == "" {
			if r.i == r.n {
				break
			}
			// %d in the piece is its number, so that pieces can differ.
			r.left = strings.ReplaceAll(r.piece, "%d", fmt.Sprint(r.i))
			r.i++
		}
		c := copy(p[n:], r.left)
		r.left = r.left[c:]
		n += c
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
