// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
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

func (c *cli) cycleCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "cycle", Short: "Turn the loop, and see what each turn changed"}
	cmd.AddCommand(c.cycleRunCmd(), c.cycleListCmd(), c.cycleShowCmd(), c.cycleDiffCmd(), c.cycleResumeCmd(), c.cycleCancelCmd())
	return cmd
}

func (c *cli) cycleRunCmd() *cobra.Command {
	var scopes []string
	var detach bool
	var failOn string
	cmd := &cobra.Command{
		Use: "run", Short: "Run a cycle over all scopes, or the named ones", Args: cobra.NoArgs,
		Example: `  gyre cycle run
  gyre cycle run --scope shop --fail-on high     for pipelines: exit code 10 when something high is active`,
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			ids, err := a.scopeIDs(cmd.Context(), scopes)
			if err != nil {
				return err
			}
			if detach && failOn != "" {
				return gyre.FieldErrorf(gyre.Invalid, "--fail-on", "what is active is known when the cycle has ended; leave --detach out")
			}
			if detach {
				return c.addJob(cmd.Context(), a, gyre.JobInput{Kind: "cycle", Scopes: ids})
			}
			cy, err := c.runCycle(cmd.Context(), a, ids)
			if err != nil {
				return err
			}
			if err := c.showCycle(cy); err != nil {
				return err
			}
			return failOnBand(cy.After, failOn)
		}),
	}
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "name of a scope; several allowed")
	cmd.Flags().BoolVar(&detach, "detach", false, "return the job at once; needs a running server")
	cmd.Flags().StringVar(&failOn, "fail-on", "", "exit with 10 if an exposure of this band or worse is active: critical, high, medium, low")
	return cmd
}

// runCycle starts a cycle and follows it. Ctrl-C cancels it.
func (c *cli) runCycle(ctx context.Context, a *api, scopes []gyre.ID) (gyre.Cycle, error) {
	var cy gyre.Cycle
	if err := a.do(ctx, http.MethodPost, "/cycles", httpapi.CycleInput{Scopes: scopes}, &cy); err != nil {
		return cy, err
	}
	return c.followCycle(ctx, a, cy)
}

func (c *cli) followCycle(ctx context.Context, a *api, cy gyre.Cycle) (gyre.Cycle, error) {
	w := c.err
	if c.quiet {
		w = discard{}
	}
	end, err := follow(ctx, w, c.terminal() && !c.quiet, cy, func(ctx context.Context) (gyre.Cycle, error) {
		var d httpapi.CycleDetail
		err := a.get(ctx, "/cycles/"+cy.ID.String(), nil, &d)
		return d.Cycle, err
	})
	if err != nil && ctx.Err() != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = a.do(stop, http.MethodPost, "/cycles/"+cy.ID.String()+"/cancel", nil, nil)
		return end, err
	}
	if err == nil && end.State == gyre.CycleFailed {
		err = gyre.Errorf(gyre.Unavailable, "cycle %d failed: %s", end.Number, end.Error)
	}
	return end, err
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func failOnBand(t gyre.Tally, word string) error {
	if word == "" {
		return nil
	}
	n := 0
	for _, b := range gyre.Bands {
		n += t.Bands[b]
		if string(b) == word {
			if n > 0 {
				return &exitError{exitFindings, fmt.Sprintf("%d active exposures of band %s or worse", n, word)}
			}
			return nil
		}
	}
	return gyre.FieldErrorf(gyre.Invalid, "--fail-on", "%q is none of critical, high, medium, low, minimal", word)
}

// cycleID finds a cycle by number, ID or the word latest.
func (a *api) cycleID(ctx context.Context, arg string) (gyre.ID, error) {
	var list httpapi.CycleList
	n, numErr := strconv.Atoi(arg)
	if numErr != nil && arg != "latest" {
		return gyre.ParseID(arg)
	}
	if err := a.get(ctx, "/cycles", url.Values{"limit": {"1000"}}, &list); err != nil {
		return 0, err
	}
	for _, cy := range list.Items {
		if arg == "latest" || cy.Number == n {
			return cy.ID, nil
		}
	}
	if len(list.Items) == 0 {
		return 0, gyre.Errorf(gyre.NotFound, "there is no cycle yet; start one with: gyre cycle run")
	}
	return 0, gyre.Errorf(gyre.NotFound, "there is no cycle %s", arg)
}

