// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"html"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

// Site is a web server. Apart from its planted flaws it does everything right:
// modern TLS, every security header, nothing that tells its version.
type Site struct {
	Host    string // short name, the first part of its flaws
	Name    string // full name, in its certificate
	Address string
	Title   string
	// Plain says, at each connection, that it speaks plain HTTP; nil: it never does.
	Plain func() bool
	// Cookie gives every visitor a session cookie.
	Cookie bool
	CA     *Authority
	Has    Flaws
	// Pages are what it has beside its home page, by path.
	Pages map[string]http.HandlerFunc
	// Fallback serves every path that is not in Pages; nil: home page at /, else 404.
	Fallback http.HandlerFunc
}

func (s *Site) has(what string) bool { return s.Has(s.Host + "." + what) }

// Serve serves the site on a listener.
func (s *Site) Serve(ln net.Listener) (stop func()) {
	conf := s.CA.config(s.Host, s.Name, s.Address, s.Has)
	srv := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: connTime, WriteTimeout: connTime,
		IdleTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // handshakes that scanners break off are not news
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(&switching{Listener: ln, secure: s.secure, conf: conf})
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close()
		}
		<-done
	}
}

func (s *Site) secure() bool { return s.Plain == nil || !s.Plain() }

// switching decides for each connection whether it speaks TLS.
type switching struct {
	net.Listener
	secure func() bool
	conf   *tls.Config
}

func (l *switching) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil || !l.secure() {
		return c, err
	}
	return tls.Server(c, l.conf), nil
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.headers(w.Header(), r)
	switch {
	case r.Method == http.MethodTrace && s.has("trace"):
		w.Header().Set("Content-Type", "message/http")
		fmt.Fprintf(w, "TRACE %s HTTP/1.1\r\nHost: %s\r\n", r.URL.RequestURI(), r.Host) // #nosec G705 -- as TRACE does; the type is message/http
		_ = r.Header.Write(w)
		return
	case r.Method == http.MethodTrace || r.Method == http.MethodConnect:
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if page := s.Pages[r.URL.Path]; page != nil {
		page(w, r)
		return
	}
	switch {
	case s.Fallback != nil:
		s.Fallback(w, r)
	case r.URL.Path == "/":
		s.home(w)
	default:
		Page(w, http.StatusNotFound, "Not found", "<p>There is no such page.</p>")
	}
}

func (s *Site) headers(h http.Header, r *http.Request) {
	if !s.has("no-hsts") {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
	if !s.has("no-csp") {
		policy := "default-src 'self'; script-src 'self' https://metrics.supplier.example; object-src 'none'; base-uri 'none'"
		if !s.has("no-frame-options") { // frame-ancestors would make up for the missing header
			policy += "; frame-ancestors 'none'"
		}
		h.Set("Content-Security-Policy", policy)
	}
	if !s.has("no-frame-options") {
		h.Set("X-Frame-Options", "DENY")
	}
	if !s.has("no-nosniff") {
		h.Set("X-Content-Type-Options", "nosniff")
	}
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Cache-Control", "no-store")
	if s.has("server-version") {
		h.Set("Server", "nginx/1.18.0")
	}
	if s.Cookie {
		c := &http.Cookie{Name: "session", Value: "3f9a2c", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode} // #nosec G124 -- the flaw below is there to be found
		if s.has("cookie-insecure") {
			c.Secure, c.HttpOnly, c.SameSite = false, false, http.SameSiteDefaultMode
		}
		h.Add("Set-Cookie", c.String())
	}
	if origin := r.Header.Get("Origin"); origin != "" && s.has("cors") {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

func (s *Site) home(w http.ResponseWriter) {
	Page(w, http.StatusOK, s.Title, "<p>"+html.EscapeString(s.Title)+" of the practice organisation.</p>")
}

// Page writes an HTML page; body is trusted.
func Page(w http.ResponseWriter, status int, title, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	title = html.EscapeString(title)
	fmt.Fprintf(w, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title></head>\n<body><h1>%s</h1>\n%s\n</body></html>\n",
		title, title, body)
}

// Text writes plain text.
func Text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.Copy(w, strings.NewReader(body))
}
