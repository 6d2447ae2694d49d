// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/plugin"
)

// victimURL tells the child of TestKilled which database to write to.
const victimURL = "GYRE_TEST_VICTIM"

const perBatch = 150

func victimBatch(n int) *gyre.Batch {
	b := &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "one", ip("10.0.0.1"))}}
	for i := range perBatch {
		b.Findings = append(b.Findings, finding("h", fmt.Sprintf("CVE-2026-%d", i%7), fmt.Sprintf("tcp/%d", n*perBatch+i)))
	}
	return b
}

// TestVictim is not a test: it is the process that TestKilled kills.
func TestVictim(t *testing.T) {
	url := os.Getenv(victimURL)
	if url == "" {
		t.Skip("runs as a child of TestKilled only")
	}
	db, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldNamed(t, db, "main")
	s, err := w.in.Begin(w.ctx, w.ws, gyre.Run{Source: "net"})
	w.ok(err)
	for n := 0; ; n++ {
		w.ok(s.Emit(w.ctx, victimBatch(n)))
		fmt.Println("stored", n)
	}
}

// TestKilled: a process that is killed in the middle leaves whole batches with
// their events and nothing else, and a run that is marked as interrupted.
func TestKilled(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			url := storetest.URL(t, e)
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$", "-test.v") //nolint:gosec // this program
			child.Env = append(os.Environ(), victimURL+"="+url)
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			told := 0
			for lines := bufio.NewScanner(out); told < 4 && lines.Scan(); {
				if strings.HasPrefix(lines.Text(), "stored") {
					told++
				}
			}
			if err := child.Process.Kill(); err != nil { // somewhere in the fifth batch
				t.Fatal(err)
			}
			_ = child.Wait()
			if told < 4 {
				t.Fatalf("the child stored %d batches only", told)
			}

			db, err := store.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			w := newWorldNamed(t, db, "main")
			runs, _, err := db.InterruptRuns(w.ctx)
			w.ok(err)
			w.same("interrupted runs", runs, 1)
			exposures, observed := 0, 0
			w.ok(db.EachExposure(w.ctx, w.ws, func(x gyre.Exposure) error {
				exposures++
				if exposures%50 == 0 {
					obs, err := db.Observations(w.ctx, w.ws, x.ID)
					observed += len(obs)
					return err
				}
				return nil
			}))
			if exposures < told*perBatch || exposures%perBatch != 0 {
				t.Fatalf("%d exposures are not whole batches of %d", exposures, perBatch)
			}
			w.same("observations of every fiftieth", observed, exposures/50)
			created, last := 0, int64(0)
			events, err := db.EventsSince(w.ctx, w.ws, 0, 1<<20)
			w.ok(err)
			for _, x := range events {
				w.same("number", x.Seq, last+1)
				last = x.Seq
				if x.Object == "exposure" && x.Kind == "created" {
					created++
				}
			}
			w.same("events", created, exposures)

			// The same import again goes on where it was.
			s, err := w.in.Begin(w.ctx, w.ws, gyre.Run{Source: "net"})
			w.ok(err)
			for n := range exposures/perBatch + 1 {
				w.ok(s.Emit(w.ctx, victimBatch(n)))
			}
			r, err := s.Finish(w.ctx, gyre.RunSucceeded, plugin.Report{})
			w.ok(err)
			w.same("new", r.Counts.Created, perBatch)
		})
	}
}
