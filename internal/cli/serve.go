// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/app"
	"github.com/gyre-ctem/gyre/internal/config"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

func quietLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (c *cli) serveCmd() *cobra.Command {
	var first bool
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the server: console, API, cycles", Args: cobra.NoArgs,
		Long: `Runs everything in one process, on loopback, with an embedded database in the data
folder. Ctrl-C stops it cleanly. On the first start it prints a one-time link to
sign in with.`,
		Example: `  gyre serve --first-cycle
  gyre serve --listen 0.0.0.0:8437 --tls-cert chain.pem --tls-key key.pem
  GYRE_DATABASE=postgres://gyre@db/gyre gyre serve`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			defaults := map[string]string{}
			if first {
				defaults["log-level"] = "warn" // the progress says the rest
			}
			cfg, err := c.settings(cmd, defaults)
			if err != nil {
				return err
			}
			return c.serve(cmd.Context(), cfg, func(ctx context.Context, a *api) error {
				if !first {
					return nil
				}
				return c.firstCycle(ctx, a, cfg.Get("data"))
			})
		},
	}
	cmd.Flags().BoolVar(&first, "first-cycle", false, "when nothing was looked at yet: make a scope of this machine and run a cycle over it")
	showSettings(cmd)
	return cmd
}

// showSettings shows the settings in the help of a command that serves.
func showSettings(cmd *cobra.Command) {
	help := cmd.HelpFunc()
	cmd.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		for _, o := range config.Options {
			if f := cmd.Flags().Lookup(o.Key); f != nil {
				f.Hidden = false
			}
		}
		help(cmd, args)
	})
}

// serve runs the server until ctx ends. then is what to do once it answers; an
// error of it stops the server.
func (c *cli) serve(ctx context.Context, cfg *config.Config, then func(context.Context, *api) error) (err error) {
	a, err := app.Open(ctx, app.Options{Config: cfg, Log: logger(c.err, cfg), Version: version})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	addr, err := a.Listen()
	if err != nil {
		return err
	}
	local := &api{base: addr, http: http.Client{Transport: inProcess{a.LocalHandler()}}}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() {
		served <- a.Serve(ctx)
		stop()
	}()
	thenErr := then(ctx, local)
	if thenErr == nil {
		thenErr = c.welcome(ctx, a, addr)
	}
	if thenErr != nil {
		stop()
	}
	err = <-served
	if thenErr != nil && !errors.Is(thenErr, context.Canceled) {
		err = errors.Join(thenErr, err)
	}
	return err
}

// welcome says where the console is and how to get in.
func (c *cli) welcome(ctx context.Context, a *app.App, addr string) error {
	link, err := a.FirstSignIn(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(c.out, "\nConsole: %s\n", addr)
	if link != "" {
		_, _ = fmt.Fprintf(c.out, "Sign in (once, within half an hour): %s/sign-in#token=%s\n", addr, link)
	} else {
		_, _ = fmt.Fprintln(c.out, "Forgot the password? In another terminal: gyre user link")
	}
	_, _ = fmt.Fprintln(c.out, "Ctrl-C stops the server.")
	return nil
}

const thisMachine = "this machine"

// firstCycle looks at this very machine when nothing was looked at yet.
func (c *cli) firstCycle(ctx context.Context, a *api, data string) error {
	var cycles httpapi.CycleList
	if err := a.get(ctx, "/cycles", nil, &cycles); err != nil {
		return err
	}
	for _, cy := range cycles.Items {
		if cy.State == gyre.CycleFinished {
			_, _ = fmt.Fprintf(c.err, "Cycle %d ended %s. Start the next with: gyre cycle run\n", cy.Number, when(cy.Ended))
			return c.topActions(ctx, a)
		}
	}
	scopes, err := a.scopes(ctx)
	if err != nil {
		return err
	}
	if len(scopes) == 0 {
		s := gyre.Scope{
			Name: thisMachine, Description: "The machine that Gyre runs on: its software, its configuration and what listens on loopback.",
			Targets: []gyre.Target{
				{CIDR: "127.0.0.1/32", Zone: gyre.ZoneInternal},
				{Root: "/", Zone: gyre.ZoneInternal, Address: "127.0.0.1"},
			},
			Exclusions: ownFolders(data),
		}
		if err := a.do(ctx, http.MethodPost, "/scopes", scopeInput{Scope: s}, nil); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintln(c.err, "First cycle, on this machine. Ctrl-C stops it.")
	cy, err := c.runCycle(ctx, a, nil)
	if err != nil {
		return err
	}
	return c.summary(ctx, a, cy)
}

// ownFolders are the folders that Gyre itself writes, as absolute paths.
func ownFolders(data string) []string {
	abs, err := filepath.Abs(data)
	if err != nil {
		return nil
	}
	return []string{abs, demoData(abs)}
}

// summary says what a cycle found, what it could not know, and what to do first.
func (c *cli) summary(ctx context.Context, a *api, cy gyre.Cycle) error {
	p := &printer{w: c.out, format: "table", width: c.printer().width}
	var assets httpapi.AssetPage
	if err := a.get(ctx, "/assets", url.Values{"limit": {"1000"}}, &assets); err != nil {
		return err
	}
	components := 0
	var d httpapi.CycleDetail
	if err := a.get(ctx, "/cycles/"+cy.ID.String(), nil, &d); err != nil {
		return err
	}
	limits := 0
	for _, r := range d.Runs {
		components += r.Counts.Components
		limits += len(r.Problems) + len(r.Limits)
	}
	p.say("\nLooked at %s with %s: %s, %s points of risk.", count(assets.Total, "asset"), count(components, "software component"),
		count(cy.After.Exposures, "active exposure"), points(cy.After.Risk))
	if limits > 0 {
		p.say("%s could not be looked at; gyre cycle show names them.", count(limits, "thing"))
	}
	var feeds httpapi.FeedList
	if err := a.get(ctx, "/feeds", nil, &feeds); err != nil {
		return err
	}
	for _, f := range feeds.Items {
		if f.Missing != "" {
			p.say("Feed %s, last sync %s: %s.", f.Name, firstOf(when(f.LastSync), "never"), f.Missing)
		}
	}
	return c.topActions(ctx, a)
}

func (c *cli) topActions(ctx context.Context, a *api) error {
	var list httpapi.ActionList
	if err := a.get(ctx, "/actions", url.Values{"state": {"open,in_progress,done"}, "limit": {"5"}}, &list); err != nil {
		return err
	}
	p := &printer{w: c.out, format: "table", width: c.printer().width}
	if list.Total == 0 {
		p.say("\nNothing was found that calls for action.")
		return nil
	}
	p.say("\nWhat to do first:")
	return p.list(list, actionRows(list))
}

// makeTemp makes a folder that goes when the command ends.
func (c *cli) makeTemp() (string, error) {
	dir, err := os.MkdirTemp("", "gyre-demo-")
	if err != nil {
		return "", gyre.Errorf(gyre.Unavailable, "make temporary folder: %w", err)
	}
	c.close = append([]func() error{func() error { return os.RemoveAll(dir) }}, c.close...)
	return dir, nil
}
