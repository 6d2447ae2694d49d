// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"github.com/gyre-ctem/gyre"
)

// ErrMissing says that a predicate looked at a key that the fact does not have.
// Nothing can be said then, neither true nor false.
var ErrMissing = errors.New("the fact does not have a key that the expression needs")

// evalCost bounds the work of one evaluation, in CEL's units.
const evalCost = 200_000

// Subject is what a predicate looks at.
type Subject struct {
	Fact  map[string]any
	Locus string
	Asset gyre.Asset
	Now   time.Time
}

func (s Subject) vars() map[string]any {
	tags := s.Asset.Tags
	if tags == nil {
		tags = []string{}
	}
	return map[string]any{
		"fact": s.Fact, "locus": s.Locus, "now": s.Now,
		"asset.kind": string(s.Asset.Kind), "asset.name": s.Asset.Name, "asset.zone": string(s.Asset.Zone),
		"asset.criticality": int64(s.Asset.Criticality), "asset.tags": tags,
	}
}

// Predicate is a compiled condition over a fact.
type Predicate struct {
	source  string
	program cel.Program
	keys    []string
}

// CompileCheck compiles a condition over fact (a map; see the fact keys in
// docs/expressions.md), locus, asset and now. Errors have Field "condition:LINE:COLUMN".
func CompileCheck(src string) (*Predicate, error) {
	p, _, err := compileFactExpr("condition", src, types.BoolKind, "true or false")
	return p, err
}

// Eval says whether the condition holds. The error wraps ErrMissing when it
// needs a key that is not there; any other error is a defect of the condition
// or a fact of an unexpected shape.
func (p *Predicate) Eval(s Subject) (bool, error) {
	v, err := p.eval(s)
	if err != nil {
		return false, err
	}
	b, ok := v.(types.Bool)
	if !ok {
		return false, gyre.Errorf(gyre.Invalid, "%q gave %v, not true or false", p.source, v)
	}
	return bool(b), nil
}

// Keys returns the keys of fact that the source names, sorted.
func (p *Predicate) Keys() []string { return p.keys }

// String returns the source.
func (p *Predicate) String() string { return p.source }

func (p *Predicate) eval(s Subject) (ref.Val, error) {
	v, _, err := p.program.Eval(s.vars())
	if err == nil {
		return v, nil
	}
	if strings.Contains(err.Error(), "no such key") {
		return nil, gyre.Errorf(gyre.Invalid, "%w: %s", ErrMissing, err.Error())
	}
	return nil, gyre.Errorf(gyre.Invalid, "evaluate %q: %w", p.source, err)
}

// SeverityRule is a compiled expression that gives a severity.
type SeverityRule struct {
	predicate *Predicate
	max       gyre.Severity
}

// CompileSeverity compiles a severity word in any case, or an expression over the
// same things as CompileCheck, such as fact.privileged ? CRITICAL : HIGH.
func CompileSeverity(src string) (*SeverityRule, error) {
	if s, err := gyre.ParseSeverity(strings.TrimSpace(src)); err == nil {
		return &SeverityRule{max: s}, nil
	}
	p, checked, err := compileFactExpr("severity", src, types.IntKind, "a severity")
	if err != nil {
		return nil, err
	}
	r := &SeverityRule{predicate: p}
	for _, info := range checked.ReferenceMap() {
		if v, ok := info.Value.(types.Int); ok {
			r.max = max(r.max, gyre.Severity(v))
		}
	}
	return r, nil
}

// Max is the highest severity that the source names.
func (r *SeverityRule) Max() gyre.Severity { return r.max }

// Eval gives the severity for a fact.
func (r *SeverityRule) Eval(s Subject) (gyre.Severity, error) {
	if r.predicate == nil {
		return r.max, nil
	}
	v, err := r.predicate.eval(s)
	if err != nil {
		return 0, err
	}
	n, ok := v.(types.Int)
	if !ok || n < types.Int(gyre.SeverityInfo) || n > types.Int(gyre.SeverityCritical) {
		return 0, gyre.Errorf(gyre.Invalid, "%q gave %v, not a severity", r.predicate.source, v)
	}
	return gyre.Severity(n), nil
}

// Keys returns the keys of fact that the source names, sorted.
func (r *SeverityRule) Keys() []string {
	if r.predicate == nil {
		return nil
	}
	return r.predicate.keys
}

