// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package kubernetes imports Kubernetes manifests (YAML, several documents to a
// file): pods and the workloads that make them. plugins/all registers it; nothing
// else imports it.
//
// Templates (Helm) are no manifests; render them first. A field that is not set has
// the API's default, which is what a manifest means; whether an image's own user is
// root is not known, so neither is said.
package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// Importer reads Kubernetes manifests.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "kubernetes", Title: "Kubernetes manifests", Version: "1",
		Description: "Pods and workloads out of Kubernetes YAML.",
	}
}

var (
	apiVersion = regexp.MustCompile(`(?m)^apiVersion:[ \t]*["']?[a-z0-9][a-z0-9./-]*["']?[ \t\r]*(#.*)?$`)
	kindLine   = regexp.MustCompile(`(?m)^kind:[ \t]*["']?[A-Z][A-Za-z0-9]*["']?[ \t\r]*(#.*)?$`)
)

// Detect implements plugin.Importer: a YAML file that says apiVersion and kind at
// its outermost level, and is no template.
func (Importer) Detect(name string, head []byte) int {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml":
		if apiVersion.Match(head) && kindLine.Match(head) && !bytes.Contains(head, []byte("{{")) {
			return 90
		}
	}
	return 0
}

const (
	maxDocument  = 1 << 20
	maxDocuments = 10_000
	maxProblems  = 100
)

type manifest struct {
	in     plugin.Input
	out    *plugin.Batcher
	report plugin.Report
	file   string
}

const ref = gyre.Ref("manifests")

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	m := &manifest{in: in, out: plugin.NewBatcher(ctx, emit), file: document.Line(in.Name, 500)}
	lines := document.NewLineReader(ctx, in.Name, in.Reader)
	if err := m.out.Asset(m.sighting()); err != nil {
		return m.report, err
	}
	var text bytes.Buffer
	start, documents := 1, 0
	flush := func() error {
		if blank(text.Bytes()) {
			text.Reset()
			return nil
		}
		if documents++; documents > maxDocuments {
			return gyre.FieldErrorf(gyre.TooLarge, m.at(start), "more than %d documents", maxDocuments)
		}
		err := m.document(text.Bytes(), start)
		text.Reset()
		return err
	}
	for {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return m.report, err
		}
		if rest, ok := separator(line); ok {
			if err := flush(); err != nil {
				return m.report, err
			}
			start, line = lines.Line(), rest
		}
		if text.Len()+len(line) > maxDocument {
			return m.report, gyre.FieldErrorf(gyre.TooLarge, m.at(start), "a document of more than %d MiB", maxDocument>>20)
		}
		text.Write(line)
		text.WriteByte('\n')
	}
	if err := flush(); err != nil {
		return m.report, err
	}
	if documents == 0 {
		return m.report, gyre.FieldErrorf(gyre.Invalid, m.at(1), "holds no documents")
	}
	if !lines.Whole() {
		m.problem(lines.Line(), "the last line has no end: the file may have been cut short")
	}
	if err := m.out.Cover(gyre.Coverage{Asset: ref, Aspect: gyre.AspectIaC, Loci: []string{m.file + "#*"}}); err != nil {
		return m.report, err
	}
	return m.report, m.out.Flush()
}

// separator says whether a line ends a document, and returns what stands behind it,
// which belongs to the next (YAML 1.2, section 9.2).
func separator(line []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	if !ok {
		rest, ok = bytes.CutPrefix(line, []byte("..."))
	}
	if !ok || len(rest) > 0 && rest[0] != ' ' && rest[0] != '\t' {
		return nil, false
	}
	return rest, true
}

func (m *manifest) at(line int) string { return m.in.Name + ":" + strconv.Itoa(line) }

func (m *manifest) problem(line int, reason string) {
	if len(m.report.Problems) < maxProblems {
		m.report.Problems = append(m.report.Problems, gyre.Problem{Place: m.at(line), Reason: reason})
	}
}

func (m *manifest) sighting() gyre.AssetSighting {
	a := gyre.AssetSighting{Ref: ref, Kind: gyre.Repository, Zone: m.in.Zone, Name: document.Line(m.in.Asset, 200)}
	key := "asset:" + a.Name
	if a.Name == "" {
		a.Name = document.Line(m.in.Name, 200)
		key = "file:" + a.Name
	}
	a.Identifiers = []gyre.Identifier{{Type: gyre.IDURI, Value: strings.TrimRight(strings.ToLower(key), ".")}}
	return a
}

// blank says whether text holds nothing but white space and comments.
func blank(text []byte) bool {
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// document reads one YAML document, which begins at line start of the file. The
// nodes are looked at as they are: aliases are followed, not copied.
func (m *manifest) document(text []byte, start int) error {
	if err := bounded(text); err != nil {
		return gyre.FieldErrorf(gyre.TooLarge, m.at(start), "%v", err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		line, reason := start, err.Error()
		if found := yamlLine.FindStringSubmatch(reason); found != nil {
			if n, err := strconv.Atoi(found[1]); err == nil {
				line, reason = start+n-1, found[2]
			}
		}
		return gyre.FieldErrorf(gyre.Invalid, m.at(line), "broken YAML: %s", document.Line(strings.TrimPrefix(reason, "yaml: "), 300))
	}
	if len(root.Content) == 0 {
		return nil
	}
	top := node{root.Content[0]}
	if top.get("kind").text() == "List" {
		for _, it := range top.get("items").list() {
			if err := m.object(it, start); err != nil {
				return err
			}
		}
		return nil
	}
	return m.object(top, start)
}

var errTooDeep = errors.New("nested deeper than " + strconv.Itoa(document.MaxDepth) + " levels")

// bounded refuses documents that nest too deep for the parser, in brackets or by
// indentation. Brackets in texts count as well: nobody writes that many.
func bounded(text []byte) error {
	depth := 0
	for _, c := range text {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		}
		if depth > document.MaxDepth {
			return errTooDeep
		}
	}
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		// "- - - -" and "? ? ? ?" nest within one line.
		marks := 0
		for i := 0; i+1 < len(line) && (line[i] == '-' || line[i] == '?' || line[i] == ' '); i++ {
			if line[i] != ' ' && line[i+1] == ' ' {
				marks++
			}
		}
		if marks > document.MaxDepth {
			return errTooDeep
		}
	}
	return nil
}
