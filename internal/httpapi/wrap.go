// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/auth"
)

// contentSecurity lets the page load nothing but what the server itself serves.
// Styles in the page are let through because Mantine writes its variables, and
// ECharts the positions of its tooltips, as inline styles; a style cannot run code,
// and with every other source closed it cannot send anything anywhere.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// wrap puts around the mux what every request goes through, outermost first:
// notes and logging, recovery, headers, host, origin.
func (s *server) wrap(mux *http.ServeMux) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := s.Now()
		n := &request{id: gyre.NewID().String(), address: peerAddress(r)}
		rec := &recorder{ResponseWriter: w}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, n))
		defer s.finish(rec, r, started)
		s.setHeaders(rec.Header(), n.id)
		if !auth.IsLocalAdmin(r.Context()) && !s.hostAllowed(r.Host) {
			s.plainProblem(rec, r, gyre.Errorf(gyre.Forbidden, "the server does not answer for the host name %q: add it to the setting hosts", r.Host))
			return
		}
		if err := origin.Check(r); err != nil {
			s.plainProblem(rec, r, gyre.Errorf(gyre.Forbidden, "a page of another origin may not do this: %w", err))
			return
		}
		mux.ServeHTTP(rec, r)
		if n.route == "" {
			n.route = r.Pattern
		}
	})
}

// finish recovers from a panic, and logs and counts the request.
func (s *server) finish(rec *recorder, r *http.Request, started time.Time) {
	n := note(r.Context())
	if v := recover(); v != nil {
		if v == http.ErrAbortHandler { //nolint:errorlint // a panic value, compared as net/http does
			panic(v)
		}
		s.Log.Error("request panicked", "request", n.id, "method", r.Method, "route", n.route, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		if rec.status == 0 {
			s.plainProblem(rec, r, gyre.Errorf(gyre.Internal, "panic"))
		}
	}
	took := s.Now().Sub(started)
	s.metrics.observe(n.route, r.Method, rec.status, took)
	level := slog.LevelInfo
	switch {
	case rec.status >= 500:
		level = slog.LevelWarn
	case !strings.HasPrefix(r.URL.Path, base) || safe(r.Method):
		level = slog.LevelDebug
	}
	s.Log.Log(r.Context(), level, "request", "request", n.id, "method", r.Method, "path", r.URL.Path, "route", n.route,
		"status", rec.status, "bytes", rec.bytes, "took", took, "address", n.address, "actor", n.principal.Name())
}

func (s *server) setHeaders(h http.Header, id string) {
	h.Set("X-Request-Id", id)
	h.Set("Content-Security-Policy", contentSecurity)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	if s.TLS {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// hostAllowed refuses names that somebody else could point here (DNS
// rebinding). An address as such cannot be pointed anywhere.
func (s *server) hostAllowed(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return host == "localhost" || slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// plainProblem answers with a problem outside the API's operations.
func (s *server) plainProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	note(r.Context()).code = p.Code
	w.Header().Set("Content-Type", p.ContentType(""))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // nobody is left to tell
}

// NewServer returns a server for a handler with limits on what a slow or greedy
// client can hold: what needs longer moves its own deadlines.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 60 * time.Second, WriteTimeout: 90 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
