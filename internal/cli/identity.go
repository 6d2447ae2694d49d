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

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

func identifierWords(all []gyre.Identifier) string {
	words := make([]string, len(all))
	for i, id := range all {
		words[i] = strings.TrimSpace(string(id.Type) + " " + id.Value)
		if id.Zone != "" {
			words[i] += " in " + string(id.Zone)
		}
	}
	return strings.Join(words, ", ")
}

func (c *cli) assetExplainCmd() *cobra.Command {
	return &cobra.Command{
		Use: "explain ID", Short: "Say why an asset is one: who claims what of it", Args: cobra.ExactArgs(1),
		Example: "  gyre asset explain 06f3k2v8h4m0a",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var d gyre.AssetIdentity
			if err := a.get(cmd.Context(), "/assets/"+url.PathEscape(args[0])+"/identity", nil, &d); err != nil {
				return err
			}
			r := &rows{header: []string{"Source", "First", "Last", "Says that one asset has"}}
			for _, x := range d.Claims {
				r.add(x.Source, when(x.FirstSeen), when(x.LastSeen), identifierWords(x.Identifiers))
			}
			var lines []string
			for _, m := range d.Merges {
				lines = append(lines, mergeLine(m))
			}
			for _, x := range d.Rules {
				lines = append(lines, fmt.Sprintf("%s ruled on %s that these claims are %s: %s", x.Actor, when(x.At), x.Kind, x.Reason))
			}
			r.footer = strings.Join(lines, "\n")
			return c.printer().list(d, r)
		}),
	}
}

func mergeLine(m gyre.Merge) string {
	line := fmt.Sprintf("%s: %s went into %s on %s by %s: %s", m.ID, m.FromName, m.IntoName, when(m.At), m.Actor, m.Reason)
	if !m.Undone.IsZero() {
		line += " (undone on " + when(m.Undone) + " by " + m.UndoneBy + ")"
	}
	return line
}

func (c *cli) assetMergesCmd() *cobra.Command {
	var lf listFlags
	cmd := &cobra.Command{
		Use: "merges [ID]", Short: "List what turned out to be one, and why", Args: cobra.MaximumNArgs(1),
		Example: "  gyre asset merges\n  gyre asset merges 06f3k2v8h4m0a",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			page := new(httpapi.MergePage)
			var err error
			if len(args) > 0 {
				err = a.get(cmd.Context(), "/assets/"+url.PathEscape(args[0])+"/merges", nil, page)
			} else {
				page, err = pages(cmd.Context(), a, "/merges", lf, func(p *httpapi.MergePage) *string { return &p.Next },
					func(all, p *httpapi.MergePage) { all.Items = append(all.Items, p.Items...) })
			}
			if err != nil {
				return err
			}
			r := &rows{header: []string{"ID", "What", "Gone", "Stays", "When", "By", "Why", "Undone"}}
			for _, m := range page.Items {
				undone := ""
				if !m.Undone.IsZero() {
					undone = when(m.Undone) + " by " + m.UndoneBy
				}
				r.add(m.ID.String(), m.Object, short(m.FromName, 30), short(m.IntoName, 30), when(m.At), m.Actor, short(m.Reason, 100), undone)
			}
			return c.printer().list(page, r)
		}),
	}
	cmd.Flags().IntVar(&lf.limit, "limit", 100, "rows, at most 1000")
	cmd.Flags().BoolVar(&lf.all, "all", false, "every row, page after page")
	return cmd
}

func (c *cli) assetUndoMergeCmd() *cobra.Command {
	return &cobra.Command{
		Use: "undo-merge MERGE", Short: "Take a merge back: both are there again, and stay apart", Args: cobra.ExactArgs(1),
		Example: "  gyre asset undo-merge 06f3k2v8h4m0a",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var m gyre.Merge
			if err := a.do(cmd.Context(), http.MethodPost, "/merges/"+url.PathEscape(args[0])+"/undo", nil, &m); err != nil {
				return err
			}
			return c.printer().object(m, [2]string{"There again", m.FromName + " (" + m.From.String() + ")"}, [2]string{"Taken from", m.IntoName + " (" + m.Into.String() + ")"})
		}),
	}
}

