// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

func (c *cli) scheduleCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "schedule", Aliases: []string{"schedules"}, Short: "Have cycles and feed syncs done again and again",
		Long: "Schedules are kept in the database and fire while a server or a worker runs, once however many run.\nTimes that passed while nothing ran bring one job together.",
	}
	cmd.AddCommand(
		c.scheduleListCmd(), c.scheduleAddCmd(),
		c.schedulePauseCmd("pause", "Stop a schedule until it is resumed", true),
		c.schedulePauseCmd("resume", "Let a paused schedule go on; what it missed is not made up for", false),
		c.scheduleRemoveCmd(),
	)
	return cmd
}

// schedule finds a schedule by its name or ID.
func (a *api) schedule(ctx context.Context, name string) (gyre.Schedule, error) {
	var list httpapi.ScheduleList
	if err := a.get(ctx, "/schedules", nil, &list); err != nil {
		return gyre.Schedule{}, err
	}
	for _, s := range list.Items {
		if s.Name == name || s.ID.String() == name {
			return s, nil
		}
	}
	return gyre.Schedule{}, gyre.Errorf(gyre.NotFound, "there is no schedule %q; see 'gyre schedule list'", name)
}

func scheduleState(s gyre.Schedule) string {
	switch {
	case s.Paused:
		return "paused"
	case s.Problem != "":
		return s.Problem
	}
	return "fine"
}

func (c *cli) showSchedule(s gyre.Schedule) error {
	return c.printer().object(
		s,
		[2]string{"Schedule", s.Name + " (" + s.ID.String() + ")"},
		[2]string{"Does", s.Kind + " " + s.Feed},
		[2]string{"When", s.When},
		[2]string{"Next", when(s.Next)},
		[2]string{"State", scheduleState(s)},
	)
}

func (c *cli) scheduleListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List schedules, when they are due and what is wrong", Args: cobra.NoArgs,
		Example: "  gyre schedule list\n  gyre schedule list -o json",
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			var list httpapi.ScheduleList
			if err := a.get(cmd.Context(), "/schedules", nil, &list); err != nil {
				return err
			}
			r := &rows{header: []string{"Name", "Does", "When", "Next", "Last", "Last job", "State"}}
			for _, s := range list.Items {
				r.add(s.Name, s.Kind+" "+s.Feed, s.When, when(s.Next), when(s.Last), s.LastJob.String(), short(scheduleState(s), 80))
			}
			if len(r.cells) == 0 {
				r.footer = "No schedule yet. Add one with: gyre schedule add nightly --cycle --when '30 2 * * *'"
			}
			return c.printer().list(list, r)
		}),
	}
}

func (c *cli) scheduleAddCmd() *cobra.Command {
	var in gyre.ScheduleInput
	var cycle, sync bool
	var scopes []string
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a schedule", Args: cobra.ExactArgs(1),
		Example: `  gyre schedule add nightly --cycle --when '30 2 * * *'              each night at 02:30 UTC
  gyre schedule add office --cycle --scope office --when '0 8-18 * * mon-fri'
  gyre schedule add feeds --sync --when 6h
  gyre schedule add kev --sync --feed kev --when 1h -o json`,
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			in.Name, in.Kind = args[0], "cycle"
			if sync {
				in.Kind = "sync"
			}
			var err error
			if in.Scopes, err = a.scopeIDs(cmd.Context(), scopes); err != nil {
				return err
			}
			var s gyre.Schedule
			if err := a.do(cmd.Context(), http.MethodPost, "/schedules", in, &s); err != nil {
				return err
			}
			return c.showSchedule(s)
		}),
	}
	cmd.Flags().BoolVar(&cycle, "cycle", false, "do a cycle")
	cmd.Flags().BoolVar(&sync, "sync", false, "fetch feeds")
	cmd.Flags().StringVar(&in.When, "when", "", "a span such as 6h, or five cron fields in UTC: minute hour day month weekday")
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "of a cycle: scopes, by name (all)")
	cmd.Flags().StringVar(&in.Feed, "feed", "", "of a sync: one feed (all)")
	cmd.Flags().BoolVar(&in.Paused, "paused", false, "add it paused")
	cmd.MarkFlagsMutuallyExclusive("cycle", "sync")
	cmd.MarkFlagsOneRequired("cycle", "sync")
	_ = cmd.MarkFlagRequired("when")
	return cmd
}

func (c *cli) schedulePauseCmd(name, what string, paused bool) *cobra.Command {
	return &cobra.Command{
		Use: name + " NAME", Short: what, Args: cobra.ExactArgs(1),
		Example: "  gyre schedule " + name + " nightly",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			s, err := a.schedule(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var changed gyre.Schedule // not s: what an answer leaves out would stay
			if err := a.do(cmd.Context(), http.MethodPatch, "/schedules/"+url.PathEscape(s.ID.String()), gyre.SchedulePatch{Paused: &paused}, &changed); err != nil {
				return err
			}
			return c.showSchedule(changed)
		}),
	}
}

func (c *cli) scheduleRemoveCmd() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove a schedule; jobs that it asked for stay", Args: cobra.ExactArgs(1),
		Example: "  gyre schedule remove nightly",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			s, err := a.schedule(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.do(cmd.Context(), http.MethodDelete, "/schedules/"+url.PathEscape(s.ID.String()), nil, nil)
		}),
	}
}
