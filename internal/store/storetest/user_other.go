// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package storetest

import "syscall"

func dropRoot(string) (*syscall.SysProcAttr, error) { return nil, errNoPostgres }
