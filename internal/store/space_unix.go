// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin || freebsd

package store

import (
	"path/filepath"
	"syscall"
)

// freeBytes is how much of a file's disk is free for this user.
func freeBytes(path string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil // #nosec G115 -- sizes of disks; the types differ between systems
}
