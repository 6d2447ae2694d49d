// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package gyre is the vocabulary of Gyre, a Continuous Threat Exposure
// Management platform: the words that every other package speaks.
//
// A Batch is the only way a fact about the estate comes in; an Exposure (a
// Weakness at a place) is what the cycle works on; an Action is what a person
// does about it; a Verdict is the evidence that it worked.
//
// Invariants:
//   - This package imports the standard library only, and everyone may import it.
//   - Every stored row belongs to one Workspace.
//   - Times are UTC with microsecond resolution; the zero time means "never".
//   - Only evidence moves an Exposure to StateFixed (see State).
package gyre
