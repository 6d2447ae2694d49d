// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package job hands work to processes: it wraps the River queue, on SQLite and
// on PostgreSQL, behind the few words that Gyre needs (kinds, Add, List, Cancel,
// Retry, progress), and adds what River does not have.
//
// It imports the store, because River's tables lie in the store's database and a
// job is added in the store's transactions. internal/app imports it, nothing else.
//
// Invariants:
//   - A job belongs to a workspace, and lists are bound to one.
//   - A job is worked by one process at a time. A process that is silent for
//     Options.GoneAfter is taken for gone, in one transaction with the return of
//     its jobs to their queues; from then on nothing that it writes for a job is
//     committed (store.Held), and River does not hear how it ended.
//   - Work may begin several times, so every kind's work is written to be begun
//     again: it looks at what is there already and does the rest.
//   - A job that is asked for in a store transaction (AddTx) is there if and only
//     if the transaction's effect is.
package job
