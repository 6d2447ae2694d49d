// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"net"
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
	took := time.Since(start)
	by := map[string]int{}
	for _, c := range s.Components {
		by[c.Ecosystem]++
	}
	t.Logf("%v: %d components %v, %d facts, %d findings, %d coverages", took, len(s.Components), by, len(s.Facts), len(s.Findings), len(s.Coverage))
	t.Logf("asset %+v", s.Assets)
	for _, f := range s.Findings {
		t.Logf("finding %s %s: %s", f.Weakness.Key, f.Locus, f.Evidence.Summary)
	}
	for _, l := range report.Limits {
		t.Log("limit: ", l)
	}
	for _, p := range report.Problems {
		t.Logf("problem: %+v", p)
	}
	for _, f := range s.Facts {
		t.Logf("fact %s %v", f.Locus, f.Data)
	}
	for _, c := range s.Coverage {
		t.Logf("coverage %s judged=%v %d loci", c.Aspect, c.Judged, len(c.Loci))
	}
	for i, c := range s.Components {
		if i%40 == 0 || c.Ecosystem != "Debian:12" {
			t.Logf("component %+v", c)
		}
	}
}
