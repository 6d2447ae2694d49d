// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// folder is where the files of a target lie. What is opened in it lies in it, at
// the name that the guard judged: nobody can lead a read elsewhere by putting a link
// in the place of a file or folder between the judgement and the read.
type folder struct {
	asked string // the target
	root  *os.Root
	only  string // the target is this file of the folder
}

// openFolder opens a target, which may itself be a link: the guard judges where
// that leads.
func openFolder(target string) (*folder, error) {
	real, err := filepath.EvalSymlinks(target)
	if err != nil {
		return nil, gyre.FieldErrorf(gyre.Unavailable, target, "cannot be read: %v", err)
	}
	f := &folder{asked: target}
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return nil, gyre.FieldErrorf(gyre.Unavailable, target, "cannot be read: %v", err)
	case info.Mode().IsRegular():
		f.only, real = filepath.Base(real), filepath.Dir(real)
	case !info.IsDir():
		return nil, gyre.FieldErrorf(gyre.Invalid, target, "is neither a file nor a folder")
	}
	if f.root, err = os.OpenRoot(real); err != nil {
		return nil, gyre.FieldErrorf(gyre.Unavailable, target, "cannot be read: %v", err)
	}
	return f, nil
}

func (f *folder) close() error { return f.root.Close() }

// path is where a file of the folder lies, as the target says it.
func (f *folder) path(name string) string {
	if f.only != "" {
		return f.asked
	}
	return filepath.Join(f.asked, filepath.FromSlash(name))
}

// open opens a file of the folder, following no link.
func (f *folder) open(name string) (*os.File, error) {
	at := f.root
	defer func() {
		if at != f.root {
			_ = at.Close()
		}
	}()
	parts := strings.Split(name, "/")
	for _, part := range parts[:len(parts)-1] {
		next, err := openInner(at, part)
		if err != nil {
			return nil, err
		}
		if at != f.root {
			_ = at.Close()
		}
		at = next
	}
	last := parts[len(parts)-1]
	lies, err := at.Lstat(last)
	if err != nil {
		return nil, err
	}
	file, err := at.Open(last)
	if err != nil {
		return nil, err
	}
	opened, err := file.Stat()
	if err != nil || !lies.Mode().IsRegular() || !os.SameFile(lies, opened) {
		_ = file.Close()
		return nil, replaced(name, err)
	}
	return file, nil
}

// openInner opens a folder that lies in another one, not one that a link leads to.
func openInner(at *os.Root, name string) (*os.Root, error) {
	lies, err := at.Lstat(name)
	if err != nil {
		return nil, err
	}
	next, err := at.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	opened, err := next.Stat(".")
	if err != nil || !lies.IsDir() || !os.SameFile(lies, opened) {
		_ = next.Close()
		return nil, replaced(name, err)
	}
	return next, nil
}

func replaced(name string, err error) error {
	if err != nil {
		return err
	}
	return &fs.PathError{Op: "open", Path: name, Err: gyre.Errorf(gyre.Conflict, "something else was put in its place")}
}

func hidden(name string) bool { return name != "." && strings.HasPrefix(path.Base(name), ".") }
