// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Suggestion is one way to go on writing at the cursor.
type Suggestion struct {
	Text  string `json:"text" doc:"What replaces the text from From to the cursor"`
	Label string `json:"label"`
	Kind  string `json:"kind" enum:"field,value,function,method,operator,word"`
	Doc   string `json:"doc,omitempty"`
	From  int    `json:"from" doc:"Byte offset in the source where the replaced text starts"`
}

const maxSuggestions = 50

var (
	// wordBefore is the name that the cursor is at the end of.
	wordBefore = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_.]*$|\.$`)
	// comparedBefore is a field with an operator before the value that is being written.
	comparedBefore = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_.]*)\s*(?:==|!=|<=|>=|<|>|in\s*\[(?:[^\[\]]*,)?)\s*$`)
	// operandBefore is the end of a complete operand.
	operandBefore = regexp.MustCompile(`([A-Za-z0-9_)\]"'])\s+$`)
)

// Complete suggests how to go on at a byte offset of a filter that is being
// written. It looks at the text before the cursor only and never fails.
func (s *Schema) Complete(src string, cursor int) []Suggestion {
	cursor = min(max(cursor, 0), len(src))
	if cursor > MaxSource {
		return nil
	}
	before := src[:cursor]
	if quote, text, from := openText(before); quote != 0 {
		return s.completeValue(before[:from], text, string(quote), from)
	}
	word := wordBefore.FindString(before)
	from := cursor - len(word)
	if m := comparedBefore.FindStringSubmatch(before[:from]); m != nil {
		if out := s.completeValue(before[:from], word, "", from); len(out) > 0 {
			return out
		}
	}
	var out []Suggestion
	if word == "" && operandBefore.MatchString(before) {
		for _, f := range filterFunctions {
			if f.Kind == "operator" && f.Name != "!" {
				out = append(out, Suggestion{Text: f.Name + " ", Label: f.Name, Kind: f.Kind, Doc: f.Doc, From: from})
			}
		}
		return out
	}
	// A name that is a whole field, or an operand that ends in one, and a dot: a method.
	if field, method, dotted := cutLast(word); dotted {
		f, ok := s.Field(field)
		for _, fn := range filterFunctions {
			list := fn.Name == "exists" || fn.Name == "all"
			if ok && fn.Kind == "method" && strings.HasPrefix(fn.Name, method) && (f.Type == TextList) == list && (list || f.Type == Text) {
				out = append(out, Suggestion{Text: field + "." + fn.Name + "(", Label: fn.Usage, Kind: fn.Kind, Doc: fn.Doc, From: from})
			}
		}
	}
	return append(out, s.completeName(word, from)...)
}

// completeName suggests fields, functions and words that start with or contain what is written.
func (s *Schema) completeName(word string, from int) []Suggestion {
	lower := strings.ToLower(word)
	var first, rest []Suggestion
	add := func(name string, sg Suggestion) {
		sg.From = from
		switch l := strings.ToLower(name); {
		case strings.HasPrefix(l, lower):
			first = append(first, sg)
		case strings.Contains(l, lower):
			rest = append(rest, sg)
		}
	}
	for _, f := range s.fields {
		add(f.Name, Suggestion{Text: f.Name, Label: f.Name, Kind: "field", Doc: f.Doc})
	}
	for _, f := range filterFunctions {
		switch f.Kind {
		case "function":
			add(f.Name, Suggestion{Text: f.Name + "(", Label: f.Usage, Kind: f.Kind, Doc: f.Doc})
		case "word":
			add(f.Name, Suggestion{Text: f.Name, Label: f.Usage, Kind: f.Kind, Doc: f.Doc})
		}
	}
	out := append(first, rest...)
	return out[:min(len(out), maxSuggestions)]
}

// completeValue suggests values of the field that is compared at the end of before.
func (s *Schema) completeValue(before, text, quote string, from int) []Suggestion {
	m := comparedBefore.FindStringSubmatch(before)
	if m == nil {
		return nil
	}
	f, ok := s.Field(m[1])
	if !ok {
		return nil
	}
	var out []Suggestion
	for _, v := range f.Values {
		if !strings.Contains(strings.ToLower(v), strings.ToLower(text)) {
			continue
		}
		written := v
		if f.Type != Severity {
			q := cmp.Or(quote, `"`)
			written = q + v + q
		}
		out = append(out, Suggestion{Text: written, Label: v, Kind: "value", From: from})
	}
	slices.SortStableFunc(out, func(a, b Suggestion) int { return cmp.Compare(rank(a.Label, text), rank(b.Label, text)) })
	return out
}

// rank puts what starts with the text before what contains it.
func rank(label, text string) int {
	if strings.HasPrefix(strings.ToLower(label), strings.ToLower(text)) {
		return 0
	}
	return 1
}

// openText finds a text in quotes that is not closed yet: its quote, what is in
// it, and where it starts.
func openText(before string) (quote byte, text string, from int) {
	for i := 0; i < len(before); i++ {
		switch c := before[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, from = c, i
		}
	}
	if quote == 0 {
		return 0, "", 0
	}
	return quote, before[from+1:], from
}

// cutLast cuts a name at its last dot.
func cutLast(word string) (before, after string, found bool) {
	i := strings.LastIndexByte(word, '.')
	if i < 0 {
		return "", "", false
	}
	return word[:i], word[i+1:], true
}
