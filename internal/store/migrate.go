// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/pressly/goose/v3"

	"github.com/gyre-ctem/gyre"
)

//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var migrations embed.FS

// migrate brings the schema up to date. Two processes may try at once.
func (db *DB) migrate(ctx context.Context) error {
	unlock, err := db.dialect.Lock(ctx, db.w, strings.TrimPrefix(db.url, "sqlite:"))
	if err != nil {
		return fmt.Errorf("lock database for migration: %w", err)
	}
	defer unlock()
	if err := db.migrateTo(ctx, 0); err != nil {
		return err
	}
	return db.migrateRiver(ctx)
}

// migrateTo brings the schema to a version, or up to date (0); the caller sees
// to it that nobody else does.
func (db *DB) migrateTo(ctx context.Context, schema int64) error {
	folder, err := fs.Sub(migrations, "migrations/"+string(db.dialect.Engine))
	if err != nil {
		return err
	}
	dialect := goose.DialectSQLite3
	if db.dialect.Engine == Postgres {
		dialect = goose.DialectPostgres
	}
	provider, err := goose.NewProvider(dialect, db.w, folder, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	have, want, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if have > want {
		return gyre.Errorf(gyre.Conflict, "the database has schema %d, this program knows up to %d: it was used by a newer Gyre", have, want)
	}
	switch {
	case schema == 0:
		_, err = provider.Up(ctx)
	case schema < 0 || schema > want:
		return gyre.Errorf(gyre.Conflict, "schema %d is not known; this program knows up to %d", schema, want)
	default:
		_, err = provider.UpTo(ctx, schema)
	}
	if err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	return nil
}

// lockFile holds a lock beside the database file for as long as the migration
// takes. goose takes none on SQLite. The file stays; its lock does not outlive the process.
func lockFile(ctx context.Context, _ *sql.DB, path string) (func(), error) {
	f, err := os.OpenFile(path+".migrate", os.O_CREATE|os.O_RDWR, 0o600) // #nosec G304 -- the operator names the database
	if err != nil {
		return nil, err
	}
	if err := flock(ctx, f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// migrationLock is the key of the advisory lock; any number, as long as it stays.
const migrationLock = 4_793_012_685

func lockAdvisory(ctx context.Context, db *sql.DB, _ string) (func(), error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(migrationLock)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(migrationLock))
		_ = conn.Close()
	}, nil
}
