// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestInProcess(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Header.Get("X-Say"))
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.Copy(w, r.Body)
	})
	mux.HandleFunc("GET /stream", func(w http.ResponseWriter, r *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, "tick\n")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	mux.HandleFunc("GET /silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("GET /nothing", func(http.ResponseWriter, *http.Request) {})
	c := http.Client{Transport: inProcess{mux}}

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://gyre/echo", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Say", "hi")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusAccepted || string(body) != "hello" || resp.Header.Get("X-Seen") != "hi" {
		t.Errorf("got %d %q %q, %v", resp.StatusCode, body, resp.Header, err)
	}
	_ = resp.Body.Close()

	get := func(ctx context.Context, path string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://gyre"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Do(req)
	}
	resp, err = get(t.Context(), "/nothing")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("empty answer: %v", err)
	}
	_ = resp.Body.Close()

	ctx, cancel := context.WithCancel(t.Context())
	resp, err = get(ctx, "/stream")
	if err != nil {
		t.Fatal(err)
	}
	ticks := make([]byte, 15)
	if _, err := io.ReadFull(resp.Body, ticks); err != nil || string(ticks) != "tick\ntick\ntick\n" {
		t.Errorf("stream gave %q, %v", ticks, err)
	}
	cancel()
	_ = resp.Body.Close() // returns because the handler does

	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	resp, err = get(ctx, "/silent")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silent handler: %v", err)
	}
	if resp != nil {
		_ = resp.Body.Close()
	}
}
