// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// placeholder matches {word} and {word.word}, and {word?}, which may be missing
// without a trace. Braces of configuration languages
// hold more than a lower-case word; ${word} is a shell's and %{word} curl's.
var placeholder = regexp.MustCompile(`[$%]?\{[a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+)?\??\}`)

// template is a text with placeholders.
type template string

// names lists the placeholders without braces.
func (t template) names() []string {
	var out []string
	for _, m := range placeholder.FindAllString(string(t), -1) {
		if m[0] == '{' {
			out = append(out, strings.TrimSuffix(m[1:len(m)-1], "?"))
		}
	}
	return out
}

// fill replaces each placeholder by what value gives. Values are not searched again.
func (t template) fill(value func(name string) string) string {
	return placeholder.ReplaceAllStringFunc(string(t), func(m string) string {
		if m[0] != '{' {
			return m
		}
		return value(m[1 : len(m)-1])
	})
}

// lookup finds a dotted name in the data of a fact.
func lookup(data map[string]any, name string) (any, bool) {
	first, rest, nested := strings.Cut(name, ".")
	v, ok := data[first]
	if !ok || !nested {
		return v, ok
	}
	switch m := v.(type) {
	case map[string]any:
		v, ok = m[rest]
	case map[string]string:
		v, ok = m[rest]
	default:
		ok = false
	}
	return v, ok
}

const (
	maxShownText = 300
	maxShownList = 12
)

// show writes a value for people. Facts come from strangers: no control
// characters, no endless texts.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return clean(v, maxShownText)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return show(list)
	case []any:
		parts := make([]string, 0, min(len(v), maxShownList+1))
		for i, x := range v {
			if i == maxShownList {
				parts = append(parts, fmt.Sprintf("… %d more", len(v)-i))
				break
			}
			parts = append(parts, show(x))
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		if name, ok := v["name"].(string); ok {
			return clean(name, maxShownText)
		}
		if cidr, ok := v["cidr"].(string); ok {
			return fmt.Sprintf("%s ports %s to %s", clean(cidr, 64), show(v["from_port"]), show(v["to_port"]))
		}
	}
	return clean(fmt.Sprint(v), maxShownText)
}

func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + "…"
	}
	return s
}
