// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Lives of tokens.
const (
	tokenDefault = 90 * 24 * time.Hour
	tokenMax     = 366 * 24 * time.Hour
)

// tokenPrefix lets secret scanners know a token when they see one.
const tokenPrefix = "gyre_"

// TokenRequest is a token that somebody wants. Account is a name; empty is their own.
type TokenRequest struct {
	Name    string
	Scopes  []string
	Expires time.Time
	Account string
}

func tokenHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// byToken finds who a token acts for.
func (a *Auth) byToken(ctx context.Context, secret string) (*Principal, error) {
	bad := gyre.Errorf(gyre.Unauthorized, "this API token is unknown, revoked or expired")
	if !strings.HasPrefix(secret, tokenPrefix) || len(secret) > 200 {
		return nil, bad
	}
	t, err := a.Store.TokenByHash(ctx, tokenHash(secret))
	if gyre.ErrorCode(err) == gyre.NotFound || (err == nil && !t.Expires.IsZero() && !t.Expires.After(a.Now())) {
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	acc, err := a.Store.Account(ctx, t.Workspace, t.Account)
	if gyre.ErrorCode(err) == gyre.NotFound || (err == nil && acc.Disabled) {
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	if a.Now().Sub(t.LastUsed) > touchEvery {
		touch, cancel := context.WithTimeout(ctx, touchTimeout)
		defer cancel()
		if err := a.Store.TouchToken(touch, t.Workspace, t.ID); err != nil {
			a.Log.Debug("note use of token", "token", t.ID, "error", err)
		}
	}
	return &Principal{Account: acc, Workspace: t.Workspace, Method: ByToken, Grants: tokenGrants(t.Scopes, acc.Role), Token: t.ID}, nil
}

// Tokens lists the principal's own tokens, and for administrators everybody's.
func (a *Auth) Tokens(ctx context.Context, p *Principal) ([]gyre.Token, error) {
	if p.May(Admin) {
		return a.Store.Tokens(ctx, p.Workspace, 0)
	}
	return a.Store.Tokens(ctx, p.Workspace, p.Account.ID)
}

// CreateToken makes a token and returns its secret, which is not kept.
func (a *Auth) CreateToken(ctx context.Context, p *Principal, req TokenRequest) (gyre.Token, string, error) {
	acc, err := a.tokenAccount(ctx, p, req.Account)
	if err != nil {
		return gyre.Token{}, "", err
	}
	for _, s := range req.Scopes {
		if !slices.Contains(TokenScopes, Grant(s)) {
			return gyre.Token{}, "", gyre.FieldErrorf(gyre.Invalid, "body.scopes", "%q is none of read, write, scan, admin", s)
		}
		if !slices.Contains(grantsOf(acc.Role), Grant(s)) {
			return gyre.Token{}, "", gyre.FieldErrorf(gyre.Forbidden, "body.scopes", "a token of %s (%s) cannot have %q", acc.Name, acc.Role, s)
		}
	}
	now := a.Now()
	if req.Expires.IsZero() {
		req.Expires = now.Add(tokenDefault)
	}
	if !req.Expires.After(now) || req.Expires.After(now.Add(tokenMax)) {
		return gyre.Token{}, "", gyre.FieldErrorf(gyre.Invalid, "body.expires", "a token expires in the future, within a year")
	}
	secret := tokenPrefix + randomText(32)
	t, err := a.Store.CreateToken(ctx, p.Workspace, gyre.Token{
		Account: acc.ID, Name: req.Name, Hash: tokenHash(secret), Scopes: req.Scopes, Expires: req.Expires,
	})
	return t, secret, err
}

func (a *Auth) tokenAccount(ctx context.Context, p *Principal, name string) (gyre.Account, error) {
	name = foldName(name)
	switch {
	case name == "" && p.Method == ByProcess:
		return a.someAdmin(ctx)
	case name == "" || name == p.Account.Name:
		return p.Account, nil
	case !p.May(Admin):
		return gyre.Account{}, gyre.FieldErrorf(gyre.Forbidden, "body.account", "only administrators make tokens for others")
	}
	acc, err := a.Store.AccountByName(ctx, name)
	if err == nil && acc.Workspace != p.Workspace {
		err = gyre.Errorf(gyre.NotFound, "there is no account %q", name)
	}
	return acc, err
}

// DeleteToken revokes a token: one's own, or for administrators anybody's.
func (a *Auth) DeleteToken(ctx context.Context, p *Principal, id gyre.ID) error {
	own, err := a.Tokens(ctx, p)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(own, func(t gyre.Token) bool { return t.ID == id }) {
		return gyre.Errorf(gyre.NotFound, "there is no token %s", id)
	}
	return a.Store.DeleteToken(ctx, p.Workspace, id)
}
