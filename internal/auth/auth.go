// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/gyre-ctem/gyre"
)

// Config is what Auth needs.
type Config struct {
	Store    Store
	Sessions Sessions
	// Workspace is where the process itself works, and the first administrator lives.
	Workspace gyre.ID
	Log       *slog.Logger
	Now       func() time.Time
	// Secure marks the cookie for TLS only.
	Secure bool
	// Idle and Lifetime end sessions; 12 hours and 7 days when zero.
	Idle, Lifetime time.Duration
}

// Auth knows who is asking. Safe for concurrent use.
type Auth struct {
	Config
	sessions *scs.SessionManager
	hasher   *hasher
	// strangers holds back addresses, and names that do not exist, in the same
	// way as accounts are held back.
	strangers *throttle
}

// New returns an Auth.
func New(c Config) *Auth {
	if c.Idle == 0 {
		c.Idle = 12 * time.Hour
	}
	if c.Lifetime == 0 {
		c.Lifetime = 7 * 24 * time.Hour
	}
	sm := scs.New()
	sm.Store, sm.Codec = scsStore{c.Sessions}, jsonCodec{}
	sm.IdleTimeout, sm.Lifetime, sm.HashTokenInStore = c.Idle, c.Lifetime, true
	return &Auth{Config: c, sessions: sm, hasher: newHasher(), strangers: newThrottle()}
}

var errSignIn = gyre.Errorf(gyre.Unauthorized, "the name or the password is wrong")

// Identify says who makes a request: the process itself, the holder of a token,
// or a person at a session. It is nil when nobody is signed in, and an error
// when a token is no good.
func (a *Auth) Identify(ctx context.Context, r *http.Request) (*Principal, error) {
	if IsLocalAdmin(ctx) {
		return &Principal{Workspace: a.Workspace, Method: ByProcess, Grants: grantsOf(gyre.RoleAdmin)}, nil
	}
	if h := r.Header.Get("Authorization"); h != "" {
		kind, secret, _ := strings.Cut(h, " ")
		if !strings.EqualFold(kind, "Bearer") {
			return nil, gyre.FieldErrorf(gyre.Unauthorized, "header.Authorization", "only Bearer is understood")
		}
		return a.byToken(ctx, strings.TrimSpace(secret))
	}
	cookie, err := r.Cookie(CookieName)
	if err != nil {
		return nil, nil
	}
	return a.bySession(ctx, cookie.Value)
}

// SignIn checks a name and a password and begins a session. address is where
// the request came from.
func (a *Auth) SignIn(ctx context.Context, name, password, address string) (*Principal, *http.Cookie, error) {
	var acc gyre.Account
	err := a.hasher.do(ctx, func() (err error) {
		acc, err = a.check(ctx, foldName(name), password, addressKey(address))
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return a.begin(ctx, acc.Workspace, acc.ID, BySession)
}

// check finds the account of a name and a password. It counts what is wrong
// against the address, and against the account or, when there is none, the name.
func (a *Auth) check(ctx context.Context, name, password, from string) (gyre.Account, error) {
	stranger := "name " + name
	for _, key := range []string{from, stranger} {
		if wait := a.strangers.wait(key, a.Now()); wait > 0 {
			return gyre.Account{}, tooMany(wait)
		}
	}
	acc, err := a.Store.AccountByName(ctx, name)
	switch gyre.ErrorCode(err) {
	case "":
		err = a.checkPassword(ctx, acc, password)
	case gyre.NotFound:
		if _, err = a.hasher.matches(password, ""); err == nil {
			a.strangers.failed(stranger, a.Now())
			err = errSignIn
		}
	}
	switch gyre.ErrorCode(err) {
	case "":
		a.strangers.forget(from)
	case gyre.Unauthorized:
		a.strangers.failed(from, a.Now())
	}
	return acc, err
}

// checkPassword compares a password with an account's, counts what is wrong,
// and makes the account wait after too many. It runs within hasher.do.
func (a *Auth) checkPassword(ctx context.Context, acc gyre.Account, password string) error {
	if wait := acc.LockedUntil.Sub(a.Now()); wait > 0 {
		return tooMany(wait)
	}
	match, err := a.hasher.matches(password, acc.PasswordHash)
	if err != nil {
		return err
	}
	if match && !acc.Disabled {
		return nil
	}
	_, err = a.Store.ChangeAccount(ctx, acc.Workspace, acc.ID, func(acc *gyre.Account) error {
		acc.Failures++
		if wait := backOff(acc.Failures); wait > 0 {
			acc.LockedUntil = a.Now().Add(wait)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errSignIn
}

// begin starts a session for an account and notes the sign-in.
func (a *Auth) begin(ctx context.Context, ws, account gyre.ID, m Method) (*Principal, *http.Cookie, error) {
	acc, err := a.Store.ChangeAccount(ctx, ws, account, func(acc *gyre.Account) error {
		if acc.Disabled {
			return errSignIn
		}
		acc.Failures, acc.LockedUntil, acc.LastSignIn = 0, time.Time{}, a.Now()
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if old := From(ctx); old != nil && old.key != "" {
		if err := a.end(ctx, old.key); err != nil {
			return nil, nil, err
		}
	}
	return a.open(ctx, acc, m)
}

// SignOut ends the principal's session. The cookie it returns deletes the browser's.
func (a *Auth) SignOut(ctx context.Context, p *Principal) (*http.Cookie, error) {
	if p != nil && p.key != "" {
		if err := a.end(ctx, p.key); err != nil {
			return nil, err
		}
	}
	return a.cookie("", -1), nil
}

// SetPassword sets the principal's own password. Its other sessions end, and it
// goes on with a new one.
func (a *Auth) SetPassword(ctx context.Context, p *Principal, current, password string) (*http.Cookie, error) {
	if p == nil || p.key == "" {
		return nil, gyre.Errorf(gyre.Forbidden, "a password is set by the person whose it is, at a session")
	}
	if p.Account.PasswordHash != "" && p.Method != ByLink {
		err := a.hasher.do(ctx, func() error {
			acc, err := a.Store.Account(ctx, p.Workspace, p.Account.ID)
			if err != nil {
				return err
			}
			return a.checkPassword(ctx, acc, current)
		})
		if gyre.ErrorCode(err) == gyre.Unauthorized {
			return nil, gyre.FieldErrorf(gyre.Invalid, "body.current", "the current password is wrong")
		}
		if err != nil {
			return nil, err
		}
	}
	hash, err := a.newHash(ctx, "body.new", p.Account.Name, password)
	if err != nil {
		return nil, err
	}
	acc, err := a.Store.ChangeAccount(ctx, p.Workspace, p.Account.ID, func(acc *gyre.Account) error {
		acc.PasswordHash, acc.MustChange, acc.Failures, acc.LockedUntil = hash, false, 0, time.Time{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := a.endAll(ctx, acc.ID); err != nil {
		return nil, err
	}
	_, cookie, err := a.open(ctx, acc, BySession)
	return cookie, err
}

// MustChange says whether the principal has to set a password.
func (p *Principal) MustChange() bool {
	return p.Method != ByProcess && (p.Account.MustChange || p.Account.PasswordHash == "")
}

func tooMany(wait time.Duration) error {
	return gyre.Errorf(gyre.Unavailable, "too many wrong passwords: wait %s", wait.Round(time.Second)+time.Second)
}

// foldName is the form in which names are stored and looked for.
func foldName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
