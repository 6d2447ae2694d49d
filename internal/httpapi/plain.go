// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/auth"
)

// OpenAPI returns the API's OpenAPI 3.1 document, as indented JSON.
func OpenAPI() ([]byte, error) {
	doc := (&server{}).register(http.NewServeMux()).OpenAPI()
	b, err := json.MarshalIndent(doc, "", "  ")
	return append(b, '\n'), err
}

// registerPlain adds what is not part of the API: health, metrics, its
// description, the console.
func (s *server) registerPlain(mux *http.ServeMux, api huma.API) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	metrics := promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if err := s.mayScrape(r); err != nil {
			s.plainProblem(w, r, err)
			return
		}
		metrics.ServeHTTP(w, r)
	})
	asJSON, err := json.MarshalIndent(api.OpenAPI(), "", "  ")
	if err != nil {
		panic("httpapi: encode OpenAPI document: " + err.Error())
	}
	asYAML, err := api.OpenAPI().YAML()
	if err != nil {
		panic("httpapi: encode OpenAPI document: " + err.Error())
	}
	mux.HandleFunc("GET /openapi.json", serveText("application/openapi+json", asJSON))
	mux.HandleFunc("GET /openapi.yaml", serveText("application/openapi+yaml", asYAML))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		s.plainProblem(w, r, gyre.Errorf(gyre.NotFound, "the API has no %s %s; /openapi.json says what it has", r.Method, r.URL.Path))
	})
	mux.Handle("/", s.console())
}

func serveText(kind string, text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(text)
	}
}

// maxLag is how many events the projection may be behind in a server that is ready.
const maxLag = 100_000

// ready says whether requests can be answered: the database answers, and the
// projection is not far behind.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := s.Workspaces.Ping(ctx); err != nil {
		s.plainProblem(w, r, gyre.Errorf(gyre.Unavailable, "the database does not answer: %w", err))
		return
	}
	lag, err := s.Lists.Lag(ctx, s.Auth.Workspace)
	if err != nil {
		s.plainProblem(w, r, gyre.Errorf(gyre.Unavailable, "the projection does not answer: %w", err))
		return
	}
	if lag > maxLag {
		s.plainProblem(w, r, gyre.Errorf(gyre.Unavailable, "the projection is %d events behind", lag))
		return
	}
	_, _ = fmt.Fprintln(w, "ready")
}

// mayScrape lets metrics be read from this machine, or with whatever may read.
func (s *server) mayScrape(r *http.Request) error {
	if ip, err := netip.ParseAddr(peerAddress(r)); err == nil && ip.Unmap().IsLoopback() && r.Header.Get("X-Forwarded-For") == "" {
		return nil
	}
	p, err := s.Auth.Identify(r.Context(), r)
	if err != nil {
		return err
	}
	if !p.May(auth.Read) {
		return errAnonymous
	}
	return nil
}
