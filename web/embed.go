// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package web embeds the console that was built into dist by "npm run build".
//
// Only internal/app imports it. Go builds without Node: dist always holds a
// placeholder, and FS says whether there is a console beside it.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS returns the built console, with index.html at its root, and whether one
// was built. Without a build the file system holds no index.html.
func FS() (fs.FS, bool) {
	console, err := fs.Sub(dist, "dist")
	if err != nil {
		return dist, false
	}
	_, err = fs.Stat(console, "index.html")
	return console, err == nil
}
