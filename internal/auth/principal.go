// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"slices"

	"github.com/gyre-ctem/gyre"
)

// Grant is a kind of thing that somebody may do.
type Grant string

// The grants.
const (
	Public Grant = ""      // anybody, without signing in
	Self   Grant = "self"  // a person at a session, about their own account
	Read   Grant = "read"  // see the workspace
	Write  Grant = "write" // work on exposures, actions, assets, filters
	Scan   Grant = "scan"  // make Gyre touch the estate: cycles, imports, validation
	Admin  Grant = "admin" // scopes, accounts, the audit log
)

// TokenScopes are the grants that a token can have.
var TokenScopes = []Grant{Read, Write, Scan, Admin}

// grantsOf is what a role may do.
func grantsOf(r gyre.Role) []Grant {
	switch r {
	case gyre.RoleReader:
		return []Grant{Self, Read}
	case gyre.RoleEditor:
		return []Grant{Self, Read, Write, Scan}
	case gyre.RoleAdmin:
		return []Grant{Self, Read, Write, Scan, Admin}
	}
	return nil
}

// Method is how somebody proved who they are.
type Method string

// The methods.
const (
	BySession Method = "session"
	ByLink    Method = "link" // a session that began with a one-time link
	ByToken   Method = "token"
	ByProcess Method = "process" // the command line, working on the data folder itself
)

// Principal is who is asking.
type Principal struct {
	Account   gyre.Account // its zero value for ByProcess
	Workspace gyre.ID
	Method    Method
	Grants    []Grant
	key       string // of the session
	Token     gyre.ID
}

// May says whether the principal may do what needs a grant.
func (p *Principal) May(g Grant) bool {
	if g == Public {
		return true
	}
	return p != nil && slices.Contains(p.Grants, g)
}

// Name is how the principal appears in histories and the audit log.
func (p *Principal) Name() string {
	switch {
	case p == nil:
		return "anonymous"
	case p.Method == ByProcess:
		return "cli"
	}
	return p.Account.Name
}

// tokenGrants is what a token may do: its scopes, and of those only what its
// account may. A token never gets Self: it cannot make tokens or set passwords.
func tokenGrants(scopes []string, role gyre.Role) []Grant {
	want := map[Grant]bool{}
	for _, s := range scopes {
		switch g := Grant(s); g {
		case Admin:
			want[Read], want[Write], want[Scan], want[Admin] = true, true, true, true
		case Write, Scan:
			want[Read], want[g] = true, true
		case Read:
			want[Read] = true
		}
	}
	var out []Grant
	for _, g := range grantsOf(role) {
		if want[g] {
			out = append(out, g)
		}
	}
	return out
}

type ctxKey int

const (
	keyPrincipal ctxKey = iota
	keyLocalAdmin
)

// WithPrincipal returns a context that carries who is asking.
func WithPrincipal(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, keyPrincipal, p)
}

// From returns who is asking; nil when nobody is signed in.
func From(ctx context.Context) *Principal {
	p, _ := ctx.Value(keyPrincipal).(*Principal)
	return p
}

// WithLocalAdmin marks a request that this process makes of its own handler:
// who can write the data folder can do everything. A context does not travel
// over a network, so nobody outside the process can set it.
func WithLocalAdmin(ctx context.Context) context.Context {
	return context.WithValue(ctx, keyLocalAdmin, true)
}

// IsLocalAdmin says whether the process itself makes the request.
func IsLocalAdmin(ctx context.Context) bool {
	local, _ := ctx.Value(keyLocalAdmin).(bool)
	return local
}
