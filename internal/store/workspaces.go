// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

func scanWorkspace(s scanner) (w gyre.Workspace, err error) {
	var created int64
	err = s.Scan((*int64)(&w.ID), &w.Name, &created)
	w.Created = timeOf(created)
	return w, err
}

// Workspaces lists the workspaces, oldest first.
func (db *DB) Workspaces(ctx context.Context) ([]gyre.Workspace, error) {
	return collect(ctx, db.r, scanWorkspace, "SELECT id, name, created FROM workspace ORDER BY id")
}

// Workspace reads one.
func (db *DB) Workspace(ctx context.Context, ws gyre.ID) (gyre.Workspace, error) {
	return one(ctx, db.r, "workspace", ws, scanWorkspace, "SELECT id, name, created FROM workspace WHERE id = $1", int64(ws))
}

// EnsureWorkspace returns the workspace of that name, making it if there is none.
func (db *DB) EnsureWorkspace(ctx context.Context, name string) (gyre.Workspace, error) {
	_, err := db.exec(ctx,
		"INSERT INTO workspace (id, name, created) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
		int64(gyre.NewID()), name, micros(db.now()))
	if err != nil {
		return gyre.Workspace{}, fmt.Errorf("make workspace %q: %w", name, err)
	}
	return one(ctx, db.w, "workspace", name, scanWorkspace, "SELECT id, name, created FROM workspace WHERE name = $1", name)
}

// Setting reads a setting of a workspace; "" when it was never set.
func (db *DB) Setting(ctx context.Context, ws gyre.ID, name string) (string, error) {
	all, err := collect(ctx, db.r, func(s scanner) (v string, err error) { return v, s.Scan(&v) },
		"SELECT value FROM setting WHERE workspace = $1 AND name = $2", int64(ws), name)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0], nil
}

// SetSetting stores a setting of a workspace.
func (db *DB) SetSetting(ctx context.Context, ws gyre.ID, name, value string) error {
	_, err := db.exec(ctx, setSetting, int64(ws), name, value)
	return err
}

const setSetting = "INSERT INTO setting (workspace, name, value) VALUES ($1, $2, $3) ON CONFLICT (workspace, name) DO UPDATE SET value = excluded.value"
