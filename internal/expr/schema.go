// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
)

// Type is the type of a field.
type Type string

// The types of fields.
const (
	Bool     Type = "bool"
	Number   Type = "number"    // a float64
	Text     Type = "text"      // "" when nothing is known
	TextList Type = "text_list" // empty when nothing is known
	Time     Type = "time"      // microseconds since the epoch, UTC; 0 when nothing is known
	Severity Type = "severity"  // a gyre.Severity, held in a number column
)

// Field is one thing that a filter can speak of. A name has at most one dot.
type Field struct {
	Name string
	Type Type
	Doc  string
	// Values are suggestions for completion. With Closed there are no others,
	// and comparing with anything else is refused.
	Values []string
	Closed bool
	// Search says that search("…") looks into it; Text and TextList only.
	Search bool
}

// Schema is the fields of one kind of row. It is immutable.
type Schema struct {
	Name   string // of its rows: "exposures"
	fields []Field
	byName map[string]int
	env    func() (*cel.Env, error)
}

// NewSchema makes a schema. It panics when a field is declared twice or wrongly:
// schemas are part of the program.
func NewSchema(name string, fields ...Field) *Schema {
	s := &Schema{Name: name, fields: fields, byName: make(map[string]int, len(fields))}
	for i, f := range fields {
		if _, twice := s.byName[f.Name]; twice || strings.Count(f.Name, ".") > 1 {
			panic(fmt.Sprintf("schema %s: field %q", name, f.Name))
		}
		if f.Search && f.Type != Text && f.Type != TextList {
			panic(fmt.Sprintf("schema %s: field %q cannot be searched", name, f.Name))
		}
		s.byName[f.Name] = i
	}
	s.env = sync.OnceValues(func() (*cel.Env, error) { return newFilterEnv(s) })
	return s
}

// Fields returns the fields in the order of their declaration. It must not be changed.
func (s *Schema) Fields() []Field { return s.fields }

// Field finds a field by its name.
func (s *Schema) Field(name string) (Field, bool) {
	i, ok := s.byName[name]
	if !ok {
		return Field{}, false
	}
	return s.fields[i], true
}

// Columns are the rows that a filter looks at, one accessor for each field. An
// accessor is called for many rows and from several goroutines at once. It may
// be nil for a field that these rows do not have; Bind then refuses.
type Columns interface {
	Bool(field string) func(row int) bool
	// Number also serves fields of the type Severity, as float64(gyre.Severity).
	Number(field string) func(row int) float64
	Text(field string) func(row int) string
	// TextList returns a slice that the filter only reads.
	TextList(field string) func(row int) []string
	// Time is in microseconds since the epoch, 0 for none.
	Time(field string) func(row int) int64
}
