// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gyre-ctem/gyre"
)

// DB is an open database. Safe for concurrent use.
type DB struct {
	dialect *Dialect
	url     string
	w, r    *sql.DB // one writer and many readers on SQLite; two pools on PostgreSQL
	back    *writeBack
	// trial is set for a reader within a transaction, which has nothing else.
	trial *txn
	hub   hub
	// now is the clock of what the store itself dates: SetClock.
	now func() time.Time

	process atomic.Int64 // the worker that this process is; 0: none
	planned atomic.Bool  // the planner knows the tables: firstStatistics

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// Open opens "sqlite:PATH" or "postgres://…" and migrates it to the newest schema.
func Open(ctx context.Context, dsn string) (*DB, error) {
	db, err := open(ctx, dsn)
	if err != nil {
		return nil, err
	}
	if err := db.migrate(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	bg, stop := context.WithCancel(context.WithoutCancel(ctx))
	db.stop = stop
	if db.dialect.Engine == Postgres {
		db.wg.Go(func() { db.listen(bg) })
	} else {
		db.wg.Go(func() { db.back.run(bg, db.w) })
	}
	return db, nil
}

func open(ctx context.Context, dsn string, tune ...func(*pgx.ConnConfig)) (*DB, error) {
	db := &DB{url: dsn, now: time.Now}
	path, isSQLite := strings.CutPrefix(dsn, "sqlite:")
	switch {
	case isSQLite && path != "":
		db.dialect = dialects[SQLite]
		if err := db.openSQLite(path); err != nil {
			return nil, err
		}
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		db.dialect = dialects[Postgres]
		if err := db.openPostgres(dsn, tune...); err != nil {
			return nil, err
		}
	default:
		return nil, gyre.Errorf(gyre.Invalid, "database address %q begins with neither sqlite: nor postgres://", redact(dsn))
	}
	if err := db.connect(ctx); err != nil {
		_ = db.Close()
		return nil, gyre.Errorf(gyre.Unavailable, "open database %s: %w", redact(dsn), err)
	}
	return db, nil
}

// connect makes the first connection. Several that open a new database at once all
// switch it to its log, for which SQLite does not wait as it waits for writers.
func (db *DB) connect(ctx context.Context) error {
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := db.w.PingContext(ctx)
		if err == nil || !db.dialect.IsBusy(err) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (db *DB) openPostgres(dsn string, tune ...func(*pgx.ConnConfig)) error {
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		return gyre.Errorf(gyre.Invalid, "database address: %w", err)
	}
	// A plan that was made while a table was small would be kept for the life of
	// the connection: the first big import would read whole tables for each batch.
	conf.RuntimeParams["plan_cache_mode"] = "force_custom_plan"
	conf.RuntimeParams["application_name"] = "gyre"
	// Compiling a query takes longer than any of ours runs; and what they look for
	// is mostly in memory, or on a disk without arms.
	conf.RuntimeParams["jit"], conf.RuntimeParams["random_page_cost"] = "off", "1.1"
	for _, t := range tune {
		t(conf)
	}
	writer := conf.Copy()
	maps.Copy(writer.RuntimeParams, pgWriterParams)
	db.w, db.r = stdlib.OpenDB(*writer), stdlib.OpenDB(*conf)
	// A server as it comes takes 100 connections: those of six processes at work, of a
	// dozen that are idle. Writers of one workspace take turns anyway.
	db.w.SetMaxOpenConns(8)
	db.w.SetMaxIdleConns(4)
	db.r.SetMaxOpenConns(8)
	db.r.SetMaxIdleConns(4)
	return nil
}

// pgWriterParams keep writers at looking rows up. What a write transaction reads, it
// reads by key for the few hundred rows that it is about; to the planner, a table that is
// not yet large looks as if it were read faster whole, which each batch would do again.
var pgWriterParams = map[string]string{"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}

// sqlitePragmas hold for every connection. WAL with synchronous=NORMAL survives
// a killed process; a power cut may lose the last transactions, never half of one.
// writeback.go writes the log back; when it begins anew, its file is cut to
// what is in it, by which its length is known.
var sqlitePragmas = []string{
	"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)",
	"temp_store(MEMORY)", "cache_size(-16384)", "wal_autocheckpoint(" + logPages + ")", "journal_size_limit(0)",
}

func (db *DB) openSQLite(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make folder of database: %w", err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("find database %q: %w", path, err)
	}
	// SQLite would make the file as the umask says, and the files beside it with
	// the modes of this one. Who may read the database may read the whole estate.
	if err := ownerOnly(abs); err != nil {
		return fmt.Errorf("make database %q: %w", path, err)
	}
	q := url.Values{"_pragma": sqlitePragmas}
	reader := (&url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode() + "&_pragma=query_only(1)"}).String()
	// A write transaction that began as a reader cannot wait for another writer;
	// hence immediate, and a single connection.
	q.Set("_txlock", "immediate")
	writer := (&url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}).String()
	if db.w, err = sql.Open(sqliteDriver, writer); err != nil {
		return fmt.Errorf("open database %q: %w", path, err)
	}
	db.w.SetMaxOpenConns(1)
	own, err := sql.Open(sqliteDriver, writer)
	if err != nil {
		return fmt.Errorf("open database %q: %w", path, err)
	}
	db.back = newWriteBack(abs, own)
	if db.r, err = sql.Open(sqliteDriver, reader); err != nil {
		return fmt.Errorf("open database %q: %w", path, err)
	}
	db.r.SetMaxOpenConns(8)
	db.r.SetMaxIdleConns(8)
	return nil
}