func (c *cli) assetMergeCmd() *cobra.Command {
	var reason string
	var do bool
	cmd := &cobra.Command{
		Use: "merge ID INTO", Short: "Say that an asset is another one; without --do, show what that would change", Args: cobra.ExactArgs(2),
		Example: "  gyre asset merge 06f3k2v8h4m0a 06f3k2v8h4m1c\n  gyre asset merge 06f3k2v8h4m0a 06f3k2v8h4m1c --do --reason 'moved to new hardware'",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			path := "/assets/" + url.PathEscape(args[1]) + "/merge"
			if !do {
				var p gyre.MergePreview
				if err := a.get(cmd.Context(), path, url.Values{"from": {args[0]}}, &p); err != nil {
					return err
				}
				return c.printer().object(
					p,
					[2]string{"Goes", p.From.Name},
					[2]string{"Stays", p.Into.Name},
					[2]string{"Exposures", fmt.Sprintf("%d become one with theirs, %d move", p.Same, p.Moved)},
					[2]string{"Moves", fmt.Sprintf("%d components, %d facts", p.Components, p.Facts)},
					[2]string{"Against it", cmp.Or(strings.Join(p.Conflicts, "\n"), "nothing")},
				)
			}
			from, err := gyre.ParseID(args[0])
			if err != nil {
				return err
			}
			var m gyre.Merge
			if err := a.do(cmd.Context(), http.MethodPost, path, httpapi.MergeInput{From: from, Reason: reason}, &m); err != nil {
				return err
			}
			return c.printer().object(m, [2]string{"Merge", m.ID.String()}, [2]string{"Gone", m.FromName}, [2]string{"Stays", m.IntoName},
				[2]string{"Take back with", "gyre asset undo-merge " + m.ID.String()})
		}),
	}
	cmd.Flags().BoolVar(&do, "do", false, "do it")
	cmd.Flags().StringVar(&reason, "reason", "", "why they are one; required with --do")
	return cmd
}

func (c *cli) reviewCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "review", Aliases: []string{"reviews"}, Short: "Settle what could be of several assets"}
	cmd.AddCommand(c.reviewListCmd(), c.reviewAnswerCmd(), c.reviewUndoCmd())
	return cmd
}

func (c *cli) reviewListCmd() *cobra.Command {
	var state string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List what could be of several assets, with a suggestion", Args: cobra.NoArgs,
		Example: "  gyre review list",
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			var page httpapi.ReviewPage
			if err := a.get(cmd.Context(), "/reviews", url.Values{"state": {state}, "limit": {strconv.Itoa(limit)}}, &page); err != nil {
				return err
			}
			r := &rows{header: []string{"ID", "Asset", "Could be", "Suggested", "Why", "Answer"}}
			for _, x := range page.Items {
				var may []string
				suggested := ""
				for _, k := range x.Candidates {
					may = append(may, k.Name+" ("+k.Asset.String()+")")
					if k.Asset == x.Suggestion {
						suggested = k.Name
					}
				}
				r.add(x.ID.String(), short(x.AssetName, 30), strings.Join(may, ", "), suggested, short(x.Why, 120), x.Answer)
			}
			r.footer = strconv.Itoa(len(page.Items)) + " reviews."
			return c.printer().list(page, r)
		}),
	}
	cmd.Flags().StringVar(&state, "state", gyre.ReviewOpen, "open, answered, moot or all")
	cmd.Flags().IntVar(&limit, "limit", 100, "rows, at most 1000")
	return cmd
}

func (c *cli) reviewAnswerCmd() *cobra.Command {
	var asset string
	cmd := &cobra.Command{
		Use: "answer ID same|different", Short: "Say that it is the suggested asset, or none of them", Args: cobra.ExactArgs(2),
		Example: "  gyre review answer 06f3k2v8h4m0a same\n  gyre review answer 06f3k2v8h4m0a same --asset 06f3k2v8h4m1c",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			chosen, err := gyre.ParseID(asset)
			if err != nil {
				return err
			}
			var x gyre.Review
			if err := a.do(cmd.Context(), http.MethodPost, "/reviews/"+url.PathEscape(args[0]), httpapi.ReviewAnswer{Answer: args[1], Asset: chosen}, &x); err != nil {
				return err
			}
			return c.printer().object(x, [2]string{"Asset", x.AssetName}, [2]string{"Answer", x.Answer}, [2]string{"Take back with", "gyre review undo " + x.ID.String()})
		}),
	}
	cmd.Flags().StringVar(&asset, "asset", "", "the asset that it is, when it is not the one suggested")
	return cmd
}

func (c *cli) reviewUndoCmd() *cobra.Command {
	return &cobra.Command{
		Use: "undo ID", Short: "Take an answer back", Args: cobra.ExactArgs(1),
		Example: "  gyre review undo 06f3k2v8h4m0a",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var x gyre.Review
			if err := a.do(cmd.Context(), http.MethodPost, "/reviews/"+url.PathEscape(args[0])+"/undo", nil, &x); err != nil {
				return err
			}
			return c.printer().object(x, [2]string{"Asset", x.AssetName}, [2]string{"State", x.State})
		}),
	}
}
