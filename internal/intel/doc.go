// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package intel keeps threat intelligence current: it runs the feeds, puts what
// they bring in the store, and says of each feed how fresh it is and what
// nobody can know without it.
//
// Only internal/app and internal/store (for the types of the Store interface)
// import it. Invariants: a feed that fails leaves what is stored as it was and
// never stops another feed; a feed's state is written after its data, so a
// killed sync is repeated.
package intel
