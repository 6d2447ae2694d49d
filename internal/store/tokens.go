// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/gyre-ctem/gyre"
)

const keyColumns = "id, workspace, account, name, hash, scopes, created, expires, last_used"

func scanToken(s scanner) (t gyre.Token, err error) {
	var scopes string
	var created, expires, used int64
	err = s.Scan((*int64)(&t.ID), (*int64)(&t.Workspace), (*int64)(&t.Account), &t.Name, &t.Hash, &scopes, &created, &expires, &used)
	t.Scopes, t.Created, t.Expires, t.LastUsed = strings.Fields(scopes), timeOf(created), timeOf(expires), timeOf(used)
	return t, err
}

// CreateToken stores a new token and gives it an ID.
func (db *DB) CreateToken(ctx context.Context, ws gyre.ID, t gyre.Token) (gyre.Token, error) {
	t.ID, t.Workspace, t.Created = gyre.NewID(), ws, timeOf(micros(db.now()))
	_, err := db.w.ExecContext(ctx, "INSERT INTO token ("+keyColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)",
		int64(t.ID), int64(ws), int64(t.Account), t.Name, t.Hash, strings.Join(t.Scopes, " "), micros(t.Created), micros(t.Expires), micros(t.LastUsed))
	if err != nil {
		return t, fmt.Errorf("create token: %w", err)
	}
	return t, nil
}

// TokenByHash finds a token by the hash of its secret, in whatever workspace.
func (db *DB) TokenByHash(ctx context.Context, hash string) (gyre.Token, error) {
	return one(ctx, db.r, "token", "with that secret", scanToken, "SELECT "+keyColumns+" FROM token WHERE hash = $1", hash)
}

// Tokens lists the tokens of an account, or with account 0 of the workspace, newest first.
func (db *DB) Tokens(ctx context.Context, ws, account gyre.ID) ([]gyre.Token, error) {
	return collect(ctx, db.r, scanToken,
		"SELECT "+keyColumns+" FROM token WHERE workspace = $1 AND ($2 = 0 OR account = $2) ORDER BY id DESC", int64(ws), int64(account))
}

// TouchToken notes that a token was used.
func (db *DB) TouchToken(ctx context.Context, ws, id gyre.ID) error {
	_, err := db.w.ExecContext(ctx, "UPDATE token SET last_used = $3 WHERE workspace = $1 AND id = $2", int64(ws), int64(id), micros(db.now()))
	return err
}

// DeleteToken removes a token.
func (db *DB) DeleteToken(ctx context.Context, ws, id gyre.ID) error {
	res, err := db.w.ExecContext(ctx, "DELETE FROM token WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
	if err != nil {
		return fmt.Errorf("delete token: %w", err)
	}
	if n, err := res.RowsAffected(); err == nil && n == 0 {
		return gyre.Errorf(gyre.NotFound, "no token %s", id)
	}
	return nil
}
