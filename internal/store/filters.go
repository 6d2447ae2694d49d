// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

// Filters lists the saved filters by name.
func (db *DB) Filters(ctx context.Context, ws gyre.ID) ([]gyre.SavedFilter, error) {
	return collect(ctx, db.r, func(s scanner) (f gyre.SavedFilter, err error) {
		var created int64
		err = s.Scan((*int64)(&f.ID), &f.Name, &f.For, &f.Filter, (*int64)(&f.Owner), &created)
		f.Created = timeOf(created)
		return f, err
	}, "SELECT id, name, rows_of, filter, owner, created FROM saved_filter WHERE workspace = $1 ORDER BY name", int64(ws))
}

// CreateFilter stores a filter under a name and gives it an ID. A name that is taken is gyre.Conflict.
func (db *DB) CreateFilter(ctx context.Context, ws gyre.ID, f gyre.SavedFilter) (gyre.SavedFilter, error) {
	f.ID, f.Created = gyre.NewID(), timeOf(micros(db.now()))
	_, err := db.w.ExecContext(ctx, "INSERT INTO saved_filter (id, workspace, name, rows_of, filter, owner, created) VALUES ($1,$2,$3,$4,$5,$6,$7)",
		int64(f.ID), int64(ws), f.Name, f.For, f.Filter, int64(f.Owner), micros(f.Created))
	if db.dialect.IsDuplicate(err) {
		return f, gyre.FieldErrorf(gyre.Conflict, "name", "there is a filter %q already", f.Name)
	}
	if err != nil {
		return f, fmt.Errorf("save filter: %w", err)
	}
	return f, nil
}

// DeleteFilter removes a saved filter.
func (db *DB) DeleteFilter(ctx context.Context, ws, id gyre.ID) error {
	res, err := db.w.ExecContext(ctx, "DELETE FROM saved_filter WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
	if err != nil {
		return fmt.Errorf("delete filter: %w", err)
	}
	if n, err := res.RowsAffected(); err == nil && n == 0 {
		return gyre.Errorf(gyre.NotFound, "no filter %s", id)
	}
	return nil
}
