// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package terraform imports Terraform and OpenTofu configuration, one .tf file at a
// time: what its resources would be like once applied. plugins/all registers it;
// nothing else imports it.
//
// Only literals count. Whatever depends on variables, functions or other resources is
// not known and left out of the facts; nothing is evaluated, so a file cannot make
// the import work hard.
package terraform

import (
	"bytes"
	"context"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// Importer reads Terraform files.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "terraform", Title: "Terraform", Version: "1",
		Description: "Resources out of Terraform and OpenTofu configuration files.",
	}
}

var topLevel = regexp.MustCompile(`(?m)^[ \t]*(resource|provider|terraform|variable|module|data|output|locals|moved|import|check)\b[^\n=]*\{`)

// Detect implements plugin.Importer: the file's name, and a block that Terraform knows.
func (Importer) Detect(name string, head []byte) int {
	switch strings.ToLower(path.Ext(name)) {
	case ".tf", ".tofu":
		if topLevel.Match(head) && !bytes.Contains(head, []byte{0}) {
			return 95
		}
	}
	return 0
}

// The parser works by recursion, so what nests is bounded before it starts.
const (
	maxFile         = 1 << 20
	maxUnary        = 256
	maxConditionals = 10_000
	maxResources    = 20_000
)

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	var report plugin.Report
	text, err := document.ReadAll(ctx, in.Name, in.Reader, maxFile)
	if err != nil {
		return report, err
	}
	if err := bounded(in.Name, text); err != nil {
		return report, err
	}
	f, diags := hclsyntax.ParseConfig(text, in.Name, hcl.InitialPos)
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			line := 1
			if d.Subject != nil {
				line = d.Subject.Start.Line
			}
			return report, gyre.FieldErrorf(gyre.Invalid, in.Name+":"+strconv.Itoa(line), "broken Terraform: %s", document.Line(d.Summary+": "+d.Detail, 300))
		}
	}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return report, gyre.FieldErrorf(gyre.Internal, in.Name, "the parser gave a %T", f.Body)
	}

	out := plugin.NewBatcher(ctx, emit)
	const ref = gyre.Ref("configuration")
	if err := out.Asset(sighting(in, ref)); err != nil {
		return report, err
	}
	file := document.Line(in.Name, 500)
	n := 0
	for _, b := range body.Blocks {
		if b.Type != "resource" || len(b.Labels) != 2 {
			continue
		}
		if n++; n > maxResources {
			return report, gyre.FieldErrorf(gyre.TooLarge, in.Name+":"+strconv.Itoa(b.TypeRange.Start.Line), "more than %d resources", maxResources)
		}
		kind, name := document.Line(b.Labels[0], 200), document.Line(b.Labels[1], 200)
		data := map[string]any{
			"format": "terraform", "kind": kind, "name": name, "file": file, "line": int64(b.TypeRange.Start.Line),
			"resource": kind + "." + name,
		}
		if read := readers[kind]; read != nil {
			read(block{b.Body}, data)
		}
		if err := out.Fact(gyre.Fact{Asset: ref, Aspect: gyre.AspectIaC, Locus: file + "#" + kind + "." + name, Data: data}); err != nil {
			return report, err
		}
	}
	if err := out.Cover(gyre.Coverage{Asset: ref, Aspect: gyre.AspectIaC, Loci: []string{file + "#*"}}); err != nil {
		return report, err
	}
	return report, out.Flush()
}

// bounded refuses files that would make the parser recurse without end. Brackets in
// texts and comments count as well: nobody writes that many.
func bounded(name string, text []byte) error {
	depth, unary, conditionals, line := 0, 0, 0, 1
	for _, c := range text {
		switch c {
		case '\n':
			line++
		case '(', '[', '{':
			depth++
			unary = 0
		case ')', ']', '}':
			depth--
			unary = 0
		case '!', '-':
			unary++
		case '?':
			conditionals++
			unary = 0
		case ' ', '\t', '\r':
		default:
			unary = 0
		}
		if depth > document.MaxDepth || unary > maxUnary || conditionals > maxConditionals {
			return gyre.FieldErrorf(gyre.TooLarge, name+":"+strconv.Itoa(line), "nested deeper than %d levels", document.MaxDepth)
		}
	}
	return nil
}

func sighting(in plugin.Input, ref gyre.Ref) gyre.AssetSighting {
	a := gyre.AssetSighting{Ref: ref, Kind: gyre.Repository, Zone: in.Zone, Name: document.Line(in.Asset, 200)}
	key := "asset:" + a.Name
	if a.Name == "" {
		a.Name = document.Line(in.Name, 200)
		key = "file:" + a.Name
	}
	a.Identifiers = []gyre.Identifier{{Type: gyre.IDURI, Value: strings.TrimRight(strings.ToLower(key), ".")}}
	return a
}
