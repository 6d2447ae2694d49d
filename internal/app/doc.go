// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package app wires Gyre: it alone knows which implementation stands behind the
// interfaces that the stages, the API and the command line declare.
//
// Only internal/cli imports it.
package app
