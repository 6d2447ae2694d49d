// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package osv

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

func archive(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func estate(t *testing.T) string {
	t.Helper()
	return folder(t, map[string][]byte{
		"Debian/all.zip": archive(t, map[string]string{
			"DSA-1.json": `{"id":"DSA-1","modified":"2026-01-02T00:00:00Z"}`, "DSA-2.json": `{"id":"DSA-2","modified":"2026-01-01T00:00:00Z"}`,
			"bad.json": `{"id":`, "nameless.json": `{}`, "README.md": "not a record",
		}),
		"npm/GHSA-1.json":      []byte(`{"id":"GHSA-1"}`),
		"Rocky Linux/all.zip":  archive(t, map[string]string{"R.json": `{"id":"RLSA-1"}`}),
		"ecosystems.txt":       []byte("Debian\nnpm\n"),
		".hidden/ignored.json": []byte(`{"id":"H"}`),
	})
}

func collect(t *testing.T, req plugin.FeedRequest) (map[string]bool, plugin.FeedState, error) {
	t.Helper()
	got := map[string]bool{}
	state, err := New().Sync(context.Background(), req, func(_ context.Context, b *plugin.IntelBatch) error {
		for _, a := range b.Advisories {
			if !bytes.Contains(a.OSV, []byte(a.ID)) {
				t.Errorf("%s: %s", a.ID, a.OSV)
			}
			got[a.ID] = true
		}
		return nil
	})
	return got, state, err
}

func TestSyncFolder(t *testing.T) {
	dir := estate(t)
	got, state, err := collect(t, plugin.FeedRequest{Base: dir, Ecosystems: []string{"npm"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]bool{"DSA-1": true, "DSA-2": true, "GHSA-1": true, "RLSA-1": true}, got); diff != "" {
		t.Error(diff)
	}
	if state.Records != 4 || state.Skipped != 2 || len(state.Parts) != 3 || state.Date.Format("2006-01-02") != "2026-01-02" {
		t.Errorf("%+v", state)
	}
	again, state, err := collect(t, plugin.FeedRequest{Base: dir, Last: state})
	if err != nil || len(again) != 0 || !state.NotModified || state.Records != 4 {
		t.Errorf("second sync: %v %+v %v", again, state, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "npm", "GHSA-2.json"), []byte(`{"id":"GHSA-2"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	third, state, err := collect(t, plugin.FeedRequest{Base: dir, Last: state})
	if err != nil || !third["GHSA-2"] || third["DSA-1"] || state.NotModified || state.Records != 5 {
		t.Errorf("third sync: %v %+v %v", third, state, err)
	}
}

func TestSyncHTTP(t *testing.T) {
	var asked []string
	files := http.FileServer(http.Dir(estate(t)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	req := plugin.FeedRequest{Base: server.URL, Ecosystems: []string{"Debian:12", "Debian:11", "Rocky Linux:9", "Unheard"}}
	got, state, err := collect(t, req)
	if err == nil || !strings.Contains(err.Error(), "Unheard") {
		t.Errorf("an ecosystem that is not there: %v", err)
	}
	if len(got) != 3 || !got["RLSA-1"] || state.Records != 3 {
		t.Errorf("%v %+v", got, state)
	}
	if diff := cmp.Diff([]string{"/Debian/all.zip", "/Rocky Linux/all.zip", "/Unheard/all.zip"}, asked); diff != "" {
		t.Error(diff)
	}
	req.Last, req.Ecosystems = state, []string{"Debian"}
	again, state, err := collect(t, req)
	if err != nil || len(again) != 0 || !state.NotModified {
		t.Errorf("second sync: %v %+v %v", again, state, err)
	}
}

func TestUnreachable(t *testing.T) {
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	last := plugin.FeedState{Parts: map[string]plugin.FeedState{"npm": {Records: 7}}}
	_, state, err := collect(t, plugin.FeedRequest{Base: dead.URL, Ecosystems: []string{"Go", "PyPI", "npm"}, Last: last})
	if gyre.ErrorCode(err) != gyre.Unavailable || !strings.Contains(err.Error(), "3 ecosystems") {
		t.Errorf("%v", err)
	}
	if state.Parts["npm"].Records != 7 {
		t.Errorf("what was there is forgotten: %+v", state)
	}
}

func TestRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"not a zip":      []byte("hello"),
		"nothing inside": archive(t, nil),
		"no record":      archive(t, map[string]string{"a.json": "[]"}),
	} {
		dir := folder(t, map[string][]byte{"npm/all.zip": b})
		if _, _, err := collect(t, plugin.FeedRequest{Base: dir}); gyre.ErrorCode(err) != gyre.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBomb: a record that expands far beyond the limit is skipped, not held in memory.
func TestBomb(t *testing.T) {
	dir := folder(t, map[string][]byte{"npm/all.zip": archive(t, map[string]string{
		"bomb.json": `{"id":"` + strings.Repeat("a", maxRecord) + `"}`, "good.json": `{"id":"G"}`,
	})})
	got, state, err := collect(t, plugin.FeedRequest{Base: dir})
	if err != nil || len(got) != 1 || state.Skipped != 1 {
		t.Errorf("%d records, %d skipped, %v", len(got), state.Skipped, err)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	files := map[string]string{}
	for i := range 3 * batchSize {
		files[fmt.Sprint(i, ".json")] = fmt.Sprintf(`{"id":"A-%d"}`, i)
	}
	n := 0
	_, err := New().Sync(ctx, plugin.FeedRequest{Base: folder(t, map[string][]byte{"npm/all.zip": archive(t, files)})},
		func(_ context.Context, b *plugin.IntelBatch) error {
			n += len(b.Advisories)
			cancel()
			return nil
		})
	if err == nil || n > batchSize {
		t.Errorf("went on to %d records: %v", n, err)
	}
}

func TestMirror(t *testing.T) {
	dir, err := filepath.Abs("../../../../shared/feeds/osv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no mirror of the feed beside the checkout")
	}
	got, state, err := collect(t, plugin.FeedRequest{Base: dir})
	if err != nil || len(got) != 4291+2661+5637 || state.Skipped != 0 {
		t.Errorf("%d records, %d skipped, %v", len(got), state.Skipped, err)
	}
}

func FuzzArchive(f *testing.F) {
	f.Add(archive(f, map[string]string{"a.json": `{"id":"A","modified":"2026-01-02T00:00:00Z"}`}))
	f.Add([]byte("PK"))
	f.Fuzz(func(t *testing.T, b []byte) {
		out := sink{ctx: context.Background(), emit: func(_ context.Context, b *plugin.IntelBatch) error {
			for _, a := range b.Advisories {
				if a.ID == "" || len(a.OSV) > maxRecord {
					t.Fatalf("bad record %q", a.ID)
				}
			}
			return nil
		}}
		if readArchive(bytes.NewReader(b), int64(len(b)), &out) == nil {
			_, _ = out.end()
		}
	})
}
