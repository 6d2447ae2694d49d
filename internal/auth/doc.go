// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package auth knows who is asking and what they may do: accounts with
// passwords (argon2id), browser sessions, API tokens, one-time sign-in links.
//
// internal/httpapi asks it at each request; internal/app wires it to the store
// and calls FirstRun. It speaks no HTTP beyond the session cookie.
//
// Invariants:
//   - Passwords, session keys, tokens and links are stored as hashes only.
//   - A name that does not exist takes as long to refuse as a wrong password.
//   - After five wrong passwords an account and an address wait, longer each time.
//   - A session gets a new key at sign-in and when the password changes, ends after
//     twelve hours without use and after seven days in any case.
//   - The account is read at each request, so that disabling it, changing its role or
//     deleting it works at once.
package auth
