// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package identity says which claims of sources are of one asset.
//
// A claim is what one source said: these identifiers are of one thing, seen from
// then to then. Who is who is a function of the set of claims and of what persons
// have ruled, and of nothing else: not of the order in which claims came, not of the clock.
// So whoever learns something new computes anew, and may find that two assets are
// one, or that one is two.
//
// It is pure: no clock, no I/O. Only internal/ingest imports it.
//
// Invariants, held by property tests:
//   - The order of claims does not matter.
//   - Claims that share an identifier of the strongest type are of one asset, unless a
//     person has ruled otherwise.
//   - Two claims that both have a type of identifier are of one asset only if
//     identifiers of that type or a stronger one tie them together.
//   - The claims of the two sides of a rule that keeps them apart are never of one asset.
//   - Its cost is that of sorting: n log n in the number of identifiers of all claims.
package identity
