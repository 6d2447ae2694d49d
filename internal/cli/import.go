// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre"
)

func (c *cli) importCmd() *cobra.Command {
	var format, zone, asset, address string
	cmd := &cobra.Command{
		Use: "import FILE…", Short: "Take in what other tools found; - is standard input", Args: cobra.MinimumNArgs(1),
		Long: `Imports reports of other tools, plain or packed with gzip or zip. The format is
detected from the content. What a report does not prove to have looked at is never
closed by it.`,
		Example: `  gyre import scan.xml --zone dmz
  gyre import bom.json --asset registry.example/shop:1.4
  trivy fs --format sarif . | gyre import - --asset shop`,
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var runs []gyre.Run
			r := &rows{header: []string{"File", "Format", "Status", "Assets", "Components", "Sightings", "New", "Reopened", "Closed", "Problems"}}
			for _, file := range args {
				q := url.Values{"name": {filepath.Base(file)}, "format": {format}, "zone": {zone}, "asset": {asset}, "address": {address}}
				for k, v := range q {
					if v[0] == "" {
						q.Del(k)
					}
				}
				run, err := c.importFile(cmd, a, file, q)
				if err != nil {
					return fmt.Errorf("import %s: %w", file, err)
				}
				runs = append(runs, run)
				n := run.Counts
				r.add(filepath.Base(file), run.Source, string(run.Status), strconv.Itoa(n.Assets), strconv.Itoa(n.Components), strconv.Itoa(n.Findings),
					strconv.Itoa(n.Created), strconv.Itoa(n.Reopened), strconv.Itoa(n.Closed), strconv.Itoa(len(run.Problems)))
			}
			return c.printer().list(runs, r)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", "", "name of the format, when it is not detected")
	f.StringVar(&zone, "zone", "", "network zone that addresses in the report live in")
	f.StringVar(&asset, "asset", "", "asset that findings without one belong to")
	f.StringVar(&address, "address", "", "IP address of that asset")
	return cmd
}

func (c *cli) importFile(cmd *cobra.Command, a *api, file string, q url.Values) (run gyre.Run, err error) {
	var body io.Reader = c.in
	if file == "-" {
		q.Set("name", "stdin")
	} else {
		f, err := os.Open(file) // #nosec -- the user names it
		if err != nil {
			return run, gyre.Errorf(gyre.Invalid, "cannot be read: %w", errors.Unwrap(err))
		}
		defer func() { _ = f.Close() }()
		body = f
	}
	err = a.send(cmd.Context(), http.MethodPost, "/imports?"+q.Encode(), body, "application/octet-stream", &run)
	return run, err
}

func (c *cli) scanCmd() *cobra.Command {
	var zone, ports, failOn string
	cmd := &cobra.Command{
		Use: "scan TARGET", Short: "Look at one target now: address, CIDR, domain or folder", Args: cobra.ExactArgs(1),
		Long: `Makes a scope for the target (named after it), runs a cycle over it and shows what
was found. Only scan what you are authorised to probe.`,
		Example: "  gyre scan 127.0.0.1\n  gyre scan / --fail-on critical\n  gyre scan ./terraform",
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := parseTarget(args[0], gyre.Zone(zone), ports)
			if err != nil {
				return err
			}
			a, err := c.connect(cmd)
			if err != nil {
				return err
			}
			name := short("scan "+args[0], 80)
			s, _, err := a.putScope(cmd.Context(), gyre.Scope{Name: name, Targets: []gyre.Target{t}})
			if err != nil {
				return err
			}
			cy, err := c.runCycle(cmd.Context(), a, []gyre.ID{s.ID}, false)
			if err != nil {
				return err
			}
			list := c.exposureListCmd()
			list.SetContext(cmd.Context())
			if err := list.Flags().Set("filter", strconv.Quote(s.Name)+` in scope && state != "fixed"`); err != nil {
				return err
			}
			if err := list.RunE(list, nil); err != nil {
				return err
			}
			return failOnBand(cy.After, failOn)
		},
	}
	f := cmd.Flags()
	f.StringVar(&zone, "zone", "", "internet, dmz, internal, management or a word of your own")
	f.StringVar(&ports, "ports", "", "22,80,8000-8100; empty: a list of common ports")
	f.StringVar(&failOn, "fail-on", "", "exit with 10 if an exposure of this band or worse is active")
	return cmd
}
