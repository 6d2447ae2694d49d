// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// assetFolder holds the console's files whose names change with their content.
const assetFolder = "assets/"

// console serves the console's files. A path that is none of them is a page of
// the console, which finds its way by itself.
func (s *server) console() http.Handler {
	if !built(s.Console) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.plainProblem(w, r, gyre.Errorf(gyre.NotFound, "this gyre was built without its console; the API is at %s", base))
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !safe(r.Method) {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		info, err := fs.Stat(s.Console, name)
		switch {
		case name != "" && err == nil && info.Mode().IsRegular():
		case path.Ext(name) != "": // the console's own paths have no dots
			// A page that was open before an update asks for files that are gone: it
			// must not get a page where it expects a script.
			s.plainProblem(w, r, gyre.Errorf(gyre.NotFound, "there is no %s", r.URL.Path))
			return
		default:
			name = "index.html"
		}
		if strings.HasPrefix(name, assetFolder) {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			w.Header().Set("Cache-Control", "no-cache")
		}
		http.ServeFileFS(w, r, s.Console, name) // #nosec G703 -- a cleaned path within an fs.FS that is part of the program
	})
}

// built says whether there is a console: without Node the folder is there, but empty.
func built(console fs.FS) bool {
	if console == nil {
		return false
	}
	_, err := fs.Stat(console, "index.html")
	return err == nil
}
