// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package store keeps the truth in SQL: SQLite in one file, or PostgreSQL, with
// one text per query for both.
//
// internal/app opens it and hands its methods to consumers, which declare the
// few that they need as interfaces of their own. It imports the root package
// and plugin (for the records of feeds), nothing else of Gyre.
//
// Invariants:
//   - Every estate row belongs to one workspace, and every method that reads or
//     writes estate is bound to one. Sessions, feeds and intelligence are the
//     installation's.
//   - A change of an object and the event that tells of it are one transaction.
//     Writers of one workspace take turns (Tx), so events become visible in the
//     order of their numbers and without gaps, on both engines.
//   - IDs and times come from Go: int64, microseconds since the epoch, 0 is never.
//   - What differs between the engines is in Dialect and nowhere else.
package store
