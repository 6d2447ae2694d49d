// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/app"
	"github.com/gyre-ctem/gyre/internal/config"
)

// api is a way to the HTTP API of a server, this process included.
type api struct {
	base    string
	console string // where people open the console, when it is not at base
	token   string
	http    http.Client
}

// connect finds the server: --server, the one that holds the data folder, the
// demo's when only that one runs, or this process on the folder itself.
func (c *cli) connect(cmd *cobra.Command) (*api, error) {
	if c.api != nil {
		return c.api, nil
	}
	server := firstOf(c.server, c.getenv("GYRE_SERVER"))
	if server != "" {
		token := firstOf(c.token, c.getenv("GYRE_TOKEN"))
		u, err := url.Parse(server)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return nil, gyre.FieldErrorf(gyre.Invalid, "--server", "%q is not an http(s) address", server)
		}
		if err := onlyServers(cmd, server); err != nil {
			return nil, err
		}
		c.api = &api{base: strings.TrimSuffix(server, "/"), token: token}
		return c.api, nil
	}
	cfg, err := c.settings(cmd, nil)
	if err != nil {
		return nil, err
	}
	if s, ok := app.FindServer(cfg.Get("data")); ok {
		if err := onlyServers(cmd, s.URL); err != nil {
			return nil, err
		}
		c.api = &api{base: s.URL, token: s.Token}
		return c.api, nil
	}
	if s, ok := app.FindServer(demoData(cfg.Get("data"))); ok && !cmd.Flags().Changed("data") {
		_, _ = fmt.Fprintf(c.err, "(the demo's server, %s)\n", s.URL)
		c.api = &api{base: s.URL, token: s.Token}
		return c.api, nil
	}
	a, err := app.Open(cmd.Context(), app.Options{Config: cfg, Log: quietLogger(), Version: version})
	if err != nil {
		return nil, err
	}
	c.close = append(c.close, a.Close)
	c.api = &api{base: "http://127.0.0.1", console: consoleOf(cfg), http: http.Client{Transport: inProcess{a.LocalHandler()}}}
	return c.api, nil
}

// onlyServers refuses settings that a server which runs already would not see.
func onlyServers(cmd *cobra.Command, server string) error {
	for _, o := range config.Options {
		if f := cmd.Flags().Lookup(o.Key); o.Key != "data" && f != nil && f.Changed {
			return gyre.FieldErrorf(gyre.Conflict, "--"+o.Key, "is a setting of the server, and %s runs without it: stop that, or start it anew with --%s", server, o.Key)
		}
	}
	return nil
}

// consoleOf is where the console will be once a server with these settings runs.
func consoleOf(cfg *config.Config) string {
	scheme := "http"
	if cfg.Get("tls-cert") != "" {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(cfg.Get("listen"))
	if ip, ipErr := netip.ParseAddr(host); err == nil && (host == "" || (ipErr == nil && ip.IsUnspecified())) {
		return scheme + "://" + net.JoinHostPort("127.0.0.1", port)
	}
	return scheme + "://" + cfg.Get("listen")
}

// with is for commands that begin by finding the server.
func (c *cli) with(run func(cmd *cobra.Command, a *api, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a, err := c.connect(cmd)
		if err != nil {
			return err
		}
		return run(cmd, a, args)
	}
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}

func (a *api) get(ctx context.Context, path string, query url.Values, out any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return a.send(ctx, http.MethodGet, path, nil, "", out)
}

// do sends in as JSON; out may be nil.
func (a *api) do(ctx context.Context, method, path string, in, out any) error {
	if in == nil {
		return a.send(ctx, method, path, nil, "", out)
	}
	b, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	return a.send(ctx, method, path, bytes.NewReader(b), "application/json", out)
}

func (a *api) send(ctx context.Context, method, path string, body io.Reader, contentType string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, a.base+"/api/v1"+path, body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return gyre.Errorf(gyre.Unavailable, "cannot reach the server at %s: %w", a.base, errors.Unwrap(err))
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 400 {
		return problem(resp)
	}
	if out == nil || resp.StatusCode == http.StatusNoContent {
		_, err := io.Copy(io.Discard, resp.Body)
		return err
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read answer of %s %s: %w", method, path, err)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// problem turns a problem+json answer back into the error that it was.
func problem(resp *http.Response) error {
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	var p struct {
		Title  string    `json:"title"`
		Detail string    `json:"detail"`
		Code   gyre.Code `json:"code"`
		Errors []struct {
			Message  string `json:"message"`
			Location string `json:"location"`
		} `json:"errors"`
	}
	if json.Unmarshal(b, &p) != nil || (p.Title == "" && p.Detail == "") {
		return gyre.Errorf(gyre.Internal, "the server answered %s", resp.Status)
	}
	if p.Code == "" {
		p.Code = gyre.Invalid
		if resp.StatusCode >= 500 {
			p.Code = gyre.Internal
		}
	}
	msg := firstOf(p.Detail, p.Title)
	for _, e := range p.Errors {
		switch {
		case e.Message == msg && e.Location != "":
			msg = e.Location + ": " + msg
		case !strings.Contains(msg, e.Message):
			msg += "\n  " + strings.TrimPrefix(e.Location+": "+e.Message, ": ")
		}
	}
	return &gyre.Error{Code: p.Code, Message: msg}
}
