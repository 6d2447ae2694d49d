// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Unhurried is part of requests that may take longer to answer than the server
// lets others.
type Unhurried struct{ ctx huma.Context }

// Resolve implements huma.Resolver.
func (u *Unhurried) Resolve(ctx huma.Context) []error {
	u.ctx = ctx
	return nil
}

// allow moves the time by which the answer must be written.
func (u *Unhurried) allow(d time.Duration) {
	_, w := humago.Unwrap(u.ctx)
	// A transport within the process has no deadlines to move.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d + 10*time.Second))
}
