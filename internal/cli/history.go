// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

const asOfHelp = "how it was at the end of a day (2026-11-01, UTC) or at a time (2026-11-01T12:00:00Z)"

func addAsOf(cmd *cobra.Command, asOf *string) { cmd.Flags().StringVar(asOf, "as-of", "", asOfHelp) }

func asOfQuery(asOf string) url.Values {
	if asOf == "" {
		return nil
	}
	return url.Values{"as_of": {asOf}}
}

// pastNote is what stands below an answer about the past.
func pastNote(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return fmt.Sprintf("\nAs of %s; who is who is as known today.", at.Local().Format("2006-01-02 15:04:05"))
}

func (c *cli) overviewCmd() *cobra.Command {
	var asOf string
	cmd := &cobra.Command{
		Use: "overview", Short: "Show the estate in numbers, now or as it was", Args: cobra.NoArgs,
		Example: "  gyre overview\n  gyre overview --as-of 2026-11-01",
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			q := url.Values{}
			if asOf != "" {
				q.Set("as_of", asOf)
			}
			var o httpapi.Overview
			if err := a.get(cmd.Context(), "/overview", q, &o); err != nil {
				return err
			}
			t := o.Tally
			fields := [][2]string{
				{"Risk", points(t.Risk) + " points"},
				{"Exposures", strconv.Itoa(t.Exposures) + " active"},
				{"By band", counts(gyre.Bands, t.Bands)},
				{"By class", counts(slices.Sorted(maps.Keys(t.Classes)), t.Classes)},
				{"Assets", strconv.Itoa(t.Assets)},
			}
			if o.Cycle != nil {
				fields = append(fields, [2]string{"Latest cycle", fmt.Sprintf("%d, %s %s", o.Cycle.Number, o.Cycle.State, when(o.Cycle.Ended))})
			}
			fields = append(fields, [2]string{"Looked at last", when(o.Freshness)})
			p := c.printer()
			if err := p.object(o, fields...); err != nil {
				return err
			}
			if note := pastNote(o.AsOf); note != "" {
				p.say("%s", strings.TrimPrefix(note, "\n"))
			}
			return nil
		}),
	}
	cmd.Flags().StringVar(&asOf, "as-of", "", asOfHelp)
	return cmd
}

// counts writes "3 critical, 10 high".
func counts[K ~string](order []K, of map[K]int) string {
	var parts []string
	for _, k := range order {
		if of[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", of[k], k))
		}
	}
	return strings.Join(parts, ", ")
}

func (c *cli) historyCmd() *cobra.Command {
	lf := listFlags{}
	cmd := &cobra.Command{
		Use: "history ID", Short: "Show what happened to an exposure, asset, action or scope: who, when, from what to what, why", Args: cobra.ExactArgs(1),
		Example: "  gyre history 06f3k2v8h4m0a\n  gyre history 06f3k2v8h4m0a --all -o csv",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			page, err := pages(cmd.Context(), a, "/history/"+url.PathEscape(args[0]), lf, func(p *httpapi.HistoryPage) *string { return &p.Next },
				func(all, p *httpapi.HistoryPage) { all.Items = append(all.Items, p.Items...) })
			if err != nil {
				return err
			}
			r := &rows{header: []string{"When", "What", "From", "To", "By", "Why"}}
			for _, e := range page.Items {
				by := e.Actor
				if e.Run != 0 {
					by = "run " + e.Run.String()
				}
				for i, l := range eventLines(e) {
					if i > 0 {
						r.add("", l.what, l.from, l.to, "", "")
						continue
					}
					r.add(when(e.At), l.what, l.from, l.to, by, short(e.Reason, 60))
				}
			}
			if page.Next != "" {
				r.footer = "There is more: --all"
			}
			return c.printer().list(page, r)
		}),
	}
	cmd.Flags().IntVar(&lf.limit, "limit", 100, "events, at most 1000")
	cmd.Flags().BoolVar(&lf.all, "all", false, "every event, page after page")
	return cmd
}

type eventLine struct{ what, from, to string }

// bookkeeping are fields that follow from what an event says anyway.
var bookkeeping = []string{"state_since", "fixed_at", "pinned", "sources", "updated"}

// eventLines says in words what an event changed: a line for each field.
func eventLines(e gyre.Event) []eventLine {
	var changes map[string][2]json.RawMessage
	_ = json.Unmarshal([]byte(cmp.Or(e.Changes, "{}")), &changes) // an old server's events say less
	first := eventLine{strings.ReplaceAll(e.Kind, "_", " "), e.From, e.To}
	var out []eventLine
	for _, field := range slices.Sorted(maps.Keys(changes)) {
		v := changes[field]
		switch {
		case slices.Contains(bookkeeping, field), field == e.Kind && e.From+e.To != "":
			continue
		}
		out = append(out, eventLine{fieldWord(field), fieldValue(field, v[0]), fieldValue(field, v[1])})
	}
	if e.Kind == "updated" && len(out) > 0 {
		return out
	}
	return append([]eventLine{first}, out...)
}

