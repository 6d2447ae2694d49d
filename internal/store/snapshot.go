// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// Table is a table of the schema as the catalogue has it, in the terms that both
// engines share.
type Table struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
}

// Column is a column of a table.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`          // int, float, text, bytes or bool
	Key  int    `json:"key,omitempty"` // its place in the primary key, from 1
}

// Names are the names of the columns.
func (t Table) Names() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

func (t Table) key() string {
	names := make([]string, 0, 4)
	for place := 1; ; place++ {
		found := false
		for _, c := range t.Columns {
			if c.Key == place {
				names, found = append(names, c.Name), true
			}
		}
		if !found {
			return strings.Join(names, ", ")
		}
	}
}

// carried says whether the rows of a table go with a backup. Left out are sessions,
// because a copy of the database must not be signed in; the queue, whose jobs would run a
// second time; the processes that work on it; and what the migrations keep for themselves.
func carried(table string) bool {
	switch table {
	case "session", "worker":
		return false
	}
	for _, prefix := range []string{"goose", "river", "sqlite_"} {
		if strings.HasPrefix(table, prefix) {
			return false
		}
	}
	return true
}

// columnTypes are the types of both engines in the terms of Column.
var columnTypes = map[string]string{
	"INTEGER": "int", "BIGINT": "int", "bigint": "int", "integer": "int", "TEXT": "text", "text": "text", "BLOB": "bytes", "bytea": "bytes",
	"BOOLEAN": "bool", "boolean": "bool", "DOUBLE PRECISION": "float", "double precision": "float",
}

// Snapshot is the whole database at one moment, while others go on writing.
type Snapshot struct {
	tx     *sql.Tx
	schema int64
	tables []Table
}

// Snapshot calls fn with the database as it is now, at whatever schema it is.
func (db *DB) Snapshot(ctx context.Context, fn func(*Snapshot) error) error {
	tx, err := db.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: db.dialect.Snapshot})
	if err != nil {
		return fmt.Errorf("begin snapshot: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	s := &Snapshot{tx: tx}
	// The first statement takes the snapshot.
	if err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version").Scan(&s.schema); err != nil {
		return gyre.Errorf(gyre.NotFound, "%s holds no Gyre database: %w", redact(db.url), err)
	}
	if s.tables, err = db.catalogue(ctx, tx); err != nil {
		return err
	}
	return fn(s)
}

// Schema is the version of the schema.
func (s *Snapshot) Schema() int64 { return s.schema }

// Tables lists the tables whose rows go with a backup, by name. None refers to
// another in the database's own terms, so any order is one of dependency.
func (s *Snapshot) Tables() []Table { return s.tables }

// catalogue lists the tables and their columns in the order of their names, so
// that it is the same however a schema came about.
func (db *DB) catalogue(ctx context.Context, q querier) ([]Table, error) {
	var tables []Table
	err := each(ctx, q, db.dialect.Columns, nil, func(s scanner) error {
		var table, typ string
		var c Column
		if err := s.Scan(&table, &c.Name, &typ, &c.Key); err != nil {
			return err
		}
		if !carried(table) {
			return nil
		}
		known := false
		if c.Type, known = columnTypes[typ]; !known {
			return gyre.Errorf(gyre.Internal, "column %s.%s is of type %q, which no backup can hold", table, c.Name, typ)
		}
		if len(tables) == 0 || tables[len(tables)-1].Name != table {
			tables = append(tables, Table{Name: table})
		}
		t := &tables[len(tables)-1]
		t.Columns = append(t.Columns, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	return tables, nil
}

// Rows calls fn with every row of a table in the order of its key. Values are nil,
// int64, float64, string, []byte or bool; fn must not keep the slice.
func (s *Snapshot) Rows(ctx context.Context, t Table, fn func(values []any) error) error {
	query := "SELECT " + strings.Join(t.Names(), ", ") + " FROM " + t.Name
	if key := t.key(); key != "" {
		query += " ORDER BY " + key
	}
	ints, floats, texts := make([]sql.NullInt64, len(t.Columns)), make([]sql.NullFloat64, len(t.Columns)), make([]sql.NullString, len(t.Columns))
	bools, blobs := make([]sql.NullBool, len(t.Columns)), make([][]byte, len(t.Columns))
	dest, values := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i, c := range t.Columns {
		switch c.Type {
		case "int":
			dest[i] = &ints[i]
		case "float":
			dest[i] = &floats[i]
		case "bool":
			dest[i] = &bools[i]
		case "bytes":
			dest[i] = &blobs[i]
		default:
			dest[i] = &texts[i]
		}
	}
	return each(ctx, s.tx, query, nil, func(row scanner) error {
		if err := row.Scan(dest...); err != nil {
			return err
		}
		for i, c := range t.Columns {
			values[i] = nil
			switch {
			case c.Type == "int" && ints[i].Valid:
				values[i] = ints[i].Int64
			case c.Type == "float" && floats[i].Valid:
				values[i] = floats[i].Float64
			case c.Type == "bool" && bools[i].Valid:
				values[i] = bools[i].Bool
			case c.Type == "bytes":
				// SQLite's driver hands out no bytes as nil; a test holds that none of these is ever null.
				if values[i] = blobs[i]; blobs[i] == nil {
					values[i] = []byte{}
				}
			case c.Type == "text" && texts[i].Valid:
				values[i] = texts[i].String
			}
		}
		return fn(values)
	})
}
