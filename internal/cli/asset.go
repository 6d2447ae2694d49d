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

func (c *cli) assetCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "asset", Aliases: []string{"assets"}, Short: "List and show assets, and what runs on them"}
	cmd.AddCommand(c.assetListCmd(), c.assetShowCmd(), c.assetComponentsCmd(), c.assetSetCmd(), c.assetExplainCmd(), c.assetMergesCmd(), c.assetUndoMergeCmd(), c.assetMergeCmd())
	return cmd
}

func (c *cli) assetListCmd() *cobra.Command {
	var lf listFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List assets, riskiest first", Args: cobra.NoArgs,
		Example: "  gyre asset list --filter 'zone == \"internet\" && exposures > 0'\n  gyre asset list --as-of 2026-11-01",
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			page, err := pages(cmd.Context(), a, "/assets", lf, func(p *httpapi.AssetPage) *string { return &p.Next },
				func(all, p *httpapi.AssetPage) { all.Items = append(all.Items, p.Items...) })
			if err != nil {
				return err
			}
			r := &rows{header: []string{"ID", "Name", "Kind", "Zone", "Criticality", "Owner", "Exposures", "Risk", "Worst", "Seen"}}
			for _, x := range page.Items {
				r.add(x.ID.String(), short(x.Name, 40), string(x.Kind), string(x.Zone), criticality(x.Criticality), x.Owner, strconv.Itoa(x.Exposures), points(x.Risk), string(x.MaxBand), when(x.LastSeen))
			}
			r.footer = fmt.Sprintf("%d of %d assets.", len(page.Items), page.Total)
			r.footer += pastNote(page.AsOf)
			return c.printer().list(page, r)
		}),
	}
	lf.add(cmd)
	lf.addAsOf(cmd)
	return cmd
}

var criticalityWords = []string{"", "low", "medium", "high", "crown jewel"}

func criticality(v gyre.Criticality) string {
	if v < 0 || int(v) >= len(criticalityWords) {
		return ""
	}
	return criticalityWords[v]
}

func (c *cli) assetShowCmd() *cobra.Command {
	var asOf string
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show an asset and what was seen of it", Args: cobra.ExactArgs(1),
		Example: "  gyre asset show 06f3k2v8h4m0a\n  gyre asset show 06f3k2v8h4m0a --as-of 2026-11-01",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var d httpapi.AssetDetail
			if err := a.get(cmd.Context(), "/assets/"+url.PathEscape(args[0]), asOfQuery(asOf), &d); err != nil {
				return err
			}
			x := d.Asset
			var ids, scopes []string
			for _, i := range x.Identifiers {
				ids = append(ids, string(i.Type)+" "+i.Value)
			}
			for _, s := range d.Scopes {
				scopes = append(scopes, s.Name)
			}
			p := c.printer()
			if err := p.object(
				d,
				[2]string{"Asset", x.Name},
				[2]string{"Kind", string(x.Kind)},
				[2]string{"Zone", string(x.Zone)},
				[2]string{"Criticality", criticality(x.Criticality)},
				[2]string{"Owner", x.Owner},
				[2]string{"Tags", strings.Join(x.Tags, ", ")},
				[2]string{"System", strings.TrimSpace(x.Attributes["os"] + " " + x.Attributes["os_version"])},
				[2]string{"Known by", strings.Join(ids, "\n")},
				[2]string{"Scopes", strings.Join(scopes, ", ")},
				[2]string{"Exposures", fmt.Sprintf("%d active, %s points of risk %s", d.Exposures.Count, points(d.Exposures.Risk), d.Exposures.MaxBand)},
				[2]string{"Components", strconv.Itoa(d.Components)},
				[2]string{"Seen", when(x.FirstSeen) + " to " + when(x.LastSeen)},
			); err != nil || p.format != "table" {
				return err
			}
			r := &rows{header: []string{"Seen", "Place", "What"}}
			for _, f := range d.Facts {
				r.add(string(f.Aspect), short(f.Locus, 50), short(factSummary(f.Data), 80))
			}
			p.say("")
			if note := pastNote(d.AsOf); note != "" {
				p.say("%s What was collected of it, and its software, are not kept.", strings.TrimPrefix(note, "\n"))
				return nil
			}
			return p.list(nil, r)
		}),
	}
	addAsOf(cmd, &asOf)
	return cmd
}

