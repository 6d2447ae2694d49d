// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/job"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// world is a queue on a new database with kinds that do what a test says.
type world struct {
	*testing.T
	db    *store.DB
	ws    gyre.ID
	queue *job.Queue

	mu   sync.Mutex
	work map[string]func(ctx context.Context, t *job.Task) (any, error)
}

// each runs a test on both engines.
func each(t *testing.T, fn func(w *world)) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			w := newWorld(t, storetest.Open(t, e))
			w.queue = w.join()
			fn(w)
		})
	}
}

func newWorld(t *testing.T, db *store.DB) *world {
	w := &world{T: t, db: db, work: map[string]func(context.Context, *job.Task) (any, error){}}
	ws, err := db.EnsureWorkspace(t.Context(), "main")
	w.ok(err)
	w.ws = ws.ID
	return w
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// join is a process: it is known to others and works what it asks for itself.
func (w *world) join() *job.Queue {
	w.Helper()
	do := func(ctx context.Context, t *job.Task) (any, error) {
		w.mu.Lock()
		fn := w.work[t.Kind]
		w.mu.Unlock()
		if fn == nil {
			return nil, nil
		}
		return fn(ctx, t)
	}
	q, err := job.New(w.Context(), job.Options{DB: w.db, Log: slog.New(slog.DiscardHandler), GoneAfter: 1500 * time.Millisecond},
		job.Kind{Name: "each", Attempts: 2, Parallel: 4, Waiting: 50, Work: do, Zoned: true},
		job.Kind{Name: "waiting", Attempts: 2, Parallel: 1, Waiting: 50, Once: job.WhileWaiting, Work: do},
		job.Kind{Name: "alive", Attempts: 2, Parallel: 4, Waiting: 50, Once: job.WhileAlive, Work: do},
		job.Kind{Name: "few", Attempts: 2, Parallel: 1, Waiting: 2, Work: do},
		job.Kind{Name: "short", Attempts: 1, Parallel: 1, Waiting: 2, Timeout: 50 * time.Millisecond, Work: do},
	)
	w.ok(err)
	w.Cleanup(func() {
		if err := q.Close(); err != nil {
			w.Error(err)
		}
	})
	w.ok(q.Join(w.Context()))
	return q
}

func (w *world) when(kind string, fn func(ctx context.Context, t *job.Task) (any, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.work[kind] = fn
}

func (w *world) add(kind, name string) gyre.Job {
	w.Helper()
	j, err := w.queue.Add(w.Context(), w.ws, job.Request{Kind: kind, Name: name, Actor: "test", Args: name})
	w.ok(err)
	return j
}

// until waits for a job to be in a state.
func (w *world) until(id gyre.ID, states ...gyre.JobState) gyre.Job {
	w.Helper()
	var j gyre.Job
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var err error
		j, err = w.queue.Get(w.Context(), w.ws, id)
		w.ok(err)
		if slices.Contains(states, j.State) {
			return j
		}
	}
	w.Fatalf("the job stays %s (%+v); %v was expected", j.State, j, states)
	return j
}

func TestWorkAndResult(t *testing.T) {
	each(t, func(w *world) {
		w.when("each", func(_ context.Context, t *job.Task) (any, error) {
			name, err := job.Decode[string](t)
			t.Progress(3, 4, "almost "+name)
			return map[string]string{"was": name}, err
		})
		j := w.add("each", "one")
		var got map[string]string
		j, err := w.queue.Wait(w.Context(), w.ws, j.ID, &got)
		w.ok(err)
		if got["was"] != "one" || j.State != gyre.JobDone || j.Done != 3 || j.Total != 4 || j.Note != "almost one" || j.Attempt != 1 || j.Actor != "test" || j.Worker != w.queue.Self() {
			w.Errorf("%+v %v", j, got)
		}
		if j.Ended.IsZero() || j.Started.IsZero() || j.Ended.Before(j.Started) || j.Created.IsZero() {
			w.Errorf("times: %+v", j)
		}
	})
}

// TestAddInTransaction: a job is there if and only if its transaction is.
func TestAddInTransaction(t *testing.T) {
	each(t, func(w *world) {
		boom := errors.New("boom")
		err := w.db.Write(w.Context(), w.ws, func(tx *store.Tx) error {
			if _, err := w.queue.AddTx(w.Context(), tx, job.Request{Kind: "each", Name: "never"}); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			w.Fatal(err)
		}
		all, err := w.queue.List(w.Context(), w.ws, nil, "", 0, 10)
		w.ok(err)
		if len(all) != 0 {
			w.Errorf("a job of a transaction that was taken back: %+v", all)
		}
		var id gyre.ID
		w.ok(w.db.Write(w.Context(), w.ws, func(tx *store.Tx) error {
			j, err := w.queue.AddTx(w.Context(), tx, job.Request{Kind: "each", Name: "once"})
			id = j.ID
			return err
		}))
		w.until(id, gyre.JobDone)
	})
}

func TestListOfWorkspaceAndPages(t *testing.T) {
	each(t, func(w *world) {
		other, err := w.db.EnsureWorkspace(w.Context(), "other")
		w.ok(err)
		foreign, err := w.queue.Add(w.Context(), other.ID, job.Request{Kind: "each"})
		w.ok(err)
		var want []gyre.ID
		for i := range 5 {
			want = append(want, w.add("each", fmt.Sprint(i)).ID)
		}
		slices.Reverse(want)
		var got []gyre.ID
		for before := gyre.ID(0); ; {
			page, err := w.queue.List(w.Context(), w.ws, nil, "each", before, 2)
			w.ok(err)
			if len(page) == 0 {
				break
			}
			for _, j := range page {
				got, before = append(got, j.ID), j.ID
			}
		}
		if !slices.Equal(got, want) {
			w.Errorf("listed %v, want %v", got, want)
		}
		for _, id := range want {
			w.until(id, gyre.JobDone)
		}
		for state, n := range map[gyre.JobState]int{gyre.JobDone: 5, gyre.JobFailed: 0, gyre.JobWaiting: 0} {
			if page, err := w.queue.List(w.Context(), w.ws, []gyre.JobState{state}, "", 0, 100); err != nil || len(page) != n {
				w.Errorf("%d jobs are %s, want %d: %v", len(page), state, n, err)
			}
		}
		if _, err := w.queue.Get(w.Context(), w.ws, foreign.ID); gyre.ErrorCode(err) != gyre.NotFound {
			w.Errorf("the job of another workspace: %v", err)
		}
		if _, err := w.queue.Cancel(w.Context(), w.ws, foreign.ID); gyre.ErrorCode(err) != gyre.NotFound {
			w.Errorf("cancelled the job of another workspace: %v", err)
		}
		if _, err := w.queue.List(w.Context(), w.ws, []gyre.JobState{"odd"}, "", 0, 1); gyre.ErrorCode(err) != gyre.Invalid {
			w.Errorf("a state that there is not: %v", err)
		}
	})
}

// TestDeadLetter: what fails is tried again, then kept for a person, who can run it again.
func TestDeadLetter(t *testing.T) {
	each(t, func(w *world) {
		var broken atomic.Bool
		broken.Store(true)
		w.when("each", func(context.Context, *job.Task) (any, error) {
			if broken.Load() {
				return nil, errors.New("no route")
			}
			return nil, nil
		})
		j := w.add("each", "x")
		w.until(j.ID, gyre.JobRetrying, gyre.JobWaiting)
		j = w.until(j.ID, gyre.JobFailed)
		if len(j.Errors) != 2 || j.Errors[1].Text != "no route" || j.Attempt != 2 {
			w.Errorf("%+v", j)
		}
		if _, err := w.queue.Wait(w.Context(), w.ws, j.ID, nil); err == nil || !strings.Contains(err.Error(), "no route") {
			w.Errorf("waiting for a dead letter: %v", err)
		}
		broken.Store(false)
		_, err := w.queue.Retry(w.Context(), w.ws, j.ID)
		w.ok(err)
		if j = w.until(j.ID, gyre.JobDone); len(j.Errors) != 2 {
			w.Errorf("what went before is forgotten: %+v", j)
		}
		if _, err := w.queue.Retry(w.Context(), w.ws, j.ID); gyre.ErrorCode(err) != gyre.Conflict {
			w.Errorf("retried what is done: %v", err)
		}
	})
}

// TestHopeless: wrong input is not tried again, and neither is what takes too long for good.
func TestHopeless(t *testing.T) {
	each(t, func(w *world) {
		w.when("each", func(context.Context, *job.Task) (any, error) { return nil, gyre.Errorf(gyre.Invalid, "no such thing") })
		if j := w.until(w.add("each", "x").ID, gyre.JobFailed); j.Attempt != 1 {
			w.Errorf("%+v", j)
		}
		w.when("each", func(context.Context, *job.Task) (any, error) { panic("boom") })
		if j := w.until(w.add("each", "x").ID, gyre.JobFailed); !strings.Contains(j.Errors[0].Text, "boom") {
			w.Errorf("%+v", j)
		}
		w.when("short", func(ctx context.Context, _ *job.Task) (any, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		})
		if j := w.until(w.add("short", "x").ID, gyre.JobFailed); !strings.Contains(j.Errors[0].Text, "longer") {
			w.Errorf("%+v", j)
		}
		tries := 0
		w.when("each", func(context.Context, *job.Task) (any, error) {
			if tries++; tries == 1 {
				return nil, job.Later(10 * time.Millisecond)
			}
			return nil, nil
		})
		if j := w.until(w.add("each", "x").ID, gyre.JobDone); j.Attempt != 1 || len(j.Errors) != 0 {
			w.Errorf("%+v", j)
		}
	})
}

func TestCancel(t *testing.T) {
	each(t, func(w *world) {
		w.ok(w.queue.Serve(w.Context(), 4, nil, nil)) // so what one kind holds up waits
		began, why := make(chan struct{}), make(chan error, 1)
		w.when("few", func(ctx context.Context, _ *job.Task) (any, error) {
			close(began)
			<-ctx.Done()
			why <- context.Cause(ctx)
			return nil, ctx.Err()
		})
		running := w.add("few", "runs")
		<-began
		waiting := w.add("few", "waits")
		j, err := w.queue.Cancel(w.Context(), w.ws, waiting.ID)
		w.ok(err)
		if j.State != gyre.JobCancelled {
			w.Errorf("%+v", j)
		}
		asked := time.Now()
		_, err = w.queue.Cancel(w.Context(), w.ws, running.ID)
		w.ok(err)
		if err := <-why; !errors.Is(err, job.ErrCancelled) {
			w.Errorf("the work heard %v", err)
		}
		if took := time.Since(asked); took > 2*time.Second {
			w.Errorf("it took %v", took)
		}
		w.until(running.ID, gyre.JobCancelled)
		if _, err := w.queue.Cancel(w.Context(), w.ws, running.ID); gyre.ErrorCode(err) != gyre.Conflict {
			w.Errorf("cancelled twice: %v", err)
		}
		w.when("few", nil)
		_, err = w.queue.Retry(w.Context(), w.ws, running.ID)
		w.ok(err)
		w.until(running.ID, gyre.JobDone)
	})
}

func TestOnceAndBackPressure(t *testing.T) {
	each(t, func(w *world) {
		w.ok(w.queue.Serve(w.Context(), 4, nil, nil)) // so what one kind holds up waits
		began, release := make(chan struct{}, 9), make(chan struct{})
		hold := func(ctx context.Context, _ *job.Task) (any, error) {
			began <- struct{}{}
			select {
			case <-release:
			case <-ctx.Done():
			}
			return nil, ctx.Err()
		}
		for _, kind := range []string{"waiting", "alive", "few"} {
			w.when(kind, hold)
		}
		first := w.add("alive", "a")
		<-began
		if again := w.add("alive", "a"); again.ID != first.ID {
			w.Error("a second one beside the running one")
		}
		if other := w.add("alive", "b"); other.ID == first.ID {
			w.Error("one that is about something else was taken for the same")
		}
		<-began
		first = w.add("waiting", "a")
		<-began
		second := w.add("waiting", "a")
		if second.ID == first.ID {
			w.Error("one that runs may have missed what the new one is for")
		}
		if third := w.add("waiting", "a"); third.ID != second.ID {
			w.Error("a second one waits")
		}
		w.add("few", "runs")
		<-began
		w.add("few", "1")
		w.add("few", "2")
		_, err := w.queue.Add(w.Context(), w.ws, job.Request{Kind: "few"})
		if gyre.ErrorCode(err) != gyre.Unavailable || !strings.Contains(err.Error(), "waiting already") {
			w.Errorf("a full queue says %v", err)
		}
		close(release)
		w.until(second.ID, gyre.JobDone)
	})
}

// TestStop: a process that ends in good order gives its jobs back, and they are
// not counted as failures. What only it would have worked is cancelled.
func TestStop(t *testing.T) {
	each(t, func(w *world) {
		began := make(chan struct{})
		w.when("each", func(ctx context.Context, _ *job.Task) (any, error) {
			close(began)
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), job.ErrStopping) {
				return nil, fmt.Errorf("told %w", context.Cause(ctx))
			}
			return nil, ctx.Err()
		})
		server := w.join()
		w.ok(server.Serve(w.Context(), 2, nil, nil))
		j, err := server.Add(w.Context(), w.ws, job.Request{Kind: "each"})
		w.ok(err)
		<-began
		w.ok(server.Close())
		if j = w.until(j.ID, gyre.JobWaiting); j.Attempt != 0 || len(j.Errors) != 0 {
			w.Errorf("given back: %+v", j)
		}
		began = make(chan struct{})
		command := w.join()
		own, err := command.Add(w.Context(), w.ws, job.Request{Kind: "each"})
		w.ok(err)
		<-began
		w.ok(command.Close())
		w.until(own.ID, gyre.JobCancelled)
	})
}

