// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/gyre-ctem/gyre"
)

// River's tables lie in the same database, so that a job can be added in the
// transaction whose effect it follows. On both engines River works on
// database/sql: one type of transaction, the store's own (docs/adr/0008).

// migrateRiver brings River's tables up to date; the caller holds the migration lock.
func (db *DB) migrateRiver(ctx context.Context) error {
	quiet := &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)}
	var migrator *rivermigrate.Migrator[*sql.Tx]
	var err error
	if db.dialect.Engine == Postgres {
		migrator, err = rivermigrate.New(riverdatabasesql.New(db.w), quiet)
	} else {
		migrator, err = rivermigrate.New(riversqlite.New(db.w), quiet)
	}
	if err != nil {
		return fmt.Errorf("read migrations of the queue: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate queue: %w", err)
	}
	return nil
}

// River is the driver of a River client that works under the name of worker.
// Close is to be called when the client has stopped.
func (db *DB) River(ctx context.Context, worker gyre.ID) (_ riverdriver.Driver[*sql.Tx], closer func(), err error) {
	if db.dialect.Engine == SQLite {
		return liteDriver{riversqlite.New(db.w), riversqlite.New(db.r)}, func() {}, nil
	}
	conf, err := pgxpool.ParseConfig(db.url)
	if err != nil {
		return nil, nil, gyre.Errorf(gyre.Invalid, "database address: %w", err)
	}
	conf.MaxConns = 1 // it only listens
	conf.ConnConfig.RuntimeParams["application_name"] = "gyre jobs"
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, nil, gyre.Errorf(gyre.Unavailable, "listen for jobs: %w", err)
	}
	return pgDriver{riverdatabasesql.NewWithPgxListener(db.w, pool), db, worker}, pool.Close, nil
}

// liteDriver writes through the store's only writer, so River and imports take
// turns instead of finding the file locked, and listens through the readers: what
// it polls for does not wait behind an import.
type liteDriver struct {
	riverdriver.Driver[*sql.Tx]
	reader *riversqlite.Driver
}

// GetListener implements riverdriver.Driver.
func (d liteDriver) GetListener(p *riverdriver.GetListenenerParams) riverdriver.Listener {
	return d.reader.GetListener(p)
}

// pgDriver keeps a process that was taken for gone from saying how its jobs
// ended: by then another one works them. River itself looks at the job's state
// only, which is "running" again.
type pgDriver struct {
	riverdriver.Driver[*sql.Tx]
	db     *DB
	worker gyre.ID
}

// GetExecutor implements riverdriver.Driver.
func (d pgDriver) GetExecutor() riverdriver.Executor {
	return pgExecutor{d.Driver.GetExecutor(), d}
}

type pgExecutor struct {
	riverdriver.Executor
	driver pgDriver
}

// JobSetStateIfRunningMany implements riverdriver.Executor.
func (e pgExecutor) JobSetStateIfRunningMany(ctx context.Context, p *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	tx, err := e.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	var n int
	if err := tx.QueryRow(ctx, e.driver.db.dialect.Held, int64(e.driver.worker)).Scan(&n); err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, nil
	}
	rows, err := tx.JobSetStateIfRunningMany(ctx, p)
	if err != nil {
		return nil, err
	}
	return rows, tx.Commit(ctx)
}

// SQL is the transaction itself, for River: what is added to the queue in it is
// there if and only if the transaction's effect is.
func (tx *Tx) SQL() *sql.Tx { return tx.tx.Tx }

// Workspace is the workspace whose turn it is.
func (tx *Tx) Workspace() gyre.ID { return tx.ws }
