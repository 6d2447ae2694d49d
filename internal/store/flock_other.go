// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package store

import (
	"context"
	"os"
)

// flock does nothing here: SQLite's own lock makes the second of two
// migrations fail rather than wait.
func flock(context.Context, *os.File) error { return nil }
