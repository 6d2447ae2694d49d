// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package labtest lets tests that bring the practice estate up take turns.
//
// The estate has fixed addresses. Two estates get along, because a port that is
// taken is replaced; but where a fix closes a port, another estate may take it and
// then stands where nothing should answer. Test binaries of several packages run at
// once, so whoever raises an estate holds one lock while it stands. Only tests
// import this package.
package labtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// patience is how long a test waits for the others.
const patience = 10 * time.Minute

// Take waits for the turn of this test, until it ends.
func Take(t testing.TB) {
	t.Helper()
	release, err := Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
}

// Wait waits for a turn, for who has no testing.TB. The turn ends with the process
// at the latest, however that ends.
func Wait(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// Each has an open file of its own, so they exclude each other also in one process.
	lock := flock.New(filepath.Join(os.TempDir(), fmt.Sprintf("gyre-lab-test-%d.lock", os.Getuid())))
	if ok, err := lock.TryLockContext(ctx, 50*time.Millisecond); !ok {
		return nil, fmt.Errorf("tests of the practice estate: no turn within %v: %w", patience, err)
	}
	return func() { _ = lock.Close() }, nil
}

// Turn runs the tests of a package when it is their turn, where nearly all of them
// raise an estate. It is for TestMain.
type Turn struct {
	M interface{ Run() int } // *testing.M
}

// Run waits for the turn, runs the tests and returns their exit code.
func (t Turn) Run() int {
	release, err := Wait(context.Background())
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer release()
	return t.M.Run()
}
