// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package epss

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

const sample = "#model_version:v2025.03.14,score_date:2026-08-16T00:00:00Z\ncve,epss,percentile\n" +
	"CVE-1999-0001,0.03351,0.87650\r\nCVE-2021-44228,0.94358,0.99957\nCVE-2021-1,0.1,0.1\nCVE-2022-0001,1.5,0.1\nCVE-2022-0002,NaN,0.1\nCVE-2022-0003,0.1\nnonsense\n\n"

func zipped(t testing.TB, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func collect(t *testing.T, req plugin.FeedRequest) ([]plugin.EPSS, plugin.FeedState, error) {
	t.Helper()
	var got []plugin.EPSS
	state, err := New().Sync(context.Background(), req, func(_ context.Context, b *plugin.IntelBatch) error {
		got = append(got, b.EPSS...)
		return nil
	})
	return got, state, err
}

func TestSync(t *testing.T) {
	body := zipped(t, sample)
	fails := 1
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/"+fileName {
			http.NotFound(w, r)
			return
		}
		if fails > 0 {
			fails--
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		if r.Header.Get("If-None-Match") == `"one"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"one"`)
		_, _ = w.Write(body)
	}))
	defer server.Close()
	got, state, err := collect(t, plugin.FeedRequest{Base: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 8, 16, 0, 0, 0, 0, time.UTC)
	want := []plugin.EPSS{{CVE: "CVE-1999-0001", Score: 0.03351, Percentile: 0.8765, Date: day}, {CVE: "CVE-2021-44228", Score: 0.94358, Percentile: 0.99957, Date: day}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(plugin.FeedState{ETag: `"one"`, Version: "v2025.03.14", Date: day, Records: 2, Skipped: 5}, state); diff != "" {
		t.Error(diff)
	}
	again, state, err := collect(t, plugin.FeedRequest{Base: server.URL, Last: state})
	if err != nil || !state.NotModified || len(again) != 0 || state.Records != 2 {
		t.Errorf("second sync: %d rows, %+v, %v", len(again), state, err)
	}
}

func TestSyncFails(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.Trim(strings.TrimSuffix(r.URL.Path, fileName), "/") {
		case "down":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "page":
			_, _ = io.WriteString(w, "<html><body>log in first</body></html>")
		case "cut":
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, "cve,epss,percentile\n")
		case "broken":
			_, _ = w.Write(zipped(t, sample)[:40])
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close) // after the parallel subtests
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	for base, want := range map[string]gyre.Code{
		server.URL + "/down":   gyre.Unavailable,
		server.URL + "/page":   gyre.Invalid,
		server.URL + "/cut":    gyre.Unavailable,
		server.URL + "/broken": gyre.Invalid,
		server.URL + "/gone":   gyre.NotFound,
		dead.URL:               gyre.Unavailable,
		t.TempDir():            gyre.NotFound,
		"relative/folder":      gyre.Invalid,
	} {
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			if _, _, err := collect(t, plugin.FeedRequest{Base: base}); gyre.ErrorCode(err) != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

func TestEmitStops(t *testing.T) {
	stop := errors.New("stop")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New().Sync(context.Background(), plugin.FeedRequest{Base: dir}, func(context.Context, *plugin.IntelBatch) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

// A file of one endless line, and one that expands without end, are refused.
func TestBombs(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"line": strings.NewReader("cve,epss,percentile\n" + strings.Repeat("x", maxLine+1)),
		"rows": io.MultiReader(strings.NewReader("cve,epss,percentile\n"), repeat("\n")),
	} {
		if _, err := parse(r, func(plugin.EPSS) error { return nil }); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

type repeat string

func (r repeat) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = r[0]
	}
	return len(b), nil
}

func mirror(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs("../../../../shared/feeds/epss")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no mirror of the feed beside the checkout")
	}
	return dir
}

func TestMirror(t *testing.T) {
	got, state, err := collect(t, plugin.FeedRequest{Base: mirror(t)})
	if err != nil || len(got) != 360_142 || state.Skipped != 0 || state.Date.Format(time.DateOnly) != "2026-08-16" {
		t.Errorf("%d rows, %+v, %v", len(got), state, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add(zipped(f, sample))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = parse(bytes.NewReader(b), func(e plugin.EPSS) error {
			if !(e.Score >= 0 && e.Score <= 1 && e.Percentile >= 0 && e.Percentile <= 1) {
				t.Fatalf("%+v", e)
			}
			return nil
		})
	})
}

func BenchmarkParse(b *testing.B) {
	body, err := os.ReadFile(filepath.Join(mirror(b), fileName))
	if err != nil {
		b.Fatal(err)
	}
	rows := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parse(bytes.NewReader(body), func(plugin.EPSS) error { rows++; return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
