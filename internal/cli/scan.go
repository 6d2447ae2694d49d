// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre"
)

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
			cy, err := c.runCycle(cmd.Context(), a, []gyre.ID{s.ID})
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
