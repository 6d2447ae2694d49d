// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"context"
	"io/fs"
	"path"
	"strings"
)

// maxLoci bounds the loci of one coverage. Beyond it less is claimed, never more.
const maxLoci = 4000

// cover turns the places that were not looked at into loci that describe
// everything else.
type cover struct {
	list  func(rel string) ([]fs.DirEntry, error)
	holes []string
	roots []string
	// file gives the loci of a single file when it was looked at.
	file func(rel string) []string

	above map[string]bool // folders that have a hole somewhere below, and the holes
	hole  map[string]bool
	out   []string
}

// loci returns nil for everything; any is false when nothing was covered.
func (c *cover) loci() (list []string, any bool) {
	c.above, c.hole = map[string]bool{}, map[string]bool{}
	for _, h := range c.holes {
		c.hole[h] = true
		for p := h; p != "" && p != "."; p = path.Dir(p) {
			c.above[p] = true
		}
		c.above[""] = true
	}
	if len(c.roots) == 1 && c.roots[0] == "" && !c.above[""] {
		return nil, true
	}
	for _, root := range c.roots {
		c.dir(root)
	}
	return c.out, len(c.out) > 0
}

func (c *cover) dir(rel string) {
	switch {
	case c.hole[rel] || len(c.out) >= maxLoci:
		return
	case !c.above[rel]:
		c.out = append(c.out, strings.TrimSuffix(locus(rel), "/")+"/*")
		return
	}
	entries, err := c.list(rel)
	if err != nil {
		return
	}
	for _, e := range entries {
		child := path.Join(rel, e.Name())
		switch {
		case e.IsDir():
			c.dir(child)
		case !c.hole[child] && len(c.out) < maxLoci:
			c.out = append(c.out, c.file(child)...)
		}
	}
}

// ownedByOS says which of the files belong to an OS package. Language packages
// in them carry the distribution's patches, which the language's own advisories
// know nothing of; a key in them is the same on every machine.
func (r *run) ownedByOS(ctx context.Context, files []string) map[string]bool {
	owned := map[string]bool{}
	wanted := map[string]string{} // name in a file list → location
	rpm := r.missing("var/lib/rpm") == nil || r.missing("usr/lib/sysimage/rpm") == nil
	for _, file := range files {
		if rpm && strings.HasPrefix(file, "/usr/lib") && strings.Contains(file, "/site-packages/") {
			owned[file] = true // pip installs to /usr/local there
		}
		wanted[file] = file
		// The lists of a system with merged /usr may still name /lib.
		wanted[strings.TrimPrefix(file, "/usr")] = file
	}
	const info = "var/lib/dpkg/info"
	entries, err := r.list(info)
	if err != nil || len(wanted) == 0 {
		return owned
	}
	for _, e := range entries {
		if ctx.Err() != nil {
			return owned
		}
		if !strings.HasSuffix(e.Name(), ".list") {
			continue
		}
		f, _, err := r.openFile(info + "/" + e.Name())
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if location, ok := wanted[lines.Text()]; ok {
				owned[location] = true
			}
		}
		_ = f.Close()
	}
	return owned
}
