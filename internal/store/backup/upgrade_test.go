// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// TestUpgrade: a database of each released schema is opened by the present code, on
// both engines, and the estate reads the same.
//
// testdata/schema-NNNN.backup is a backup of a database that the released program
// itself made: the practice estate after a first cycle, three imports, and some triage.
// schema-NNNN.txt is what was in it, by queries that are not the project's own.
func TestUpgrade(t *testing.T) {
	files, err := filepath.Glob("testdata/schema-*.backup")
	ok(t, err)
	if len(files) == 0 {
		t.Fatal("no released schemas")
	}
	for _, file := range files {
		for _, engine := range storetest.Engines {
			t.Run(filepath.Base(file)+" on "+string(engine), func(t *testing.T) {
				made, err := os.ReadFile(file)
				ok(t, err)
				want, err := os.ReadFile(strings.TrimSuffix(file, ".backup") + ".txt")
				ok(t, err)
				dsn := address(t, engine)
				_, _, err = Restore(t.Context(), bytes.NewReader(made), dsn, false, quiet)
				ok(t, err)
				db, err := store.Open(t.Context(), dsn)
				ok(t, err)
				defer func() { ok(t, db.Close()) }()
				if d := cmp.Diff(strings.Split(strings.TrimSpace(string(want)), "\n"), estate(t, db)); d != "" {
					t.Errorf("the estate (-then +now):\n%s", d)
				}
				nothingLost(t, made, db)
			})
		}
	}
}

// estate reads what schema-NNNN.txt lists, through the store.
func estate(t *testing.T, db *store.DB) []string {
	t.Helper()
	ctx := t.Context()
	all, err := db.Workspaces(ctx)
	ok(t, err)
	ws := all[0].ID
	var out []string
	line := func(parts ...any) {
		texts := make([]string, len(parts))
		for i, p := range parts {
			texts[i] = fmt.Sprint(p)
		}
		out = append(out, strings.Join(texts, "|"))
	}
	bit := map[bool]int{true: 1}
	assets, weaknesses := map[gyre.ID]string{}, map[gyre.ID]string{}
	ok(t, db.EachAsset(ctx, ws, func(a gyre.Asset) error {
		assets[a.ID] = a.Name
		line("asset", a.Kind, a.Name, a.Zone, int(a.Criticality), a.Owner, a.FirstSeen.UnixMicro(), a.LastSeen.UnixMicro())
		return nil
	}))
	ok(t, db.EachWeakness(ctx, ws, func(w gyre.Weakness) error {
		weaknesses[w.ID] = w.Key
		line("weakness", w.Key, w.Title, w.Class, int(w.Severity))
		return nil
	}))
	ok(t, db.EachExposure(ctx, ws, func(e gyre.Exposure) error {
		fixed := int64(0)
		if !e.FixedAt.IsZero() {
			fixed = e.FixedAt.UnixMicro()
		}
		line("exposure", assets[e.Asset], weaknesses[e.Weakness], e.Locus, e.Aspect, e.Class, int(e.Severity), e.State,
			e.FirstSeen.UnixMicro(), e.LastSeen.UnixMicro(), fixed, bit[e.Credentialed])
		return nil
	}))
	actions, err := db.Actions(ctx, ws, nil, 1000)
	ok(t, err)
	for _, a := range actions {
		line("action", a.Key, a.State, a.Owner, a.Exposures, a.Assets)
	}
	accounts, err := db.Accounts(ctx, ws)
	ok(t, err)
	for _, a := range accounts {
		line("account", a.Name, a.Role)
	}
	slices.Sort(out)
	return out
}

// nothingLost: every row that was in the backup is there with the values that it
// had. Migrations add tables, rows and columns.
func nothingLost(t *testing.T, made []byte, db *store.DB) {
	t.Helper()
	tables, now := map[string]store.Table{}, map[string]map[string]bool{}
	columns := map[string][]string{} // of the old schema
	_, err := read(t.Context(), bytes.NewReader(made), func(h Header) error {
		for _, table := range h.Tables {
			columns[table.Name] = table.Names()
		}
		return db.Snapshot(t.Context(), func(s *store.Snapshot) error {
			for _, table := range s.Tables() {
				tables[table.Name], now[table.Name] = table, map[string]bool{}
				err := s.Rows(t.Context(), table, func(values []any) error {
					now[table.Name][project(table, values, columns[table.Name])] = true
					return nil
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}, func(table store.Table, rows [][]any) error {
		for _, row := range rows {
			if text := project(table, row, columns[table.Name]); !now[table.Name][text] {
				t.Errorf("table %s has lost, or changed: %s", table.Name, text)
			}
		}
		return nil
	})
	ok(t, err)
}

func project(table store.Table, values []any, columns []string) string {
	var b strings.Builder
	for i, c := range table.Columns {
		if slices.Contains(columns, c.Name) {
			fmt.Fprintf(&b, "%s=%#v ", c.Name, values[i])
		}
	}
	return b.String()
}
