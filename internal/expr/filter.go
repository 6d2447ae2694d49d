// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/gyre-ctem/gyre"
)

// The limits of a source.
const (
	MaxSource = 4096 // bytes
	maxNodes  = 2000
	maxDepth  = 40
	maxCost   = 2000 // see term.cost
)

// Filter is a condition over the rows of a schema. A nil *Filter is true of every row.
type Filter struct {
	schema *Schema
	source string
	ast    *cel.Ast
	now    time.Time
	root   term[bool]
	fields []string

	usesNow bool
}

// CompileFilter compiles a condition over the fields of a schema; now is what
// the word now in it means. An empty source gives a nil filter. What is wrong or
// cannot run over columns is a gyre.Invalid or gyre.TooLarge error that names
// the part, with Field "filter:LINE:COLUMN", both from 1.
func CompileFilter(schema *Schema, src string, now time.Time) (*Filter, error) {
	if strings.TrimSpace(src) == "" {
		return nil, nil
	}
	now = now.Truncate(time.Microsecond)
	checked, err := schema.check(src)
	if err != nil {
		return nil, err
	}
	c := &compiler{schema: schema, ast: checked.NativeRep(), now: micros(now.UnixMicro())}
	expr := c.ast.Expr()
	if t := c.ast.GetType(expr.ID()); t.Kind() != types.BoolKind {
		return nil, c.errorf(expr, "a filter must be true or false, this is %s", typeName(t))
	}
	root, err := c.bool(expr)
	if err != nil {
		return nil, err
	}
	if root.cost > maxCost {
		return nil, gyre.FieldErrorf(gyre.TooLarge, "filter", "it would cost %d for each row, at most %d is allowed", root.cost, maxCost)
	}
	return &Filter{schema: schema, source: src, ast: checked, now: now, root: root, fields: c.fields(), usesNow: c.usesNow}, nil
}

// Bind ties the filter to rows. The result is safe for concurrent use as far as
// the accessors of cols are, and allocates nothing but what they allocate.
func (f *Filter) Bind(cols Columns) (func(row int) bool, error) {
	if f == nil {
		return func(int) bool { return true }, nil
	}
	b := &binding{cols: cols}
	fn := f.root.fn(b)
	if b.missing != "" {
		return nil, gyre.FieldErrorf(gyre.Invalid, "filter", "%s is not known of these %s", b.missing, f.schema.Name)
	}
	return func(row int) bool { return fn(row, "") }, nil
}

// Fields returns the names of the fields that the filter reads, sorted.
func (f *Filter) Fields() []string {
	if f == nil {
		return nil
	}
	return f.fields
}

// Constant says whether the filter has the same value for every row, and that value.
func (f *Filter) Constant() (value, ok bool) {
	if f == nil {
		return true, true
	}
	return f.root.value, f.root.constant
}

// String returns the source.
func (f *Filter) String() string {
	if f == nil {
		return ""
	}
	return f.source
}

// binding collects what the accessors of one Bind lack.
type binding struct {
	cols    Columns
	missing string
}

func bindField[T any](b *binding, name string, col func(row int) T) rowFunc[T] {
	if col == nil {
		b.missing = name
		return nil
	}
	return func(row int, _ string) T { return col(row) }
}

// compiler turns a checked AST into terms.
type compiler struct {
	schema  *Schema
	ast     *ast.AST
	now     micros
	used    []string
	usesNow bool
	loopVar string // of the exists() or all() that is being compiled
}

func (c *compiler) fields() []string {
	slices.Sort(c.used)
	return slices.Compact(c.used)
}

func (c *compiler) errorf(e ast.Expr, format string, args ...any) error {
	loc := c.ast.SourceInfo().GetStartLocation(e.ID())
	return placeErrorf("filter", loc, format, args...)
}
