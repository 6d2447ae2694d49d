// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package store

import (
	"context"
	"os"
	"syscall"
	"time"
)

// flock waits for an exclusive lock on f.
func flock(ctx context.Context, f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EWOULDBLOCK {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
