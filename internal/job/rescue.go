// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
)

const (
	beatEvery = time.Second
	tickEvery = time.Second
	// maxRescues is after how many lost processes a job is no longer given to
	// another one: it may be what brings them down.
	maxRescues = 25
	// maxRunning is how many running jobs are looked at; no installation has more.
	maxRunning = 10_000
)

// live says that this process is there and looks after the others, until ctx ends.
func (q *Queue) live(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := q.beat(ctx); err != nil && ctx.Err() == nil {
			q.opt.Log.Warn("look after the processes that work jobs", "error", err)
		}
	}
}

// ticks asks for what is due, until ctx ends. It is apart from the beat: it may
// wait for a workspace's turn, and whoever does not beat is taken for gone.
func (q *Queue) ticks(ctx context.Context) {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if q.serving() {
			q.Tick(ctx)
		}
	}
}

func (q *Queue) serving() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.plan.serving
}

func (q *Queue) beat(ctx context.Context) error {
	if q.opt.DB.Engine() == store.SQLite {
		return nil // there is nobody else
	}
	q.mu.Lock()
	self := q.self.ID
	q.mu.Unlock()
	there, err := q.opt.DB.Beat(ctx, self)
	if err != nil {
		return err
	}
	if !there {
		if err := q.reborn(ctx); err != nil {
			return err
		}
	}
	// Jobs before workers: a worker is in its table before it takes a job.
	running, err := q.client.JobList(ctx, river.NewJobListParams().States(rivertype.JobStateRunning).First(maxRunning))
	if err != nil {
		return fmt.Errorf("list running jobs: %w", err)
	}
	beats, err := q.opt.DB.Beats(ctx)
	if err != nil {
		return fmt.Errorf("list beats: %w", err)
	}
	gone := q.silent(beats, time.Now())
	orphans := len(gone) > 0
	for _, j := range running.Jobs {
		_, known := beats[workerOf(j)]
		orphans = orphans || !known
	}
	if !orphans {
		return nil
	}
	return q.rescue(ctx, gone)
}

// sighting is the newest beat that was seen of a worker, and when it was new.
type sighting struct {
	beat  int64
	since time.Time
}

// silent lists the workers whose beat has not changed for too long, by this
// process's own clock.
func (q *Queue) silent(beats map[gyre.ID]int64, now time.Time) map[gyre.ID]int64 {
	gone := map[gyre.ID]int64{}
	for id, beat := range beats {
		s, known := q.seen[id]
		if !known || s.beat != beat {
			q.seen[id] = sighting{beat, now}
		} else if now.Sub(s.since) > q.opt.GoneAfter {
			gone[id] = beat
		}
	}
	for id := range q.seen {
		if _, there := beats[id]; !there {
			delete(q.seen, id)
		}
	}
	return gone
}

// reborn is for a process that was taken for gone but was only slow, such as a
// suspended machine. Its jobs are others' now; it goes on under a new name.
func (q *Queue) reborn(ctx context.Context) error {
	q.opt.Log.Warn("this process was silent for too long; others have taken its jobs over")
	q.mu.Lock()
	h := q.hand
	q.hand = nil
	q.mu.Unlock()
	if h != nil {
		stop, cancel := context.WithTimeout(ctx, 30*time.Second)
		h.stop(stop)
		cancel()
	}
	if err := q.register(ctx); err != nil {
		return err
	}
	return q.work(ctx)
}

