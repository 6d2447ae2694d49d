// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package expr is the one expression language of Gyre: CEL. Filters of lists
// and selectors of scopes run over columns (CompileFilter); conditions of checks
// run over the data of a fact (CompileCheck). docs/expressions.md describes both.
//
// Anyone may import it; it imports the root package and CEL only. It is pure: no
// clock and no I/O, the time is passed in. Everything compiled is immutable and
// safe for concurrent use. Sources are untrusted: their length, depth, size and
// cost are limited.
package expr
