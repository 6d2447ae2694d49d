// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package remediate

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// site is where the same commands apply: one package manager, one release, one
// target version, and for language packages one folder.
type site struct {
	ecosystem string
	folder    string // "" for OS packages
	file      string // base name of the lockfile or manifest
	image     bool
}

// place is what was found at a site.
type place struct {
	target   string // the version that removes all: the highest of the lowest fixed ones
	packages map[string]bool
	current  map[string]bool
	assets   map[string]bool
}

func upgrade(group []*Item, assets int) (string, []gyre.Step) {
	sites := map[site]*place{}
	for _, it := range group {
		r := it.Exposure.Remedy
		s := site{ecosystem: r.Ecosystem, image: it.Asset.Kind == gyre.Image}
		if !isOS(r.Ecosystem) {
			s.folder, s.file = folderOf(location(it.Exposure))
		}
		p := sites[s]
		if p == nil {
			p = &place{packages: map[string]bool{}, current: map[string]bool{}, assets: map[string]bool{}}
			sites[s] = p
		}
		if later(r.Fixed, p.target, r.Ecosystem) {
			p.target = r.Fixed
		}
		p.packages[installed(it.Exposure)] = true
		p.assets[cmp.Or(it.Asset.Name, it.Asset.ID.String())] = true
		if r.Current != "" {
			p.current[r.Current] = true
		}
	}
	order := slices.SortedFunc(maps.Keys(sites), func(a, b site) int {
		return cmp.Or(cmp.Compare(a.ecosystem, b.ecosystem), cmp.Compare(a.folder, b.folder), cmp.Compare(a.file, b.file), compareBool(a.image, b.image))
	})
	pkg := group[0].Exposure.Remedy.Package
	steps := make([]gyre.Step, 0, len(order))
	targets := map[string]bool{}
	for _, s := range order {
		steps = append(steps, sites[s].step(s, pkg))
		targets[sites[s].target] = true
	}
	title := "Upgrade " + clean(pkg)
	if len(targets) == 1 {
		title += " to " + clean(sites[order[0]].target)
	}
	return title + on(assets, group[0].Asset.Name), steps
}

// mitigate is for packages of which no fixed version is published. It says so,
// rather than inventing a fix.
func mitigate(group []*Item, assets int) (string, []gyre.Step) {
	r := group[0].Exposure.Remedy
	step := gyre.Step{
		Platform: platform(r.Ecosystem),
		Text: "No fixed version of " + clean(r.Package) + " is published for " + platform(r.Ecosystem) + " in the advisories that Gyre has. " +
			"Remove the package where it is not needed; where it is, keep the part that uses it out of reach of others, " +
			"and look for a workaround in the references. Gyre reports the fix as soon as an advisory names one.",
		Assets: assetNames(group),
	}
	if c := removal(family(r.Ecosystem), packagesOf(group)); c != "" {
		step.Commands = []string{c}
	}
	steps := []gyre.Step{step}
	for _, w := range weaknesses(group) {
		if len(w.References) > 0 && len(steps) < 10 {
			steps = append(steps, gyre.Step{Platform: "any", Text: "References of " + clean(w.Key) + ": " + clean(strings.Join(head(w.References, 3), " "))})
		}
	}
	return "Mitigate " + clean(r.Package) + ": no fix is published" + on(assets, group[0].Asset.Name), steps
}

// installed is the name that the package manager knows. Advisories of OS
// distributions speak of source packages; the locus names the installed one.
func installed(e gyre.Exposure) string {
	if isOS(e.Remedy.Ecosystem) {
		if _, name, ok := strings.Cut(e.Locus, "#"); ok && name != "" {
			return name
		}
	}
	return e.Remedy.Package
}

func location(e gyre.Exposure) string {
	if e.Remedy.Location != "" {
		return e.Remedy.Location
	}
	file, _, _ := strings.Cut(e.Locus, "#")
	return file
}

// folderOf splits the file that names a package into the folder to work in and
// its base name. A package inside node_modules belongs to the folder above it.
func folderOf(file string) (folder, base string) {
	if file == "" {
		return "", ""
	}
	dir, base := path.Dir(file), path.Base(file)
	parts := strings.Split(dir, "/")
	if i := slices.Index(parts, "node_modules"); i >= 0 {
		above := strings.Join(parts[:i], "/")
		if above == "" && i == 1 {
			above = "/"
		}
		return cmp.Or(above, "."), "node_modules"
	}
	return dir, base
}

func packagesOf(group []*Item) []string {
	set := map[string]bool{}
	for _, it := range group {
		set[installed(it.Exposure)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

func assetNames(group []*Item) []string {
	set := map[string]bool{}
	for _, it := range group {
		set[cmp.Or(it.Asset.Name, it.Asset.ID.String())] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// weaknesses lists each weakness of the group once, the riskiest first.
func weaknesses(group []*Item) []*gyre.Weakness {
	var all []*gyre.Weakness
	seen := map[string]bool{}
	for _, it := range group {
		if !seen[it.Weakness.Key] {
			seen[it.Weakness.Key] = true
			all = append(all, it.Weakness)
		}
	}
	return all
}

func head(s []string, n int) []string { return s[:min(n, len(s))] }

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
