// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package lab is the practice estate: one process with real listeners on
// loopback addresses in four zones, folders and exports on disk, and one table
// that says what is planted where. Gyre is pointed at it to learn, to demonstrate
// and to be measured.
//
// internal/cli and tests may import it; nothing else of Gyre does. Invariants:
//   - It needs no privilege, no network and nothing beside its folder.
//   - It listens on loopback addresses only, and never acts on what a client sends.
//   - Whatever is wrong in it is in the table (lab/truth); everything else is as it should be.
//   - Fix and Break change the running estate, at once, and survive a restart.
package lab
