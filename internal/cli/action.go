// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

func (c *cli) actionCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "action", Aliases: []string{"actions"}, Short: "What to do, in the order that removes most risk, and exactly how"}
	cmd.AddCommand(c.actionListCmd(), c.actionShowCmd(), c.actionSetCmd())
	return cmd
}

func (c *cli) actionListCmd() *cobra.Command {
	state := "open,in_progress,done"
	limit := 20
	var asOf string
	cmd := &cobra.Command{
		Use: "list", Short: "List actions, the one that removes most risk first", Args: cobra.NoArgs,
		Example: "  gyre action list\n  gyre action list --as-of 2026-11-01",
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			var list httpapi.ActionList
			q := url.Values{"state": {state}, "limit": {strconv.Itoa(limit)}}
			if asOf != "" {
				q.Set("as_of", asOf)
			}
			if err := a.get(cmd.Context(), "/actions", q, &list); err != nil {
				return err
			}
			r := actionRows(list)
			r.footer += pastNote(list.AsOf)
			return c.printer().list(list, r)
		}),
	}
	cmd.Flags().StringVar(&state, "state", state, "open, in_progress, done, verified, dismissed; separated by commas")
	cmd.Flags().IntVar(&limit, "limit", limit, "at most this many")
	addAsOf(cmd, &asOf)
	return cmd
}

func actionRows(list httpapi.ActionList) *rows {
	r := &rows{header: []string{"ID", "Removes", "Action", "Assets", "Exposures", "State", "Owner", "Due"}}
	for _, x := range list.Items {
		due := ""
		if !x.Due.IsZero() {
			due = x.Due.Format("2006-01-02")
		}
		r.add(x.ID.String(), points(x.RiskRemoved), short(x.Title, 70), strconv.Itoa(x.Assets), strconv.Itoa(x.Exposures), string(x.State), x.Owner, due)
	}
	r.footer = fmt.Sprintf("%d of %d actions; risk removed in points. How: gyre action show ID", len(list.Items), list.Total)
	if list.Total == 0 {
		r.footer = "Nothing to do. If nothing was looked at yet: gyre cycle run"
	}
	return r
}

func (c *cli) actionShowCmd() *cobra.Command {
	var asOf string
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show what to do, step by step, and what it removes", Args: cobra.ExactArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var d httpapi.ActionDetail
			if err := a.get(cmd.Context(), "/actions/"+url.PathEscape(args[0]), asOfQuery(asOf), &d); err != nil {
				return err
			}
			p := c.printer()
			x := d.Action
			if err := p.object(
				d,
				[2]string{"Action", x.Title},
				[2]string{"Removes", fmt.Sprintf("%s points of risk: %s on %s", points(x.RiskRemoved), count(x.Exposures, "exposure"), count(x.Assets, "asset"))},
				[2]string{"State", string(x.State)},
				[2]string{"Owner", x.Owner},
				[2]string{"Due", when(x.Due)},
			); err != nil || p.format != "table" {
				return err
			}
			for i, s := range x.Steps {
				p.say("\n%d. %s", i+1, stepText(s))
			}
			for _, line := range d.Runbook {
				p.say("\nRunbook: %s", printable(line))
			}
			r := &rows{header: []string{"ID", "Risk", "Weakness", "Asset", "Place", "State"}}
			for _, e := range d.Exposures {
				r.add(e.ID.String(), points(e.Risk), e.Weakness, e.Asset.Name, short(e.Locus, 50), string(e.State))
			}
			r.footer = "Prove it with: gyre validate ID…" + pastNote(d.AsOf)
			p.say("")
			return p.list(nil, r)
		}),
	}
	addAsOf(cmd, &asOf)
	return cmd
}

func stepText(s gyre.Step) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[%s] %s", cmp.Or(s.Platform, "any"), s.Text)
	if s.Config != "" {
		b.WriteString("\n     " + strings.ReplaceAll(strings.TrimRight(s.Config, "\n"), "\n", "\n     "))
	}
	for _, cmd := range s.Commands {
		b.WriteString("\n     $ " + strings.ReplaceAll(cmd, "\n", "\n       "))
	}
	if len(s.Assets) > 0 {
		b.WriteString("\n     on " + short(strings.Join(s.Assets, ", "), 200))
	}
	return printable(b.String())
}

func (c *cli) actionSetCmd() *cobra.Command {
	var state, owner, due string
	cmd := &cobra.Command{
		Use: "set ID", Short: "Say who does it, by when, and how far it is", Args: cobra.ExactArgs(1),
		Long:    "Changes an action. Setting it done claims its exposures fixed; the next cycle retests them. Only evidence makes it verified.",
		Example: "  gyre action set 06f3k2v8h4m0a --owner platform --due 2027-01-15 --state in_progress",
		RunE: func(cmd *cobra.Command, args []string) error {
			var p gyre.ActionPatch
			if cmd.Flags().Changed("state") {
				s := gyre.ActionState(state)
				p.State = &s
			}
			if cmd.Flags().Changed("owner") {
				p.Owner = &owner
			}
			if cmd.Flags().Changed("due") {
				t, err := time.ParseInLocation("2006-01-02", due, time.Local)
				if err != nil && due != "" {
					return gyre.FieldErrorf(gyre.Invalid, "--due", "%q is not a date such as 2027-06-30", due)
				}
				p.Due = &t
			}
			if p == (gyre.ActionPatch{}) {
				return gyre.Errorf(gyre.Invalid, "say what to set: --state, --owner or --due")
			}
			a, err := c.connect(cmd)
			if err != nil {
				return err
			}
			var x gyre.Action
			if err := a.do(cmd.Context(), http.MethodPatch, "/actions/"+url.PathEscape(args[0]), p, &x); err != nil {
				return err
			}
			return c.printer().object(x, [2]string{"Action", x.Title}, [2]string{"State", string(x.State)}, [2]string{"Owner", x.Owner}, [2]string{"Due", when(x.Due)})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "open, in_progress, done or dismissed")
	cmd.Flags().StringVar(&owner, "owner", "", "who does it")
	cmd.Flags().StringVar(&due, "due", "", "date; empty takes it back")
	return cmd
}
