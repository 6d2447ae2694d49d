// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Engine is a database engine.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Dialect is everything that differs between the engines (docs/adr/0001).
type Dialect struct {
	Engine Engine
	// Notify tells other processes that a workspace has new events; it runs in
	// the transaction that wrote them. Empty: there are no other processes.
	Notify string
	// Snapshot makes a reading transaction see one state; SQLite's always do.
	Snapshot sql.IsolationLevel
	// Vacuum gives space back and refreshes the planner's statistics.
	Vacuum string
	// HasStatistics says whether there are exposures, and whether the planner knows their
	// table. Empty: it does well without.
	HasStatistics string
	// Size is a query for the database's size in bytes.
	Size string
	// Columns is a query for the columns of every table, by name: table, column,
	// type, place in the primary key.
	Columns string
	// IsDuplicate says that an error is a broken uniqueness.
	IsDuplicate func(error) bool
	// Insert inserts many rows; see insert.
	Insert func(ctx context.Context, tx *txn, head, tail string, width, n int, row rowsOf) error
	// Given writes rows for a statement to work on; GivenRows is how many of n it takes
	// well; see eachGiven.
	Given     func(width, n int, row rowsOf) (given, error)
	GivenRows func(width, n int) int
	// Lookup joins given rows, "want w", with the rows of the table %[1]s that have
	// the condition %[2]s: one look-up for each, whatever the planner thinks it knows.
	Lookup string
	// Wide runs a query on a driver's connection for many rows; see eachWide.
	Wide func(ctx context.Context, conn any, query string, args []any, fn func(wideRow) error) error
	// NoIndex, before a column, keeps its index from being used. Empty: the
	// planner knows by itself when a table is better read as it lies.
	NoIndex string
	// NextSpan finds the exposure that is $3 behind $2 in the workspace $1, where that
	// costs little. Empty: one reader is fast, because its server is a process of its own.
	NextSpan string
	// Held counts the worker $1 and keeps it from being taken for gone until the
	// transaction ends. Empty: there are no other processes.
	Held string
	// Alone lets one transaction at a time pass, of all processes. Empty: every
	// transaction that writes is alone.
	Alone string
	// IsBusy says that somebody else was at what nobody waits for; trying again helps.
	IsBusy func(error) bool
	// IsFull says that the database has no room left.
	IsFull func(error) bool
	// Lock keeps a second process from migrating at the same time.
	Lock func(ctx context.Context, db *sql.DB, path string) (unlock func(), err error)
}

var dialects = map[Engine]*Dialect{
	SQLite: {
		Engine: SQLite,
		Vacuum: "PRAGMA optimize",
		Size:   "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
		Columns: `SELECT m.name, c.name, c.type, c.pk FROM sqlite_schema m JOIN pragma_table_info(m.name) c
			WHERE m.type = 'table' ORDER BY m.name, c.name`,
		IsDuplicate: func(err error) bool {
			e, ok := errors.AsType[*sqlite.Error](err)
			return ok && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
		},
		IsBusy: func(err error) bool {
			e, ok := errors.AsType[*sqlite.Error](err)
			return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
		},
		IsFull: func(err error) bool {
			e, ok := errors.AsType[*sqlite.Error](err)
			return (ok && e.Code()&0xff == sqlite3.SQLITE_FULL) || errors.Is(err, syscall.ENOSPC)
		},
		Insert:    insertValues,
		Given:     givenValues,
		GivenRows: givenValueRows,
		Lookup:    "FROM want w CROSS JOIN %[1]s WHERE %[2]s",
		Wide:      wideSQLite,
		NoIndex:   "+",
		NextSpan:  "SELECT id FROM exposure WHERE workspace = $1 AND id >= $2 ORDER BY id LIMIT 1 OFFSET $3",
		Lock:      lockFile,
	},
	Postgres: {
		Engine:        Postgres,
		Notify:        "SELECT pg_notify('" + notifyChannel + "', $1)",
		Vacuum:        "ANALYZE",
		HasStatistics: "SELECT EXISTS (SELECT 1 FROM exposure), EXISTS (SELECT 1 FROM pg_stats WHERE schemaname = current_schema() AND tablename = 'exposure' AND attname = 'workspace')",
		Held:          "SELECT count(*) FROM (SELECT 1 FROM worker WHERE id = $1 FOR KEY SHARE) held",
		Alone:         "SELECT pg_advisory_xact_lock(4793012686)",
		Size:          "SELECT pg_database_size(current_database())",
		Snapshot:      sql.LevelRepeatableRead,
		Columns: `SELECT c.relname, a.attname, format_type(a.atttypid, NULL), COALESCE((SELECT k.n FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(col, n)
				WHERE i.indrelid = c.oid AND i.indisprimary AND k.col = a.attnum), 0)
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			WHERE c.relnamespace = to_regnamespace(current_schema()::text) AND c.relkind = 'r'
			ORDER BY c.relname::text COLLATE "C", a.attname::text COLLATE "C"`,
		IsDuplicate: func(err error) bool {
			e, ok := errors.AsType[*pgconn.PgError](err)
			return ok && e.Code == "23505"
		},
		IsBusy: func(error) bool { return false },
		IsFull: func(err error) bool {
			e, ok := errors.AsType[*pgconn.PgError](err)
			return ok && e.Code == "53100"
		},
		Insert:    insertArrays,
		Given:     givenArrays,
		GivenRows: givenArrayRows,
		Lookup:    "FROM want w CROSS JOIN LATERAL (SELECT * FROM %[1]s WHERE %[2]s OFFSET 0) e",
		Wide:      widePostgres,
		Lock:      lockAdvisory,
	},
}
