// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package scope holds what may be looked at, and holds everybody to it: the
// validation and YAML form of gyre.Scope, and the Guard that every connection
// and every file access of a source passes.
//
// internal/app, httpapi and cli may import it. Invariants: a scope that Validate
// accepts has a guard; the guard refuses by default and judges the very address
// that it then connects to, so that no name can lead it astray; what an
// exclusion names is never touched, whatever a target says.
package scope
