// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
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

func (c *cli) exposureCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "exposure", Aliases: []string{"exposures"}, Short: "List, explain and change exposures"}
	cmd.AddCommand(c.exposureListCmd(), c.exposureShowCmd(), c.exposureExplainCmd(), c.exposureSetCmd(), c.exposureUndoCmd())
	return cmd
}

// listFlags are the flags that every list has.
type listFlags struct {
	filter, sort string
	limit        int
	all          bool
	asOf         string
}

func (f *listFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.filter, "filter", "f", "", "CEL condition; see docs/expressions.md")
	cmd.Flags().StringVar(&f.sort, "sort", "", "fields, separated by commas; a minus before a field for descending")
	cmd.Flags().IntVar(&f.limit, "limit", 50, "rows, at most 1000")
	cmd.Flags().BoolVar(&f.all, "all", false, "every row, page after page")
}

func (f *listFlags) addAsOf(cmd *cobra.Command) { addAsOf(cmd, &f.asOf) }

func (f *listFlags) query() url.Values {
	q := url.Values{"limit": {strconv.Itoa(f.limit)}}
	if f.filter != "" {
		q.Set("filter", f.filter)
	}
	if f.sort != "" {
		q.Set("sort", f.sort)
	}
	if f.all {
		q.Set("limit", "1000")
	}
	if f.asOf != "" {
		q.Set("as_of", f.asOf)
	}
	return q
}

func (c *cli) exposureListCmd() *cobra.Command {
	var lf listFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List exposures, riskiest first", Args: cobra.NoArgs,
		Example: `  gyre exposure list
  gyre exposure list --filter 'severity >= HIGH && asset.internet_facing && state == "open"'
  gyre exposure list --filter 'intel.kev' -o csv --all > kev.csv
  gyre exposure list --as-of 2026-11-01 --filter 'state == "open"'`,
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			page, err := pages(cmd.Context(), a, "/exposures", lf, func(p *httpapi.ExposurePage) *string { return &p.Next },
				func(all, p *httpapi.ExposurePage) { all.Items = append(all.Items, p.Items...) })
			if err != nil {
				return err
			}
			r := &rows{header: []string{"ID", "Risk", "Band", "Severity", "Weakness", "Title", "Asset", "Place", "State"}}
			for _, e := range page.Items {
				r.add(e.ID.String(), points(e.Risk), string(e.Band), e.Severity.String(), e.Weakness, short(e.Title, 48), short(e.Asset.Name, 28), short(e.Locus, 36), string(e.State))
			}
			r.footer = fmt.Sprintf("%d of %d exposures, %s points of risk.", len(page.Items), page.Total, points(page.Risk))
			if page.Total == 0 {
				r.footer = "No exposure matches. If nothing was looked at yet: gyre cycle run"
			}
			r.footer += pastNote(page.AsOf)
			return c.printer().list(page, r)
		}),
	}
	lf.add(cmd)
	lf.addAsOf(cmd)
	return cmd
}

// pages fetches a list: one page, or all of them.
func pages[T any](ctx context.Context, a *api, path string, lf listFlags, next func(*T) *string, add func(all, page *T)) (*T, error) {
	q := lf.query()
	var all *T
	for {
		page := new(T)
		if err := a.get(ctx, path, q, page); err != nil {
			return nil, err
		}
		after := *next(page)
		if all == nil {
			all = page
		} else {
			add(all, page)
			*next(all) = after
		}
		if !lf.all || after == "" {
			return all, nil
		}
		q.Set("after", after)
	}
}

func (c *cli) exposureShowCmd() *cobra.Command {
	var asOf string
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show an exposure: evidence, why this score, history, what to do", Args: cobra.ExactArgs(1),
		Example: "  gyre exposure show 06f3k2v8h4m0a\n  gyre exposure show 06f3k2v8h4m0a --as-of 2026-11-01",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var d httpapi.ExposureDetail
			if err := a.get(cmd.Context(), "/exposures/"+url.PathEscape(args[0]), asOfQuery(asOf), &d); err != nil {
				return err
			}
			p := c.printer()
			if err := p.object(d, exposureFields(d)...); err != nil || p.format != "table" {
				return err
			}
			why := &rows{header: []string{"Points", "Because", "Value", "From"}}
			for _, f := range d.Score.Factors {
				why.add(signed(f.Contribution), f.Label, f.Value, f.Source)
			}
			why.footer = fmt.Sprintf("= %s of 100: likelihood %.2f × impact %.2f", points(d.Score.Risk), d.Score.Likelihood, d.Score.Impact)
			p.say("")
			if err := p.list(nil, why); err != nil {
				return err
			}
			history := &rows{header: []string{"When", "What", "From", "To", "By", "Why"}}
			for _, e := range d.Events {
				history.add(when(e.At), e.Kind, e.From, e.To, e.Actor, short(e.Reason, 60))
			}
			history.footer = strings.TrimPrefix(pastNote(d.AsOf), "\n")
			p.say("")
			return p.list(nil, history)
		}),
	}
	addAsOf(cmd, &asOf)
	return cmd
}

