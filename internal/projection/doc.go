// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package projection answers lists, facets, totals and scores out of memory.
//
// It keeps, for each workspace, a star of columns: exposures as facts; assets and
// weaknesses as dimensions; dictionaries of texts, sets and times. It loads them
// from the store at first use; each query then asks the store for its newest event
// and applies what is new, so an answer is never older than the question. Risk is
// computed when a row is loaded or what it depends on changes, and never stored.
// docs/projection.md explains the design.
//
//   - A state never changes once readers have it (star). The builder makes the
//     next one, which shares with it every page of columns that is the same, so
//     readers take no lock and wait for nobody.
//   - A filter is taken apart; each condition is evaluated once for each value of
//     what it speaks of, and the pass over the facts looks bits up.
//   - A page is picked in one pass by number keys; any depth costs the same.
//
// Only internal/app and internal/cycle import it. Invariants: after any sequence
// of events it equals a projection that is built afresh; risk is to the bit what
// prioritize.Risk says.
package projection
