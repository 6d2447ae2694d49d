// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"database/sql"
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
// The baseline of each is measured in the same run on the same engine: the exposures
// that the import leaves, written into the same table of another database by a bare
// loop of batched upserts, new (for the first import) or known (for the others).
// Whoever does nothing else cannot be faster.
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
		fmt.Printf("\n%d findings, %s\n\n| Engine | Report | Import | Findings/s | Bare rows/s | Of bare | Peak heap growth |\n|---|---|---|---:|---:|---:|---:|\n%s\n",
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
	for i, s := range steps {
		peak := watchHeap()
		start := time.Now()
		run := im.post(s.file)
		took[i] = measured{time.Since(start), peak()}
		if run.Status != gyre.RunSucceeded || !s.check(run.Counts) {
			b.Errorf("%s: %s, %+v, %v", s.name, run.Status, run.Counts, run.Problems)
		}
	}
	b.StopTimer()
	rows, fresh, known := im.bare(url)
	for i, s := range steps {
		bare := fresh
		if s.known {
			bare = known
		}
		rate, limit := float64(im.findings)/took[i].took.Seconds(), float64(rows)/bare.Seconds()
		unit := strings.NewReplacer(" ", "-", "%", "percent").Replace(s.name)
		b.ReportMetric(rate, unit+":findings/s")
		b.ReportMetric(rate/limit, unit+":of-bare")
		fmt.Fprintf(table, "| %s | %s | %s | %.0f | %.0f | %.2f | %d MiB |\n", im.engine, im.format, s.name, rate, limit, rate/limit, took[i].heap>>20)
	}
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
	req := httptest.NewRequestWithContext(im.b.Context(), http.MethodPost, "http://127.0.0.1/api/v1/imports?name="+filepath.Base(file), struct{ io.Reader }{f})
	w := httptest.NewRecorder()
	im.app.LocalHandler().ServeHTTP(w, req)
	var run gyre.Run
	if err := json.Unmarshal(w.Body.Bytes(), &run); err != nil || w.Code/100 != 2 {
		im.b.Fatalf("import: %d %s %v", w.Code, w.Body, err)
	}
	return run
}

// bare writes the exposures of a database into another one, with nothing but
// upserts of 50 rows in transactions of 1000, as new and then as known.
func (im *importing) bare(from string) (n int, fresh, known time.Duration) {
	b := im.b
	to := storetest.URL(b, im.engine)
	if db, err := store.Open(b.Context(), to); err != nil { // for its tables
		b.Fatal(err)
	} else if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	all := im.read(from)
	db := im.open(to)
	defer func() { _ = db.Close() }()
	pass := func() time.Duration {
		start := time.Now()
		for at := 0; at < len(all); at += 1000 {
			if err := upsert(b.Context(), db, all[at:min(at+1000, len(all))]); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start)
	}
	return len(all), pass(), pass()
}

// open connects as the store does.
func (im *importing) open(url string) *sql.DB {
	driver, dsn := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver = "gyre-sqlite"
		dsn = "file:" + path + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-16384)&_txlock=immediate"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		im.b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

const bareColumns = "id, workspace, asset, weakness, locus, aspect, class, severity, state, state_since, credentialed, remedy, first_seen, last_seen, fixed_at, band, action"

func (im *importing) read(url string) (all [][]any) {
	db := im.open(url)
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(im.b.Context(), "SELECT "+bareColumns+" FROM exposure")
	if err != nil {
		im.b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		row := make([]any, strings.Count(bareColumns, ",")+1)
		to := make([]any, len(row))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			im.b.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		im.b.Fatal(err)
	}
	return all
}

func upsert(ctx context.Context, db *sql.DB, rows [][]any) error {
	const chunk = 50
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var whole *sql.Stmt
	for at := 0; at < len(rows); at += chunk {
		part := rows[at:min(at+chunk, len(rows))]
		var args []any
		for _, r := range part {
			args = append(args, r...)
		}
		if len(part) < chunk {
			_, err = tx.ExecContext(ctx, bareUpsert(len(part)), args...)
		} else {
			if whole == nil {
				if whole, err = tx.PrepareContext(ctx, bareUpsert(chunk)); err != nil {
					return err
				}
				defer func() { _ = whole.Close() }()
			}
			_, err = whole.ExecContext(ctx, args...)
		}
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

func bareUpsert(rows int) string {
	var q strings.Builder
	q.WriteString("INSERT INTO exposure (" + bareColumns + ") VALUES ")
	n := 0
	for r := range rows {
		q.WriteString(strings.Repeat(",", min(r, 1)) + "(")
		for c := range strings.Count(bareColumns, ",") + 1 {
			n++
			q.WriteString(strings.Repeat(",", min(c, 1)) + "$" + strconv.Itoa(n))
		}
		q.WriteString(")")
	}
	q.WriteString(" ON CONFLICT (asset, weakness, locus) DO UPDATE SET severity = excluded.severity, remedy = excluded.remedy, last_seen = excluded.last_seen + 1")
	return q.String()
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
