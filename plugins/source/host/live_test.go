// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// allowing is a guard that lets everything be read.
type allowing struct{}

func (allowing) DialContext(context.Context, string, string) (net.Conn, error) {
	return nil, gyre.Errorf(gyre.Forbidden, "no")
}
func (allowing) AllowPath(string) error { return nil }

// seen gathers what a run emits.
type seen struct {
	mu sync.Mutex
	gyre.Batch
}

func (s *seen) emit(_ context.Context, b *gyre.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Assets = append(s.Assets, b.Assets...)
	s.Components = append(s.Components, b.Components...)
	s.Facts = append(s.Facts, b.Facts...)
	s.Findings = append(s.Findings, b.Findings...)
	s.Coverage = append(s.Coverage, b.Coverage...)
	return nil
}

// TestThisMachine looks at the machine that the test runs on: real packages,
// within a minute.
func TestThisMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("walks the whole machine")
	}
	start := time.Now()
	var s seen
	report, err := New().Run(t.Context(), plugin.Request{
		Target: gyre.Target{Root: "/", Zone: gyre.ZoneInternal}, Guard: allowing{},
	}, s.emit)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
	by := map[string]int{}
	for _, c := range s.Components {
		by[c.Ecosystem]++
		if c.Name == "" || c.Version == "" || c.Location == "" || c.Location[0] != '/' {
			t.Errorf("component %+v", c)
		}
	}
	t.Logf("%d components %v, %d facts, %d findings", len(s.Components), by, len(s.Facts), len(s.Findings))
	for _, f := range s.Findings {
		t.Logf("%s at %s", f.Weakness.Key, f.Locus)
	}
	for _, l := range report.Limits {
		t.Log(l)
	}
	if len(report.Problems) > 0 {
		t.Errorf("problems: %v", report.Problems)
	}
	if _, err := os.Stat("/var/lib/dpkg/status"); err == nil && len(s.Components) < 10 {
		t.Errorf("a Debian machine with %d packages", len(s.Components))
	}
	if len(s.Assets) != 1 || len(s.Assets[0].Identifiers) == 0 {
		t.Errorf("asset %+v", s.Assets)
	}
}
