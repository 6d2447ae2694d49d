// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// bool compiles an expression that the checker found to be a bool.
func (c *compiler) bool(e ast.Expr) (term[bool], error) {
	switch e.Kind() {
	case ast.LiteralKind:
		if v, ok := e.AsLiteral().(types.Bool); ok {
			return constant(bool(v)), nil
		}
	case ast.IdentKind:
		if f, ok := c.field(e, Bool); ok {
			return term[bool]{cost: 1, bind: func(b *binding) rowFunc[bool] { return bindField(b, f, b.cols.Bool(f)) }}, nil
		}
	case ast.ComprehensionKind:
		return c.quantifier(e)
	case ast.CallKind:
		return c.boolCall(e, e.AsCall())
	}
	return term[bool]{}, c.unsupported(e)
}

func (c *compiler) boolCall(e ast.Expr, call ast.CallExpr) (term[bool], error) {
	args := call.Args()
	fn := call.FunctionName()
	switch fn {
	case operators.LogicalAnd, operators.LogicalOr:
		join := and
		if fn == operators.LogicalOr {
			join = or
		}
		return both(args, c.bool, c.bool, join)
	case operators.LogicalNot:
		a, err := c.bool(args[0])
		return not(a), err
	case operators.Conditional:
		return conditional(c, args, c.bool)
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return c.comparison(e, operatorSigns[fn], args[0], args[1])
	case operators.In:
		return c.membership(e, args[0], args[1])
	case "contains", "startsWith", "endsWith":
		if call.IsMemberFunction() {
			test := map[string]func(s, part string) bool{
				"contains": strings.Contains, "startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix,
			}[fn]
			return both([]ast.Expr{call.Target(), args[0]}, c.text, c.text, func(a, b term[string]) term[bool] {
				return binary(a, b, 2, test)
			})
		}
	case "matches":
		if call.IsMemberFunction() {
			return c.matches(call.Target(), args[0])
		}
		return c.matches(args[0], args[1])
	case hasFunc:
		return c.has(args[0])
	case searchFunc:
		return c.search(args[0], args[1])
	}
	return term[bool]{}, c.unsupported(e)
}

// both compiles two operands and joins them.
func both[A, B, R any](args []ast.Expr, left func(ast.Expr) (term[A], error), right func(ast.Expr) (term[B], error), join func(term[A], term[B]) term[R]) (term[R], error) {
	a, err := left(args[0])
	if err != nil {
		return term[R]{}, err
	}
	b, err := right(args[1])
	if err != nil {
		return term[R]{}, err
	}
	return join(a, b), nil
}

func conditional[T any](c *compiler, args []ast.Expr, compile func(ast.Expr) (term[T], error)) (term[T], error) {
	cond, err := c.bool(args[0])
	if err != nil {
		return term[T]{}, err
	}
	return both(args[1:], compile, compile, func(yes, no term[T]) term[T] { return choose(cond, yes, no) })
}

func (c *compiler) comparison(e ast.Expr, op string, left, right ast.Expr) (term[bool], error) {
	args := []ast.Expr{left, right}
	switch kind := c.ast.GetType(left.ID()).Kind(); kind {
	case types.StringKind:
		if err := c.checkClosed(left, right); err != nil {
			return term[bool]{}, err
		}
		return both(args, c.text, c.text, func(a, b term[string]) term[bool] { return compare(op, a, b) })
	case types.DoubleKind, types.IntKind:
		return both(args, c.number, c.number, func(a, b term[float64]) term[bool] { return compare(op, a, b) })
	case types.TimestampKind:
		return both(args, c.time, c.time, func(a, b term[micros]) term[bool] { return compare(op, a, b) })
	case types.DurationKind:
		return both(args, c.duration, c.duration, func(a, b term[span]) term[bool] { return compare(op, a, b) })
	case types.BoolKind:
		return both(args, c.bool, c.bool, func(a, b term[bool]) term[bool] {
			rank := func(x bool) int {
				if x {
					return 1
				}
				return 0
			}
			return compare(op, unary(a, 0, rank), unary(b, 0, rank))
		})
	}
	return term[bool]{}, c.unsupported(e)
}

