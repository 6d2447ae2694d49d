// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package terraform

import (
	"strconv"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// block is the body of a resource or of a block in it.
type block struct{ body *hclsyntax.Body }

// get returns the literal value of an attribute: string, bool, int64, []any or
// map[string]any. false: it is not there, or not a literal.
func (b block) get(name string) (any, bool) {
	a := b.body.Attributes[name]
	if a == nil {
		return nil, false
	}
	return literal(a.Expr)
}

func (b block) text(name string) (string, bool) {
	v, _ := b.get(name)
	s, ok := v.(string)
	return s, ok
}

func (b block) flag(name string) (value, known bool) {
	v, _ := b.get(name)
	switch v := v.(type) {
	case bool:
		return v, true
	case string: // "true" is converted by Terraform
		f, err := strconv.ParseBool(v)
		return f, err == nil
	}
	return false, false
}

func (b block) blocks(kind string) []block {
	var out []block
	for _, c := range b.body.Blocks {
		if c.Type == kind {
			out = append(out, block{c.Body})
		}
	}
	return out
}

// literal reads constants without evaluating anything.
func literal(e hclsyntax.Expression) (any, bool) {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return constant(e.Val)
	case *hclsyntax.TemplateExpr:
		s := ""
		for _, part := range e.Parts {
			v, ok := literal(part)
			t, isText := v.(string)
			if !ok || !isText {
				return nil, false
			}
			s += t
		}
		return s, true
	case *hclsyntax.ParenthesesExpr:
		return literal(e.Expression)
	case *hclsyntax.UnaryOpExpr:
		if n, ok := literal(e.Val); ok && e.Op == hclsyntax.OpNegate {
			if i, isNumber := n.(int64); isNumber {
				return -i, true
			}
		}
	case *hclsyntax.TupleConsExpr:
		out := make([]any, 0, len(e.Exprs))
		for _, x := range e.Exprs {
			v, ok := literal(x)
			if !ok {
				return nil, false
			}
			out = append(out, v)
		}
		return out, true
	case *hclsyntax.ObjectConsExpr:
		out := map[string]any{}
		for _, it := range e.Items {
			key, ok := keyOf(it.KeyExpr)
			if !ok {
				return nil, false
			}
			if v, ok := literal(it.ValueExpr); ok { // the others are known all the same
				out[key] = v
			}
		}
		return out, true
	}
	return nil, false
}

// keyOf is the key of an object: a bare name or a literal.
func keyOf(e hclsyntax.Expression) (string, bool) {
	k, ok := e.(*hclsyntax.ObjectConsKeyExpr)
	if !ok {
		return "", false
	}
	if t, isName := k.Wrapped.(*hclsyntax.ScopeTraversalExpr); isName && len(t.Traversal) == 1 && !k.ForceNonLiteral {
		return t.Traversal.RootName(), true
	}
	v, _ := literal(k.Wrapped)
	s, ok := v.(string)
	return s, ok
}

func constant(v cty.Value) (any, bool) {
	if v.IsNull() || !v.IsKnown() {
		return nil, false
	}
	switch v.Type() {
	case cty.String:
		return v.AsString(), true
	case cty.Bool:
		return v.True(), true
	case cty.Number:
		if f := v.AsBigFloat(); f.IsInt() {
			if i, exact := f.Int64(); exact == 0 {
				return i, true
			}
		}
	}
	return nil, false
}
