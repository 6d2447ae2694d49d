// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gyre-ctem/gyre"
)

// Attach opens a database as it is, to read it: nothing is made or migrated.
func Attach(ctx context.Context, dsn string) (*DB, error) {
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return nil, gyre.Errorf(gyre.NotFound, "there is no database %s", path)
		}
	}
	return open(ctx, dsn)
}

// Restore makes a new database of a schema version, lets fill put rows into it, brings
// it to the newest schema, and only then puts it in the place of dsn. Whatever goes
// wrong before that leaves dsn as it was. A place that holds a database already
// is gyre.Conflict, unless it shall be replaced: what was there is kept beside it,
// under the name that Restore returns.
func Restore(ctx context.Context, dsn string, schema int64, replace bool, fill func(*Filling) error) (kept string, err error) {
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok && path != "" {
		return restoreFile(ctx, path, schema, replace, fill)
	}
	return restoreSchema(ctx, dsn, schema, replace, fill)
}

// Filling is a new database that is being filled.
type Filling struct {
	db *DB
	tx *txn
}

// Tables lists the tables that can be filled, by name.
func (f *Filling) Tables(ctx context.Context) ([]Table, error) { return f.db.catalogue(ctx, f.tx) }

// Insert puts rows into a table.
func (f *Filling) Insert(ctx context.Context, t Table, rows [][]any) error {
	names := t.Names()
	err := insert(ctx, f.tx, "INSERT INTO "+t.Name+" ("+strings.Join(names, ", ")+")", "", len(names), len(rows),
		func(i int, args []any) []any { return append(args, rows[i]...) })
	if err != nil {
		return fmt.Errorf("fill table %s: %w", t.Name, err)
	}
	return nil
}

// Commit ends the filling; what was put in can be read back from the snapshot.
func (f *Filling) Commit(ctx context.Context, check func(*Snapshot) error) error {
	if err := f.tx.Commit(); err != nil {
		return fmt.Errorf("commit restored rows: %w", err)
	}
	f.tx.close()
	return f.db.Snapshot(ctx, check)
}

// fill brings a new, empty database to a schema, fills it and brings it to the newest.
func (db *DB) fill(ctx context.Context, schema int64, fill func(*Filling) error) error {
	if err := db.migrateTo(ctx, schema); err != nil {
		return err
	}
	tx, err := db.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.close()
	// Migrations may have put rows in, which the backup has as well.
	f := &Filling{db: db, tx: tx}
	tables, err := f.Tables(ctx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+t.Name); err != nil {
			return fmt.Errorf("empty table %s: %w", t.Name, err)
		}
	}
	if err := fill(f); err != nil {
		return err
	}
	return db.migrateTo(ctx, 0)
}

const restoring = ".restoring"

// sqliteFiles are the files of one SQLite database.
var sqliteFiles = []string{"", "-wal", "-shm"}

func restoreFile(ctx context.Context, path string, schema int64, replace bool, fill func(*Filling) error) (kept string, err error) {
	st, err := os.Stat(path)
	there := err == nil && st.Size() > 0
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", gyre.Errorf(gyre.Unavailable, "look for database: %w", err)
	case there && !replace:
		return "", gyre.Errorf(gyre.Conflict, "there is a database already: %s", path)
	}
	beside := path + restoring
	clean := func() {
		for _, suffix := range append(sqliteFiles, ".migrate") {
			_ = os.Remove(beside + suffix)
		}
	}
	clean() // of a restore that was killed
	defer clean()
	db, err := open(ctx, "sqlite:"+beside)
	if err != nil {
		return "", err
	}
	err = db.fill(ctx, schema, fill)
	if err == nil {
		// Everything into the one file, which is what is renamed.
		_, err = db.w.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = syncFile(beside)
	}
	if err != nil {
		return "", err
	}
	if there {
		kept = path + ".replaced-" + time.Now().UTC().Format("20060102T150405Z")
		for i := len(sqliteFiles) - 1; i >= 0; i-- {
			if err := os.Rename(path+sqliteFiles[i], kept+sqliteFiles[i]); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("move the old database away: %w", err)
			}
		}
	}
	if err := os.Rename(beside, path); err != nil {
		return kept, fmt.Errorf("put the restored database in its place: %w", err)
	}
	return kept, nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0) // #nosec G304 -- our own file
	if err != nil {
		return err
	}
	err = f.Sync()
	return errors.Join(err, f.Close())
}

// restoringSchema is where PostgreSQL is filled, beside the schema in use.
const restoringSchema = "gyre_restoring"

