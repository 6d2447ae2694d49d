// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package labtest lets tests that bring the practice estate up take turns.
//
// The estate has fixed addresses. Two estates get along, because a port that is
// taken is replaced; but where a fix closes a port, another estate may take it and
// then stands where nothing should answer. Test binaries of several packages run at
// once, so each that raises an estate holds one lock for as long as it runs. Only
// tests import this package.
package labtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// patience is how long a test binary waits for the others.
const patience = 10 * time.Minute

// Turn runs the tests of a package when it is their turn. It is for TestMain.
type Turn struct {
	M interface{ Run() int } // *testing.M
}

// Run takes the lock, runs the tests and returns their exit code. The lock goes
// with the process, however it ends.
func (t Turn) Run() int {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	lock := flock.New(filepath.Join(os.TempDir(), fmt.Sprintf("gyre-lab-test-%d.lock", os.Getuid())))
	if ok, err := lock.TryLockContext(ctx, 50*time.Millisecond); !ok {
		_, _ = fmt.Fprintf(os.Stderr, "tests of the practice estate: no turn within %v: %v\n", patience, err)
		return 1
	}
	defer func() { _ = lock.Unlock() }()
	return t.M.Run()
}
