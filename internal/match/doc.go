// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package match decides which advisories (OSV records) apply to a component,
// which version would fix it, and what finding that makes.
//
// Anyone may import it. It is pure: no clock, no I/O, no database, no network;
// the same input gives the same output. It never panics on what a stranger
// wrote: what cannot be compared is skipped and counted with its reason.
package match