var factEnv = sync.OnceValues(func() (*cel.Env, error) {
	opts := append(limits(), severityConstants()...)
	opts = append(opts,
		cel.Variable("fact", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("locus", cel.StringType),
		cel.Variable("now", cel.TimestampType),
		cel.Variable("asset.kind", cel.StringType),
		cel.Variable("asset.name", cel.StringType),
		cel.Variable("asset.zone", cel.StringType),
		cel.Variable("asset.criticality", cel.IntType),
		cel.Variable("asset.tags", cel.ListType(cel.StringType)),
		ext.Strings(ext.StringsVersion(4)),
		cel.Function("versionLess", cel.Overload("version_less", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				less, ok := versionLess(string(a.(types.String)), string(b.(types.String)))
				if !ok {
					return types.NewErr("%q or %q is not a version", a, b)
				}
				return types.Bool(less)
			}))),
	)
	return cel.NewEnv(opts...)
})

func compileFactExpr(what, src string, want types.Kind, wanted string) (*Predicate, *ast.AST, error) {
	if strings.TrimSpace(src) == "" {
		return nil, nil, gyre.FieldErrorf(gyre.Invalid, what, "it is empty")
	}
	if len(src) > MaxSource {
		return nil, nil, gyre.FieldErrorf(gyre.TooLarge, what, "it is longer than %d bytes", MaxSource)
	}
	env, err := factEnv()
	if err != nil {
		return nil, nil, gyre.Errorf(gyre.Internal, "build check language: %w", err)
	}
	parsed, iss := env.Parse(src)
	if iss.Err() != nil {
		return nil, nil, issueError(what, iss, factNames)
	}
	if err := checkDepth(what, parsed.NativeRep()); err != nil {
		return nil, nil, err
	}
	checked, iss := env.Check(parsed)
	if iss.Err() != nil {
		return nil, nil, issueError(what, iss, factNames)
	}
	native := checked.NativeRep()
	if t := checked.OutputType(); t.Kind() != want && t.Kind() != types.DynKind { // what a fact holds is known at evaluation only
		loc := native.SourceInfo().GetStartLocation(native.Expr().ID())
		return nil, nil, placeErrorf(what, loc, "it must give %s, this gives %s", wanted, typeName(t))
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(evalCost))
	if err != nil {
		return nil, nil, gyre.FieldErrorf(gyre.Invalid, what, "%v", err)
	}
	return &Predicate{source: src, program: program, keys: factKeys(native.Expr())}, native, nil
}

var factNames = append([]string{
	"fact", "locus", "now", "asset.kind", "asset.name", "asset.zone", "asset.criticality", "asset.tags", "versionLess",
}, severityWords...)

// factKeys lists the keys in fact.KEY, has(fact.KEY), fact["KEY"] and "KEY" in fact.
func factKeys(root ast.Expr) []string {
	isFact := func(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == "fact" }
	var keys []string
	add := func(e ast.Expr) {
		if e.Kind() == ast.LiteralKind {
			if s, ok := e.AsLiteral().(types.String); ok {
				keys = append(keys, string(s))
			}
		}
	}
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.SelectKind:
			if isFact(e.AsSelect().Operand()) {
				keys = append(keys, e.AsSelect().FieldName())
			}
		case ast.CallKind:
			call := e.AsCall()
			switch {
			case call.FunctionName() == operators.Index && isFact(call.Args()[0]):
				add(call.Args()[1])
			case call.FunctionName() == operators.In && isFact(call.Args()[1]):
				add(call.Args()[0])
			}
		}
	}))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// versionLess compares two versions by the runs of digits in them: 8.9p1 < 9.0.
// It is for banners, where nothing better is known; packages are compared by
// the rules of their ecosystem elsewhere.
func versionLess(a, b string) (less, ok bool) {
	x, y := digitRuns(a), digitRuns(b)
	if len(x) == 0 || len(y) == 0 {
		return false, false
	}
	return slices.Compare(x, y) < 0, true
}

func digitRuns(s string) []int64 {
	var out []int64
	for _, run := range strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		n, err := strconv.ParseInt(run, 10, 64)
		if err != nil || len(out) == 16 {
			return nil
		}
		out = append(out, n)
	}
	return out
}
