// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package kev

import (
	"bytes"
	"context"
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

func sync(t *testing.T, req plugin.FeedRequest) ([]plugin.KEV, plugin.FeedState, error) {
	t.Helper()
	var got []plugin.KEV
	state, err := New().Sync(context.Background(), req, func(_ context.Context, b *plugin.IntelBatch) error {
		got = append(got, b.KEV...)
		return nil
	})
	return got, state, err
}

func TestSync(t *testing.T) {
	server := httptest.NewServer(http.FileServer(http.Dir("testdata")))
	defer server.Close()
	abs, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for name, base := range map[string]string{"http": server.URL, "the file's URL": server.URL + "/" + fileName, "folder": abs, "file": filepath.Join(abs, fileName)} {
		t.Run(name, func(t *testing.T) {
			got, state, err := sync(t, plugin.FeedRequest{Base: base})
			if err != nil {
				t.Fatal(err)
			}
			day := func(s string) time.Time { d, _ := time.Parse(time.DateOnly, s); return d }
			want := []plugin.KEV{
				{CVE: "CVE-2021-44228", Added: day("2021-12-10"), Due: day("2021-12-24"), Ransomware: true, Name: "Apache Log4j2 Remote Code Execution Vulnerability", Action: "Apply updates."},
				{CVE: "CVE-2023-44487", Added: day("2023-10-10"), Name: "HTTP/2 Rapid Reset Attack Vulnerability", Action: "Apply mitigations."},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if state.Records != 2 || state.Skipped != 2 || state.Version != "2026.08.07" || state.Date.Format(time.DateOnly) != "2026-08-07" {
				t.Errorf("%+v", state)
			}
			again, state2, err := sync(t, plugin.FeedRequest{Base: base, Last: state})
			if err != nil || !state2.NotModified || len(again) != 0 || state2.Records != 2 {
				t.Errorf("second sync: %d entries, %+v, %v", len(again), state2, err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         "",
		"a page":        "<html>",
		"another thing": `{"title":"x"}`,
		"no entries":    `{"vulnerabilities":[]}`,
		"only bad ones": `{"vulnerabilities":[{"cveID":"x"}]}`,
		"cut off":       `{"vulnerabilities":[{"cveID":"CVE-2021-44228","dateAdded":"2021-12-10"}`,
		"not a list":    `{"vulnerabilities":{"cveID":"CVE-2021-44228"}}`,
		"deep":          `{"x":` + strings.Repeat("[", 100_000),
	} {
		_, err := parse(strings.NewReader(text), func(plugin.KEV) error { return nil })
		if gyre.ErrorCode(err) != gyre.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMirror(t *testing.T) {
	mirror, err := filepath.Abs("../../../../shared/feeds/kev")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mirror); err != nil {
		t.Skip("no mirror of the feed beside the checkout")
	}
	got, state, err := sync(t, plugin.FeedRequest{Base: mirror})
	if err != nil || len(got) < 1600 || state.Skipped != 0 || state.Date.IsZero() {
		t.Errorf("%d entries, %+v, %v", len(got), state, err)
	}
}

func FuzzParse(f *testing.F) {
	seed, err := os.ReadFile("testdata/" + fileName)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"vulnerabilities":[{"cveID":"CVE-2021-44228","dateAdded":"2021-12-10"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = parse(bytes.NewReader(b), func(k plugin.KEV) error {
			if !cveID.MatchString(k.CVE) || k.Added.IsZero() && k.Added.Year() != 1 {
				t.Fatalf("bad entry %+v", k)
			}
			return nil
		})
	})
}
