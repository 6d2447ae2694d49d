// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package backup writes a whole database into one file and makes a database of
// either engine out of it (docs/adr/0012). internal/app calls it.
//
// The file is a zstd stream of records, each a type byte, a length and a payload:
//
//	H  header: JSON of Header, with every table and its columns
//	R  rows of the table whose turn it is, in the order of its key
//	T  the table's end: JSON of Section, with its rows and their SHA-256
//	Z  trailer: JSON of the sum over all sections; nothing may follow
//
// Invariants:
//   - What is written is one moment of the database, while others go on writing.
//   - The same content gives the same sums on both engines.
//   - A file is read with bounded memory, whatever it says of itself.
//   - A file that is not whole, or not as it was written, is refused.
package backup