// ownerOnly makes the file if there is none, and takes it and the files beside
// it from group and others. A file that exists is not opened: closing it again
// would drop the locks that this process may have on it.
func ownerOnly(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) // #nosec G304 -- the operator names the database
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		st, err := os.Stat(path + suffix)
		if err != nil || !st.Mode().IsRegular() || st.Mode().Perm()&0o077 == 0 {
			continue // what cannot be opened, SQLite will say
		}
		if err := os.Chmod(path+suffix, 0o600); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

// SetClock replaces the clock of what the store itself dates. It is for tests
// that look back over days.
func (db *DB) SetClock(now func() time.Time) { db.now = now }

// Engine says which engine it is.
func (db *DB) Engine() Engine { return db.dialect.Engine }

// Ping says whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	return db.r.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

// Size is the database's size in bytes.
func (db *DB) Size(ctx context.Context) (int64, error) {
	var n int64
	err := db.r.QueryRowContext(ctx, db.dialect.Size).Scan(&n)
	return n, err
}

// Optimize refreshes the planner's statistics; call it now and then, and after bulk work.
func (db *DB) Optimize(ctx context.Context) error {
	_, err := db.w.ExecContext(ctx, db.dialect.Vacuum)
	return err
}

// statisticsFrom is how many events a transaction writes, at least, after which
// somebody looks whether the planner knows anything of the tables.
const statisticsFrom = 200

// firstStatistics gathers statistics once the first rows are there. The engine does
// so by itself, but minutes later, and a planner that knows nothing takes a workspace for
// a small part of a table, and reads all of it, again and again.
func (db *DB) firstStatistics(ctx context.Context, events int) {
	if db.dialect.HasStatistics == "" || events < statisticsFrom || db.planned.Load() {
		return
	}
	var filled, has bool
	err := db.r.QueryRowContext(ctx, db.dialect.HasStatistics).Scan(&filled, &has)
	if err == nil && filled && !has {
		err = db.Optimize(ctx)
	}
	// Of an empty table there is nothing to know yet. Without statistics everything
	// works as well, but slower; the next transaction tries again.
	db.planned.Store(err == nil && filled)
}

// Close ends listening and closes the connections.
func (db *DB) Close() error {
	if db.stop != nil {
		db.stop()
	}
	db.wg.Wait()
	db.hub.close()
	pools := []*sql.DB{db.w, db.r}
	if db.back != nil {
		pools = append(pools, db.back.own)
	}
	var err error
	for _, pool := range pools {
		if pool != nil {
			if closeErr := pool.Close(); err == nil {
				err = closeErr
			}
		}
	}
	return err
}

// redact leaves the password out of an address for messages.
func redact(dsn string) string {
	if u, err := url.Parse(dsn); err == nil {
		return u.Redacted()
	}
	return "(unreadable)"
}

// FreeSpace is how many bytes are free on the disk of a SQLite database.
func (db *DB) FreeSpace() (int64, error) {
	path, isSQLite := strings.CutPrefix(db.url, "sqlite:")
	if !isSQLite {
		return 0, gyre.Errorf(gyre.Unavailable, "the disk of the database is elsewhere")
	}
	return freeBytes(path)
}