func restoreSchema(ctx context.Context, dsn string, schema int64, replace bool, fill func(*Filling) error) (kept string, err error) {
	db, err := open(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	if err := db.alone(ctx); err != nil {
		return "", err
	}
	old, err := db.objects(ctx, "current_schema()")
	if err != nil {
		return "", err
	}
	if len(old) > 0 && !replace {
		return "", gyre.Errorf(gyre.Conflict, "there is a database already: %s", redact(dsn))
	}
	for _, q := range []string{"DROP SCHEMA IF EXISTS " + restoringSchema + " CASCADE", "CREATE SCHEMA " + restoringSchema} {
		if _, err := db.w.ExecContext(ctx, q); err != nil {
			return "", fmt.Errorf("make schema to restore into: %w", err)
		}
	}
	defer func() {
		_, derr := db.w.ExecContext(context.WithoutCancel(ctx), "DROP SCHEMA IF EXISTS "+restoringSchema+" CASCADE")
		if err == nil && derr != nil {
			err = fmt.Errorf("drop schema %s: %w", restoringSchema, derr)
		}
	}()
	beside, err := open(ctx, dsn, inSchema)
	if err != nil {
		return "", err
	}
	err = beside.fill(ctx, schema, fill)
	if cerr := beside.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return "", err
	}
	return db.swap(ctx, old)
}

// leaving is how long a process that has stopped may still seem connected.
const leaving = 2 * time.Second

// alone fails when another process of Gyre's uses the database.
func (db *DB) alone(ctx context.Context) error {
	for until := time.Now().Add(leaving); ; {
		// Of the writers, which are connected: a reader would count them as others.
		var others int
		err := db.w.QueryRowContext(ctx, `SELECT COUNT(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name LIKE 'gyre%' AND pid <> pg_backend_pid()`).Scan(&others)
		switch {
		case err != nil:
			return fmt.Errorf("look for other processes: %w", err)
		case others == 0:
			return nil
		case time.Now().After(until):
			return gyre.Errorf(gyre.Conflict, "another Gyre process uses %s; stop it first", redact(db.url))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// inSchema makes connections work in the schema that is being restored into.
func inSchema(conf *pgx.ConnConfig) { conf.RuntimeParams["search_path"] = restoringSchema }

// objects are the things of Gyre's in a schema, as ALTER names them.
func (db *DB) objects(ctx context.Context, schema string) ([]string, error) {
	names, err := collect(ctx, db.r, func(s scanner) (n string, err error) { return n, s.Scan(&n) }, `
		SELECT 'TABLE ' || quote_ident(c.relname) FROM pg_class c WHERE c.relnamespace = to_regnamespace(`+schema+`::text) AND c.relkind = 'r'
			AND (EXISTS (SELECT 1 FROM pg_class g WHERE g.relnamespace = c.relnamespace AND g.relname = 'goose_db_version'))
		UNION ALL SELECT 'TYPE ' || quote_ident(t.typname) FROM pg_type t
			WHERE t.typnamespace = to_regnamespace(`+schema+`::text) AND t.typtype = 'e' AND t.typname LIKE 'river%'
		UNION ALL SELECT 'FUNCTION ' || p.oid::regprocedure::text FROM pg_proc p
			WHERE p.pronamespace = to_regnamespace(`+schema+`::text) AND p.proname LIKE 'river%'
		ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("list what there is: %w", err)
	}
	return names, nil
}

// swap moves what there was to a schema of its own, and what was restored into
// the schema in use, in one transaction.
func (db *DB) swap(ctx context.Context, old []string) (kept string, err error) {
	fresh, err := db.objects(ctx, "'"+restoringSchema+"'")
	if err != nil {
		return "", err
	}
	var use string
	if err := db.r.QueryRowContext(ctx, "SELECT quote_ident(current_schema())").Scan(&use); err != nil {
		return "", fmt.Errorf("find the schema in use: %w", err)
	}
	tx, err := db.begin(ctx)
	if err != nil {
		return "", err
	}
	defer tx.close()
	var steps []string
	if len(old) > 0 {
		kept = "gyre_replaced_" + time.Now().UTC().Format("20060102t150405z")
		steps = append(steps, "CREATE SCHEMA "+kept)
		for _, o := range old {
			steps = append(steps, "ALTER "+o+" SET SCHEMA "+kept)
		}
	}
	for _, o := range fresh {
		kind, name, _ := strings.Cut(o, " ")
		if !strings.HasPrefix(name, restoringSchema+".") {
			name = restoringSchema + "." + name
		}
		steps = append(steps, "ALTER "+kind+" "+name+" SET SCHEMA "+use)
	}
	for _, q := range steps {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return "", fmt.Errorf("put the restored tables in their place: %s: %w", q, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return "", fmt.Errorf("put the restored tables in their place: %w", err)
	}
	return kept, nil
}
