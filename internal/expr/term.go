// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import "cmp"

// rowFunc computes a value of one row. item is the element that an enclosing
// exists() or all() looks at; it travels as an argument so that evaluation needs no state.
type rowFunc[T any] func(row int, item string) T

// Two kinds of int64 that must not be mixed up.
type (
	micros int64 // a point in time, microseconds since the epoch
	span   int64 // a duration in microseconds
)

// term is a compiled expression: a constant, or something to bind to columns.
// cost is roughly the number of column reads and comparisons for one row.
type term[T any] struct {
	constant bool
	value    T
	bind     func(*binding) rowFunc[T]
	cost     int
	// field is set when the term is nothing but a field, comparison when it is
	// nothing but a number field compared with a constant.
	field      string
	comparison *Comparison
}

func constant[T any](v T) term[T] { return term[T]{constant: true, value: v} }

// fn binds the term, constant or not.
func (t term[T]) fn(b *binding) rowFunc[T] {
	if t.constant {
		v := t.value
		return func(int, string) T { return v }
	}
	return t.bind(b)
}

// unary applies f to a term.
func unary[A, R any](a term[A], cost int, f func(A) R) term[R] {
	if a.constant {
		return constant(f(a.value))
	}
	return term[R]{cost: a.cost + cost, bind: func(b *binding) rowFunc[R] {
		x := a.bind(b)
		return func(row int, item string) R { return f(x(row, item)) }
	}}
}

// binary applies f to two terms.
func binary[A, B, R any](a term[A], b term[B], cost int, f func(A, B) R) term[R] {
	switch {
	case a.constant && b.constant:
		return constant(f(a.value, b.value))
	case b.constant:
		v := b.value
		return unary(a, cost, func(x A) R { return f(x, v) })
	case a.constant:
		v := a.value
		return unary(b, cost, func(y B) R { return f(v, y) })
	}
	return term[R]{cost: a.cost + b.cost + cost, bind: func(bd *binding) rowFunc[R] {
		x, y := a.bind(bd), b.bind(bd)
		return func(row int, item string) R { return f(x(row, item), y(row, item)) }
	}}
}

// compare compares two terms by an operator of six. Comparison with a constant
// is what most filters consist of, so it gets closures without an indirect call.
func compare[T cmp.Ordered](op string, a, b term[T]) term[bool] {
	if a.constant && !b.constant {
		return compare(mirrored[op], b, a)
	}
	if b.constant && !a.constant {
		v := b.value
		return term[bool]{cost: a.cost + 1, comparison: comparisonOf(op, a, v), bind: func(bd *binding) rowFunc[bool] {
			x := a.bind(bd)
			switch op {
			case "==":
				return func(row int, item string) bool { return x(row, item) == v }
			case "!=":
				return func(row int, item string) bool { return x(row, item) != v }
			case "<":
				return func(row int, item string) bool { return x(row, item) < v }
			case "<=":
				return func(row int, item string) bool { return x(row, item) <= v }
			case ">":
				return func(row int, item string) bool { return x(row, item) > v }
			}
			return func(row int, item string) bool { return x(row, item) >= v }
		}}
	}
	return binary(a, b, 1, func(x, y T) bool {
		switch op {
		case "==":
			return x == y
		case "!=":
			return x != y
		case "<":
			return x < y
		case "<=":
			return x <= y
		case ">":
			return x > y
		}
		return x >= y
	})
}

func comparisonOf[T cmp.Ordered](op string, a term[T], v T) *Comparison {
	if n, ok := any(v).(float64); ok && a.field != "" {
		return &Comparison{a.field, op, n}
	}
	return nil
}

// mirrored gives the operator with which b op' a means a op b.
var mirrored = map[string]string{"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func not(a term[bool]) term[bool] {
	return unary(a, 0, func(x bool) bool { return !x })
}

// and is true when both are. Nothing in a term can fail, so the cheaper side runs first.
func and(a, b term[bool]) term[bool] {
	switch {
	case a.constant:
		if a.value {
			return b
		}
		return a
	case b.constant:
		return and(b, a)
	case b.cost < a.cost:
		a, b = b, a
	}
	return term[bool]{cost: a.cost + b.cost, bind: func(bd *binding) rowFunc[bool] {
		x, y := a.bind(bd), b.bind(bd)
		return func(row int, item string) bool { return x(row, item) && y(row, item) }
	}}
}

// or is true when either is.
func or(a, b term[bool]) term[bool] {
	switch {
	case a.constant:
		if a.value {
			return a
		}
		return b
	case b.constant:
		return or(b, a)
	case b.cost < a.cost:
		a, b = b, a
	}
	return term[bool]{cost: a.cost + b.cost, bind: func(bd *binding) rowFunc[bool] {
		x, y := a.bind(bd), b.bind(bd)
		return func(row int, item string) bool { return x(row, item) || y(row, item) }
	}}
}

func choose[T any](cond term[bool], yes, no term[T]) term[T] {
	if cond.constant {
		if cond.value {
			return yes
		}
		return no
	}
	return term[T]{cost: cond.cost + yes.cost + no.cost, bind: func(b *binding) rowFunc[T] {
		c, x, y := cond.bind(b), yes.fn(b), no.fn(b)
		return func(row int, item string) T {
			if c(row, item) {
				return x(row, item)
			}
			return y(row, item)
		}
	}}
}
