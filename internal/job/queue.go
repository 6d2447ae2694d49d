// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
)

// Options is what a Queue stands on.
type Options struct {
	DB      *store.DB
	Log     *slog.Logger
	Version string
	// GoneAfter is how long a process may be silent before its jobs are handed to others.
	GoneAfter time.Duration
}

// Queue is the queue as one process sees it.
type Queue struct {
	opt   Options
	kinds map[string]Kind

	client *river.Client[*sql.Tx] // adds, reads, cancels; works nothing
	closer func()

	mu     sync.Mutex
	self   gyre.Worker // this process
	plan   plan
	hand   *hand // works jobs; nil: none
	closed bool

	life context.Context // of the process: when it ends, nobody waits
	stop context.CancelFunc
	wg   sync.WaitGroup
	seen map[gyre.ID]sighting // of the rescuer
	// Tick runs now and then in a process that serves: it asks for what is due. Set it before Join.
	Tick func(ctx context.Context)
}

// plan says which jobs this process works.
type plan struct {
	serving bool // else only its own, once it has some
	queues  map[string]river.QueueConfig
	zones   []gyre.Zone
}

// New makes a queue of the given kinds. Join it before use.
func New(ctx context.Context, opt Options, kinds ...Kind) (*Queue, error) {
	if opt.GoneAfter == 0 {
		opt.GoneAfter = 8 * time.Second
	}
	q := &Queue{opt: opt, life: ctx, kinds: map[string]Kind{}, seen: map[gyre.ID]sighting{}}
	for _, k := range kinds {
		q.kinds[k.Name] = k
	}
	driver, closer, err := opt.DB.River(ctx, 0)
	if err != nil {
		return nil, err
	}
	q.closer = closer
	// River tells of a new job at most once a cooldown; what comes in between waits for a poll.
	q.client, err = river.NewClient(driver, &river.Config{Logger: quiet(opt.Log), FetchCooldown: river.FetchCooldownMin})
	if err != nil {
		closer()
		return nil, fmt.Errorf("open queue: %w", err)
	}
	return q, nil
}

// Kinds lists the names of the kinds.
func (q *Queue) Kinds() []string { return slices.Sorted(maps.Keys(q.kinds)) }

// Join makes this process known to the others, and on SQLite, where there are no
// others, takes back what a dead one had in hand.
func (q *Queue) Join(ctx context.Context) error {
	if q.opt.DB.Engine() == store.SQLite {
		if err := q.opt.DB.LeaveAll(ctx); err != nil {
			return fmt.Errorf("forget earlier processes: %w", err)
		}
	}
	if err := q.register(ctx); err != nil {
		return err
	}
	if err := q.rescue(ctx, nil); err != nil {
		return err
	}
	bg, stop := context.WithCancel(context.WithoutCancel(ctx))
	q.stop = stop
	q.wg.Go(func() { q.live(bg) })
	if q.Tick != nil {
		q.wg.Go(func() { q.ticks(bg) })
	}
	return nil
}

// register gives this process a new name and writes it down.
func (q *Queue) register(ctx context.Context) error {
	host, _ := os.Hostname()
	q.mu.Lock()
	self := gyre.Worker{
		ID: gyre.NewID(), Host: host, PID: os.Getpid(), Version: q.opt.Version,
		Queues: slices.Sorted(maps.Keys(q.plan.queues)), Zones: q.plan.zones, Started: time.Now(),
	}
	q.mu.Unlock()
	if err := q.opt.DB.AddWorker(ctx, self); err != nil {
		return err
	}
	q.mu.Lock()
	q.self = self
	q.mu.Unlock()
	return nil
}

