// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"time"

	"github.com/gyre-ctem/gyre"
)

// Setup says whether there is anybody who could sign in.
type Setup struct {
	NeedsSetup bool `json:"needs_setup" doc:"There is no account that can sign in with a password yet; gyre serve prints a one-time link"`
}

// SignIn is a name with its password, or a one-time token.
type SignIn struct {
	Name         string `json:"name,omitempty" maxLength:"120"`
	Password     string `json:"password,omitempty" maxLength:"1024"`
	OneTimeToken string `json:"one_time_token,omitempty" maxLength:"120"`
}

// Session is who is signed in.
type Session struct {
	Account   SessionAccount `json:"account"`
	Workspace WorkspaceName  `json:"workspace"`
	Version   string         `json:"version"`
}

// SessionAccount is the account of a session.
type SessionAccount struct {
	ID         gyre.ID   `json:"id,omitempty"`
	Name       string    `json:"name"`
	Role       gyre.Role `json:"role"`
	MustChange bool      `json:"must_change" doc:"A password has to be set: there is none, or somebody else chose it"`
	Grants     []string  `json:"grants" doc:"What may be done: read, write, scan, admin"`
}

// WorkspaceName is a workspace as others refer to it.
type WorkspaceName struct {
	ID   gyre.ID `json:"id"`
	Name string  `json:"name"`
}

// PasswordChange sets one's own password.
type PasswordChange struct {
	Current string `json:"current,omitempty" maxLength:"1024" doc:"Left out after signing in with a one-time link, or when there is none"`
	New     string `json:"new" maxLength:"1024" doc:"At least 12 characters"`
}

// AccountList is a list of accounts.
type AccountList struct {
	Items []gyre.Account `json:"items"`
}

// AccountInput is a new account.
type AccountInput struct {
	Name     string    `json:"name" minLength:"1" maxLength:"120"`
	Role     gyre.Role `json:"role"`
	Password string    `json:"password,omitempty" maxLength:"1024" doc:"To be changed at the first sign-in; left out: the answer holds a one-time link"`
}

// NewAccount is an account that was made.
type NewAccount struct {
	Account gyre.Account `json:"account"`
	Link    *SignInLink  `json:"link,omitempty"`
}

// AccountPatch changes an account; what is left out stays.
type AccountPatch struct {
	Role     *gyre.Role `json:"role,omitempty"`
	Disabled *bool      `json:"disabled,omitempty"`
	Password *string    `json:"password,omitempty" maxLength:"1024" doc:"To be changed at the next sign-in"`
	Unlock   bool       `json:"unlock,omitempty" doc:"Forget wrong passwords"`
}

// SignInLink signs one person in, once.
type SignInLink struct {
	Token   string    `json:"token" doc:"For POST /session, or as /sign-in#token= in the console"`
	Expires time.Time `json:"expires"`
}

// TokenList is a list of API tokens, without their secrets.
type TokenList struct {
	Items []gyre.Token `json:"items"`
}

// TokenInput is a new API token.
type TokenInput struct {
	Name    string    `json:"name" minLength:"1" maxLength:"120"`
	Scopes  []string  `json:"scopes" minItems:"1" maxItems:"4" enum:"read,write,scan,admin" doc:"write and scan hold read, admin holds all; never more than the account may"`
	Expires time.Time `json:"expires,omitzero" doc:"90 days from now when left out, a year at most"`
	Account string    `json:"account,omitempty" maxLength:"120" doc:"Name of the account it acts for; one's own when left out. Administrators only"`
}

// NewToken is a token that was made. Its secret is shown this once.
type NewToken struct {
	Token  gyre.Token `json:"token"`
	Secret string     `json:"secret" doc:"gyre_…, for Authorization: Bearer"`
}

// AuditPage is one page of the audit log, newest first.
type AuditPage struct {
	Items []gyre.AuditEntry `json:"items"`
	Next  string            `json:"next,omitempty"`
}
