// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre/lab/gen"
)

func (c *cli) labGenCmd() *cobra.Command {
	var o gen.Options
	cmd := &cobra.Command{
		Use: "gen", Short: "Write a made-up scanner's report of any size, to try Gyre at scale", Args: cobra.NoArgs,
		Long: `Writes what a scanner would report of a made-up estate: a few packages on most
hosts, a few weaknesses everywhere, and some findings seen by two tools. The same
seed is the same estate; --changed writes its next version.`,
		Example: `  gyre lab gen --format nessus --findings 50000 > first.nessus
  gyre lab gen --format nessus --findings 50000 --changed 5 > second.nessus
  gyre import first.nessus`,
		RunE: func(*cobra.Command, []string) error { return gen.Write(c.out, o) },
	}
	cmd.Flags().StringVar(&o.Format, "format", "nessus", "format of the report: "+strings.Join(gen.Formats(), ", "))
	cmd.Flags().IntVar(&o.Findings, "findings", 50_000, "number of findings")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "which estate")
	cmd.Flags().Float64Var(&o.Changed, "changed", 0, "percentage of findings that differ from the estate's first version")
	return cmd
}
