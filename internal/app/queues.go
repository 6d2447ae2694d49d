// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/job"
)

// longWait is after how long a job that waits says that there are too few workers.
const longWait = time.Hour

// queueGauges are the numbers of the queues for Prometheus.
func (a *App) queueGauges(ctx context.Context, spaces []gyre.Workspace) ([]httpapi.Gauge, error) {
	ids, names := make([]gyre.ID, len(spaces)), map[gyre.ID]string{}
	for i, ws := range spaces {
		ids[i], names[ws.ID] = ws.ID, ws.Name
	}
	loads, err := a.queue.Load(ctx, ids...)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var list []httpapi.Gauge
	for _, l := range loads {
		label := map[string]string{"workspace": names[l.Workspace], "kind": l.Kind, "queue": l.Queue}
		oldest := 0.0
		if l.Waiting > 0 {
			oldest = max(now.Sub(l.Oldest).Seconds(), 0)
		}
		list = append(
			list,
			httpapi.Gauge{Name: "gyre_jobs_waiting", Help: "Jobs that wait, also for their next attempt.", Labels: label, Value: float64(l.Waiting)},
			httpapi.Gauge{Name: "gyre_jobs_oldest_seconds", Help: "How long ago the oldest job that waits was asked for.", Labels: label, Value: oldest},
			httpapi.Gauge{Name: "gyre_jobs_running", Help: "Jobs that some process works.", Labels: label, Value: float64(l.Running)},
			httpapi.Gauge{Name: "gyre_jobs_dead", Help: "Jobs that failed for good and wait for a person.", Labels: label, Value: float64(l.Dead)},
			httpapi.Gauge{Name: "gyre_queue_workers", Help: "Processes that take jobs from the queue.", Labels: label, Value: float64(l.Workers)},
		)
	}
	return list, nil
}

// examineJobs says which jobs nobody works, and which failed for good.
func (a *App) examineJobs(ctx context.Context, ws gyre.ID) []httpapi.Examination {
	loads, err := a.queue.Load(ctx, ws)
	if err != nil {
		return []httpapi.Examination{examination("jobs", err, "")}
	}
	var stuck, dead []string
	waiting, running := 0, 0
	for _, l := range loads {
		waiting += l.Waiting
		running += l.Running
		if text := stuckText(l, time.Now()); text != "" {
			stuck = append(stuck, text)
		}
		if l.Dead > 0 {
			dead = append(dead, fmt.Sprintf("%d of kind %s", l.Dead, l.Kind))
		}
	}
	var queues, letters error
	if len(stuck) > 0 {
		queues = fmt.Errorf("%s", strings.Join(stuck, "; "))
	}
	if len(dead) > 0 {
		letters = fmt.Errorf("failed for good: %s. See why with: gyre job list --state failed; then: gyre job retry JOB", strings.Join(dead, ", "))
	}
	return []httpapi.Examination{
		examination("queues", queues, fmt.Sprintf("%d jobs wait, %d are worked", waiting, running)),
		examination("dead letters", letters, "no job has failed for good"),
	}
}

func stuckText(l job.Load, now time.Time) string {
	wait := now.Sub(l.Oldest)
	switch {
	case l.Waiting == 0:
		return ""
	case l.Workers == 0:
		return fmt.Sprintf("%d jobs wait in queue %s, which no process works: start gyre serve with --workers above 0, or gyre worker", l.Waiting, l.Queue)
	case wait > longWait:
		return fmt.Sprintf("a job waits in queue %s for %s already: add processes with gyre worker --queues %s", l.Queue, wait.Round(time.Minute), l.Kind)
	}
	return ""
}
