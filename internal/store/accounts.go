// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

const accountColumns = "id, workspace, name, role, password_hash, must_change, disabled, failures, locked_until, last_sign_in, created, updated"

func scanAccount(s scanner) (a gyre.Account, err error) {
	var role string
	var failures, locked, last, created, updated int64
	err = s.Scan((*int64)(&a.ID), (*int64)(&a.Workspace), &a.Name, &role, &a.PasswordHash, &a.MustChange, &a.Disabled, &failures, &locked, &last, &created, &updated)
	a.Role, a.Failures, a.LockedUntil, a.LastSignIn = gyre.Role(role), int(failures), timeOf(locked), timeOf(last)
	a.Created, a.Updated = timeOf(created), timeOf(updated)
	return a, err
}

func accountArgs(a gyre.Account) []any {
	return []any{
		int64(a.ID), int64(a.Workspace), a.Name, string(a.Role), a.PasswordHash, a.MustChange, a.Disabled, int64(a.Failures),
		micros(a.LockedUntil), micros(a.LastSignIn), micros(a.Created), micros(a.Updated),
	}
}

// CountAccounts counts the accounts of every workspace: none means that the
// installation waits for its first administrator.
func (db *DB) CountAccounts(ctx context.Context) (int, error) {
	var n int
	err := db.r.QueryRowContext(ctx, "SELECT COUNT(*) FROM account").Scan(&n)
	return n, err
}

// CreateAccount stores a new account and gives it an ID. Names are unique in
// the installation, because people sign in with them; a name that is taken is gyre.Conflict.
func (db *DB) CreateAccount(ctx context.Context, ws gyre.ID, a gyre.Account) (gyre.Account, error) {
	now := timeOf(micros(db.now()))
	a.ID, a.Workspace, a.Created, a.Updated = gyre.NewID(), ws, now, now
	_, err := db.w.ExecContext(ctx, "INSERT INTO account ("+accountColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)", accountArgs(a)...)
	if db.dialect.IsDuplicate(err) {
		return a, gyre.FieldErrorf(gyre.Conflict, "name", "there is an account %q already", a.Name)
	}
	if err != nil {
		return a, fmt.Errorf("create account: %w", err)
	}
	return a, nil
}

// CreateFirstAccount is CreateAccount, but gyre.Conflict once there is any account.
func (db *DB) CreateFirstAccount(ctx context.Context, ws gyre.ID, a gyre.Account) (gyre.Account, error) {
	err := db.Write(ctx, ws, func(tx *Tx) error {
		a.ID, a.Workspace, a.Created, a.Updated = gyre.NewID(), ws, tx.now, tx.now
		n, err := tx.exec(ctx, "INSERT INTO account ("+accountColumns+`)
			SELECT $1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12 WHERE NOT EXISTS (SELECT 1 FROM account)`, accountArgs(a)...)
		if err == nil && n == 0 {
			return gyre.Errorf(gyre.Conflict, "there is an administrator already")
		}
		return err
	})
	return a, err
}

// Account reads one account.
func (db *DB) Account(ctx context.Context, ws, id gyre.ID) (gyre.Account, error) {
	return one(ctx, db.r, "account", id, scanAccount, "SELECT "+accountColumns+" FROM account WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
}

// AccountByName finds an account by its name, in whatever workspace: that is
// how signing in learns the workspace.
func (db *DB) AccountByName(ctx context.Context, name string) (gyre.Account, error) {
	return one(ctx, db.r, "account", name, scanAccount, "SELECT "+accountColumns+" FROM account WHERE name = $1", name)
}

// Accounts lists the accounts of a workspace by name.
func (db *DB) Accounts(ctx context.Context, ws gyre.ID) ([]gyre.Account, error) {
	return collect(ctx, db.r, scanAccount, "SELECT "+accountColumns+" FROM account WHERE workspace = $1 ORDER BY name", int64(ws))
}

// ChangeAccount reads an account, lets change modify it, and stores it, in one
// transaction, so that counting failed attempts loses none.
func (db *DB) ChangeAccount(ctx context.Context, ws, id gyre.ID, change func(*gyre.Account) error) (gyre.Account, error) {
	var a gyre.Account
	err := db.Write(ctx, ws, func(tx *Tx) error {
		var err error
		a, err = one(ctx, tx.tx, "account", id, scanAccount, "SELECT "+accountColumns+" FROM account WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
		if err != nil {
			return err
		}
		if err := change(&a); err != nil {
			return err
		}
		a.ID, a.Workspace, a.Updated = id, ws, tx.now
		_, err = tx.exec(ctx, `UPDATE account SET name = $3, role = $4, password_hash = $5, must_change = $6, disabled = $7, failures = $8,
			locked_until = $9, last_sign_in = $10, updated = $11 WHERE workspace = $1 AND id = $2`,
			int64(ws), int64(id), a.Name, string(a.Role), a.PasswordHash, a.MustChange, a.Disabled, int64(a.Failures),
			micros(a.LockedUntil), micros(a.LastSignIn), micros(a.Updated))
		if db.dialect.IsDuplicate(err) {
			return gyre.FieldErrorf(gyre.Conflict, "name", "there is an account %q already", a.Name)
		}
		return err
	})
	return a, err
}

// DeleteAccount removes an account and its tokens. Its name stays in the history.
func (db *DB) DeleteAccount(ctx context.Context, ws, id gyre.ID) error {
	return db.Write(ctx, ws, func(tx *Tx) error {
		if _, err := tx.exec(ctx, "DELETE FROM token WHERE workspace = $1 AND account = $2", int64(ws), int64(id)); err != nil {
			return fmt.Errorf("delete tokens of account: %w", err)
		}
		n, err := tx.exec(ctx, "DELETE FROM account WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
		if err == nil && n == 0 {
			return gyre.Errorf(gyre.NotFound, "no account %s", id)
		}
		return err
	})
}
