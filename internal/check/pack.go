// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
)

const (
	maxFile   = 1 << 20
	maxFiles  = 500
	maxChecks = 5000
)

// text is a YAML scalar that knows its line.
type text struct {
	value string
	line  int
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (t *text) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: a text is needed here", n.Line)
	}
	t.value, t.line = strings.TrimSpace(n.Value), n.Line
	return nil
}

// packFile is the form of a pack file.
type packFile struct {
	Checks []packCheck `yaml:"checks"`
}

type packCheck struct {
	ID          text   `yaml:"id"`
	Aspect      text   `yaml:"aspect"`
	Class       text   `yaml:"class"`
	Title       text   `yaml:"title"`
	Severity    text   `yaml:"severity"`
	CWE         []text `yaml:"cwe"`
	When        text   `yaml:"when"`
	Condition   text   `yaml:"condition"`
	Motive      text   `yaml:"motive"`
	Effort      text   `yaml:"effort"`
	References  []text `yaml:"references"`
	Remediation struct {
		Text  text       `yaml:"text"`
		Steps []packStep `yaml:"steps"`
	} `yaml:"remediation"`
	Evidence struct {
		Summary text   `yaml:"summary"`
		Show    []text `yaml:"show"`
	} `yaml:"evidence"`
}

type packStep struct {
	Platform text   `yaml:"platform"`
	Text     text   `yaml:"text"`
	Commands []text `yaml:"commands"`
	Config   text   `yaml:"config"`
}

// Load reads every .yaml and .yml file of the folders. A check of a later
// folder replaces the one with the same id of an earlier folder, and Notes says
// so; twice in one folder is an error. Errors are gyre.Invalid or
// gyre.TooLarge with Field "FILE:LINE".
func Load(folders ...fs.FS) (*Set, error) {
	s := &Set{byID: map[string]*Check{}, byAspect: map[gyre.Aspect][]*Check{}}
	for _, folder := range folders {
		checks, err := loadFolder(folder)
		if err != nil {
			return nil, err
		}
		for _, c := range checks {
			if old, replaced := s.byID[c.ID]; replaced {
				s.notes = append(s.notes, fmt.Sprintf("check %s of %s is replaced by %s", c.ID, old.File, c.File))
			}
			s.byID[c.ID] = c
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.byID)) {
		c := s.byID[id]
		s.byAspect[c.Aspect] = append(s.byAspect[c.Aspect], c)
	}
	return s, nil
}

func loadFolder(folder fs.FS) ([]*Check, error) {
	var checks []*Check
	seen := map[string]string{}
	files := 0
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read packs: %w", err)
		}
		if d.IsDir() {
			if d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" {
			return nil
		}
		if files++; files > maxFiles {
			return gyre.FieldErrorf(gyre.TooLarge, name, "more than %d pack files", maxFiles)
		}
		data, err := readFile(folder, name)
		if err != nil {
			return err
		}
		more, err := Parse(name, data)
		if err != nil {
			return err
		}
		for _, c := range more {
			if first, twice := seen[c.ID]; twice {
				return gyre.FieldErrorf(gyre.Invalid, name, "check %s is defined in %s already", c.ID, first)
			}
			seen[c.ID] = name
		}
		if checks = append(checks, more...); len(checks) > maxChecks {
			return gyre.FieldErrorf(gyre.TooLarge, name, "more than %d checks", maxChecks)
		}
		return nil
	})
	return checks, err
}

func readFile(folder fs.FS, name string) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open pack %q: %w", name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read pack %q: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, gyre.FieldErrorf(gyre.TooLarge, name, "a pack file holds at most %d bytes", maxFile)
	}
	return data, nil
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// Parse reads one pack file.
func Parse(name string, data []byte) ([]*Check, error) {
	if len(data) > maxFile {
		return nil, gyre.FieldErrorf(gyre.TooLarge, name, "a pack file holds at most %d bytes", maxFile)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var file packFile
	if err := dec.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			line, _ := strconv.Atoi(m[1])
			reason := regexp.MustCompile(` in type \S+`).ReplaceAllString(m[2], "")
			return nil, at(name, line, "%s", reason)
		}
		return nil, gyre.FieldErrorf(gyre.Invalid, name, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, gyre.FieldErrorf(gyre.Invalid, name, "a pack file is one YAML document")
	}
	if len(file.Checks) > maxChecks {
		return nil, gyre.FieldErrorf(gyre.TooLarge, name, "more than %d checks", maxChecks)
	}
	checks := make([]*Check, 0, len(file.Checks))
	ids := map[string]bool{}
	for _, p := range file.Checks {
		c, err := p.compile(name)
		if err != nil {
			return nil, err
		}
		if ids[c.ID] {
			return nil, at(name, p.ID.line, "check %s is defined twice", c.ID)
		}
		ids[c.ID] = true
		checks = append(checks, c)
	}
	return checks, nil
}

func at(name string, line int, format string, args ...any) error {
	return gyre.FieldErrorf(gyre.Invalid, name+":"+strconv.Itoa(max(line, 1)), format, args...)
}

// exprError puts the file and line before what is wrong with an expression.
func exprError(name string, t text, err error) error {
	var e *gyre.Error
	if errors.As(err, &e) {
		return gyre.FieldErrorf(e.Code, name+":"+strconv.Itoa(t.line), "%s", e.Error())
	}
	return err
}

func compileCondition(name string, a gyre.Aspect, t text) (*expr.Predicate, error) {
	p, err := expr.CompileCheck(t.value)
	if err != nil {
		return nil, exprError(name, t, err)
	}
	return p, checkKeys(name, a, t, p.Keys())
}

func checkKeys(name string, a gyre.Aspect, t text, keys []string) error {
	for _, k := range keys {
		if !knownKey(a, k) {
			return at(name, t.line, "facts of aspect %s have no %q; they have %s", a, k, strings.Join(keysOf(a), ", "))
		}
	}
	return nil
}