func exposureFields(d httpapi.ExposureDetail) [][2]string {
	e := d.Exposure
	fields := [][2]string{
		{"Exposure", e.ID.String()},
		{"Weakness", d.Weakness.Key + "  " + d.Weakness.Title},
		{"Also known as", strings.Join(d.Weakness.Aliases, ", ")},
		{"Asset", fmt.Sprintf("%s (%s, zone %s)", d.Asset.Name, d.Asset.Kind, cmp.Or(string(d.Asset.Zone), "not known"))},
		{"Place", e.Locus},
		{"Risk", fmt.Sprintf("%s of 100, %s", points(d.Score.Risk), d.Score.Band)},
		{"Severity", e.Severity.String()},
		{"State", string(e.State) + " since " + when(e.StateSince)},
		{"Seen", when(e.FirstSeen) + " to " + when(e.LastSeen)},
	}
	for _, o := range d.Observations {
		word := "Seen by"
		if !o.Seen {
			word = "Not seen by"
		}
		fields = append(fields, [2]string{word, o.Source + ": " + o.Evidence.Summary})
	}
	if x := d.Exception; x != nil {
		fields = append(fields, [2]string{"Exception", fmt.Sprintf("%s until %s by %s: %s", x.State, when(x.Ends), x.By, x.Reason)})
	}
	if d.Action != nil {
		fields = append(fields, [2]string{"What to do", d.Action.Title + "\ngyre action show " + d.Action.ID.String()})
	}
	for _, line := range d.Runbook {
		fields = append(fields, [2]string{"Runbook", line})
	}
	return append(fields, [2]string{"Prove it", "gyre validate " + e.ID.String()})
}

func (c *cli) exposureSetCmd() *cobra.Command {
	var filter, reason, ends string
	cmd := &cobra.Command{
		Use:   "set STATE [ID…]",
		Short: "Move exposures: open, triaged, in_remediation, fix_claimed, accepted, false_positive",
		Long:  "Moves exposures to a state. Nobody can set fixed: only evidence closes an exposure (gyre validate).",
		Example: `  gyre exposure set triaged 06f3k2v8h4m0a
  gyre exposure set accepted --filter 'weakness == "dns.dnssec-missing"' --reason 'registrar cannot' --until 2027-06-30`,
		Args: cobra.MinimumNArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			in := httpapi.ExposureChange{Filter: filter, State: gyre.State(args[0]), Reason: reason}
			for _, s := range args[1:] {
				id, err := gyre.ParseID(s)
				if err != nil {
					return err
				}
				in.IDs = append(in.IDs, id)
			}
			if ends != "" {
				var err error
				if in.Ends, err = time.ParseInLocation("2006-01-02", ends, time.Local); err != nil {
					return gyre.FieldErrorf(gyre.Invalid, "--until", "%q is not a date such as 2027-06-30", ends)
				}
			}
			var res httpapi.ChangeResult
			if err := a.do(cmd.Context(), http.MethodPatch, "/exposures", in, &res); err != nil {
				return err
			}
			r := &rows{header: []string{"Left as it is", "Why"}}
			for _, s := range res.Skipped {
				r.add(s.ID.String(), s.Reason)
			}
			r.footer = fmt.Sprintf("%d changed. Take it back with: gyre exposure undo %s", res.Changed, res.Change)
			return c.printer().list(res, r)
		}),
	}
	cmd.Flags().StringVarP(&filter, "filter", "f", "", "CEL condition, instead of IDs")
	cmd.Flags().StringVar(&reason, "reason", "", "why; required for accepted and false_positive")
	cmd.Flags().StringVar(&ends, "until", "", "date at which accepted or false_positive ends (90 days)")
	return cmd
}

func (c *cli) exposureUndoCmd() *cobra.Command {
	return &cobra.Command{
		Use: "undo CHANGE", Short: "Take a change of states back", Args: cobra.ExactArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var res httpapi.ChangeResult
			if err := a.do(cmd.Context(), http.MethodPost, "/changes/"+url.PathEscape(args[0])+"/undo", nil, &res); err != nil {
				return err
			}
			return c.printer().object(res, [2]string{"Changed back", strconv.Itoa(res.Changed)})
		}),
	}
}

func (c *cli) validateCmd() *cobra.Command {
	detach := false
	cmd := &cobra.Command{
		Use: "validate ID…", Short: "Look at the place of an exposure again and keep the verdict", Args: cobra.MinimumNArgs(1),
		Long: `Has the source that saw the exposure look at the same place again. If the
weakness is gone, the exposure becomes fixed, with the evidence. Exit code 10 if
one is still there, 6 if one could not be looked at.`,
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			if detach {
				for _, arg := range args {
					id, err := gyre.ParseID(arg)
					if err == nil {
						err = c.addJob(cmd.Context(), a, gyre.JobInput{Kind: "retest", Exposure: id})
					}
					if err != nil {
						return err
					}
				}
				return nil
			}
			var verdicts []gyre.Verdict
			r := &rows{header: []string{"Exposure", "Verdict", "Method", "Evidence"}}
			standing, unclear := 0, 0
			for _, id := range args {
				var v gyre.Verdict
				if err := a.do(cmd.Context(), http.MethodPost, "/exposures/"+url.PathEscape(id)+"/validate", nil, &v); err != nil {
					return err
				}
				switch v.Outcome {
				case gyre.OutcomeStillThere:
					standing++
				case gyre.OutcomeInconclusive:
					unclear++
				}
				verdicts = append(verdicts, v)
				r.add(id, string(v.Outcome), v.Method, short(v.Evidence.Summary, 100))
			}
			if err := c.printer().list(verdicts, r); err != nil {
				return err
			}
			switch {
			case standing > 0:
				return &exitError{code: exitFindings}
			case unclear > 0:
				return &exitError{code: exitUnavailable}
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&detach, "detach", false, "return at once with the jobs; needs a running server")
	return cmd
}
