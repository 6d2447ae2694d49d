// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/upload"
)

// heldUp calls before for each batch that a session is about to store.
func heldUp(take func(context.Context, gyre.Upload) (upload.Session, error), before func()) func(context.Context, gyre.Upload) (upload.Session, error) {
	return func(ctx context.Context, u gyre.Upload) (upload.Session, error) {
		s, err := take(ctx, u)
		return heldSession{s, before}, err
	}
}

type heldSession struct {
	upload.Session
	before func()
}

func (s heldSession) Emit(ctx context.Context, b *gyre.Batch) error {
	s.before()
	return s.Session.Emit(ctx, b)
}
