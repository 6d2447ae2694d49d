// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// The configuration files that facts are made of.
const (
	sshdConfig = "etc/ssh/sshd_config"
	sudoers    = "etc/sudoers"
	sudoersDir = "etc/sudoers.d"
	shadow     = "etc/shadow"
	passwd     = "etc/passwd"
)

var configPlaces = []string{sshdConfig, sudoers, sudoersDir, shadow, passwd}

// configuration emits the facts of configuration files, with coverage of
// exactly those that were read or that are demonstrably not there.
func (r *run) configuration(ctx context.Context, places []string) error {
	b := &gyre.Batch{}
	var loci []string
	for _, place := range places {
		facts, covered, err := r.configFacts(place)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			loci = append(loci, covered...)
		case err != nil:
			r.limits.add("configuration file could not be read", locus(place))
		default:
			b.Facts = append(b.Facts, facts...)
			loci = append(loci, covered...)
		}
	}
	if len(loci) > 0 {
		b.Coverage = []gyre.Coverage{{Asset: r.asset, Aspect: gyre.AspectFile, Loci: loci, Credentialed: true}}
	}
	return r.emit(ctx, b)
}

// configFacts reads one place. covered are its loci when it was read or is not there.
func (r *run) configFacts(place string) (facts []gyre.Fact, covered []string, err error) {
	covered = []string{locus(place)}
	if place == sudoersDir {
		covered = []string{locus(place) + "/*"}
	}
	if err := r.req.Guard.AllowPath(r.at(place)); err != nil {
		return nil, nil, err
	}
	if err := r.missing(place); err != nil {
		return nil, covered, err
	}
	switch place {
	case sshdConfig:
		settings, err := r.sshd(place)
		if err != nil {
			return nil, nil, err
		}
		f, err := r.fileFact(place, "sshd_config")
		f.Data["settings"] = settings
		return []gyre.Fact{f}, covered, err
	case sudoersDir:
		facts, err = r.sudoersFolder()
		return facts, covered, err
	case shadow, passwd:
		f, err := r.fileFact(place, path.Base(place)) // the mode alone; the contents stay where they are
		return []gyre.Fact{f}, covered, err
	}
	if place == sudoers || path.Dir(place) == sudoersDir {
		f, err := r.sudoersFact(place)
		return []gyre.Fact{f}, covered, err
	}
	return nil, nil, fmt.Errorf("%s is not a file that facts are made of", place)
}

// missing returns fs.ErrNotExist when the place is demonstrably not there.
func (r *run) missing(rel string) error {
	_, err := r.root.Stat(filepath.FromSlash(rel))
	return err
}

func (r *run) fileFact(rel, kind string) (gyre.Fact, error) {
	info, err := r.root.Stat(filepath.FromSlash(rel))
	if err != nil {
		return gyre.Fact{Data: map[string]any{}}, err
	}
	return gyre.Fact{
		Asset: r.asset, Aspect: gyre.AspectFile, Locus: locus(rel), Credentialed: true,
		Data: map[string]any{"path": locus(rel), "kind": kind, "mode": fmt.Sprintf("%04o", info.Mode().Perm()|modeBits(info.Mode()))},
	}, nil
}

