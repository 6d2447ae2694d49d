// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

func (c *cli) exposureExplainCmd() *cobra.Command {
	return &cobra.Command{
		Use: "explain ID", Short: "Say why the sightings of an exposure are one", Args: cobra.ExactArgs(1),
		Long: `Says which sources see the exposure, what each calls the weakness and the place,
who says that those names are of one weakness, and what was made one on the way.`,
		Example: "  gyre exposure explain 06f3k2v8h4m0a",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var x httpapi.Explanation
			if err := a.get(cmd.Context(), "/exposures/"+url.PathEscape(args[0])+"/explain", nil, &x); err != nil {
				return err
			}
			p := c.printer()
			fields := [][2]string{
				{"Exposure", x.Exposure.String()},
				{"In short", x.Correlation},
				{"Weakness", strings.Join(x.Names, ", ")},
				{"Related", strings.Join(x.Related, ", ")},
				{"Place", x.Place + "  " + x.PlaceForm},
				{"Today at", x.Locus},
				{"Asset", x.Asset.Name},
			}
			for _, i := range x.Asset.Identifiers {
				fields = append(fields, [2]string{"Known by", strings.TrimSpace(string(i.Type) + " " + i.Value + " " + string(i.Zone))})
			}
			for _, t := range x.Ties {
				fields = append(fields, [2]string{"Tied by", fmt.Sprintf("%s: %s is %s (%s)", t.Source, t.Name, t.Other, t.By)})
			}
			for _, m := range x.Merges {
				line := fmt.Sprintf("%s %s into %s: %s", m.Object, m.FromName, m.IntoName, m.Reason)
				if !m.Undone.IsZero() {
					line += " (undone)"
				}
				fields = append(fields, [2]string{"Made one", line})
			}
			if err := p.object(x, fields...); err != nil || p.format != "table" {
				return err
			}
			r := &rows{header: []string{"Source", "Sees it", "Calls it", "At", "Severity"}}
			for _, o := range x.Sources {
				r.add(o.Source, strconv.FormatBool(o.Seen), o.Weakness, o.Locus, o.Severity.String())
			}
			p.say("")
			return p.list(nil, r)
		}),
	}
}

func (c *cli) correlationCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "correlation", Short: "Rules on which names of weaknesses are one",
		Long: `Reports and advisories say which names are of one weakness. A rule is your own
word, which beats theirs:

  same NAME OTHER         they are one weakness
  different NAME OTHER    they are not, whatever ties them
  means TOOL:RULE OTHER   that rule of a tool finds the weakness OTHER

A rule counts for what is stored and for what comes. Removing it takes apart what it made one.`,
		Example: `  gyre correlation try same GHSA-jfh8-c2jp-5v3q CVE-2021-44228
  gyre correlation add means semgrep:python.sqli CWE-89 --reason 'one class, one list'
  gyre correlation list
  gyre correlation remove 06f3k2v8h4m0a`,
	}
	cmd.AddCommand(c.correlationListCmd(),
		c.correlationRuleCmd("add", "Add a rule and apply it", "/correlation-rules"),
		c.correlationRuleCmd("try", "Say what a rule would do, and do nothing", "/correlation-rules/preview"),
		c.correlationRemoveCmd())
	return cmd
}

func (c *cli) correlationListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the rules", Args: cobra.NoArgs,
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			var list httpapi.CorrelationRuleList
			if err := a.get(cmd.Context(), "/correlation-rules", nil, &list); err != nil {
				return err
			}
			r := &rows{header: []string{"ID", "Name", "Is", "Other", "By", "Since", "Why"}}
			for _, x := range list.Items {
				r.add(x.ID.String(), x.Subject(), string(x.Kind), x.Other, x.By, when(x.Created), short(x.Reason, 60))
			}
			r.footer = fmt.Sprintf("%d rules.", len(list.Items))
			return c.printer().list(list, r)
		}),
	}
}

func (c *cli) correlationRuleCmd(use, what, path string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: use + " same|different|means NAME OTHER", Short: what, Args: cobra.ExactArgs(3),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			in := httpapi.CorrelationRuleInput{Kind: gyre.CorrelationKind(args[0]), Name: args[1], Other: args[2], Reason: reason}
			if in.Kind == gyre.CorrelateMeans {
				tool, rule, ok := strings.Cut(args[1], ":")
				if !ok {
					return gyre.FieldErrorf(gyre.Invalid, "NAME", "%q is not TOOL:RULE, such as semgrep:python.sqli", args[1])
				}
				in.Tool, in.Name = tool, rule
			}
			var e gyre.CorrelationEffect
			if err := a.do(cmd.Context(), http.MethodPost, path, in, &e); err != nil {
				return err
			}
			return c.printEffect(e)
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	return cmd
}

func (c *cli) correlationRemoveCmd() *cobra.Command {
	return &cobra.Command{
		Use: "remove ID", Short: "End a rule and take apart what it made one", Args: cobra.ExactArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var e gyre.CorrelationEffect
			if err := a.do(cmd.Context(), http.MethodDelete, "/correlation-rules/"+url.PathEscape(args[0]), nil, &e); err != nil {
				return err
			}
			return c.printEffect(e)
		}),
	}
}

func (c *cli) printEffect(e gyre.CorrelationEffect) error {
	r := &rows{header: []string{"Exposure", "Is", "Other", "Why"}}
	for _, x := range e.Examples {
		r.add(x.Exposure.String(), x.Change, x.Other.String(), short(x.Why, 70))
	}
	r.footer = fmt.Sprintf("%d merged, %d split, %d with another weakness.", e.Merged, e.Split, e.Moved)
	if e.Rule.ID != 0 {
		r.footer += " Rule " + e.Rule.ID.String() + "."
	}
	return c.printer().list(e, r)
}
