// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"regexp"
	"time"

	"github.com/gyre-ctem/gyre"
)

// AccountPatch changes an account; what is nil stays.
type AccountPatch struct {
	Role     *gyre.Role
	Disabled *bool
	Password *string
	Unlock   bool
}

var namePattern = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,118}$`)

// Accounts lists the accounts of a workspace.
func (a *Auth) Accounts(ctx context.Context, ws gyre.ID) ([]gyre.Account, error) {
	return a.Store.Accounts(ctx, ws)
}

// Account reads one account.
func (a *Auth) Account(ctx context.Context, ws, id gyre.ID) (gyre.Account, error) {
	return a.Store.Account(ctx, ws, id)
}

// CreateAccount adds an account. Without a password it can sign in by a link only.
func (a *Auth) CreateAccount(ctx context.Context, ws gyre.ID, name string, role gyre.Role, password string) (gyre.Account, error) {
	acc := gyre.Account{Name: foldName(name), Role: role, MustChange: true}
	if !namePattern.MatchString(acc.Name) {
		return acc, gyre.FieldErrorf(gyre.Invalid, "body.name", "a name is letters and digits, with . _ @ + - between them")
	}
	if grantsOf(role) == nil {
		return acc, gyre.FieldErrorf(gyre.Invalid, "body.role", "%q is none of reader, editor, admin", role)
	}
	if password != "" {
		hash, err := a.newHash(ctx, "body.password", acc.Name, password)
		if err != nil {
			return acc, err
		}
		acc.PasswordHash = hash
	}
	return a.Store.CreateAccount(ctx, ws, acc)
}

// PatchAccount changes an account. Disabling it or setting its password ends its sessions.
func (a *Auth) PatchAccount(ctx context.Context, ws, id gyre.ID, p AccountPatch) (gyre.Account, error) {
	acc, err := a.Store.Account(ctx, ws, id)
	if err != nil {
		return acc, err
	}
	if p.Role != nil && grantsOf(*p.Role) == nil {
		return acc, gyre.FieldErrorf(gyre.Invalid, "body.role", "%q is none of reader, editor, admin", *p.Role)
	}
	demoted := (p.Role != nil && *p.Role != gyre.RoleAdmin) || (p.Disabled != nil && *p.Disabled)
	if demoted {
		if err := a.checkLastAdmin(ctx, acc); err != nil {
			return acc, err
		}
	}
	hash := ""
	if p.Password != nil {
		if hash, err = a.newHash(ctx, "body.password", acc.Name, *p.Password); err != nil {
			return acc, err
		}
	}
	acc, err = a.Store.ChangeAccount(ctx, ws, id, func(acc *gyre.Account) error {
		if p.Role != nil {
			acc.Role = *p.Role
		}
		if p.Disabled != nil {
			acc.Disabled = *p.Disabled
		}
		if hash != "" {
			acc.PasswordHash, acc.MustChange = hash, true
		}
		if p.Unlock || hash != "" {
			acc.Failures, acc.LockedUntil = 0, time.Time{}
		}
		return nil
	})
	if err == nil && (acc.Disabled || hash != "") {
		err = a.endAll(ctx, id)
	}
	return acc, err
}

// DeleteAccount removes an account with its tokens and sessions.
func (a *Auth) DeleteAccount(ctx context.Context, p *Principal, id gyre.ID) error {
	acc, err := a.Store.Account(ctx, p.Workspace, id)
	if err != nil {
		return err
	}
	if p.Account.ID == id {
		return gyre.Errorf(gyre.Conflict, "one's own account cannot be deleted")
	}
	if err := a.checkLastAdmin(ctx, acc); err != nil {
		return err
	}
	if err := a.Store.DeleteAccount(ctx, p.Workspace, id); err != nil {
		return err
	}
	return a.endAll(ctx, id)
}

// checkLastAdmin refuses to take the last administrator away.
func (a *Auth) checkLastAdmin(ctx context.Context, acc gyre.Account) error {
	if acc.Role != gyre.RoleAdmin || acc.Disabled {
		return nil
	}
	all, err := a.Store.Accounts(ctx, acc.Workspace)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.ID != acc.ID && other.Role == gyre.RoleAdmin && !other.Disabled {
			return nil
		}
	}
	return gyre.Errorf(gyre.Conflict, "%s is the only administrator", acc.Name)
}
