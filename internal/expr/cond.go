// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/debug"
	"cel.dev/cel-go/common/operators"
)

// Join says how a Cond is made of its parts.
type Join int

// The joins.
const (
	Leaf Join = iota // no parts: Filter holds
	And              // all parts hold
	Or               // one of the parts holds
	Not              // the only part does not hold
)

// Cond is a filter taken apart at &&, || and !, so that each part can be
// evaluated once for each value of the columns that it speaks of, and the
// answers joined as sets of rows. A conditional over conditions is taken apart too.
type Cond struct {
	Join   Join
	Parts  []*Cond
	Filter *Filter // of a Leaf
	key    string
}

// Cond takes the filter apart. It must not be nil.
func (f *Filter) Cond() (*Cond, error) {
	return f.takeApart(f.ast.NativeRep().Expr())
}

func (f *Filter) takeApart(e ast.Expr) (*Cond, error) {
	if e.Kind() == ast.CallKind {
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.LogicalAnd:
			return f.join(And, args...)
		case operators.LogicalOr:
			return f.join(Or, args...)
		case operators.LogicalNot:
			return f.join(Not, args...)
		case operators.Conditional:
			yes, err := f.join(And, args[0], args[1])
			if err != nil {
				return nil, err
			}
			unless, err := f.join(Not, args[0])
			if err != nil {
				return nil, err
			}
			no, err := f.takeApart(args[2])
			if err != nil {
				return nil, err
			}
			return &Cond{Join: Or, Parts: []*Cond{yes, {Join: And, Parts: []*Cond{unless, no}}}}, nil
		}
	}
	leaf, err := f.part(e)
	return &Cond{Filter: leaf, key: debug.ToDebugString(e)}, err
}

// join takes the parts apart; parts of the same join become its own.
func (f *Filter) join(how Join, args ...ast.Expr) (*Cond, error) {
	c := &Cond{Join: how}
	for _, a := range args {
		part, err := f.takeApart(a)
		if err != nil {
			return nil, err
		}
		if part.Join == how && how != Not {
			c.Parts = append(c.Parts, part.Parts...)
			continue
		}
		c.Parts = append(c.Parts, part)
	}
	return c, nil
}

// part compiles one condition of the filter.
func (f *Filter) part(e ast.Expr) (*Filter, error) {
	c := &compiler{schema: f.schema, ast: f.ast.NativeRep(), now: micros(f.now.UnixMicro())}
	root, err := c.bool(e)
	if err != nil {
		return nil, err
	}
	return &Filter{schema: f.schema, source: f.source, ast: f.ast, now: f.now, root: root, fields: c.fields(), usesNow: c.usesNow}, nil
}

// Key says what a leaf asks: two leaves with the same key, of filters of the
// same schema that do not speak of now, hold for the same values.
func (c *Cond) Key() string { return c.key }

// Comparison is a condition that compares one number or severity with a constant.
type Comparison struct {
	Field string
	Op    string // ==, !=, <, <=, > or >=
	Value float64
}

// Comparison says whether the whole filter is such a condition, and which.
func (f *Filter) Comparison() (Comparison, bool) {
	if f == nil || f.root.comparison == nil {
		return Comparison{}, false
	}
	return *f.root.comparison, true
}

// UsesNow says whether the filter speaks of now, so that its answer changes by itself.
func (f *Filter) UsesNow() bool { return f != nil && f.usesNow }
