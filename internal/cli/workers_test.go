// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/lab/gen"
)

// process starts a command that runs until it is killed.
func (g gyreAt) process(args ...string) *exec.Cmd {
	g.t.Helper()
	cmd := g.command(args...)
	if err := cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { kill(cmd) })
	return cmd
}

func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// TestKilledWorkers: two servers and four workers share a PostgreSQL database,
// and workers are killed with SIGKILL again and again while they import. In the
// end every job is done, every report was stored once, and the estate is what an
// undisturbed process makes of the same reports.
func TestKilledWorkers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	database := storetest.URL(t, store.Postgres)
	const reports, kills = 12, 8
	folder := t.TempDir()
	calm := gyreAt{t, filepath.Join(t.TempDir(), "calm"), t.TempDir()}
	imports := make([][]string, reports)
	for i := range imports {
		file := filepath.Join(folder, fmt.Sprintf("report-%d.sarif", i))
		f, err := os.Create(file) // #nosec G304 -- our own folder
		if err != nil {
			t.Fatal(err)
		}
		if err := gen.Write(f, gen.Options{Format: "sarif", Findings: 1500, Seed: uint64(i + 1)}); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		imports[i] = []string{"import", "--asset", fmt.Sprintf("service-%d", i), file}
		calm.run(nil, imports[i]...)
	}
	want := calm.found()
	if len(want) < reports {
		t.Fatalf("an undisturbed process found %d exposures only", len(want))
	}

	t.Setenv("GYRE_DATABASE", database)
	t.Setenv("GYRE_WORKERS", "0")
	t.Setenv("GYRE_LISTEN", "127.0.0.1:0")
	t.Setenv("GYRE_WORKER_TIMEOUT", "2s")
	var servers []gyreAt
	for i := range 2 {
		s := gyreAt{t, filepath.Join(t.TempDir(), fmt.Sprint("server", i)), t.TempDir()}
		s.process("serve")
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(s.data, "server.json")); err == nil {
				break
			} else if time.Now().After(end) {
				t.Fatal("the server does not start")
			}
		}
		servers = append(servers, s)
	}
	worker := func() *exec.Cmd { return servers[0].process("worker", "--workers", "2") }
	workers := []*exec.Cmd{worker(), worker(), worker(), worker()}
	for i, args := range imports {
		servers[i%2].run(nil, append(args, "--detach")...)
	}
	servers[1].run(nil, "feed", "sync", "--detach")
	for range kills {
		time.Sleep(time.Duration(200+rand.IntN(600)) * time.Millisecond) // #nosec G404 -- any moment will do
		n := rand.IntN(len(workers))                                     // #nosec G404
		kill(workers[n])
		workers[n] = worker()
	}
	var jobs httpapi.JobList
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(250 * time.Millisecond) {
		servers[0].run(&jobs, "job", "list", "--limit", "500")
		open := 0
		for _, j := range jobs.Items {
			if !j.State.Ended() {
				open++
			}
		}
		if open == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d jobs are not over: %+v", open, jobs.Items)
		}
	}
	done, rescued := 0, 0
	for _, j := range jobs.Items {
		rescued += j.Rescued
		if j.State != gyre.JobDone {
			t.Errorf("job %s of kind %s is %s: %+v", j.ID, j.Kind, j.State, j.Errors)
		} else if j.Kind == "import" {
			done++
		}
	}
	if done < reports {
		t.Errorf("%d imports done, of %d", done, reports)
	}
	if rescued == 0 {
		t.Error("no kill hit a job: the test proves nothing")
	}
	t.Logf("%d jobs, %d of them taken over", len(jobs.Items), rescued)
	for i, s := range servers {
		if diff := cmp.Diff(want, s.found()); diff != "" {
			t.Errorf("server %d: the estate differs (-undisturbed +killed):\n%s", i, diff)
		}
	}
}