func (c *cli) cycleListCmd() *cobra.Command {
	limit := 20
	cmd := &cobra.Command{
		Use: "list", Short: "List cycles, newest first", Args: cobra.NoArgs,
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			var list httpapi.CycleList
			if err := a.get(cmd.Context(), "/cycles", url.Values{"limit": {strconv.Itoa(limit)}}, &list); err != nil {
				return err
			}
			r := &rows{header: []string{"Cycle", "State", "Started", "Took", "Exposures", "Risk", "Change", "New", "Closed", "Reopened"}}
			for _, cy := range list.Items {
				exposures, risk, change := measured(cy)
				r.add(strconv.Itoa(cy.Number), string(cy.State), when(cy.Started), took(cy.Started, cy.Ended), exposures,
					risk, change, strconv.Itoa(cy.Created), strconv.Itoa(cy.Closed), strconv.Itoa(cy.Reopened))
			}
			if len(r.cells) == 0 {
				r.footer = "No cycle yet. Start one with: gyre cycle run"
			}
			return c.printer().list(list, r)
		}),
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "at most this many")
	return cmd
}

// measured is what a cycle left behind: nothing is known of one that was killed
// or still runs, and a zero there would read as an estate without risk.
func measured(cy gyre.Cycle) (exposures, risk, change string) {
	if cy.State == gyre.CycleRunning || cy.State == gyre.CycleInterrupted {
		return "", "", ""
	}
	return strconv.Itoa(cy.After.Exposures), points(cy.After.Risk), signed(cy.After.Risk - cy.Before.Risk)
}

func (c *cli) cycleShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show [NUMBER|latest]", Short: "Show a cycle: stages, runs, what it could not look at", Args: cobra.MaximumNArgs(1),
		Example: "  gyre cycle show\n  gyre cycle show 3 -o json",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			id, err := a.cycleID(cmd.Context(), argOr(args, 0, "latest"))
			if err != nil {
				return err
			}
			var d httpapi.CycleDetail
			if err := a.get(cmd.Context(), "/cycles/"+id.String(), nil, &d); err != nil {
				return err
			}
			p := c.printer()
			if p.format != "table" {
				return p.object(d, cycleFields(d.Cycle)...)
			}
			if err := c.showCycle(d.Cycle); err != nil {
				return err
			}
			r := &rows{header: []string{"Source", "Target", "Status", "Assets", "Facts", "Components", "Sightings", "Could not"}}
			for _, run := range d.Runs {
				if run.Source == "identify" {
					continue
				}
				r.add(run.Source, short(run.Target, 50), string(run.Status), strconv.Itoa(run.Counts.Assets), strconv.Itoa(run.Counts.Facts),
					strconv.Itoa(run.Counts.Components), strconv.Itoa(run.Counts.Findings), nonzero(len(couldNot(run))))
			}
			p.say("")
			if err := p.list(d.Runs, r); err != nil {
				return err
			}
			for _, run := range d.Runs {
				lines := couldNot(run)
				if more := len(lines) - maxCouldNot; more > 0 {
					lines = append(lines[:maxCouldNot:maxCouldNot], fmt.Sprintf("and %d more; -o json has them all", more))
				}
				for _, line := range lines {
					p.say("%s", printable(fmt.Sprintf("%s %s could not: %s", run.Source, run.Target, line)))
				}
			}
			return nil
		}),
	}
}

// maxCouldNot is how many lines of a run are shown to people.
const maxCouldNot = 20

// couldNot is what a run could not look at, one line each.
func couldNot(r gyre.Run) []string {
	out := make([]string, 0, len(r.Problems)+len(r.Limits))
	for _, p := range r.Problems {
		out = append(out, strings.TrimPrefix(p.Place+": "+p.Reason, ": "))
	}
	return append(out, r.Limits...)
}

