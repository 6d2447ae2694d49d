// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// A journal is what a merge writes down while it works, so that it can be
// undone: a full image of each row that it removed, the keys of those that it
// moved, the values that it changed. Read backwards it restores them.
type journal struct {
	tx    *Tx
	m     gyre.Merge
	seq   int64
	items []journalItem
}

type journalItem struct {
	seq             int64
	kind, op, field string // kind is a table
	object, other   gyre.ID
	body            string
}

// What can happen to a row.
const (
	opRemoved = "removed" // body: the row
	opMoved   = "moved"   // field went from object to other; body: the rest of the keys
	opChanged = "changed" // body: changedRow
	opSettled = "settled" // an exposure; body: settledPair
	opKept    = "kept"    // body: IDs of rows that the other had already
	opMet     = "met"     // object is a merge that this one brought about
)

type changedRow struct {
	Before map[string]any `json:"before"`
	After  map[string]any `json:"after"`
}

// rowKeys are the columns that, beside the one that moves, name a row.
var rowKeys = map[string][]string{
	"exposure.asset":       {"id"},
	"exposure.weakness":    {"id"},
	"observation.exposure": {"source"},
	"verdict.exposure":     {"id"},
	"event.object_id":      {"seq"},
	"change_item.exposure": {"change"},
	"fact.asset":           {"aspect", "locus", "source"},
	"component.asset":      {"id"},
	"coverage.asset":       {"id"},
	"identifier.asset":     {"family", "type", "value", "zone"},
	"run_asset.asset":      {"run"},
	"asset_scope.asset":    {"scope"},
	"relation.from_asset":  {"to_asset", "type"},
	"relation.to_asset":    {"from_asset", "type"},
	"claim.asset":          {"id"},

	"weakness_alias.weakness": {"alias"},
}

// keysPerItem bounds how many keys one item of the journal holds.
const keysPerItem = 500

// beginMerge stores a merge and opens its journal.
func (tx *Tx) beginMerge(ctx context.Context, m gyre.Merge) (*journal, error) {
	if m.From == m.Into {
		return nil, gyre.Errorf(gyre.Invalid, "%s %s cannot be merged into itself", m.Object, m.From)
	}
	if m.ID == 0 {
		m.ID = gyre.NewID()
	}
	m.Workspace, m.At = tx.ws, tx.now
	_, err := tx.exec(ctx, `INSERT INTO merge (id, workspace, at, object, from_id, into_id, from_name, into_name, reason, actor, run, undone, undone_by)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,0,'')`,
		int64(m.ID), int64(tx.ws), micros(m.At), m.Object, int64(m.From), int64(m.Into), m.FromName, m.IntoName, m.Reason, m.Actor, int64(m.Run))
	if err != nil {
		return nil, fmt.Errorf("record merge: %w", err)
	}
	return &journal{tx: tx, m: m}, nil
}

func (j *journal) note(i journalItem) {
	j.seq++
	i.seq = j.seq
	j.items = append(j.items, i)
}

// flush stores what was noted.
func (j *journal) flush(ctx context.Context) error {
	err := insert(ctx, j.tx.tx, "INSERT INTO merge_item (merge, seq, workspace, kind, op, field, object_id, other_id, body)", "", 9, len(j.items),
		func(n int, a []any) []any {
			i := &j.items[n]
			return append(a, int64(j.m.ID), i.seq, int64(j.tx.ws), i.kind, i.op, i.field, int64(i.object), int64(i.other), i.body)
		})
	if err != nil {
		return fmt.Errorf("write journal of merge: %w", err)
	}
	j.items = j.items[:0]
	return nil
}

