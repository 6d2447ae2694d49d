// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/gyre-ctem/gyre"
)

// Load is how much there is to do in one queue for one workspace.
type Load struct {
	Workspace gyre.ID
	Kind      string
	Queue     string // LocalQueue for those that commands work themselves
	Waiting   int    // also for the next attempt
	Running   int
	Dead      int       // failed for good
	Oldest    time.Time // when the first of those that wait was asked for; zero: none waits
	Workers   int       // processes that take jobs from it
}

// LocalQueue stands for the queues that only one process works, whatever its name.
const LocalQueue = "local"

// Load lists what there is to do in each queue that has or had something to do, and in
// the queue of each kind, of the workspaces given.
func (q *Queue) Load(ctx context.Context, spaces ...gyre.ID) ([]Load, error) {
	totals, err := q.opt.DB.JobTotals(ctx)
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	workers, err := q.opt.DB.Workers(ctx)
	if err != nil {
		return nil, fmt.Errorf("list workers: %w", err)
	}
	type place struct {
		ws          gyre.ID
		kind, queue string
	}
	all := map[place]*Load{}
	at := func(p place) *Load {
		if all[p] == nil {
			all[p] = &Load{Workspace: p.ws, Kind: p.kind, Queue: p.queue}
		}
		return all[p]
	}
	for _, ws := range spaces {
		for kind := range q.kinds {
			at(place{ws, kind, kind})
		}
	}
	for _, t := range totals {
		if !slices.Contains(spaces, t.Workspace) {
			continue
		}
		queue := t.Queue
		if strings.HasPrefix(queue, localQueue) {
			queue = LocalQueue
		}
		l := at(place{t.Workspace, t.Kind, queue})
		switch stateOf(rivertype.JobState(t.State)) {
		case gyre.JobRunning:
			l.Running += t.Count
		case gyre.JobFailed:
			l.Dead += t.Count
		default:
			l.Waiting += t.Count
			if l.Oldest.IsZero() || t.Oldest.Before(l.Oldest) {
				l.Oldest = t.Oldest
			}
		}
	}
	list := make([]Load, 0, len(all))
	for _, l := range all {
		for _, w := range workers {
			if slices.Contains(w.Queues, l.Queue) || l.Queue == LocalQueue && slices.ContainsFunc(w.Queues, func(n string) bool { return strings.HasPrefix(n, localQueue) }) {
				l.Workers++
			}
		}
		list = append(list, *l)
	}
	slices.SortFunc(list, func(a, b Load) int {
		return cmp.Or(cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Queue, b.Queue))
	})
	return list, nil
}
