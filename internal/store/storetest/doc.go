// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package storetest holds the contract of the store: one suite that every
// engine runs, and real databases to run tests on, a SQLite file or a
// PostgreSQL that the test starts itself. Only tests import it.
//
// Invariants: every test gets a database of its own; the PostgreSQL server ends
// with the test process however that ends; an engine that is not installed is
// skipped and says so, never passed over in silence.
package storetest
