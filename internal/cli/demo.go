// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/app"
	"github.com/gyre-ctem/gyre/internal/config"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/lab"
)

// demoData is the data folder of the demo: apart from the real one.
func demoData(data string) string { return data + "-demo" }

func (c *cli) demoCmd() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use: "demo", Short: "The whole loop on the practice estate, with intelligence loaded", Args: cobra.NoArgs,
		Long: `Brings the practice estate up, starts the server on a data folder of its own, runs
a cycle over the estate and prints what to do first. Then open the console, do what
the top action says ('gyre lab fix …' in another terminal) and press Validate.

With --once there is no server: estate up, one cycle on a throw-away database, the
cycle and the estate's score on standard output, everything down again.`,
		Example: "  gyre demo\n  gyre demo --once -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if once {
				return c.demoOnce(cmd)
			}
			return c.demo(cmd)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "one cycle without a server, then everything down")
	showSettings(cmd)
	return cmd
}

// demoSettings are the settings with the demo's intelligence and, unless --data
// says another, a folder of its own.
func (c *cli) demoSettings(cmd *cobra.Command, data string) (*config.Config, error) {
	cfg, err := c.settings(cmd, nil)
	if err != nil {
		return nil, err
	}
	switch {
	case data != "":
	case cmd.Flags().Changed("data"):
		data = cfg.Get("data")
	default:
		data = demoData(cfg.Get("data"))
	}
	if err := cmd.Flags().Set("data", data); err != nil {
		return nil, err
	}
	return c.settings(cmd, map[string]string{"log-level": "warn", "feeds": filepath.Join(data, "lab", "feeds"), "feed-interval": "0s"})
}

func (c *cli) demo(cmd *cobra.Command) error {
	cfg, err := c.demoSettings(cmd, "")
	if err != nil {
		return err
	}
	e, err := lab.Start(cmd.Context(), lab.Options{Dir: filepath.Join(cfg.Get("data"), "lab"), Logf: c.note})
	if err != nil {
		return err
	}
	defer e.Close()
	c.note("The practice estate is up: %d weaknesses planted on loopback.", countPlanted(e.Rows()))
	return c.serve(cmd.Context(), cfg, func(ctx context.Context, a *api) error {
		_, err := c.demoCycle(ctx, a, e)
		if err != nil {
			return err
		}
		res, err := a.labScore(ctx, e.Rows())
		if err != nil {
			return err
		}
		c.note("\nGyre found %d of the %d planted weaknesses, and %d that are not there. The rest: gyre lab score", res.Found, res.Planted, len(res.False))
		c.note("Do what the top action says, then press Validate in the console, or: gyre validate ID")
		return nil
	})
}

// demoCycle applies the estate's scopes, fetches its intelligence and runs a cycle.
func (c *cli) demoCycle(ctx context.Context, a *api, e *lab.Estate) (gyre.Cycle, error) {
	for _, s := range e.Scopes() {
		if _, _, err := a.putScope(ctx, s); err != nil {
			return gyre.Cycle{}, fmt.Errorf("scope %s: %w", s.Name, err)
		}
	}
	var feeds httpapi.FeedList
	if err := a.do(ctx, http.MethodPost, "/feeds/sync", httpapi.FeedSync{}, &feeds); err != nil {
		return gyre.Cycle{}, fmt.Errorf("sync feeds: %w", err)
	}
	cy, err := c.runCycle(ctx, a, nil)
	if err != nil {
		return cy, err
	}
	if c.format == "table" {
		return cy, c.summary(ctx, a, cy)
	}
	return cy, nil
}

// demoReport is what demo --once prints.
type demoReport struct {
	Cycle gyre.Cycle `json:"cycle"`
	Score lab.Result `json:"score"`
}

func (c *cli) demoOnce(cmd *cobra.Command) error {
	data, err := c.makeTemp()
	if err != nil {
		return err
	}
	cfg, err := c.demoSettings(cmd, data)
	if err != nil {
		return err
	}
	e, err := lab.Start(cmd.Context(), lab.Options{Dir: filepath.Join(data, "lab"), Logf: c.note})
	if err != nil {
		return err
	}
	defer e.Close()
	a, err := app.Open(cmd.Context(), app.Options{Config: cfg, Log: logger(c.err, cfg), Version: version})
	if err != nil {
		return err
	}
	c.close = append(c.close, a.Close)
	local := &api{base: "http://127.0.0.1", http: http.Client{Transport: inProcess{a.LocalHandler()}}}
	cy, err := c.demoCycle(cmd.Context(), local, e)
	if err != nil {
		return err
	}
	res, err := local.labScore(cmd.Context(), e.Rows())
	if err != nil {
		return err
	}
	if c.format == "json" {
		return c.printer().json(demoReport{cy, res})
	}
	if err := c.showCycle(cy); err != nil {
		return err
	}
	return c.printer().list(res, scoreRows(res))
}
