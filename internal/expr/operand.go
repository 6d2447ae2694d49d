// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"regexp"
	"slices"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// maxPattern is the length of a regular expression; with it the size of its program is bounded.
const maxPattern = 512

// field says whether e names a field of a type, and notes that it is used.
func (c *compiler) field(e ast.Expr, t Type) (string, bool) {
	if e.AsIdent() == c.loopVar {
		return "", false
	}
	f, ok := c.schema.Field(e.AsIdent())
	if !ok || f.Type != t {
		return "", false
	}
	c.used = append(c.used, f.Name)
	return f.Name, true
}

// unsupported refuses what CEL allows but columns cannot do.
func (c *compiler) unsupported(e ast.Expr) error {
	switch e.Kind() {
	case ast.CallKind:
		name := e.AsCall().FunctionName()
		if sign, ok := operatorSigns[name]; ok {
			return c.errorf(e, "%s cannot be used here", sign)
		}
		return c.errorf(e, "%s() cannot be used in a filter", name)
	case ast.ListKind:
		return c.errorf(e, "a list can only stand after in")
	case ast.MapKind, ast.StructKind:
		return c.errorf(e, "{…} cannot be used in a filter")
	case ast.IdentKind:
		return c.errorf(e, "%s cannot be used here", e.AsIdent())
	}
	return c.errorf(e, "this cannot be used in a filter")
}

func (c *compiler) text(e ast.Expr) (term[string], error) {
	switch e.Kind() {
	case ast.LiteralKind:
		if v, ok := e.AsLiteral().(types.String); ok {
			return constant(string(v)), nil
		}
	case ast.IdentKind:
		if c.loopVar != "" && e.AsIdent() == c.loopVar {
			return term[string]{cost: 1, bind: func(*binding) rowFunc[string] {
				return func(_ int, item string) string { return item }
			}}, nil
		}
		if f, ok := c.field(e, Text); ok {
			return term[string]{cost: 1, bind: func(b *binding) rowFunc[string] { return bindField(b, f, b.cols.Text(f)) }}, nil
		}
	case ast.CallKind:
		if e.AsCall().FunctionName() == operators.Conditional {
			return conditional(c, e.AsCall().Args(), c.text)
		}
	}
	return term[string]{}, c.unsupported(e)
}

func (c *compiler) texts(e ast.Expr) (term[[]string], error) {
	if e.Kind() == ast.IdentKind {
		if f, ok := c.field(e, TextList); ok {
			return term[[]string]{cost: 1, bind: func(b *binding) rowFunc[[]string] { return bindField(b, f, b.cols.TextList(f)) }}, nil
		}
	}
	return term[[]string]{}, c.unsupported(e)
}

// number compiles numbers and severities.
func (c *compiler) number(e ast.Expr) (term[float64], error) {
	switch e.Kind() {
	case ast.LiteralKind:
		if v, ok := e.AsLiteral().(types.Double); ok {
			return constant(float64(v)), nil
		}
	case ast.IdentKind:
		if r := c.ast.ReferenceMap()[e.ID()]; r != nil && r.Value != nil {
			if v, ok := r.Value.(types.Int); ok {
				return constant(float64(v)), nil
			}
		}
		f, ok := c.field(e, Number)
		if !ok {
			f, ok = c.field(e, Severity)
		}
		if ok {
			return term[float64]{cost: 1, field: f, bind: func(b *binding) rowFunc[float64] { return bindField(b, f, b.cols.Number(f)) }}, nil
		}
	case ast.CallKind:
		return c.numberCall(e, e.AsCall())
	}
	return term[float64]{}, c.unsupported(e)
}

func (c *compiler) numberCall(e ast.Expr, call ast.CallExpr) (term[float64], error) {
	args := call.Args()
	if call.FunctionName() == operators.Conditional {
		return conditional(c, args, c.number)
	}
	if c.ast.GetType(e.ID()).Kind() != types.DoubleKind { // severities have no arithmetic
		return term[float64]{}, c.unsupported(e)
	}
	sum := func(f func(x, y float64) float64) (term[float64], error) {
		return both(args, c.number, c.number, func(a, b term[float64]) term[float64] { return binary(a, b, 1, f) })
	}
	switch call.FunctionName() {
	case operators.Add:
		return sum(func(x, y float64) float64 { return x + y })
	case operators.Subtract:
		return sum(func(x, y float64) float64 { return x - y })
	case operators.Multiply:
		return sum(func(x, y float64) float64 { return x * y })
	case operators.Divide:
		return sum(func(x, y float64) float64 { return x / y })
	case operators.Negate:
		a, err := c.number(args[0])
		return unary(a, 1, func(x float64) float64 { return -x }), err
	case "double":
		return c.size(args[0])
	}
	return term[float64]{}, c.unsupported(e)
}

// size compiles size(list), which numbersToDoubles has wrapped in double().
func (c *compiler) size(e ast.Expr) (term[float64], error) {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != "size" {
		return term[float64]{}, c.unsupported(e)
	}
	call := e.AsCall()
	of := call.Target()
	if !call.IsMemberFunction() {
		of = call.Args()[0]
	}
	if c.ast.GetType(of.ID()).Kind() != types.ListKind {
		return term[float64]{}, c.errorf(of, "size() counts lists only")
	}
	list, err := c.texts(of)
	return unary(list, 1, func(l []string) float64 { return float64(len(l)) }), err
}

