// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package projection_test

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/projection"
)

// benchSize is how many exposures the benchmarks have; GYRE_BENCH_EXPOSURES changes it.
func benchSize() int {
	if n, err := strconv.Atoi(os.Getenv("GYRE_BENCH_EXPOSURES")); err == nil {
		return n
	}
	return 1_000_000
}

// live is a made-up estate in which single exposures change.
type live struct {
	*made
	mu     sync.Mutex
	events []gyre.Event
	seq    atomic.Int64
}

func (l *live) LastSeq(context.Context, gyre.ID) (int64, error) { return l.seq.Load(), nil }

func (l *live) EventsSince(_ context.Context, _ gyre.ID, seq int64, limit int) ([]gyre.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events[seq:min(int(seq)+limit, len(l.events))]), nil
}

func (l *live) Exposures(ctx context.Context, ws gyre.ID, ids []gyre.ID, yield func(projection.Exposure) error) error {
	if ids == nil {
		return l.made.Exposures(ctx, ws, nil, yield)
	}
	for _, id := range ids {
		l.mu.Lock()
		i, _ := slices.BinarySearchFunc(l.exposures, id, func(e projection.Exposure, id gyre.ID) int { return int(e.ID - id) })
		e := l.exposures[i]
		l.mu.Unlock()
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

// change changes n exposures.
func (l *live) change(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		e := &l.exposures[rand.IntN(len(l.exposures))]
		e.State = gyre.States[rand.IntN(len(gyre.States))]
		l.events = append(l.events, gyre.Event{Seq: int64(len(l.events) + 1), Object: "exposure", ID: e.ID, Kind: "state"})
	}
	l.seq.Store(int64(len(l.events)))
}

// forget keeps a hundredth of the exposures, which are those that change from now
// on: collecting garbage beside a million rows of strings would be half of what is measured.
func (l *live) forget() {
	var few []projection.Exposure
	for i := 0; i < len(l.exposures); i += 100 {
		few = append(few, l.exposures[i])
	}
	l.made = &made{scopes: l.scopes, exposures: few}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// peoplePause is how long people look at an answer: quick people.
const peoplePause = 100 * time.Millisecond

// BenchmarkLists asks the questions from eight goroutines at once and reports how
// long answers take: while the estate stays as it is, and while exposures change all
// the time, so that little can be remembered; without pause, and as people ask. The plain way (naive_test.go) is the baseline.
func BenchmarkLists(b *testing.B) {
	list := questions(names{software: "libcurl", host: "db-0001", hosts: "^(web|app)-.*eu"})
	l := &live{made: makeEstate(benchSize())}
	b.Run("baseline", func(b *testing.B) { askPlainly(b, l.made, list) })
	before := heap()
	p := projection.New(l)
	started := time.Now()
	if _, err := p.View(b.Context(), 1); err != nil {
		b.Fatal(err)
	}
	built := time.Since(started)
	perRow := float64(heap()-before) / float64(len(l.exposures))
	l.forget()
	heap()
	a := newAsking(b, p, 1, list)
	change := func(n int) func() error { return func() error { l.change(n); return nil } }
	b.Run("quiet", func(b *testing.B) { a.run(b, 0, nil) })
	b.Run("changing", func(b *testing.B) { a.run(b, 0, change(1)) })
	b.Run("importing", func(b *testing.B) { a.run(b, 0, change(1000)) })
	b.Run("people", func(b *testing.B) { a.run(b, peoplePause, change(1)) })
	b.Run("one", func(b *testing.B) { // each question by itself, nothing remembered
		for i := range list {
			b.Run(strings.ReplaceAll(list[i].name, " ", "_"), func(b *testing.B) {
				used, n := cpuTime(), 0
				for b.Loop() {
					l.change(1)
					if err := a.ask(b.Context(), i); err != nil {
						b.Fatal(err)
					}
					n++
				}
				b.ReportMetric(float64((cpuTime()-used).Microseconds())/1000/float64(n), "cpu-ms/answer")
			})
		}
	})
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			_ = p
		}
		b.ReportMetric(perRow, "B/exposure")
		b.ReportMetric(built.Seconds(), "s/build")
	})
}

// askPlainly asks some of the questions the plain way: each takes seconds.
func askPlainly(b *testing.B, m *made, list []question) {
	plain := newNaive(m)
	var took []answer
	used, started := cpuTime(), time.Now()
	for b.Loop() {
		for i, q := range list {
			if q.assets || i%3 != 0 {
				continue
			}
			if len(q.Sort) == 0 {
				q.Sort = defaultOrder
			}
			t := time.Now()
			if _, err := plain.answer(q.ListQuery, t); err != nil {
				b.Fatal(err)
			}
			took = append(took, answer{i, time.Since(t)})
		}
	}
	(&asking{list: list}).report(b, took, cpuTime()-used, time.Since(started))
}

var defaultOrder = []string{"-risk"}

// cpuTime is what this process has used of processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