// checkClosed refuses comparing a field of closed values with a text that it never has.
func (c *compiler) checkClosed(sides ...ast.Expr) error {
	for i, side := range sides {
		other := sides[1-i]
		if side.Kind() != ast.IdentKind || other.Kind() != ast.LiteralKind {
			continue
		}
		f, ok := c.schema.Field(side.AsIdent())
		v, isText := other.AsLiteral().(types.String)
		if ok && isText && f.Closed && !slices.Contains(f.Values, string(v)) {
			return c.errorf(other, "%s is never %q; it is one of %s", f.Name, string(v), quoted(f.Values))
		}
	}
	return nil
}

func quoted(values []string) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(`"` + v + `"`)
	}
	return b.String()
}

// membership compiles x in list, where list is written out or is a field.
func (c *compiler) membership(e, item, list ast.Expr) (term[bool], error) {
	if list.Kind() == ast.ListKind {
		elems := list.AsList().Elements()
		if c.ast.GetType(item.ID()).Kind() == types.StringKind {
			for _, x := range elems {
				if err := c.checkClosed(item, x); err != nil {
					return term[bool]{}, err
				}
			}
			return oneOf(c, item, elems, c.text)
		}
		if k := c.ast.GetType(item.ID()).Kind(); k == types.DoubleKind || k == types.IntKind {
			return oneOf(c, item, elems, c.number)
		}
		return term[bool]{}, c.unsupported(e)
	}
	return both([]ast.Expr{item, list}, c.text, c.texts, func(a term[string], b term[[]string]) term[bool] {
		return binary(a, b, 4, func(x string, list []string) bool { return slices.Contains(list, x) })
	})
}

// oneOf compiles x in [constants].
func oneOf[T comparable](c *compiler, item ast.Expr, elems []ast.Expr, compile func(ast.Expr) (term[T], error)) (term[bool], error) {
	x, err := compile(item)
	if err != nil {
		return term[bool]{}, err
	}
	values := make([]T, len(elems))
	for i, el := range elems {
		v, err := compile(el)
		if err != nil {
			return term[bool]{}, err
		}
		if !v.constant {
			return term[bool]{}, c.errorf(el, "the values after in must be constants")
		}
		values[i] = v.value
	}
	if len(values) <= 8 {
		return unary(x, 1+len(values)/2, func(v T) bool { return slices.Contains(values, v) }), nil
	}
	set := make(map[T]struct{}, len(values))
	for _, v := range values {
		set[v] = struct{}{}
	}
	return unary(x, 4, func(v T) bool { _, ok := set[v]; return ok }), nil
}

// has compiles "something is known".
func (c *compiler) has(e ast.Expr) (term[bool], error) {
	switch c.ast.GetType(e.ID()).Kind() {
	case types.BoolKind:
		return c.bool(e)
	case types.StringKind:
		t, err := c.text(e)
		return unary(t, 1, func(s string) bool { return s != "" }), err
	case types.ListKind:
		t, err := c.texts(e)
		return unary(t, 1, func(l []string) bool { return len(l) > 0 }), err
	case types.DoubleKind:
		t, err := c.number(e)
		return unary(t, 1, func(n float64) bool { return n != 0 }), err
	case types.TimestampKind:
		t, err := c.time(e)
		return unary(t, 1, func(m micros) bool { return m != 0 }), err
	}
	return term[bool]{}, c.unsupported(e)
}

func (c *compiler) search(field, text ast.Expr) (term[bool], error) {
	n := newNeedle(string(text.AsLiteral().(types.String)))
	if c.ast.GetType(field.ID()).Kind() == types.ListKind {
		t, err := c.texts(field)
		return unary(t, 12, func(l []string) bool { return slices.ContainsFunc(l, n.in) }), err
	}
	t, err := c.text(field)
	return unary(t, 6, n.in), err
}
