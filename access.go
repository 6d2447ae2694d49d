// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import "time"

// Role is what an account may do.
type Role string

// The roles, rising. Each may do what the ones before it may.
const (
	RoleReader Role = "reader" // sees everything in the workspace
	RoleEditor Role = "editor" // works on exposures, actions, scopes; starts cycles
	RoleAdmin  Role = "admin"  // accounts, tokens of others, feeds
)

// Account is a person who can sign in.
type Account struct {
	ID           ID        `json:"id"`
	Workspace    ID        `json:"-"`
	Name         string    `json:"name"`
	Role         Role      `json:"role"`
	PasswordHash string    `json:"-"`
	MustChange   bool      `json:"must_change" doc:"The password was set by someone else and has to be changed"`
	Disabled     bool      `json:"disabled"`
	Failures     int       `json:"-"` // wrong passwords since the last right one
	LockedUntil  time.Time `json:"locked_until,omitzero"`
	LastSignIn   time.Time `json:"last_sign_in,omitzero"`
	Created      time.Time `json:"created"`
	Updated      time.Time `json:"updated"`
}

// Token is a key for programs. Only its hash is stored.
type Token struct {
	ID        ID        `json:"id"`
	Workspace ID        `json:"-"`
	Account   ID        `json:"account"`
	Name      string    `json:"name"`
	Hash      string    `json:"-"`
	Scopes    []string  `json:"scopes"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires,omitzero"`
	LastUsed  time.Time `json:"last_used,omitzero"`
}

// AuditEntry is one line of the audit log: who did what to what, from where.
type AuditEntry struct {
	ID      ID        `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Address string    `json:"address,omitempty"`
	Action  string    `json:"action" doc:"session.create, exposure.state, scope.update …"`
	Object  string    `json:"object,omitempty"`
	Outcome string    `json:"outcome" doc:"ok, or the code of the error"`
	Details string    `json:"details,omitempty"`
}

// SavedFilter is a filter that a person keeps under a name.
type SavedFilter struct {
	ID      ID        `json:"id"`
	Name    string    `json:"name"`
	For     string    `json:"for" doc:"exposures or assets"`
	Filter  string    `json:"filter"`
	Owner   ID        `json:"owner,omitempty"`
	Created time.Time `json:"created"`
}

// Change is one act of a person on many exposures, which can be undone.
type Change struct {
	ID      ID        `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Summary string    `json:"summary"`
	Changed int       `json:"changed"`
	Undone  time.Time `json:"undone,omitzero"`
	Skipped []Skip    `json:"skipped,omitempty"`
}

// Skip is an exposure that an act on many left alone, and why.
type Skip struct {
	ID     ID     `json:"id"`
	Reason string `json:"reason"`
}

// StoredReply is what a write with an idempotency key answered the first time.
type StoredReply struct {
	Request string // digest of the request, so that a key cannot be reused for another one
	Status  int    // 0: the first request is still being served
	Body    []byte
	Created time.Time
}