// TestTakenOver: a process is silent but goes on working. Another one does its
// job; what the silent one writes is refused, and its end is not the job's.
func TestTakenOver(t *testing.T) {
	w := newWorld(t, storetest.Open(t, store.Postgres))
	slow, quick := w.join(), w.join()
	w.queue = quick
	type attempt struct{ began, release, wrote chan error }
	attempts := []attempt{}
	for range 2 {
		attempts = append(attempts, attempt{make(chan error), make(chan error), make(chan error, 1)})
	}
	var n atomic.Int32
	w.when("each", func(ctx context.Context, _ *job.Task) (any, error) {
		a := attempts[n.Add(1)-1]
		close(a.began)
		<-a.release
		a.wrote <- w.db.Write(ctx, w.ws, func(tx *store.Tx) error {
			tx.Append(gyre.Event{Object: "exposure", ID: 1, Kind: "created"})
			return nil
		})
		return nil, nil
	})
	w.ok(slow.Serve(t.Context(), 1, nil, nil))
	j, err := slow.Add(t.Context(), w.ws, job.Request{Kind: "each"})
	w.ok(err)
	<-attempts[0].began
	slow.Freeze()
	w.ok(quick.Serve(t.Context(), 1, nil, nil))
	silent := time.Now()
	<-attempts[1].began
	if took := time.Since(silent); took > 6*time.Second {
		t.Errorf("taken over after %v", took)
	}
	close(attempts[0].release)
	if err := <-attempts[0].wrote; gyre.ErrorCode(err) != gyre.Conflict {
		t.Errorf("the silent one's effect: %v", err)
	}
	time.Sleep(300 * time.Millisecond) // River writes ends in batches
	if j = w.until(j.ID, gyre.JobRunning); j.Worker != quick.Self() || j.Rescued != 1 {
		t.Errorf("the silent one ended it: %+v", j)
	}
	close(attempts[1].release)
	w.ok(<-attempts[1].wrote)
	w.until(j.ID, gyre.JobDone)
	if seq, err := w.db.Seq(t.Context(), w.ws); err != nil || seq != 1 {
		t.Errorf("%d effects, %v", seq, err)
	}
}

// TestZones: work in a zone that a worker declares is done there and nowhere else.
func TestZones(t *testing.T) {
	w := newWorld(t, storetest.Open(t, store.Postgres))
	server, inside := w.join(), w.join()
	w.queue = server
	w.ok(server.Serve(t.Context(), 2, nil, nil))
	free, err := server.Add(t.Context(), w.ws, job.Request{Kind: "each", Zone: "dmz"})
	w.ok(err)
	if j := w.until(free.ID, gyre.JobDone); j.Worker != server.Self() {
		t.Errorf("%+v", j)
	}
	w.ok(inside.Serve(t.Context(), 2, nil, []gyre.Zone{"dmz", "a zone / odd"}))
	for _, zone := range []gyre.Zone{"dmz", "a zone / odd", "elsewhere"} {
		bound, err := server.Add(t.Context(), w.ws, job.Request{Kind: "each", Zone: zone})
		w.ok(err)
		want := inside.Self()
		if zone == "elsewhere" {
			want = server.Self()
		}
		if j := w.until(bound.ID, gyre.JobDone); j.Worker != want {
			t.Errorf("%s: %+v", zone, j)
		}
	}
}