func cycleFields(cy gyre.Cycle) [][2]string {
	fields := [][2]string{
		{"Cycle", fmt.Sprintf("%d, %s", cy.Number, cy.State)},
		{"Started", when(cy.Started) + " by " + cy.Trigger},
		{"Took", took(cy.Started, cy.Ended)},
	}
	for _, s := range cy.Stages {
		text := s.State
		if !s.Started.IsZero() {
			text += " " + took(s.Started, s.Ended)
		}
		if s.Note != "" {
			text += ", " + s.Note
		}
		fields = append(fields, [2]string{string(s.Stage), text})
	}
	fields = append(fields, [2]string{"Error", cy.Error})
	if _, risk, _ := measured(cy); risk == "" {
		return append(fields, [2]string{"Risk", points(cy.Before.Risk) + " points before; not measured since"})
	}
	return append(
		fields,
		[2]string{"Risk", fmt.Sprintf("%s points before, %s after", points(cy.Before.Risk), points(cy.After.Risk))},
		[2]string{"Exposures", fmt.Sprintf("%d active on %s; %d new, %d closed by evidence, %d reopened", cy.After.Exposures, count(cy.After.Assets, "asset"), cy.Created, cy.Closed, cy.Reopened)},
	)
}

func (c *cli) showCycle(cy gyre.Cycle) error { return c.printer().object(cy, cycleFields(cy)...) }

func (c *cli) cycleDiffCmd() *cobra.Command {
	return &cobra.Command{
		Use: "diff NUMBER [NUMBER]", Short: "What changed from the end of one cycle to the end of another (the latest)", Args: cobra.RangeArgs(1, 2),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			from, err := a.cycleID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			to, err := a.cycleID(cmd.Context(), argOr(args, 1, "latest"))
			if err != nil {
				return err
			}
			var d httpapi.CycleDiff
			if err := a.get(cmd.Context(), "/cycles/"+to.String()+"/diff", url.Values{"with": {from.String()}}, &d); err != nil {
				return err
			}
			r := &rows{header: []string{"Change", "Risk", "Weakness", "Asset", "Place", "Title"}}
			for _, part := range []struct {
				word string
				rows []gyre.ExposureRow
			}{{"new", d.Created}, {"reopened", d.Reopened}, {"closed", d.Closed}} {
				for _, e := range part.rows {
					r.add(movedBy(part.word, e.State), points(e.Risk), e.Weakness, e.Asset.Name, short(e.Locus, 40), short(e.Title, 60))
				}
			}
			r.footer = fmt.Sprintf("Risk %s → %s points.", points(d.Risk.From), points(d.Risk.To))
			return c.printer().list(d, r)
		}),
	}
}

// movedBy says closed only of what evidence closed; a person sets aside.
func movedBy(word string, s gyre.State) string {
	if word == "closed" && s != gyre.StateFixed {
		return string(s)
	}
	return word
}

func (c *cli) cycleResumeCmd() *cobra.Command {
	return &cobra.Command{
		Use: "resume [NUMBER|latest]", Short: "Continue an interrupted, failed or cancelled cycle", Args: cobra.MaximumNArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			id, err := a.cycleID(cmd.Context(), argOr(args, 0, "latest"))
			if err != nil {
				return err
			}
			var cy gyre.Cycle
			if err := a.do(cmd.Context(), http.MethodPost, "/cycles/"+id.String()+"/resume", nil, &cy); err != nil {
				return err
			}
			if cy, err = c.followCycle(cmd.Context(), a, cy); err != nil {
				return err
			}
			return c.showCycle(cy)
		}),
	}
}

func (c *cli) cycleCancelCmd() *cobra.Command {
	return &cobra.Command{
		Use: "cancel [NUMBER|latest]", Short: "Stop a running cycle", Args: cobra.MaximumNArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			id, err := a.cycleID(cmd.Context(), argOr(args, 0, "latest"))
			if err != nil {
				return err
			}
			return a.do(cmd.Context(), http.MethodPost, "/cycles/"+id.String()+"/cancel", nil, nil)
		}),
	}
}
