// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package ingest is the one way in: it turns the batches of a run into stored
// assets, components, facts and exposures, and, when the run has ended well, closes
// what it covered and no longer saw. Nothing else writes estate data.
//
//	normalise → identity → dedupe → store
//
// internal/app wires it to the store; stages reach it through interfaces of
// their own. It imports the root package and plugin.
//
// Invariants, held by property tests on both engines:
//   - A batch is one transaction: all of it is stored, with its events, or nothing.
//   - The same batches again change nothing but when things were last seen.
//   - An exposure is closed by a run that succeeded, covered its place and weakness,
//     with credentials where it was seen with them, and started after it was last
//     seen. A failed, partial, cancelled, older or narrower run closes nothing.
//   - What stands is a function of the set of runs and their dates, not of the
//     order in which they come (docs/closing.md, which also says where that ends).
//   - One asset is one asset in whatever order simple sightings of it arrive.
//   - Work in the database is by set, never by row, and memory does not grow with
//     the number of batches except by one entry for each asset of the run.
package ingest