// rescue strikes out the workers that are gone and gives what they had in hand
// back to its queue, in one transaction.
func (q *Queue) rescue(ctx context.Context, gone map[gyre.ID]int64) error {
	err := q.opt.DB.Alone(ctx, func(tx *sql.Tx) error {
		for id, beat := range gone {
			if err := store.RemoveWorker(ctx, tx, id, beat); err != nil {
				return fmt.Errorf("strike out worker %s: %w", id, err)
			}
		}
		running, err := q.client.JobListTx(ctx, tx, river.NewJobListParams().States(rivertype.JobStateRunning).First(maxRunning))
		if err != nil {
			return fmt.Errorf("list running jobs: %w", err)
		}
		live, err := store.LiveWorkers(ctx, tx)
		if err != nil {
			return fmt.Errorf("list workers: %w", err)
		}
		for _, j := range running.Jobs {
			if worker := workerOf(j); !live[worker] {
				if err := q.giveBack(ctx, tx, j, worker); err != nil {
					return fmt.Errorf("give job %d back: %w", j.ID, err)
				}
			}
		}
		return q.dropLocal(ctx, tx, live)
	})
	if err != nil {
		return err
	}
	runs, cycles, err := q.opt.DB.InterruptRuns(ctx)
	if err != nil {
		return fmt.Errorf("mark interrupted runs: %w", err)
	}
	if runs+cycles > 0 {
		q.opt.Log.Warn("a process ended in the middle of its work", "runs", runs, "cycles", cycles)
	}
	return nil
}

// giveBack makes a job that a lost process had in hand ready for another one. A
// lost process is no failed attempt, but a job that loses many is a dead letter.
func (q *Queue) giveBack(ctx context.Context, tx *sql.Tx, j *rivertype.JobRow, worker gyre.ID) error {
	now := time.Now()
	p := &riverdriver.JobRescueManyParams{
		ID: []int64{j.ID}, FinalizedAt: []*time.Time{nil}, ScheduledAt: []time.Time{now}, State: []string{string(rivertype.JobStateAvailable)},
		StuckHorizon: now.Add(never),
	}
	text := "the process that worked it, " + worker.String() + ", is gone"
	if n := rescues(j) + 1; n > maxRescues {
		text += fmt.Sprintf("; it was the %dth that this job lost", n)
		p.State, p.FinalizedAt = []string{string(rivertype.JobStateDiscarded)}, []*time.Time{&now}
	}
	said, err := json.Marshal(rivertype.AttemptError{At: now.UTC(), Attempt: max(j.Attempt, 1), Error: text})
	if err != nil {
		return err
	}
	p.Error = [][]byte{said}
	if _, err := q.client.Driver().UnwrapExecutor(tx).JobRescueMany(ctx, p); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE river_job SET attempt = CASE WHEN attempt > 1 THEN attempt - 1 ELSE 0 END WHERE id = $1", j.ID)
	if err == nil {
		q.opt.Log.Warn("job of a lost process goes to another one", "job", gyre.ID(j.ID), "kind", j.Kind, "worker", worker)
	}
	return err
}

// dropLocal cancels what only a process that is gone would have worked: the
// command that asked for it has ended.
func (q *Queue) dropLocal(ctx context.Context, tx *sql.Tx, live map[gyre.ID]bool) error {
	queues, err := store.LocalQueues(ctx, tx, localQueue)
	if err != nil {
		return fmt.Errorf("list local queues: %w", err)
	}
	for _, name := range queues {
		if owner, err := gyre.ParseID(name[len(localQueue):]); err == nil && live[owner] {
			continue
		}
		jobs, err := q.client.JobListTx(ctx, tx, river.NewJobListParams().Queues(name).First(maxRunning).States(
			rivertype.JobStateAvailable, rivertype.JobStateRetryable, rivertype.JobStateScheduled, rivertype.JobStatePending,
		))
		if err != nil {
			return fmt.Errorf("list jobs of %s: %w", name, err)
		}
		for _, j := range jobs.Jobs {
			if _, err := q.client.JobCancelTx(ctx, tx, j.ID); err != nil {
				return fmt.Errorf("cancel job %d: %w", j.ID, err)
			}
		}
	}
	return nil
}

// workerOf is the process that works a job, or did last; 0 when nobody did.
func workerOf(j *rivertype.JobRow) gyre.ID {
	if len(j.AttemptedBy) == 0 {
		return 0
	}
	id, _ := gyre.ParseID(j.AttemptedBy[len(j.AttemptedBy)-1])
	return id
}

// rescues is how many processes a job has lost; River counts it in the metadata.
func rescues(j *rivertype.JobRow) int {
	var m struct {
		Rescued int `json:"river:rescue_count"`
	}
	_ = json.Unmarshal(j.Metadata, &m)
	return m.Rescued
}
