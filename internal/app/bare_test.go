// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// bareTable is a table that imports leave rows in, with the key that makes a row one.
type bareTable struct {
	name, key string
	appended  bool // an import that brings nothing new adds no rows
}

var bareTables = []bareTable{
	{"asset", "id", false},
	{"identifier", "workspace, family, type, value, zone", false},
	{"run_asset", "run, asset", false},
	{"asset_scope", "workspace, scope, asset", false},
	{"component", "asset, source, location, purl", false},
	{"fact", "asset, aspect, locus, source", false},
	{"coverage", "id", true},
	{"weakness", "id", false},
	{"weakness_alias", "workspace, alias", false},
	{"exposure", "asset, weakness, place", false},
	{"observation", "exposure, source", false},
	{"action", "id", false},
	{"event", "workspace, seq", true},
}

// bareLimit is what the bare loop took.
type bareLimit struct {
	rows, exposures                int           // in all tables, and in the exposures' alone
	fresh, known                   time.Duration // all rows as new, and again as known
	freshExposures, knownExposures time.Duration // the exposures' part of it

	engine           store.Engine
	reading, writing *sql.DB
}

// bareRows is how many rows the loop writes in one transaction.
const bareRows = 5000

// bare copies the rows that an import left in a database into another one, table by
// table, with nothing but batched upserts, as new and then as known, and says how long
// the writing took. On SQLite a batch is prepared statements of 50 rows, on PostgreSQL a
// COPY into a staging table and one upsert from there: the fastest that each has. As in the
// store, SQLite's log is written back beside the writing.
func bare(b *testing.B, engine store.Engine, from string) *bareLimit {
	to := storetest.URL(b, engine)
	if db, err := store.Open(b.Context(), to); err != nil { // for its tables
		b.Fatal(err)
	} else if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	l := &bareLimit{engine: engine, reading: openBare(b, from), writing: openBare(b, to)}
	defer func() { _, _ = l.reading.Close(), l.writing.Close() }()
	if path, ok := strings.CutPrefix(to, "sqlite:"); ok {
		stop := make(chan struct{})
		var beside sync.WaitGroup
		defer beside.Wait()
		defer close(stop)
		beside.Go(func() { l.writeBack(openBare(b, to), path+"-wal", stop) })
	}
	for _, t := range bareTables {
		for _, known := range []bool{false, true} {
			rows, took, err := l.table(b.Context(), t)
			if err != nil {
				b.Fatalf("bare rows of %s: %v", t.name, err)
			}
			switch {
			case !known:
				l.rows, l.fresh = l.rows+rows, l.fresh+took
			case !t.appended:
				l.known += took
			}
			if t.name == "exposure" && !known {
				l.exposures, l.freshExposures = rows, took
			} else if t.name == "exposure" {
				l.knownExposures = took
			}
		}
	}
	return l
}

// writeBack does what the store's does, as often as it need be.
func (l *bareLimit) writeBack(own *sql.DB, log string, stop chan struct{}) {
	defer func() { _ = own.Close() }()
	for {
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
		if st, err := os.Stat(log); err == nil && st.Size() >= 32<<20 {
			for _, db := range []*sql.DB{own, l.writing} {
				_, _ = db.Exec("PRAGMA wal_checkpoint(PASSIVE)") //nolint:noctx // it ends by itself
			}
		}
	}
}

// openBare connects as the store does.
func openBare(b *testing.B, url string) *sql.DB {
	driver, dsn := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver = "gyre-sqlite"
		dsn = "file:" + path + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-16384)&_pragma=wal_autocheckpoint(32000)&_pragma=journal_size_limit(0)&_txlock=immediate"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

// table copies one table. Only writing is timed.
func (l *bareLimit) table(ctx context.Context, t bareTable) (n int, took time.Duration, err error) {
	rows, err := l.reading.QueryContext(ctx, "SELECT * FROM "+t.name)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return 0, 0, err
	}
	var part [][]any
	flush := func() error {
		start := time.Now()
		err := l.write(ctx, t, columns, part)
		took += time.Since(start)
		n += len(part)
		part = part[:0]
		return err
	}
	for rows.Next() {
		row, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return n, took, err
		}
		if part = append(part, row); len(part) == bareRows {
			if err := flush(); err != nil {
				return n, took, err
			}
		}
	}
	if err := rows.Err(); err != nil || len(part) == 0 {
		return n, took, err
	}
	return n, took, flush()
}

func (l *bareLimit) write(ctx context.Context, t bareTable, columns []string, rows [][]any) error {
	var set []string
	for _, c := range columns {
		set = append(set, c+" = excluded."+c)
	}
	head := "INSERT INTO " + t.name + " (" + strings.Join(columns, ", ") + ")"
	tail := " ON CONFLICT (" + t.key + ") DO UPDATE SET " + strings.Join(set, ", ")
	if l.engine == store.Postgres {
		return l.writeStaged(ctx, t, columns, rows, head, tail)
	}
	tx, err := l.writing.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	const chunk = 50
	for at := 0; at < len(rows); at += chunk {
		part := rows[at:min(at+chunk, len(rows))]
		args := make([]any, 0, chunk*len(columns))
		for _, r := range part {
			args = append(args, r...)
		}
		if _, err := tx.ExecContext(ctx, head+" VALUES "+bareValues(len(part), len(columns))+tail, args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func bareValues(rows, columns int) string {
	var q strings.Builder
	for n := range rows * columns {
		switch {
		case n == 0:
			q.WriteString("(")
		case n%columns == 0:
			q.WriteString("),(")
		default:
			q.WriteString(",")
		}
		q.WriteString("$" + strconv.Itoa(n+1))
	}
	return q.String() + ")"
}

func (l *bareLimit) writeStaged(ctx context.Context, t bareTable, columns []string, rows [][]any, head, tail string) error {
	conn, err := l.writing.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(c any) error {
		raw, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of another kind: %T", c)
		}
		pg := raw.Conn()
		if _, err := pg.Exec(ctx, "CREATE TEMP TABLE IF NOT EXISTS bare_"+t.name+" (LIKE "+t.name+")"); err != nil {
			return err
		}
		return pgx.BeginFunc(ctx, pg, func(tx pgx.Tx) error {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{"bare_" + t.name}, columns, pgx.CopyFromRows(rows)); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, head+" SELECT * FROM bare_"+t.name+tail); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "TRUNCATE bare_"+t.name)
			return err
		})
	})
}
