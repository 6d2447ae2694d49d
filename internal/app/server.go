// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/auth"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

const (
	shutdownTimeout = 5 * time.Second
	sweepEvery      = time.Hour
)

// server is the part of App that listens.
type server struct {
	listener net.Listener
	url      string
	local    Server
}

// LocalHandler is the API as this process itself calls it, with the rights of
// an administrator: whoever can open the data folder has them anyway.
func (a *App) LocalHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.api.ServeHTTP(w, r.WithContext(auth.WithLocalAdmin(r.Context())))
	})
}

// Listen opens the address of the settings and returns the console's address.
func (a *App) Listen() (string, error) {
	cfg := a.opt.Config
	if err := cfg.CheckListen(); err != nil {
		return "", err
	}
	ln, err := net.Listen("tcp", cfg.Get("listen"))
	if err != nil {
		return "", gyre.Errorf(gyre.Unavailable, "cannot listen on %s (choose another with --listen): %w", cfg.Get("listen"), err)
	}
	scheme := "http"
	if cert := cfg.Get("tls-cert"); cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, cfg.Get("tls-key"))
		if err != nil {
			_ = ln.Close()
			return "", gyre.FieldErrorf(gyre.Invalid, "tls-cert", "%v", err)
		}
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
		scheme = "https"
	}
	if err := a.work(context.Background()); err != nil {
		_ = ln.Close()
		return "", err
	}
	a.server = &server{listener: ln, url: scheme + "://" + a.publicAddress(ln)}
	if a.server.local, err = a.folder.announce(a.server.url); err != nil {
		_ = ln.Close()
		return "", err
	}
	return a.server.url, nil
}

// publicAddress is the address to type into a browser.
func (a *App) publicAddress(ln net.Listener) string {
	host, _, _ := net.SplitHostPort(a.opt.Config.Get("listen"))
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	if names := a.hosts(); len(names) > 0 {
		host = names[0]
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func (a *App) hosts() []string {
	var names []string
	for _, h := range strings.Split(a.opt.Config.Get("hosts"), ",") {
		if h = strings.TrimSpace(h); h != "" {
			names = append(names, h)
		}
	}
	return names
}

// Serve answers until ctx ends, then lets requests finish for a few seconds.
func (a *App) Serve(ctx context.Context) error {
	srv := httpapi.NewServer(a.withLocalToken(a.api), a.opt.Log)
	go a.sweep(ctx)
	go a.watchUploads(ctx)
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(a.server.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	halt, halted := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	a.queue.Stop(halt) // before what runs is killed: it goes back to its queue
	halted()
	a.kill() // ends probes and streams of events
	a.engine.Close()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop server: %w", err)
	}
	return srv.Close()
}

// sweep removes expired sessions, idempotency keys and old uploads, now and then until ctx ends.
func (a *App) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := a.db.Sweep(ctx); err != nil && ctx.Err() == nil {
			a.opt.Log.Warn("remove expired sessions", "error", err)
		}
		if err := a.sweepUploads(ctx); err != nil && ctx.Err() == nil {
			a.opt.Log.Warn("remove old uploads", "error", err)
		}
		if err := a.db.SweepJobs(ctx); err != nil && ctx.Err() == nil {
			a.opt.Log.Warn("remove jobs that are no longer kept", "error", err)
		}
		if err := a.compactAll(ctx); err != nil && ctx.Err() == nil {
			a.opt.Log.Warn("compact old runs", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// withLocalToken lets in, as the process itself, whoever could read the token in
// the data folder.
func (a *App) withLocalToken(next http.Handler) http.Handler {
	want := []byte("Bearer " + a.server.local.Token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) == 1 {
			r = r.Clone(auth.WithLocalAdmin(r.Context()))
			r.Header.Del("Authorization")
		}
		next.ServeHTTP(w, r)
	})
}

// FirstSignIn returns a one-time token to sign in with while nobody can do so
// with a password; "" when somebody can.
func (a *App) FirstSignIn(ctx context.Context) (string, error) {
	needed, err := a.auth.NeedsSetup(ctx)
	if err != nil || !needed {
		return "", err
	}
	link, _, err := a.auth.StartLink(ctx)
	return link.Token, err
}
