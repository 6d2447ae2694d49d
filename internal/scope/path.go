// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package scope

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/gyre-ctem/gyre"
)

// AllowPath implements plugin.Guard. The path is judged where its symbolic
// links lead, and an exclusion also by the name that was asked for.
func (g *Guard) AllowPath(path string) error {
	if g.killed() {
		return errKilled
	}
	if len(g.reach.broken) > 0 {
		return gyre.Errorf(gyre.Forbidden, "scope %q has an exclusion that cannot be read: %q", g.scope.Name, g.reach.broken[0])
	}
	if !filepath.IsAbs(path) {
		return gyre.Errorf(gyre.Forbidden, "%q is not an absolute path", path)
	}
	asked := filepath.Clean(path)
	real, err := realPath(asked)
	if err != nil {
		return gyre.Errorf(gyre.Forbidden, "%s: it cannot be said where it leads: %w", asked, err)
	}
	in := func(folder string) bool {
		where, err := realPath(folder)
		return err == nil && within(real, where)
	}
	if !slices.ContainsFunc(g.reach.folders, in) {
		return gyre.Errorf(gyre.Forbidden, "%s is outside scope %q", asked, g.scope.Name)
	}
	for _, no := range g.reach.noFolders {
		where, err := realPath(no)
		if err != nil || within(asked, no) || within(real, no) || within(real, where) {
			return gyre.Errorf(gyre.Forbidden, "%s is excluded by scope %q", asked, g.scope.Name)
		}
	}
	return nil
}

// realPath follows symbolic links. Of a path that does not exist it follows
// those of the folders that do.
func realPath(clean string) (string, error) {
	real, err := filepath.EvalSymlinks(clean)
	if err == nil || !errors.Is(err, fs.ErrNotExist) || clean == string(filepath.Separator) {
		return real, err
	}
	parent, err := realPath(filepath.Dir(clean))
	if err != nil {
		return "", err
	}
	return filepath.Join(parent, filepath.Base(clean)), nil
}
