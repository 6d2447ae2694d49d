// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

const scopeColumns = "id, workspace, name, body, created, updated"

func scanScope(s scanner) (sc gyre.Scope, err error) {
	var id, ws, created, updated int64
	var name, body string
	if err = s.Scan(&id, &ws, &name, &body, &created, &updated); err != nil {
		return sc, err
	}
	err = fromJSON(body, &sc)
	sc.ID, sc.Workspace, sc.Name, sc.Created, sc.Updated = gyre.ID(id), gyre.ID(ws), name, timeOf(created), timeOf(updated)
	return sc, err
}

// Scopes lists the scopes by name.
func (db *DB) Scopes(ctx context.Context, ws gyre.ID) ([]gyre.Scope, error) {
	return collect(ctx, db.r, scanScope, "SELECT "+scopeColumns+" FROM scope WHERE workspace = $1 ORDER BY name", int64(ws))
}

// Scope reads one scope.
func (db *DB) Scope(ctx context.Context, ws, id gyre.ID) (gyre.Scope, error) {
	return one(ctx, db.r, "scope", id, scanScope, "SELECT "+scopeColumns+" FROM scope WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
}

// ScopeByName finds a scope by its name.
func (db *DB) ScopeByName(ctx context.Context, ws gyre.ID, name string) (gyre.Scope, error) {
	return one(ctx, db.r, "scope", name, scanScope, "SELECT "+scopeColumns+" FROM scope WHERE workspace = $1 AND name = $2", int64(ws), name)
}

// CreateScope stores a new scope and gives it an ID. A name that is taken is gyre.Conflict.
func (db *DB) CreateScope(ctx context.Context, ws gyre.ID, actor string, sc gyre.Scope) (gyre.Scope, error) {
	err := db.Write(ctx, ws, func(tx *Tx) error {
		sc.ID, sc.Workspace, sc.Created, sc.Updated = gyre.NewID(), ws, tx.now, tx.now
		body, err := jsonText(sc)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, "INSERT INTO scope ("+scopeColumns+") VALUES ($1, $2, $3, $4, $5, $6)",
			int64(sc.ID), int64(ws), sc.Name, body, micros(sc.Created), micros(sc.Updated))
		if db.dialect.IsDuplicate(err) {
			return gyre.FieldErrorf(gyre.Conflict, "name", "there is a scope %q already", sc.Name)
		}
		tx.Append(gyre.Event{Object: "scope", ID: sc.ID, Kind: "created", To: sc.Name, Actor: actor, Details: body})
		return err
	})
	return sc, err
}

// UpdateScope replaces a scope.
func (db *DB) UpdateScope(ctx context.Context, ws gyre.ID, actor string, sc gyre.Scope) (gyre.Scope, error) {
	err := db.Write(ctx, ws, func(tx *Tx) error {
		old, err := one(ctx, tx.tx, "scope", sc.ID, scanScope,
			"SELECT "+scopeColumns+" FROM scope WHERE workspace = $1 AND id = $2", int64(ws), int64(sc.ID))
		if err != nil {
			return err
		}
		sc.Workspace, sc.Created, sc.Updated = ws, old.Created, tx.now
		body, err := jsonText(sc)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, "UPDATE scope SET name = $3, body = $4, updated = $5 WHERE workspace = $1 AND id = $2",
			int64(ws), int64(sc.ID), sc.Name, body, micros(sc.Updated))
		if db.dialect.IsDuplicate(err) {
			return gyre.FieldErrorf(gyre.Conflict, "name", "there is a scope %q already", sc.Name)
		}
		if err != nil {
			return err
		}
		tx.Append(gyre.Event{Object: "scope", ID: sc.ID, Kind: "updated", From: old.Name, To: sc.Name, Actor: actor, Details: body})
		before, err := jsonText(old)
		if err != nil {
			return err
		}
		return tx.noteFields("scope", sc.ID, before, body)
	})
	return sc, err
}

// DeleteScope removes a scope. What its runs found stays, and so does which
// assets belonged to it, for whoever asks how the estate was.
func (db *DB) DeleteScope(ctx context.Context, ws, id gyre.ID, actor string) error {
	return db.Write(ctx, ws, func(tx *Tx) error {
		old, err := one(ctx, tx.tx, "scope", id, scanScope,
			"SELECT "+scopeColumns+" FROM scope WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "DELETE FROM scope WHERE workspace = $1 AND id = $2", int64(ws), int64(id)); err != nil {
			return fmt.Errorf("delete scope %s: %w", id, err)
		}
		before, err := jsonText(old)
		if err != nil {
			return err
		}
		tx.Append(gyre.Event{Object: "scope", ID: id, Kind: "deleted", From: old.Name, Actor: actor})
		return tx.noteFields("scope", id, before, "")
	})
}