// Serve works jobs: at most parallel of a kind at once, of the named kinds
// (empty: all) and of those bound to the zones. Zero works none, but looks after
// processes that disappear.
func (q *Queue) Serve(ctx context.Context, parallel int, kinds []string, zones []gyre.Zone) error {
	p := plan{serving: true, queues: map[string]river.QueueConfig{}, zones: zones}
	if len(kinds) == 0 && len(zones) == 0 {
		kinds = q.Kinds()
	}
	if parallel > 0 {
		for _, name := range kinds {
			k, known := q.kinds[name]
			if !known {
				return gyre.FieldErrorf(gyre.Invalid, "queues", "%q is none of %s", name, strings.Join(q.Kinds(), ", "))
			}
			p.queues[name] = river.QueueConfig{MaxWorkers: min(parallel, k.Parallel)}
		}
		for _, z := range zones {
			for _, k := range q.kinds {
				if k.Zoned {
					p.queues[zoneQueue(k.Name, z)] = river.QueueConfig{MaxWorkers: min(parallel, k.Parallel)}
				}
			}
		}
	}
	q.mu.Lock()
	old := q.self.ID
	q.plan = p
	q.mu.Unlock()
	if err := q.register(ctx); err != nil { // with its queues
		return err
	}
	if err := q.opt.DB.Leave(ctx, old); err != nil {
		return err
	}
	return q.work(ctx)
}

// Request asks for a job.
type Request struct {
	Kind   string
	Name   string // see Once
	Zone   gyre.Zone
	Actor  string
	Object gyre.ID
	Args   any // JSON
}

// Add asks for a job, or finds the one that stands for it.
func (q *Queue) Add(ctx context.Context, ws gyre.ID, r Request) (gyre.Job, error) {
	var j gyre.Job
	err := q.opt.DB.Write(ctx, ws, func(tx *store.Tx) (err error) {
		j, err = q.AddTx(ctx, tx, r)
		return err
	})
	if err != nil {
		return j, err
	}
	return q.Get(ctx, ws, j.ID)
}

// AddTx is Add within a transaction; of a job that was there already only the ID is known.
func (q *Queue) AddTx(ctx context.Context, tx *store.Tx, r Request) (gyre.Job, error) {
	k, known := q.kinds[r.Kind]
	if !known {
		return gyre.Job{}, gyre.FieldErrorf(gyre.Invalid, "kind", "%q is none of %s", r.Kind, strings.Join(q.Kinds(), ", "))
	}
	if k.Once != Each {
		id, err := tx.JobOf(ctx, k.Name, r.Name, k.Once == WhileAlive)
		if err != nil || id != 0 {
			return gyre.Job{ID: id, Kind: k.Name}, err
		}
	}
	n, err := tx.WaitingJobs(ctx, k.Name)
	if err != nil {
		return gyre.Job{}, fmt.Errorf("count waiting jobs: %w", err)
	}
	if n >= k.Waiting {
		return gyre.Job{}, gyre.Errorf(gyre.Unavailable, "%d jobs of kind %s are waiting already; try again later, or see 'gyre job list' and 'gyre worker list'", n, k.Name)
	}
	args, err := json.Marshal(r.Args)
	if err != nil {
		return gyre.Job{}, fmt.Errorf("encode arguments of %s: %w", k.Name, err)
	}
	queue, err := q.queueOf(ctx, k, r.Zone)
	if err != nil {
		return gyre.Job{}, err
	}
	res, err := q.client.InsertTx(ctx, tx.SQL(), envelope{k.Name, tx.Workspace(), args}, &river.InsertOpts{Queue: queue, MaxAttempts: k.Attempts})
	if err != nil {
		return gyre.Job{}, fmt.Errorf("queue job: %w", err)
	}
	j := gyre.Job{
		ID: gyre.ID(res.Job.ID), Workspace: tx.Workspace(), Kind: k.Name, State: gyre.JobWaiting, Queue: queue,
		Name: r.Name, Zone: r.Zone, Actor: r.Actor, Object: r.Object, Attempts: k.Attempts, Created: tx.Now(),
	}
	return j, tx.AddJob(ctx, j)
}

