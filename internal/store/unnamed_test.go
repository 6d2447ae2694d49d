// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestUnnamed(t *testing.T) {
	for in, want := range map[string]string{
		"SELECT 1":                      "SELECT 1",
		"VALUES ($1,$2),($3,$4)":        "VALUES (?,?),(?,?)",
		"a = $1 AND b = 'x' AND c = $2": "a = ? AND b = 'x' AND c = ?",
		"a = $2 AND b = $1":             "a = $2 AND b = $1",
		"a = $1 OR b = $1":              "a = $1 OR b = $1",
		"a = $1 AND b = $3":             "a = $1 AND b = $3",
		"a = '$1'":                      "a = '$1'",
		"a = $1 AND b = 'x''$2'":        "a = $1 AND b = 'x''$2'",
		`a = $1 AND "b$2"`:              `a = $1 AND "b$2"`,
		"a = $1 -- $2":                  "a = $1 -- $2",
		"a = $":                         "a = $",
		"a = $1 AND b = $01":            "a = $1 AND b = $01",

		"$1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 tail": "? ? ? ? ? ? ? ? ? ? ? tail",
	} {
		if got := unnamed(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// Whether the text was rewritten or not, each parameter gets its own value.
func TestUnnamedParameters(t *testing.T) {
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, query := range []string{
		"SELECT $1 || 'x' || $2 || $3", "SELECT x.b || 'x' || x.c || x.d FROM (SELECT $3 AS d, $1 AS b, $2 AS c) x", "SELECT $1 || 'x' || $2 || substr($3 || $1, 1, 1)",
	} {
		stmt, err := db.r.PrepareContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		var direct, prepared string
		if err := db.r.QueryRowContext(t.Context(), query, "a", "b", "c").Scan(&direct); err != nil {
			t.Fatal(err)
		}
		if err := stmt.QueryRowContext(t.Context(), "a", "b", "c").Scan(&prepared); err != nil {
			t.Fatal(err)
		}
		_ = stmt.Close()
		if direct != "axbc" || prepared != "axbc" {
			t.Errorf("%s: %s and %s", query, direct, prepared)
		}
	}
}

// A kept statement serves one result at a time, and what is forgotten is prepared again.
func TestKeptStatements(t *testing.T) {
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tx, err := db.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.close()
	const query = "SELECT value FROM json_each($1)"
	var got []string
	var nest func(list string, deeper int)
	nest = func(list string, deeper int) {
		err := each(t.Context(), tx, query, []any{list}, func(s scanner) error {
			var v string
			if err := s.Scan(&v); err != nil {
				return err
			}
			got = append(got, v)
			if deeper > 0 {
				nest(`["x","y"]`, deeper-1)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		got = nil
		nest(`["a","b"]`, 1)
		if strings.Join(got, "") != "axybxy" {
			t.Fatalf("rows within rows: %v", got)
		}
		for i := range 2 * maxKept {
			var n int
			if err := tx.QueryRowContext(t.Context(), "SELECT "+strconv.Itoa(i)).Scan(&n); err != nil || n != i {
				t.Fatalf("%d: %d %v", i, n, err)
			}
		}
	}
}