// rows reads whole rows.
func (tx *Tx) rows(ctx context.Context, query string, args ...any) ([]map[string]any, error) {
	rows, err := tx.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []map[string]any
	for rows.Next() {
		values, dest := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		row := make(map[string]any, len(names))
		for i, n := range names {
			if b, ok := values[i].([]byte); ok {
				values[i] = string(b)
			}
			row[n] = values[i]
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// drop removes the rows of a table that meet a condition, keeping their images.
func (j *journal) drop(ctx context.Context, table, where string, args ...any) error {
	rows, err := j.tx.rows(ctx, "SELECT * FROM "+table+" WHERE "+where, args...)
	if err != nil {
		return fmt.Errorf("read what a merge removes of %s: %w", table, err)
	}
	if len(rows) == 0 {
		return nil
	}
	for _, row := range rows {
		body, err := jsonText(row)
		if err != nil {
			return err
		}
		id, _ := row["id"].(int64)
		j.note(journalItem{kind: table, op: opRemoved, object: gyre.ID(id), body: body})
	}
	if _, err := j.tx.exec(ctx, "DELETE FROM "+table+" WHERE "+where, args...); err != nil {
		return fmt.Errorf("remove from %s: %w", table, err)
	}
	return nil
}

// move gives the rows of one owner to another. Rows that would be there twice
// must have been dropped before.
func (j *journal) move(ctx context.Context, table, field string, from, into gyre.ID) (int, error) {
	keys := rowKeys[table+"."+field]
	where := " WHERE workspace = $1 AND " + field + " = $2"
	rows, err := j.tx.rows(ctx, "SELECT "+strings.Join(keys, ", ")+" FROM "+table+where, int64(j.tx.ws), int64(from))
	if err != nil {
		return 0, fmt.Errorf("read what a merge moves of %s: %w", table, err)
	}
	if len(rows) == 0 {
		return 0, nil
	}
	if err := j.noteMoved(table, field, from, into, keyLists(rows, keys)); err != nil {
		return 0, err
	}
	if _, err := j.tx.exec(ctx, "UPDATE "+table+" SET "+field+" = $3"+where, int64(j.tx.ws), int64(from), int64(into)); err != nil {
		return 0, fmt.Errorf("move %s: %w", table, err)
	}
	return len(rows), nil
}

func keyLists(rows []map[string]any, keys []string) [][]any {
	out := make([][]any, len(rows))
	for i, row := range rows {
		for _, k := range keys {
			out[i] = append(out[i], row[k])
		}
	}
	return out
}

func (j *journal) noteMoved(table, field string, from, into gyre.ID, keys [][]any) error {
	for at := 0; at < len(keys); at += keysPerItem {
		body, err := jsonText(keys[at:min(at+keysPerItem, len(keys))])
		if err != nil {
			return err
		}
		j.note(journalItem{kind: table, op: opMoved, field: field, object: from, other: into, body: body})
	}
	return nil
}

// change sets columns of one row by its ID and keeps what they were. Columns
// that already are so are left out.
func (j *journal) change(ctx context.Context, table string, id gyre.ID, set map[string]any) error {
	rows, err := j.tx.rows(ctx, "SELECT * FROM "+table+" WHERE workspace = $1 AND id = $2", int64(j.tx.ws), int64(id))
	if err != nil {
		return fmt.Errorf("read what a merge changes of %s: %w", table, err)
	}
	if len(rows) == 0 {
		return gyre.Errorf(gyre.NotFound, "no %s %s", table, id)
	}
	c := changedRow{map[string]any{}, map[string]any{}}
	for col, v := range set {
		if rows[0][col] != v {
			c.Before[col], c.After[col] = rows[0][col], v
		}
	}
	body, err := jsonText(c)
	if err != nil {
		return err
	}
	j.note(journalItem{kind: table, op: opChanged, object: id, body: body})
	if err := j.tx.noteColumns(table, id, c.Before, c.After); err != nil {
		return err
	}
	return j.tx.setColumns(ctx, table, id, c.After)
}

func (tx *Tx) setColumns(ctx context.Context, table string, id gyre.ID, set map[string]any) error {
	if len(set) == 0 {
		return nil
	}
	var b strings.Builder
	args := []any{int64(tx.ws), int64(id)}
	for _, col := range slices.Sorted(maps.Keys(set)) {
		if len(args) > 2 {
			b.WriteString(", ")
		}
		args = append(args, set[col])
		b.WriteString(col + " = $" + strconv.Itoa(len(args)))
	}
	if _, err := tx.exec(ctx, "UPDATE "+table+" SET "+b.String()+" WHERE workspace = $1 AND id = $2", args...); err != nil {
		return fmt.Errorf("change %s %s: %w", table, id, err)
	}
	return nil
}

// decodeRow reads what jsonText wrote of a row: whole numbers come back as int64.
func decodeRow(text string, into any) error {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("decode journal of merge: %w", err)
	}
	return nil
}

// insertRow stores an image again, unless something else has its place by now.
func (tx *Tx) insertRow(ctx context.Context, table string, row map[string]any) error {
	cols := slices.Sorted(maps.Keys(row))
	args := make([]any, len(cols))
	for i, c := range cols {
		args[i] = numbers(row[c])
	}
	_, err := tx.exec(ctx, "INSERT INTO "+table+" ("+strings.Join(cols, ", ")+") VALUES "+placeholders(1, len(cols))+" ON CONFLICT DO NOTHING", args...)
	if err != nil {
		return fmt.Errorf("restore %s: %w", table, err)
	}
	return nil
}