// factSummary names the few values of a fact that say most.
func factSummary(data map[string]any) string {
	var parts []string
	for _, k := range []string{"protocol", "product", "version", "title", "subject", "not_after", "status", "probe", "process", "kind", "type", "name", "address"} {
		if v, ok := data[k]; ok && fmt.Sprint(v) != "" {
			parts = append(parts, fmt.Sprintf("%s=%v", k, v))
		}
	}
	return strings.Join(parts, " ")
}

func (c *cli) assetComponentsCmd() *cobra.Command {
	var lf listFlags
	cmd := &cobra.Command{
		Use: "components ID", Short: "List the software on an asset", Args: cobra.ExactArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			page, err := pages(cmd.Context(), a, "/assets/"+url.PathEscape(args[0])+"/components", lf, func(p *httpapi.ComponentPage) *string { return &p.Next },
				func(all, p *httpapi.ComponentPage) { all.Items = append(all.Items, p.Items...) })
			if err != nil {
				return err
			}
			r := &rows{header: []string{"Name", "Version", "Ecosystem", "Found in"}}
			for _, x := range page.Items {
				r.add(x.Name, x.Version, x.Ecosystem, x.Location)
			}
			r.footer = fmt.Sprintf("%d of %d components.", len(page.Items), page.Total)
			return c.printer().list(page, r)
		}),
	}
	cmd.Flags().IntVar(&lf.limit, "limit", 100, "rows, at most 1000")
	cmd.Flags().BoolVar(&lf.all, "all", false, "every row, page after page")
	return cmd
}

func (c *cli) assetSetCmd() *cobra.Command {
	var crit, owner string
	var tags []string
	cmd := &cobra.Command{
		Use: "set ID", Short: "Say how critical an asset is, who owns it, its tags", Args: cobra.ExactArgs(1),
		Example: "  gyre asset set 06f3k2v8h4m0a --criticality 4 --owner payments",
		RunE: func(cmd *cobra.Command, args []string) error {
			var p gyre.AssetPatch
			if cmd.Flags().Changed("criticality") {
				n, err := strconv.Atoi(crit)
				if err != nil {
					return gyre.FieldErrorf(gyre.Invalid, "--criticality", "%q is not a number from 0 to 4", crit)
				}
				v := gyre.Criticality(n)
				p.Criticality = &v
			}
			if cmd.Flags().Changed("owner") {
				p.Owner = &owner
			}
			if cmd.Flags().Changed("tag") {
				p.Tags = &tags
			}
			if p == (gyre.AssetPatch{}) {
				return gyre.Errorf(gyre.Invalid, "say what to set: --criticality, --owner or --tag")
			}
			a, err := c.connect(cmd)
			if err != nil {
				return err
			}
			var x gyre.Asset
			if err := a.do(cmd.Context(), http.MethodPatch, "/assets/"+url.PathEscape(args[0]), p, &x); err != nil {
				return err
			}
			return c.printer().object(x, [2]string{"Asset", x.Name}, [2]string{"Criticality", cmp.Or(criticality(x.Criticality), "not said")},
				[2]string{"Owner", x.Owner}, [2]string{"Tags", strings.Join(x.Tags, ", ")})
		},
	}
	cmd.Flags().StringVar(&crit, "criticality", "", "1 low, 2 medium, 3 high, 4 crown jewel, 0 not said")
	cmd.Flags().StringVar(&owner, "owner", "", "who is responsible")
	cmd.Flags().StringSliceVar(&tags, "tag", nil, "replaces all tags; several allowed")
	return cmd
}
