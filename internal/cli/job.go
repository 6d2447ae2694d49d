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
	"github.com/gyre-ctem/gyre/internal/app"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

func (c *cli) jobCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "job", Aliases: []string{"jobs"}, Short: "What is being worked, waits or failed, and running it again"}
	cmd.AddCommand(c.jobListCmd(), c.jobShowCmd(), c.jobCancelCmd(), c.jobRetryCmd(), c.jobWatchCmd())
	return cmd
}

func (c *cli) jobListCmd() *cobra.Command {
	var states []string
	var kind string
	limit := 50
	cmd := &cobra.Command{
		Use: "list", Short: "List jobs, newest first", Args: cobra.NoArgs,
		Example: `  gyre job list --state running,waiting
  gyre job list --state failed           dead letters: look at them, then gyre job retry
  gyre job list --kind cycle -o json`,
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			if len(states) > 0 {
				q.Set("state", strings.Join(states, ","))
			}
			if kind != "" {
				q.Set("kind", kind)
			}
			var list httpapi.JobList
			if err := a.get(cmd.Context(), "/jobs", q, &list); err != nil {
				return err
			}
			r := &rows{header: []string{"Job", "Kind", "State", "Asked", "Took", "Attempts", "Progress", "By"}}
			for _, j := range list.Items {
				r.add(j.ID.String(), j.Kind, string(j.State), when(j.Created), took(j.Started, j.Ended), tries(j), short(progressOf(j), 60), j.Actor)
			}
			if len(r.cells) == 0 {
				r.footer = "No job yet."
				if len(states) > 0 || kind != "" {
					r.footer = "No job is of that state and kind."
				}
			}
			return c.printer().list(list, r)
		}),
	}
	cmd.Flags().StringSliceVar(&states, "state", nil, "waiting, scheduled, retrying, running, done, failed, cancelled; several allowed")
	cmd.Flags().StringVar(&kind, "kind", "", "cycle, discover, retest, import, sync, match or score")
	cmd.Flags().IntVar(&limit, "limit", limit, "at most this many")
	return cmd
}

func tries(j gyre.Job) string {
	text := fmt.Sprintf("%d of %d", j.Attempt, j.Attempts)
	if j.Rescued > 0 {
		text += fmt.Sprintf(", rescued %d times", j.Rescued)
	}
	return text
}

func progressOf(j gyre.Job) string {
	switch {
	case j.State == gyre.JobFailed && len(j.Errors) > 0:
		return j.Errors[len(j.Errors)-1].Text
	case j.Total > 0:
		return strings.TrimSpace(fmt.Sprintf("%d of %d %s", j.Done, j.Total, j.Note))
	}
	return j.Note
}

func (c *cli) showJob(j gyre.Job) error {
	fields := [][2]string{
		{"Job", j.ID.String()},
		{"Kind", strings.TrimSpace(j.Kind + " " + j.Name)},
		{"State", string(j.State)},
		{"Queue", j.Queue},
		{"Asked", when(j.Created) + " by " + j.Actor},
		{"Next", when(j.Next)},
		{"Took", took(j.Started, j.Ended)},
		{"Attempts", tries(j)},
		{"Worker", j.Worker.String()},
		{"Works on", j.Object.String()},
		{"Progress", progressOf(j)},
	}
	for _, e := range j.Errors {
		fields = append(fields, [2]string{"Failed", when(e.At) + ": " + e.Text})
	}
	return c.printer().object(j, fields...)
}

func (c *cli) jobShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show JOB", Short: "Show a job, and why it failed", Args: cobra.ExactArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var j gyre.Job
			if err := a.get(cmd.Context(), "/jobs/"+url.PathEscape(args[0]), nil, &j); err != nil {
				return err
			}
			return c.showJob(j)
		}),
	}
}

func (c *cli) jobCancelCmd() *cobra.Command {
	return &cobra.Command{
		Use: "cancel JOB", Short: "Stop a job", Args: cobra.ExactArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			return a.do(cmd.Context(), http.MethodPost, "/jobs/"+url.PathEscape(args[0])+"/cancel", nil, nil)
		}),
	}
}

