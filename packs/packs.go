// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package packs holds what is data and not code: the checks that ship with
// Gyre, embedded. internal/check reads them; a folder of an installation may add
// to them and replace them. Anyone may import it. The files never change at run time.
package packs

import (
	"embed"
	"io/fs"
)

//go:embed checks/*.yaml
var files embed.FS

// Checks is the folder of the checks that ship, one file for each aspect.
func Checks() fs.FS {
	sub, err := fs.Sub(files, "checks")
	if err != nil {
		panic(err) // the embedded folder is part of the program
	}
	return sub
}
