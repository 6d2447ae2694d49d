// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
)

// postgresURL is set by the external tests, which may start a server: this
// file is in the package because it looks at the schema.
var postgresURL func(t testing.TB) string

// SetPostgres is for the external tests of this package.
func SetPostgres(url func(t testing.TB) string) { postgresURL = url }

// TestSameMigrations: both engines have the same steps.
func TestSameMigrations(t *testing.T) {
	names := func(engine string) []string {
		entries, err := migrations.ReadDir("migrations/" + engine)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range entries {
			out = append(out, e.Name())
		}
		return out
	}
	if d := cmp.Diff(names("sqlite"), names("postgres")); d != "" {
		t.Fatalf("the folders differ (-sqlite +postgres):\n%s", d)
	}
}

// TestSameSchema: after all migrations both engines have the same tables,
// columns, keys and indexes. The queue's tables are River's, which has its own
// for each engine; goose's likewise.
func TestSameSchema(t *testing.T) {
	lite, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lite.Close() }()
	pg, err := Open(t.Context(), postgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pg.Close() }()
	a, b := liteSchema(t, lite.r), pgSchema(t, pg.r)
	if len(a) < 200 {
		t.Fatalf("only %d lines of schema: the queries are wrong", len(a))
	}
	if d := cmp.Diff(a, b); d != "" {
		t.Fatalf("the schemas differ (-sqlite +postgres):\n%s", d)
	}
	for _, line := range a {
		if strings.Contains(line, " bytes notnull=0") {
			t.Errorf("%s: a backup cannot tell null from no bytes", line)
		}
	}
	// Any order of the tables is one that a backup can be restored in.
	if n := query(t, pg.r, "SELECT count(*)::text FROM pg_constraint WHERE contype = 'f'"); n[0][0] != "0" {
		t.Errorf("%s foreign keys: order the tables of backups by them", n[0][0])
	}
	for _, ddl := range query(t, lite.r, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'river%'") {
		if strings.Contains(strings.ToUpper(ddl[1]), "REFERENCES") {
			t.Errorf("table %s has a foreign key: order the tables of backups by them", ddl[0])
		}
	}
}

var typeFamilies = map[string]string{
	"INTEGER": "int", "BIGINT": "int", "bigint": "int", "TEXT": "text", "text": "text", "BLOB": "bytes", "bytea": "bytes",
	"BOOLEAN": "bool", "boolean": "bool", "DOUBLE PRECISION": "float", "double precision": "float",
}

func family(t *testing.T, typ string) string {
	f, ok := typeFamilies[typ]
	if !ok {
		t.Fatalf("type %q", typ)
	}
	return f
}

