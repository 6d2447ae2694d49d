// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

func TestFetch(t *testing.T) {
	const modified = "Sun, 16 Aug 2026 00:00:00 GMT"
	tries := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tries[r.URL.Path]++
		switch {
		case r.URL.Path == "/busy" && tries[r.URL.Path] < 3:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		case r.URL.Path == "/secret":
			w.WriteHeader(http.StatusForbidden)
		case r.Header.Get("If-Modified-Since") == modified:
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("Last-Modified", modified)
			_, _ = io.WriteString(w, r.URL.Path)
		}
	}))
	defer server.Close()
	get := func(path string, last plugin.FeedState, limit int64) (string, plugin.FeedState, error) {
		t.Helper()
		doc, err := plugin.FeedRequest{Base: server.URL}.Fetch(t.Context(), path, last, limit)
		if err != nil || doc == nil {
			return "", plugin.FeedState{}, err
		}
		b, err := io.ReadAll(doc)
		if err != nil || int64(len(b)) != doc.Size {
			t.Errorf("%d bytes of %d: %v", len(b), doc.Size, err)
		}
		if err := doc.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(doc.Name()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the download is still there: %v", err)
		}
		return string(b), doc.State, nil
	}
	text, state, err := get("Rocky Linux/all.zip", plugin.FeedState{}, 100)
	if err != nil || text != "/Rocky Linux/all.zip" || state.Modified != modified {
		t.Errorf("%q %+v %v", text, state, err)
	}
	if text, _, err := get("Rocky Linux/all.zip", state, 100); err != nil || text != "" {
		t.Errorf("fetched what is known: %q %v", text, err)
	}
	if text, _, err := get("busy", plugin.FeedState{}, 100); err != nil || text != "/busy" || tries["/busy"] != 3 {
		t.Errorf("%q after %d tries: %v", text, tries["/busy"], err)
	}
	if _, _, err := get("secret", plugin.FeedState{}, 100); gyre.ErrorCode(err) != gyre.Forbidden || tries["/secret"] != 1 {
		t.Errorf("%v after %d tries", err, tries["/secret"])
	}
	if _, _, err := get(strings.Repeat("x", 50), plugin.FeedState{}, 10); gyre.ErrorCode(err) != gyre.TooLarge {
		t.Errorf("over the limit: %v", err)
	}
}

func TestFetchStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer server.Close()
	if _, err := (plugin.FeedRequest{Base: server.URL}).Fetch(ctx, "x", plugin.FeedState{}, 10); err == nil {
		t.Error("no error")
	}
}

func TestFetchFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	req := plugin.FeedRequest{Base: dir}
	doc, err := req.Fetch(t.Context(), "f", plugin.FeedState{}, 10)
	if err != nil || doc.Size != 3 {
		t.Fatalf("%+v %v", doc, err)
	}
	_ = doc.Close()
	if _, err := os.Stat(filepath.Join(dir, "f")); err != nil {
		t.Errorf("the operator's file is gone: %v", err)
	}
	if again, err := req.Fetch(t.Context(), "f", doc.State, 10); again != nil || err != nil {
		t.Errorf("%v %v", again, err)
	}
	if _, err := req.Fetch(t.Context(), "f", plugin.FeedState{}, 2); gyre.ErrorCode(err) != gyre.TooLarge {
		t.Error(err)
	}
}
