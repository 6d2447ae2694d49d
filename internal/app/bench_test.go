// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/lab/gen"
)

// BenchmarkImport measures imports the way a person makes them: POST /imports
// into a database that is otherwise empty, with judging and planning, until the answer.
// Three reports go in one after the other: the first, the same again, and one in
// which 5 % of the findings differ.
//
// The baseline is measured in the same run on the same engine, once the first
// report is in: every row that it has left, in all tables, written into the same tables of
// another database by a bare loop of batched upserts, new (for the first import) or known (for
// the others, which leave events and coverage out). Beside it stands the figure for the
// exposures' table alone. Whoever does nothing else cannot be faster.
//
//	go test -run '^$' -bench '^BenchmarkImport$' -benchtime 1x ./internal/app
//
// GYRE_BENCH_FINDINGS sets the number of findings (50000). No time fails it; what
// an import changes does.
func BenchmarkImport(b *testing.B) {
	findings := 50_000
	if s := os.Getenv("GYRE_BENCH_FINDINGS"); s != "" {
		var err error
		if findings, err = strconv.Atoi(s); err != nil || findings < 100 {
			b.Fatalf("GYRE_BENCH_FINDINGS=%q is not a number of at least 100", s)
		}
	}
	var table strings.Builder
	for _, engine := range storetest.Engines {
		for _, format := range gen.Formats() {
			b.Run(string(engine)+"/"+format, func(b *testing.B) {
				for range b.N {
					im := &importing{b: b, engine: engine, format: format, findings: findings}
					im.run(&table)
				}
			})
		}
	}
	if table.Len() > 0 {
		fmt.Printf("\n%d findings, %s\n\n| Engine | Report | Import | Findings/s | Bare: findings/s | Of bare | Exposures alone: rows/s | Of that | Peak heap growth |\n|---|---|---|---:|---:|---:|---:|---:|---:|\n%s\n",
			findings, runtime.Version(), table.String())
	}
}

type importing struct {
	b        *testing.B
	engine   store.Engine
	format   string
	findings int
	app      *App
}

func (im *importing) run(table *strings.Builder) {
	b := im.b
	first, second := im.report(0), im.report(5)
	url := storetest.URL(b, im.engine)
	im.app = openOn(b, filepath.Join(b.TempDir(), "data"), b.TempDir(), url)
	b.ResetTimer()
	steps := []struct {
		name, file string
		known      bool // what it brings is mostly there already
		check      func(c gyre.RunCounts) bool
	}{
		{"first", first, false, func(c gyre.RunCounts) bool { return c.Created > im.findings/2 && c.Closed == 0 }},
		{"same again", first, true, func(c gyre.RunCounts) bool { return c.Created+c.Reopened+c.Closed == 0 }},
		{"5 % changed", second, true, func(c gyre.RunCounts) bool {
			return c.Created > im.findings*3/100 && c.Created < im.findings*7/100 && c.Closed > im.findings*3/100 && c.Closed < im.findings*7/100
		}},
	}
	type measured struct {
		took time.Duration
		heap uint64
	}
	var took [3]measured
	var limit *bareLimit
	for i, s := range steps {
		peak := watchHeap()
		start := time.Now()
		run := im.post(s.file)
		took[i] = measured{time.Since(start), peak()}
		if run.Status != gyre.RunSucceeded || !s.check(run.Counts) {
			b.Errorf("%s: %s, %+v, %v", s.name, run.Status, run.Counts, run.Problems)
		}
		if i == 0 {
			b.StopTimer()
			limit = bare(b, im.engine, url)
			b.StartTimer()
		}
	}
	b.StopTimer()
	for i, s := range steps {
		all, exposures := limit.fresh, limit.freshExposures
		if s.known {
			all, exposures = limit.known, limit.knownExposures
		}
		rate, bare := float64(im.findings)/took[i].took.Seconds(), float64(im.findings)/all.Seconds()
		narrow := float64(limit.exposures) / exposures.Seconds()
		unit := strings.NewReplacer(" ", "-", "%", "percent").Replace(s.name)
		b.ReportMetric(rate, unit+":findings/s")
		b.ReportMetric(rate/bare, unit+":of-bare")
		fmt.Fprintf(table, "| %s | %s | %s | %.0f | %.0f | %.2f | %.0f | %.2f | %d MiB |\n",
			im.engine, im.format, s.name, rate, bare, rate/bare, narrow, rate/narrow, took[i].heap>>20)
	}
	b.Logf("%s, %s: the first import leaves %d rows, %d of them exposures", im.engine, im.format, limit.rows, limit.exposures)
}

// report writes a report to a file, so that making it is not measured.
func (im *importing) report(changed float64) string {
	name := filepath.Join(im.b.TempDir(), "report."+im.format)
	f, err := os.Create(name) // #nosec -- our own folder
	if err == nil {
		err = gen.Write(f, gen.Options{Format: im.format, Findings: im.findings, Seed: 1, Changed: changed})
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		im.b.Fatal(err)
	}
	return name
}

func (im *importing) post(file string) gyre.Run {
	f, err := os.Open(file) // #nosec -- our own file
	if err != nil {
		im.b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	req := httptest.NewRequestWithContext(im.b.Context(), http.MethodPost, "http://127.0.0.1/api/v1/imports?again=true&name="+filepath.Base(file), struct{ io.Reader }{f})
	w := httptest.NewRecorder()
	im.app.LocalHandler().ServeHTTP(w, req)
	var run gyre.Run
	if err := json.Unmarshal(w.Body.Bytes(), &run); err != nil || w.Code/100 != 2 {
		im.b.Fatalf("import: %d %s %v", w.Code, w.Body, err)
	}
	return run
}

// watchHeap samples the heap, garbage included, until the function it returns
// is called, which says by how much it grew at most.
func watchHeap() func() uint64 {
	runtime.GC()
	read := func() uint64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	base := read()
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		most := base
		for tick := time.Tick(5 * time.Millisecond); ; {
			most = max(most, read())
			select {
			case <-stop:
				peak <- most - base
				return
			case <-tick:
			}
		}
	}()
	return func() uint64 {
		close(stop)
		return <-peak
	}
}
