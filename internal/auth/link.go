// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gyre-ctem/gyre"
)

// How long one-time links live.
const (
	LinkLife       = 30 * time.Minute
	InvitationLife = 72 * time.Hour
)

// firstAdmin is the name of the account that is there from the start.
const firstAdmin = "admin"

// Link signs one person in, once. Token is 128 random bits.
type Link struct {
	Token   string
	Expires time.Time
}

// linkPrefix tells links from sessions, whose keys are hashes without a colon.
const linkPrefix = "link:"

type linkData struct {
	Workspace gyre.ID `json:"workspace"`
	Account   gyre.ID `json:"account"`
}

func linkKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return linkPrefix + hex.EncodeToString(sum[:])
}

func randomText(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // crypto/rand.Read never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b)
}

// Link makes a one-time link for an account.
func (a *Auth) Link(ctx context.Context, acc gyre.Account, life time.Duration) (Link, error) {
	if acc.Disabled {
		return Link{}, gyre.Errorf(gyre.Conflict, "account %s is disabled", acc.Name)
	}
	data, err := json.Marshal(linkData{acc.Workspace, acc.ID})
	if err != nil {
		return Link{}, err
	}
	l := Link{randomText(16), a.Now().Add(life)}
	return l, a.Sessions.CommitCtx(ctx, linkKey(l.Token), data, l.Expires)
}

// SignInOnce begins a session with a one-time link, which is then used up.
func (a *Auth) SignInOnce(ctx context.Context, token, address string) (*Principal, *http.Cookie, error) {
	from := addressKey(address)
	if wait := a.strangers.wait(from, a.Now()); wait > 0 {
		return nil, nil, tooMany(wait)
	}
	data, found, err := a.Sessions.TakeCtx(ctx, linkKey(token))
	if err != nil {
		return nil, nil, err
	}
	if !found {
		a.strangers.failed(from, a.Now())
		return nil, nil, gyre.Errorf(gyre.Unauthorized, "this one-time link was used, has expired or never was; 'gyre user link' makes another")
	}
	var l linkData
	if err := json.Unmarshal(data, &l); err != nil {
		return nil, nil, err
	}
	return a.begin(ctx, l.Workspace, l.Account, ByLink)
}

// StartLink is for the start of a server: a one-time link for an
// administrator. When there is no account at all it makes the first one.
func (a *Auth) StartLink(ctx context.Context) (Link, gyre.Account, error) {
	acc, err := a.Store.CreateFirstAccount(ctx, a.Workspace, gyre.Account{Name: firstAdmin, Role: gyre.RoleAdmin, MustChange: true})
	if gyre.ErrorCode(err) == gyre.Conflict {
		acc, err = a.someAdmin(ctx)
	}
	if err != nil {
		return Link{}, acc, err
	}
	l, err := a.Link(ctx, acc, LinkLife)
	return l, acc, err
}

// someAdmin is the account named admin when it can be used, else the first
// administrator that can.
func (a *Auth) someAdmin(ctx context.Context) (gyre.Account, error) {
	all, err := a.Store.Accounts(ctx, a.Workspace)
	if err != nil {
		return gyre.Account{}, err
	}
	var first gyre.Account
	for _, acc := range all {
		if acc.Role != gyre.RoleAdmin || acc.Disabled {
			continue
		}
		if acc.Name == firstAdmin {
			return acc, nil
		}
		if first.ID == 0 {
			first = acc
		}
	}
	if first.ID == 0 {
		return first, gyre.Errorf(gyre.NotFound, "there is no administrator who can sign in")
	}
	return first, nil
}

// NeedsSetup says whether nobody can sign in with a password yet.
func (a *Auth) NeedsSetup(ctx context.Context) (bool, error) {
	all, err := a.Store.Accounts(ctx, a.Workspace)
	for _, acc := range all {
		if acc.PasswordHash != "" && !acc.Disabled {
			return false, nil
		}
	}
	return true, err
}
