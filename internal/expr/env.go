// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/gyre-ctem/gyre"
)

// What the macros search("…"), once for each field, and has(…) expand to. The
// names cannot be written in a source. has is a function here so that it works
// on every field; CEL's own macro takes dotted names only.
const (
	searchFunc = "@search"
	hasFunc    = "@has"
)

// celType is the CEL type of a field.
func (t Type) celType() *cel.Type {
	switch t {
	case Bool:
		return cel.BoolType
	case Number:
		return cel.DoubleType
	case TextList:
		return cel.ListType(cel.StringType)
	case Time:
		return cel.TimestampType
	case Severity:
		return cel.IntType
	}
	return cel.StringType
}

// severityConstants declares INFO … CRITICAL.
func severityConstants() []cel.EnvOption {
	var opts []cel.EnvOption
	for s := gyre.SeverityInfo; s <= gyre.SeverityCritical; s++ {
		opts = append(opts, cel.Constant(strings.ToUpper(s.String()), cel.IntType, types.Int(s)))
	}
	return opts
}

func limits() []cel.EnvOption {
	return []cel.EnvOption{
		cel.ParserExpressionSizeLimit(MaxSource),
		cel.ParserErrorRecoveryLimit(4),
		cel.ExpressionNodeLimit(maxNodes),
		cel.EnableHiddenAccumulatorName(true),
		cel.DefaultUTCTimeZone(true),
	}
}

func newFilterEnv(s *Schema) (*cel.Env, error) {
	opts := append(limits(), severityConstants()...)
	opts = append(opts, cel.Variable("now", cel.TimestampType))
	for _, f := range s.fields {
		opts = append(opts, cel.VariableWithDoc(f.Name, f.Type.celType(), f.Doc))
	}
	texts := cel.ListType(cel.StringType)
	opts = append(opts,
		cel.ClearMacros(),
		cel.Macros(cel.AllMacro, cel.ExistsMacro, searchMacro(s), cel.GlobalMacro("has", 1, func(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
			return eh.NewCall(hasFunc, args[0]), nil
		})),
		cel.Function(hasFunc,
			cel.Overload("has_text", []*cel.Type{cel.StringType}, cel.BoolType, cel.UnaryBinding(known)),
			cel.Overload("has_texts", []*cel.Type{texts}, cel.BoolType, cel.UnaryBinding(known)),
			cel.Overload("has_number", []*cel.Type{cel.DoubleType}, cel.BoolType, cel.UnaryBinding(known)),
			cel.Overload("has_time", []*cel.Type{cel.TimestampType}, cel.BoolType, cel.UnaryBinding(known)),
			cel.Overload("has_bool", []*cel.Type{cel.BoolType}, cel.BoolType, cel.UnaryBinding(known)),
		),
		cel.Function(searchFunc,
			cel.Overload("search_text", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType, cel.BinaryBinding(searched)),
			cel.Overload("search_texts", []*cel.Type{texts, cel.StringType}, cel.BoolType, cel.BinaryBinding(searched)),
		),
	)
	return cel.NewEnv(opts...)
}

// known is has() for CEL's own interpreter.
func known(v ref.Val) ref.Val {
	switch v := v.(type) {
	case types.String:
		return types.Bool(v != "")
	case types.Double:
		return types.Bool(v != 0)
	case types.Bool:
		return v
	case types.Timestamp:
		return types.Bool(v.UnixMicro() != 0)
	case traits.Sizer:
		return types.Bool(v.Size() != types.IntZero)
	}
	return types.MaybeNoSuchOverloadErr(v)
}

// searched is search() on one field for CEL's own interpreter.
func searched(v, needle ref.Val) ref.Val {
	n := newNeedle(string(needle.(types.String)))
	if s, ok := v.(types.String); ok {
		return types.Bool(n.in(string(s)))
	}
	list, ok := v.(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	for it := list.Iterator(); it.HasNext() == types.True; {
		if s, ok := it.Next().(types.String); ok && n.in(string(s)) {
			return types.True
		}
	}
	return types.False
}

// searchMacro expands search("x") to a search in every searchable field.
func searchMacro(s *Schema) cel.Macro {
	return cel.GlobalMacro("search", 1, func(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		if args[0].Kind() != ast.LiteralKind {
			return nil, eh.NewError(args[0].ID(), "search needs a text in quotes")
		}
		text, ok := args[0].AsLiteral().(types.String)
		if !ok || text == "" {
			return nil, eh.NewError(args[0].ID(), "search needs a text in quotes")
		}
		out := eh.NewLiteral(types.False)
		for _, f := range s.fields {
			if f.Search {
				out = eh.NewCall(operators.LogicalOr, out, eh.NewCall(searchFunc, fieldExpr(eh, f.Name), eh.NewLiteral(text)))
			}
		}
		return out, nil
	})
}

func fieldExpr(eh cel.MacroExprFactory, name string) ast.Expr {
	if first, rest, dotted := strings.Cut(name, "."); dotted {
		return eh.NewSelect(eh.NewIdent(first), rest)
	}
	return eh.NewIdent(name)
}

// check parses and type-checks a filter.
func (s *Schema) check(src string) (*cel.Ast, error) {
	if len(src) > MaxSource {
		return nil, gyre.FieldErrorf(gyre.TooLarge, "filter", "it is longer than %d bytes", MaxSource)
	}
	env, err := s.env()
	if err != nil {
		return nil, gyre.Errorf(gyre.Internal, "build filter language of %s: %w", s.Name, err)
	}
	parsed, iss := env.Parse(src)
	if iss.Err() != nil {
		return nil, issueError("filter", iss, s.names())
	}
	native := parsed.NativeRep()
	if err := checkDepth("filter", native); err != nil {
		return nil, err
	}
	numbersToDoubles(native)
	checked, iss := env.Check(parsed)
	if iss.Err() != nil {
		return nil, issueError("filter", iss, s.names())
	}
	return checked, nil
}

// checkDepth refuses what is nested too deeply to be walked comfortably.
func checkDepth(what string, a *ast.AST) error {
	for _, h := range ast.Heights(a) {
		if h > maxDepth {
			return gyre.FieldErrorf(gyre.TooLarge, what, "it is nested deeper than %d", maxDepth)
		}
	}
	return nil
}

// numbersToDoubles lets people write risk > 80: CEL does not mix int and double,
// and every number of a filter is a double. Ints are left for severities alone.
func numbersToDoubles(a *ast.AST) {
	fac := ast.NewExprFactory()
	next := ast.MaxID(a)
	ast.PostOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.LiteralKind:
			if n, ok := e.AsLiteral().(types.Int); ok {
				e.SetKindCase(fac.NewLiteral(e.ID(), types.Double(n)))
			}
		case ast.CallKind:
			call := e.AsCall()
			if call.FunctionName() != "size" {
				return
			}
			next++
			if at, ok := a.SourceInfo().GetOffsetRange(e.ID()); ok {
				a.SourceInfo().SetOffsetRange(next, at)
			}
			var size ast.Expr
			if call.IsMemberFunction() {
				size = fac.NewMemberCall(next, "size", call.Target(), call.Args()...)
			} else {
				size = fac.NewCall(next, "size", call.Args()...)
			}
			e.SetKindCase(fac.NewCall(e.ID(), "double", size))
		}
	}))
}