// modeBits gives setuid, setgid and sticky the places they have in chmod(1).
func modeBits(m fs.FileMode) fs.FileMode {
	var bits fs.FileMode
	for flag, bit := range map[fs.FileMode]fs.FileMode{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

func (r *run) readConfig(rel string) (string, error) {
	f, info, err := r.openFile(rel)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	if info.Size() > maxConfigFile {
		return "", errTooLarge
	}
	b, err := io.ReadAll(io.LimitReader(f, maxConfigFile))
	return string(b), err
}

const (
	maxIncludes     = 16 // sshd's own limit on depth
	maxSSHDFiles    = 256
	maxSSHDSettings = 500
)

// sshdReader collects settings as sshd_config(5) says: the first value wins.
type sshdReader struct {
	r        *run
	settings map[string]any
	files    int
}

// sshd reads the settings of sshd. When any included file cannot be read
// nothing is said, because that file may hold the value that counts.
func (r *run) sshd(rel string) (map[string]any, error) {
	d := sshdReader{r: r, settings: map[string]any{}}
	if err := d.file(rel, 0); err != nil {
		return nil, err
	}
	return d.settings, nil
}

func (d *sshdReader) file(rel string, depth int) error {
	if d.files++; depth > maxIncludes || d.files > maxSSHDFiles {
		return errors.New("sshd_config includes too many files")
	}
	text, err := d.r.readConfig(rel)
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		key, value, ok := sshdLine(line)
		if !ok {
			continue
		}
		switch key {
		case "match": // what follows holds for some connections only, to the end of the file
			return nil
		case "include":
			for _, pattern := range strings.Fields(value) {
				if err := d.include(pattern, depth); err != nil {
					return err
				}
			}
		default:
			if _, have := d.settings[key]; !have && len(d.settings) < maxSSHDSettings {
				d.settings[key] = value
			}
		}
	}
	return nil
}

// include reads the files of a pattern, which is relative to /etc/ssh, in
// order of name. A pattern that fits nothing is no error (sshd_config(5)).
func (d *sshdReader) include(pattern string, depth int) error {
	pattern = strings.Trim(pattern, `"`)
	if !strings.HasPrefix(pattern, "/") {
		pattern = "/etc/ssh/" + pattern
	}
	pattern = strings.TrimPrefix(path.Clean(pattern), "/")
	dir, base := path.Split(pattern)
	dir = strings.TrimSuffix(dir, "/")
	names := []string{base}
	if strings.ContainsAny(base, "*?[") {
		entries, err := d.r.list(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		names = nil
		for _, e := range entries {
			if ok, err := path.Match(base, e.Name()); err == nil && ok {
				names = append(names, e.Name())
			}
		}
		slices.Sort(names)
	}
	for _, n := range names {
		if err := d.file(path.Join(dir, n), depth+1); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sshdLine splits "Keyword value", "Keyword=value" and "Keyword "value"".
func sshdLine(line string) (key, value string, ok bool) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' || len(line) > 4096 {
		return "", "", false
	}
	i := strings.IndexAny(line, " \t=")
	if i <= 0 {
		return "", "", false
	}
	value = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line[i:]), "="))
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	return strings.ToLower(line[:i]), value, value != ""
}

// list lists a folder within the root.
func (r *run) list(rel string) ([]fs.DirEntry, error) {
	return fs.ReadDir(r.root.FS(), cleanDir(rel))
}

func cleanDir(rel string) string {
	if rel == "" {
		return "."
	}
	return rel
}

func (r *run) sudoersFolder() ([]gyre.Fact, error) {
	entries, err := r.list(sudoersDir)
	if err != nil {
		return nil, err
	}
	var facts []gyre.Fact
	for _, e := range entries {
		// sudoers(5): names that hold a dot or end in ~ are not read.
		if e.IsDir() || strings.Contains(e.Name(), ".") || strings.HasSuffix(e.Name(), "~") || len(facts) >= 1000 {
			continue
		}
		f, err := r.sudoersFact(sudoersDir + "/" + e.Name())
		if err != nil {
			return nil, err
		}
		facts = append(facts, f)
	}
	return facts, nil
}

func (r *run) sudoersFact(rel string) (gyre.Fact, error) {
	text, err := r.readConfig(rel)
	if err != nil {
		return gyre.Fact{}, err
	}
	f, err := r.fileFact(rel, "sudoers")
	f.Data["nopasswd"] = nopasswd(text)
	return f, err
}

// nopasswd lists the rules that ask for no password.
func nopasswd(text string) []any {
	rules := []any{}
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || len(rules) >= 100 {
			continue
		}
		if i := strings.Index(line, " #"); i >= 0 {
			line = strings.TrimSpace(line[:i])
		}
		if strings.Contains(line, "NOPASSWD:") && len(line) <= 500 {
			rules = append(rules, strings.Join(strings.Fields(line), " "))
		}
	}
	return rules
}
