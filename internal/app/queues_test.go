// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/job"
	"github.com/gyre-ctem/gyre/internal/store"
)

// TestQueues: what waits, is worked and has failed is told to Prometheus and by the doctor.
func TestQueues(t *testing.T) {
	eachEngine(t, func(t *testing.T, a *App) {
		ctx, ws := t.Context(), a.workspace.ID
		told := func() (metrics map[string]float64, doctor map[string]string) {
			t.Helper()
			all, err := a.Gauges(ctx)
			if err != nil {
				t.Fatal(err)
			}
			metrics, doctor = map[string]float64{}, map[string]string{}
			for _, g := range all {
				metrics[fmt.Sprint(g.Name, " ", g.Labels["kind"], " ", g.Labels["queue"])] = g.Value
			}
			for _, e := range a.Examine(ctx, ws) {
				doctor[e.Name] = fmt.Sprint(e.OK, " ", e.Detail)
			}
			return metrics, doctor
		}
		metrics, doctor := told()
		if n, known := metrics["gyre_jobs_waiting score score"]; n != 0 || !known {
			t.Errorf("an idle queue is not told: %v", metrics)
		}
		if doctor["queues"] != "true 0 jobs wait, 0 are worked" || !strings.HasPrefix(doctor["dead letters"], "true ") {
			t.Errorf("nothing is wrong: %v", doctor)
		}

		// A process that serves works nothing.
		if err := a.queue.Serve(ctx, 0, nil, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := a.queue.Add(ctx, ws, job.Request{Kind: kindScore, Actor: "test", Args: noArgs{}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
		metrics, doctor = told()
		if metrics["gyre_jobs_waiting score score"] != 1 || metrics["gyre_jobs_oldest_seconds score score"] < 0.01 || metrics["gyre_queue_workers score score"] != 0 {
			t.Errorf("%v", metrics)
		}
		if !strings.HasPrefix(doctor["queues"], "false 1 jobs wait in queue score, which no process works") {
			t.Errorf("%v", doctor)
		}

		// One that works takes it, and a job that cannot be done.
		if err := a.queue.Serve(ctx, 1, nil, nil); err != nil {
			t.Fatal(err)
		}
		var j gyre.Job
		err := a.db.Write(ctx, ws, func(tx *store.Tx) (err error) {
			j, err = a.queue.AddTx(ctx, tx, job.Request{Kind: kindRetest, Actor: "test", Args: retestArgs{Exposure: 1}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.queue.Wait(ctx, ws, j.ID, nil); gyre.ErrorCode(err) != gyre.NotFound {
			t.Fatalf("a retest of nothing: %v", err)
		}
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			metrics, doctor = told()
			if metrics["gyre_jobs_waiting score score"]+metrics["gyre_jobs_running score score"] == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("it still waits: %v", metrics)
			}
		}
		if metrics["gyre_jobs_dead retest retest"] != 1 || metrics["gyre_queue_workers score score"] != 1 || metrics["gyre_jobs_oldest_seconds score score"] != 0 {
			t.Errorf("%v", metrics)
		}
		if doctor["queues"] != "true 0 jobs wait, 0 are worked" || !strings.HasPrefix(doctor["dead letters"], "false failed for good: 1 of kind retest.") {
			t.Errorf("%v", doctor)
		}
	})
}

func TestStuck(t *testing.T) {
	now := time.Now()
	texts := []string{
		stuckText(job.Load{}, now),
		stuckText(job.Load{Waiting: 3, Oldest: now.Add(-time.Minute), Workers: 1}, now),
		stuckText(job.Load{Queue: "import", Kind: "import", Waiting: 3, Oldest: now.Add(-2 * time.Hour), Workers: 1}, now),
	}
	if want := []string{"", "", "a job waits in queue import for 2h0m0s already: add processes with gyre worker --queues import"}; !slices.Equal(texts, want) {
		t.Errorf("%q", texts)
	}
}
