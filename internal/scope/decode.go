// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package scope

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gyre-ctem/gyre"
)

const maxDocument = 1 << 20

// Decode reads scopes from YAML, one for each document of the stream, checks
// them and returns them in normal form. Fields that a scope does not have are
// refused. Errors are gyre.Invalid or TooLarge with Field "name:line".
func Decode(name string, r io.Reader) ([]gyre.Scope, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, gyre.FieldErrorf(gyre.Unavailable, name, "cannot be read: %v", err)
	}
	if len(data) > maxDocument {
		return nil, gyre.FieldErrorf(gyre.TooLarge, name, "is larger than %d KiB", maxDocument>>10)
	}
	var scopes []gyre.Scope
	// The nodes know the lines, the strict decoder knows the fields.
	nodes, strict := yaml.NewDecoder(bytes.NewReader(data)), yaml.NewDecoder(bytes.NewReader(data))
	strict.KnownFields(true)
	for {
		var node yaml.Node
		if err := nodes.Decode(&node); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, yamlError(name, err)
		}
		var s gyre.Scope
		if err := strict.Decode(&s); err != nil {
			return nil, yamlError(name, err)
		}
		if len(node.Content) == 1 && node.Content[0].Tag == "!!null" {
			continue // nothing between two separators
		}
		if err := Validate(s); err != nil {
			return nil, withLines(name, &node, err)
		}
		scopes = append(scopes, Normalise(s))
	}
	if len(scopes) == 0 {
		return nil, gyre.FieldErrorf(gyre.Invalid, name, "holds no scope")
	}
	return scopes, nil
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// yamlError moves the line out of the library's message into the field.
func yamlError(name string, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if te, ok := errors.AsType[*yaml.TypeError](err); ok && len(te.Errors) > 0 {
		text = te.Errors[0]
	}
	text = strings.TrimPrefix(text, "unmarshal errors:\n  ")
	text = strings.ReplaceAll(text, "not found in type gyre.Scope", "is not one of a scope")
	text = strings.ReplaceAll(text, "not found in type gyre.Target", "is not one of a target")
	text = strings.ReplaceAll(text, "not found in type gyre.Window", "is not one of hours")
	if m := yamlLine.FindStringSubmatchIndex(text); m != nil {
		return gyre.FieldErrorf(gyre.Invalid, name+":"+text[m[2]:m[3]], "%s", text[:m[0]]+text[m[1]:])
	}
	return gyre.FieldErrorf(gyre.Invalid, name, "%s", text)
}

// withLines says where in the document each fault is.
func withLines(name string, doc *yaml.Node, err error) error {
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for i, e := range list {
		if fault, ok := errors.AsType[*gyre.Error](e); ok {
			line := lineOf(doc, fault.Field)
			list[i] = gyre.FieldErrorf(fault.Code, fmt.Sprintf("%s:%d", name, line), "%s: %s", fault.Field, fault.Message)
		}
	}
	if len(list) == 1 {
		return list[0]
	}
	return errors.Join(list...)
}

// lineOf follows a path such as "targets[2].cidr" as far as the document has it.
func lineOf(doc *yaml.Node, path string) int {
	node := doc
	if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
		node = node.Content[0]
	}
	line := node.Line
	step := func(next *yaml.Node) bool {
		if next == nil {
			return false
		}
		node, line = next, next.Line
		return true
	}
	for part := range strings.SplitSeq(strings.NewReplacer("[", ".", "]", "").Replace(path), ".") {
		var next *yaml.Node
		if i, err := strconv.Atoi(part); err == nil && node.Kind == yaml.SequenceNode && i < len(node.Content) {
			next = node.Content[i]
		}
		if node.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(node.Content); i += 2 {
				if node.Content[i].Value == part {
					next = node.Content[i+1]
				}
			}
		}
		if !step(next) {
			break
		}
	}
	return line
}
