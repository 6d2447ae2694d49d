// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/lab"
	"github.com/gyre-ctem/gyre/lab/labtest"
)

// gyreAt is gyre on a data folder, as a process of its own.
type gyreAt struct {
	t     *testing.T
	data  string
	feeds string
}

func (g gyreAt) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Args = append([]string{"gyre"}, args...)
	cmd.Env = append(os.Environ(), "GYRE_DATA="+g.data, "GYRE_FEEDS="+g.feeds, "GYRE_FEED_INTERVAL=0s")
	return cmd
}

// run runs a command to its end and reads its JSON into out.
func (g gyreAt) run(out any, args ...string) {
	g.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := g.command(append(args, "-o", "json")...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		g.t.Fatalf("gyre %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	if out != nil {
		if err := json.Unmarshal(stdout.Bytes(), out); err != nil {
			g.t.Fatalf("gyre %s printed no JSON: %v\n%s", strings.Join(args, " "), err, stdout.String())
		}
	}
}

// runKilled runs a command and kills it with SIGKILL after a while. It says
// whether the command was still running then.
func (g gyreAt) runKilled(after time.Duration, args ...string) bool {
	g.t.Helper()
	cmd := g.command(args...)
	if err := cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
		return false
	case <-time.After(after):
	}
	_ = cmd.Process.Kill()
	<-ended
	return true
}

// found lists what a data folder knows, without the IDs that differ from run to run.
func (g gyreAt) found() []string {
	g.t.Helper()
	var page httpapi.ExposurePage
	g.run(&page, "exposure", "list", "--all")
	var list []string
	for _, e := range page.Items {
		list = append(list, strings.Join([]string{e.Asset.Name, e.Weakness, e.Locus, string(e.State), string(e.Band)}, " | "))
	}
	slices.Sort(list)
	return list
}

// TestKilledCycle kills a cycle with SIGKILL again and again, at different
// moments. Each time the next start finds it interrupted, or finished, and
// nothing half written; resumed to its end it has found what an undisturbed cycle finds.
func TestKilledCycle(t *testing.T) {
	if testing.Short() {
		t.Skip("brings the practice estate up and kills processes")
	}
	labtest.Take(t)
	estate, err := lab.Start(t.Context(), lab.Options{Dir: filepath.Join(t.TempDir(), "lab")})
	if err != nil {
		t.Fatal(err)
	}
	defer estate.Close()

	calm := gyreAt{t, filepath.Join(t.TempDir(), "calm"), estate.FeedDir()}
	calm.run(nil, "scope", "apply", "-f", estate.ScopeFile())
	calm.run(nil, "cycle", "run")
	want := calm.found()
	if len(want) < 50 {
		t.Fatalf("an undisturbed cycle found %d exposures only", len(want))
	}

	g := gyreAt{t, filepath.Join(t.TempDir(), "killed"), estate.FeedDir()}
	g.run(nil, "scope", "apply", "-f", estate.ScopeFile())
	args := []string{"cycle", "run"}
	interrupted := 0
	for _, after := range []time.Duration{400, 900, 1600, 2500, 3400} {
		if !g.runKilled(after*time.Millisecond, args...) {
			break
		}
		var cycles httpapi.CycleList
		g.run(&cycles, "cycle", "list")
		if len(cycles.Items) == 0 {
			continue // killed before it began
		}
		switch state := cycles.Items[0].State; state {
		case gyre.CycleInterrupted:
			interrupted++
			args = []string{"cycle", "resume"}
		case gyre.CycleFinished:
		default:
			t.Fatalf("after kill -9 the cycle is %s", state)
		}
		g.run(nil, "exposure", "list") // what is there can be read
	}
	if interrupted == 0 {
		t.Error("no kill came in the middle of the cycle: the test proves nothing")
	}
	var last httpapi.CycleList
	if g.run(&last, "cycle", "list"); last.Items[0].State != gyre.CycleFinished {
		g.run(nil, args...)
	}
	if diff := cmp.Diff(want, g.found()); diff != "" {
		t.Errorf("after %d kills the estate differs (-undisturbed +killed):\n%s", interrupted, diff)
	}
	if g.run(&last, "cycle", "list"); len(last.Items) != 1 || last.Items[0].State != gyre.CycleFinished {
		t.Errorf("cycles: %+v", last.Items)
	}
}
