// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Store keeps accounts and tokens. What does not exist is gyre.NotFound.
type Store interface {
	CountAccounts(ctx context.Context) (int, error)
	Accounts(ctx context.Context, ws gyre.ID) ([]gyre.Account, error)
	Account(ctx context.Context, ws, id gyre.ID) (gyre.Account, error)
	// AccountByName finds an account in any workspace: names are unique.
	AccountByName(ctx context.Context, name string) (gyre.Account, error)
	CreateAccount(ctx context.Context, ws gyre.ID, a gyre.Account) (gyre.Account, error)
	// CreateFirstAccount is gyre.Conflict once there is any account.
	CreateFirstAccount(ctx context.Context, ws gyre.ID, a gyre.Account) (gyre.Account, error)
	// ChangeAccount reads, changes and stores in one transaction, so that
	// counting failed attempts loses none.
	ChangeAccount(ctx context.Context, ws, id gyre.ID, change func(*gyre.Account) error) (gyre.Account, error)
	// DeleteAccount removes an account and its tokens.
	DeleteAccount(ctx context.Context, ws, id gyre.ID) error

	Tokens(ctx context.Context, ws, account gyre.ID) ([]gyre.Token, error) // account 0: of the workspace
	CreateToken(ctx context.Context, ws gyre.ID, t gyre.Token) (gyre.Token, error)
	TokenByHash(ctx context.Context, hash string) (gyre.Token, error)
	TouchToken(ctx context.Context, ws, id gyre.ID) error
	DeleteToken(ctx context.Context, ws, id gyre.ID) error
}

// Sessions keeps sealed blobs under a hashed key; an expired one does not exist.
type Sessions interface {
	FindCtx(ctx context.Context, key string) (data []byte, found bool, err error)
	CommitCtx(ctx context.Context, key string, data []byte, expiry time.Time) error
	DeleteCtx(ctx context.Context, key string) error
	// TakeCtx finds and deletes in one step: of many callers one gets it.
	TakeCtx(ctx context.Context, key string) (data []byte, found bool, err error)
	AllCtx(ctx context.Context) (map[string][]byte, error)
}
