// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package projection answers lists, facets, totals and scores out of memory.
//
// It keeps, for each workspace, a star of columns: exposures as facts; assets and
// weaknesses as dimensions. It loads them from the store at first use; each
// query then asks the store for its newest event and applies what is new, so an
// answer is never older than the question. Risk is computed when a row is loaded
// and never stored.
//
// Costs, per query: one index look-up in the store, one pass over the fact
// columns with the filter compiled to closures, and a bounded insertion for the
// page; nothing is allocated per row.
//
// Only internal/app imports it. Invariant: after any sequence of events it
// equals a projection that is built afresh.
package projection