func (c *cli) jobRetryCmd() *cobra.Command {
	return &cobra.Command{
		Use: "retry JOB", Short: "Run a job again that failed for good or was cancelled", Args: cobra.ExactArgs(1),
		Example: "  gyre job list --state failed\n  gyre job retry 000000000001a",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var j gyre.Job
			if err := a.do(cmd.Context(), http.MethodPost, "/jobs/"+url.PathEscape(args[0])+"/retry", nil, &j); err != nil {
				return err
			}
			return c.showJob(j)
		}),
	}
}

func (c *cli) jobWatchCmd() *cobra.Command {
	return &cobra.Command{
		Use: "watch JOB", Short: "Follow a job until it is over", Args: cobra.ExactArgs(1),
		Long: "Follows a job until it is over. Exit code 1 when it failed for good. Ctrl-C ends the watching, not the job.",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			j, err := c.watchJob(cmd.Context(), a, args[0])
			if err != nil {
				return err
			}
			if err := c.showJob(j); err != nil {
				return err
			}
			if j.State == gyre.JobFailed {
				return &exitError{code: exitFailed}
			}
			return nil
		}),
	}
}

// watchJob prints what a job does as it changes.
func (c *cli) watchJob(ctx context.Context, a *api, id string) (j gyre.Job, err error) {
	said := ""
	for {
		if err := a.get(ctx, "/jobs/"+url.PathEscape(id), nil, &j); err != nil {
			return j, err
		}
		line := strings.TrimSpace(fmt.Sprintf("%s %s %s", j.Kind, j.State, progressOf(j)))
		if line != said && !c.quiet {
			_, _ = fmt.Fprintln(c.err, printable(line))
			said = line
		}
		if j.State.Ended() {
			return j, nil
		}
		select {
		case <-ctx.Done():
			return j, ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// addJob asks for a job and says which one it is, for --detach.
func (c *cli) addJob(ctx context.Context, a *api, in gyre.JobInput) error {
	var j gyre.Job
	if err := a.do(ctx, http.MethodPost, "/jobs", in, &j); err != nil {
		return err
	}
	return c.showJob(j)
}

func (c *cli) workerCmd() *cobra.Command {
	var queues, zones []string
	cmd := &cobra.Command{
		Use: "worker", Short: "Work jobs beside a server, on the PostgreSQL database that it uses", Args: cobra.NoArgs,
		Long: `Works jobs until Ctrl-C. Any number of workers and servers share one PostgreSQL
database; when one disappears, the others take its jobs over within seconds. A
worker that declares zones works what lies in them, and nobody else does; with
--zone alone it works nothing else. A worker needs no data folder.`,
		Example: `  GYRE_DATABASE=postgres://gyre@db/gyre gyre worker
  gyre worker --database postgres://gyre@db/gyre --zone dmz
  gyre worker --queues cycle,retest --workers 8`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.settings(cmd, nil)
			if err != nil {
				return err
			}
			opt := app.Options{Config: cfg, Log: logger(c.err, cfg), Version: version, Worker: true, Queues: queues}
			for _, z := range zones {
				opt.Zones = append(opt.Zones, gyre.Zone(z))
			}
			a, err := app.Open(cmd.Context(), opt)
			if err != nil {
				return err
			}
			c.close = append(c.close, a.Close)
			return a.Work(cmd.Context())
		},
	}
	cmd.Flags().StringSliceVar(&queues, "queues", nil, "kinds of jobs to take: cycle, discover, retest, import, sync, match, score (all)")
	cmd.Flags().StringSliceVar(&zones, "zone", nil, "network zone that this process sits in; several allowed")
	showSettings(cmd)
	cmd.AddCommand(c.workerListCmd())
	return cmd
}

func (c *cli) workerListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the processes that share the database", Args: cobra.NoArgs,
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			var list httpapi.WorkerList
			if err := a.get(cmd.Context(), "/workers", nil, &list); err != nil {
				return err
			}
			r := &rows{header: []string{"Worker", "Host", "PID", "Queues", "Zones", "Started", "Seen", "Version"}}
			for _, w := range list.Items {
				var in []string
				for _, z := range w.Zones {
					in = append(in, string(z))
				}
				r.add(w.ID.String(), w.Host, strconv.Itoa(w.PID), strings.Join(w.Queues, " "), strings.Join(in, " "), when(w.Started), when(w.Seen), w.Version)
			}
			return c.printer().list(list, r)
		}),
	}
}