func query(t *testing.T, db *sql.DB, text string, args ...any) [][]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), text, args...)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for rows.Next() {
		row, dest := make([]string, len(cols)), make([]any, len(cols))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func liteSchema(t *testing.T, db *sql.DB) []string {
	var out []string
	for _, table := range query(t, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose%' AND name NOT LIKE 'river%'") {
		var pk []string
		for _, c := range query(t, db, `SELECT name, type, "notnull", replace(COALESCE(dflt_value, ''), '''', ''), pk FROM pragma_table_info($1) ORDER BY pk`, table[0]) {
			out = append(out, fmt.Sprintf("%s.%s %s notnull=%s default=%s", table[0], c[0], family(t, c[1]), c[2], c[3]))
			if c[4] != "0" {
				pk = append(pk, c[0])
			}
		}
		out = append(out, fmt.Sprintf("%s unique=1 partial=0 (%s)", table[0], strings.Join(pk, " ")))
		for _, ix := range query(t, db, `SELECT name, "unique", partial FROM pragma_index_list($1) WHERE origin <> 'pk'`, table[0]) {
			var cols []string
			for _, c := range query(t, db, "SELECT name FROM pragma_index_info($1) ORDER BY seqno", ix[0]) {
				cols = append(cols, c[0])
			}
			out = append(out, fmt.Sprintf("%s unique=%s partial=%s (%s)", table[0], ix[1], ix[2], strings.Join(cols, " ")))
		}
	}
	sort.Strings(out)
	return out
}

func pgSchema(t *testing.T, db *sql.DB) []string {
	var out []string
	for _, c := range query(t, db, `SELECT table_name, column_name, data_type, CASE is_nullable WHEN 'NO' THEN '1' ELSE '0' END,
		COALESCE(replace(replace(replace(column_default, '''', ''), '::bigint', ''), '::text', ''), '') FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%' AND table_name NOT LIKE 'river%'`) {
		out = append(out, fmt.Sprintf("%s.%s %s notnull=%s default=%s", c[0], c[1], family(t, c[2]), c[3], c[4]))
	}
	for _, ix := range query(t, db, `SELECT t.relname, CASE WHEN i.indisunique THEN '1' ELSE '0' END, CASE WHEN i.indpred IS NULL THEN '0' ELSE '1' END,
			(SELECT string_agg(a.attname, ' ' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY AS k(col, n)
				JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.col)
		FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace s ON s.oid = t.relnamespace
		WHERE s.nspname = 'public' AND t.relname NOT LIKE 'goose%' AND t.relname NOT LIKE 'river%'`) {
		out = append(out, fmt.Sprintf("%s unique=%s partial=%s (%s)", ix[0], ix[1], ix[2], ix[3]))
	}
	sort.Strings(out)
	return out
}

// TestTextIsOrderedByBytes: without its own collation PostgreSQL would order
// text by the database's language, SQLite by bytes.
func TestTextIsOrderedByBytes(t *testing.T) {
	pg, err := Open(t.Context(), postgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pg.Close() }()
	for _, c := range query(t, pg.r, `SELECT table_name, column_name FROM information_schema.columns
		WHERE table_schema = 'public' AND data_type = 'text' AND table_name NOT LIKE 'goose%' AND table_name NOT LIKE 'river%' AND COALESCE(collation_name, '') <> 'C'`) {
		t.Errorf("%s.%s has no collation \"C\"", c[0], c[1])
	}
}

// TestOpenTwice: opening again changes nothing, several may open a new database
// at once, and a database of a newer program is refused.
func TestOpenTwice(t *testing.T) {
	for _, engine := range []Engine{SQLite, Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			url := "sqlite:" + filepath.Join(t.TempDir(), "folder", "a.db")
			if engine == Postgres {
				url = postgresURL(t)
			}
			var wg sync.WaitGroup
			errs := make([]error, 4)
			for i := range errs {
				wg.Go(func() {
					db, err := Open(t.Context(), url)
					if err == nil {
						err = db.Close()
					}
					errs[i] = err
				})
			}
			wg.Wait()
			for _, err := range errs {
				if err != nil {
					t.Fatal(err)
				}
			}
			db, err := Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			_, err = db.exec(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, $1)", true)
			if cerr := db.Close(); err == nil {
				err = cerr
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), url); gyre.ErrorCode(err) != gyre.Conflict {
				t.Fatalf("a newer schema is opened: %v", err)
			}
		})
	}
}

func TestBadAddress(t *testing.T) {
	for _, url := range []string{"", "sqlite:", "mysql://x", "/a.db"} {
		if _, err := Open(t.Context(), url); gyre.ErrorCode(err) != gyre.Invalid {
			t.Errorf("%q: %v", url, err)
		}
	}
	_, err := Open(t.Context(), "postgres://u:secret@127.0.0.1:1/x?connect_timeout=2")
	if gyre.ErrorCode(err) != gyre.Unavailable {
		t.Errorf("a server that is not there: %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "secret") {
		t.Errorf("the message holds the password: %v", err)
	}
}

// TestOtherProcess: on PostgreSQL a subscriber hears of what another process wrote.
func TestOtherProcess(t *testing.T) {
	url := postgresURL(t)
	a, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	b, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	ws, err := a.EnsureWorkspace(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	told, cancel := b.Subscribe(ws.ID)
	defer cancel()
	for range 2 { // the first may come before b listens; then it catches up
		if err := a.Write(t.Context(), ws.ID, func(tx *Tx) error {
			tx.Append(gyre.Event{Object: "exposure", ID: 1, Kind: "created"})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for seq := range told {
		if seq == 2 {
			break
		}
	}
}

// TestPrivate: the database file and its folder are for its owner only.
func TestPrivate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	db, err := Open(context.Background(), "sqlite:"+filepath.Join(folder, "gyre.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	st, err := os.Stat(folder)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		t.Errorf("the folder is %v", st.Mode())
	}
	if n, err := db.Size(t.Context()); err != nil || n < 4096 {
		t.Errorf("size %d: %v", n, err)
	}
	if err := db.Optimize(t.Context()); err != nil {
		t.Error(err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if !slices.Contains([]Engine{SQLite, Postgres}, db.Engine()) {
		t.Errorf("engine %q", db.Engine())
	}
}