func fieldWord(field string) string {
	kind, rest, ofOne := strings.Cut(field, ":")
	if ofOne {
		return kind + " " + strings.ReplaceAll(rest, ":", " ")
	}
	return strings.ReplaceAll(field, "_", " ")
}

// fieldValue is a value of an event's changes for people.
func fieldValue(field string, v json.RawMessage) string {
	var number int64
	var list []string
	var text string
	var remedy gyre.Remedy
	var attributes map[string]string
	switch field {
	case "severity":
		if json.Unmarshal(v, &number) == nil {
			return gyre.Severity(number).String()
		}
	case "criticality":
		if json.Unmarshal(v, &number) == nil {
			return criticality(gyre.Criticality(number))
		}
	case "first_seen", "published":
		if json.Unmarshal(v, &number) == nil && number != 0 {
			return when(time.UnixMicro(number))
		}
		return ""
	case "due":
		if json.Unmarshal(v, &number) == nil && number != 0 {
			return time.UnixMicro(number).UTC().Format(time.DateOnly)
		}
		return ""
	case "remedy":
		if json.Unmarshal(v, &remedy) == nil {
			return strings.TrimSpace(strings.Join([]string{string(remedy.Kind), remedy.Package, remedy.Fixed, remedy.Check}, " "))
		}
	case "attributes":
		if json.Unmarshal(v, &attributes) == nil {
			for _, k := range slices.Sorted(maps.Keys(attributes)) {
				list = append(list, k+"="+attributes[k])
			}
			return short(strings.Join(list, ", "), 80)
		}
	}
	switch {
	case string(v) == "null":
		return ""
	case json.Unmarshal(v, &text) == nil:
		return text
	case json.Unmarshal(v, &list) == nil:
		return short(strings.Join(list, ", "), 80)
	}
	if word, is := map[string]string{"true": "yes", "false": "no"}[string(v)]; is {
		return word
	}
	return short(string(v), 80)
}

func (c *cli) trendCmd() *cobra.Command {
	var from, to, step string
	cmd := &cobra.Command{
		Use: "trend", Short: "Show how risk moved over time", Args: cobra.NoArgs,
		Long: `Adds up the estate at the end of each day, week or month, out of its history:
the same totals as overview --as-of gives for that moment.`,
		Example: "  gyre trend\n  gyre trend --from 2026-09-01 --to 2026-11-01 --step week -o csv",
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			q := url.Values{}
			for k, v := range map[string]string{"from": from, "to": to, "step": step} {
				if v != "" {
					q.Set(k, v)
				}
			}
			var t httpapi.Trend
			if err := a.get(cmd.Context(), "/trend", q, &t); err != nil {
				return err
			}
			r := &rows{header: []string{"At", "Risk", "Change", "Exposures", "Critical", "High", "Medium", "Low", "Assets"}}
			for i, x := range t.Points {
				change := ""
				if i > 0 {
					change = signed(x.Risk - t.Points[i-1].Risk)
				}
				r.add(x.At.UTC().Format("2006-01-02 15:04"), points(x.Risk), change, strconv.Itoa(x.Exposures), strconv.Itoa(x.Bands[gyre.BandCritical]),
					strconv.Itoa(x.Bands[gyre.BandHigh]), strconv.Itoa(x.Bands[gyre.BandMedium]), strconv.Itoa(x.Bands[gyre.BandLow]), strconv.Itoa(x.Assets))
			}
			r.footer = "Times are UTC; who is who is as known today."
			if len(t.Points) == 0 {
				r.footer = "There is no history yet."
			}
			return c.printer().list(t, r)
		}),
	}
	cmd.Flags().StringVar(&from, "from", "", "date or time; 30 steps ago when left out")
	cmd.Flags().StringVar(&to, "to", "", "date or time; now when left out")
	cmd.Flags().StringVar(&step, "step", "", "hour, day, week or month (day)")
	return cmd
}

func (c *cli) compactCmd() *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use: "compact", Short: "Remove what old runs leave and nobody will ask for again", Args: cobra.NoArgs,
		Long: `Removes what runs older than the setting keep-coverage covered, and the data of
the evidence of exposures that were fixed longer ago than keep-evidence. Events
are never removed: lists, looking back and closing are as before. A server
does this by itself every hour.`,
		Example: "  gyre compact --dry-run",
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			var n gyre.Compacted
			if err := a.do(cmd.Context(), http.MethodPost, "/compact", httpapi.CompactInput{DryRun: dry}, &n); err != nil {
				return err
			}
			word := "Removed"
			if dry {
				word = "Would be removed"
			}
			return c.printer().object(n,
				[2]string{word, fmt.Sprintf("of %s: %s of coverage, %s of assets touched", count(n.Runs, "run"), count(n.Coverage, "row"), count(n.RunAssets, "row"))},
				[2]string{"Shortened", fmt.Sprintf("evidence of %s of fixed exposures, %d bytes", count(n.Evidence, "sighting"), n.Bytes)},
			)
		}),
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would go")
	return cmd
}