func (c *compiler) time(e ast.Expr) (term[micros], error) {
	switch e.Kind() {
	case ast.IdentKind:
		if e.AsIdent() == "now" {
			c.usesNow = true
			return constant(c.now), nil
		}
		if f, ok := c.field(e, Time); ok {
			return term[micros]{cost: 1, bind: func(b *binding) rowFunc[micros] {
				col := b.cols.Time(f)
				if col == nil {
					b.missing = f
					return nil
				}
				return func(row int, _ string) micros { return micros(col(row)) }
			}}, nil
		}
	case ast.CallKind:
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.Conditional:
			return conditional(c, args, c.time)
		case operators.Add:
			if c.ast.GetType(args[0].ID()).Kind() == types.DurationKind {
				args = []ast.Expr{args[1], args[0]}
			}
			return both(args, c.time, c.duration, func(a term[micros], b term[span]) term[micros] {
				return binary(a, b, 1, func(t micros, d span) micros { return t + micros(d) })
			})
		case operators.Subtract:
			return both(args, c.time, c.duration, func(a term[micros], b term[span]) term[micros] {
				return binary(a, b, 1, func(t micros, d span) micros { return t - micros(d) })
			})
		case "timestamp":
			text, ok := literalText(args)
			t, err := time.Parse(time.RFC3339Nano, text)
			if !ok || err != nil || t.Year() < 1 || t.Year() > 9999 || t.Nanosecond()%1000 != 0 {
				return term[micros]{}, c.errorf(e, `timestamp() needs a time such as "2026-01-31T00:00:00Z", at most to the microsecond`)
			}
			return constant(micros(t.UnixMicro())), nil
		}
	}
	return term[micros]{}, c.unsupported(e)
}

func (c *compiler) duration(e ast.Expr) (term[span], error) {
	if e.Kind() != ast.CallKind {
		return term[span]{}, c.unsupported(e)
	}
	args := e.AsCall().Args()
	switch e.AsCall().FunctionName() {
	case operators.Conditional:
		return conditional(c, args, c.duration)
	case operators.Subtract:
		if c.ast.GetType(args[0].ID()).Kind() == types.TimestampKind {
			return both(args, c.time, c.time, func(a, b term[micros]) term[span] {
				return binary(a, b, 1, func(x, y micros) span { return span(x - y) })
			})
		}
	case "duration":
		text, ok := literalText(args)
		d, err := time.ParseDuration(text)
		if !ok || err != nil || d%time.Microsecond != 0 {
			return term[span]{}, c.errorf(e, `duration() needs a text such as "720h" or "30m", at most to the microsecond`)
		}
		return constant(span(d / time.Microsecond)), nil
	}
	return term[span]{}, c.unsupported(e)
}

func literalText(args []ast.Expr) (string, bool) {
	if len(args) != 1 || args[0].Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := args[0].AsLiteral().(types.String)
	return string(s), ok
}

func (c *compiler) matches(target, pattern ast.Expr) (term[bool], error) {
	text, ok := literalText([]ast.Expr{pattern})
	if !ok {
		return term[bool]{}, c.errorf(pattern, "the pattern of matches() must be a text in quotes")
	}
	if len(text) > maxPattern {
		return term[bool]{}, c.errorf(pattern, "the pattern is longer than %d bytes", maxPattern)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return term[bool]{}, c.errorf(pattern, "the pattern is wrong: %v", err)
	}
	t, err := c.text(target)
	return unary(t, 20, re.MatchString), err
}

// quantifier compiles list.exists(x, …) and list.all(x, …) over a list of texts.
func (c *compiler) quantifier(e ast.Expr) (term[bool], error) {
	q := e.AsComprehension()
	if c.loopVar != "" {
		return term[bool]{}, c.errorf(e, "exists() and all() cannot be nested")
	}
	list, err := c.texts(q.IterRange())
	if err != nil {
		return term[bool]{}, err
	}
	step := q.LoopStep()
	if step.Kind() != ast.CallKind || len(step.AsCall().Args()) != 2 {
		return term[bool]{}, c.unsupported(e)
	}
	c.loopVar = q.IterVar()
	cond, err := c.bool(step.AsCall().Args()[1])
	c.loopVar = ""
	if err != nil {
		return term[bool]{}, err
	}
	all := step.AsCall().FunctionName() == operators.LogicalAnd
	return term[bool]{cost: list.cost + 4*max(cond.cost, 1), bind: func(b *binding) rowFunc[bool] {
		of, test := list.fn(b), cond.fn(b)
		return func(row int, _ string) bool {
			for _, item := range of(row, "") {
				if test(row, item) != all {
					return !all
				}
			}
			return all
		}
	}}, nil
}

// names lists everything that can be written in a filter, for suggestions.
func (s *Schema) names() []string {
	out := append([]string{"now"}, severityWords...)
	for _, f := range s.fields {
		out = append(out, f.Name)
	}
	for _, f := range filterFunctions {
		out = append(out, f.Name)
	}
	return slices.Clip(out)
}