// queueOf picks the queue of a new job: a zone's own while some worker declares
// the zone; this process's own when it serves nobody else.
func (q *Queue) queueOf(ctx context.Context, k Kind, zone gyre.Zone) (string, error) {
	if k.Zoned && zone != "" {
		declared, err := q.Declared(ctx, zone)
		if err != nil {
			return "", err
		}
		if declared {
			return zoneQueue(k.Name, zone), nil
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.plan.serving {
		return k.Name, nil
	}
	if q.closed {
		return "", gyre.Errorf(gyre.Unavailable, "%w", ErrStopping)
	}
	q.startLocal(ctx)
	return localQueue + q.self.ID.String(), nil
}

// Declared says that some worker that is there declares a zone.
func (q *Queue) Declared(ctx context.Context, zone gyre.Zone) (bool, error) {
	if q.opt.DB.Engine() == store.SQLite {
		return false, nil
	}
	all, err := q.opt.DB.Workers(ctx)
	if err != nil {
		return false, fmt.Errorf("list workers: %w", err)
	}
	return slices.ContainsFunc(all, func(w gyre.Worker) bool { return slices.Contains(w.Zones, zone) }), nil
}

// Has says that this process itself declares a zone.
func (q *Queue) Has(zone gyre.Zone) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Contains(q.plan.zones, zone)
}

// Worked is gyre.Unavailable when nobody takes jobs from a queue.
func (q *Queue) Worked(ctx context.Context, queue string) error {
	if strings.HasPrefix(queue, localQueue) {
		return nil
	}
	all, err := q.opt.DB.Workers(ctx)
	if err != nil {
		return fmt.Errorf("list workers: %w", err)
	}
	if slices.ContainsFunc(all, func(w gyre.Worker) bool { return slices.Contains(w.Queues, queue) }) {
		return nil
	}
	return gyre.Errorf(gyre.Unavailable, "the job waits, but no process works the queue %q: start one with 'gyre worker', or the server with --workers", queue)
}

// Workers lists the processes.
func (q *Queue) Workers(ctx context.Context) ([]gyre.Worker, error) {
	all, err := q.opt.DB.Workers(ctx)
	if q.opt.DB.Engine() == store.SQLite { // there is only this one, and it does not beat
		for i := range all {
			all[i].Seen = time.Now().UTC().Truncate(time.Microsecond)
		}
	}
	return all, err
}

// drainTimeout bounds how long a command waits for the rest of its work.
const drainTimeout = 10 * time.Minute

// drain waits for what follows from work that a command did.
func (q *Queue) drain(ctx context.Context) {
	q.mu.Lock()
	own := localQueue + q.self.ID.String()
	idle := q.plan.serving || q.plan.queues == nil
	q.mu.Unlock()
	if idle {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	for {
		n := 0
		totals, err := q.opt.DB.JobTotals(ctx)
		if err != nil {
			return
		}
		for _, t := range totals {
			if t.Queue == own && q.kinds[t.Kind].Follows && t.State != "discarded" && t.State != "retryable" {
				n += t.Count
			}
		}
		if n == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends working: jobs in hand go back to their queues. What the queue keeps can still be read.
func (q *Queue) Stop(ctx context.Context) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return
	}
	q.closed = true
	h := q.hand
	q.hand = nil
	q.mu.Unlock()
	if q.stop != nil {
		q.stop()
	}
	q.wg.Wait()
	if h != nil {
		h.stop(ctx)
	}
	q.mu.Lock()
	self := q.self.ID
	q.mu.Unlock()
	if self != 0 {
		if err := q.leave(ctx, self); err != nil {
			q.opt.Log.Warn("leave the table of workers", "error", err)
		}
	}
}

// leave gives up what this process alone would work, and strikes it out.
func (q *Queue) leave(ctx context.Context, self gyre.ID) error {
	if err := q.opt.DB.Leave(ctx, self); err != nil {
		return err
	}
	return q.rescue(ctx, nil)
}

// Close is Stop, and gives back what the queue holds.
func (q *Queue) Close() error {
	q.mu.Lock()
	stopped := q.closed
	q.mu.Unlock()
	if !stopped && q.life.Err() == nil {
		q.drain(q.life)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	q.Stop(ctx)
	q.closer()
	return nil
}

// quiet keeps from River's log what only River's developers want to know.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(warnings{log.Handler()}) }

type warnings struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (h warnings) Handle(ctx context.Context, r slog.Record) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil // what fails because it was stopped
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{h.Handler.WithAttrs(a)} }

// WithGroup implements slog.Handler.
func (h warnings) WithGroup(name string) slog.Handler { return warnings{h.Handler.WithGroup(name)} }
