// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package httpapi is Gyre's HTTP API: /api/v1 with its OpenAPI 3.1 document out
// of the Go types here, server-sent events, /healthz, /readyz, /metrics, and the
// console's files.
//
// Only internal/app makes a handler; internal/cli speaks to it with the same
// types. What the handlers need is declared in deps.go.
//
// Invariants:
//   - Every operation has an entry in the table of needs (needs.go); what is not
//     in it cannot be registered, and what nobody may do without signing in is refused
//     before its handler runs.
//   - Errors leave as application/problem+json with the code of gyre.Error; only
//     errors.go knows which status a code has.
//   - A request that changes something leaves a line in the audit log.
//   - Bodies are limited in size; only an upload is streamed, up to MaxUpload.
package httpapi
