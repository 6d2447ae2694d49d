// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"github.com/gyre-ctem/gyre"
)

// Limits of passwords.
const (
	minPassword = 12 // characters
	maxPassword = 1024
)

// params cost one core about 50 ms and 19 MiB: the second of the equivalent
// choices of the OWASP Password Storage Cheat Sheet.
var params = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// hasher bounds how much memory and time guessing can cost: two passwords are
// looked at at once, a few more wait, the rest are turned away. What is decided
// within do holds for all but the one other that is looked at meanwhile, so guessing in
// parallel gains nothing.
type hasher struct {
	queue, running chan struct{}
	dummy          string
}

func newHasher() *hasher {
	dummy, err := argon2id.CreateHash("nobody has this password", params)
	if err != nil {
		panic("auth: hash a password: " + err.Error())
	}
	return &hasher{make(chan struct{}, 16), make(chan struct{}, 2), dummy}
}

func (h *hasher) do(ctx context.Context, work func() error) error {
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return gyre.Errorf(gyre.Unavailable, "too many people sign in at once: try again in a moment")
	}
	select {
	case h.running <- struct{}{}:
		defer func() { <-h.running }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return work()
}

// matches compares a password with a hash, within do. An account without a
// password takes as long as any other.
func (h *hasher) matches(password, hash string) (bool, error) {
	against := hash
	if against == "" {
		against = h.dummy
	}
	match, err := argon2id.ComparePasswordAndHash(password, against)
	return match && hash != "", err
}

// newHash refuses weak passwords and hashes the others.
func (a *Auth) newHash(ctx context.Context, field, name, password string) (hash string, err error) {
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return "", gyre.FieldErrorf(gyre.Invalid, field, "a password has at least %d characters", minPassword)
	case len(password) > maxPassword:
		return "", gyre.FieldErrorf(gyre.Invalid, field, "a password has at most %d bytes", maxPassword)
	case len(distinct(password)) < 5:
		return "", gyre.FieldErrorf(gyre.Invalid, field, "a password has at least 5 different characters")
	case len(name) > 3 && strings.Contains(foldName(password), foldName(name)):
		return "", gyre.FieldErrorf(gyre.Invalid, field, "a password does not hold the name of its account")
	}
	err = a.hasher.do(ctx, func() error {
		hash, err = argon2id.CreateHash(password, params)
		return err
	})
	return hash, err
}

func distinct(s string) map[rune]bool {
	out := map[rune]bool{}
	for _, r := range s {
		out[r] = true
	}
	return out
}
