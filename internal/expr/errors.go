// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/types"

	"github.com/gyre-ctem/gyre"
)

// placeErrorf makes a gyre.Invalid error with Field "what:LINE:COLUMN".
func placeErrorf(what string, loc common.Location, format string, args ...any) error {
	return gyre.FieldErrorf(gyre.Invalid, fmt.Sprintf("%s:%d:%d", what, max(loc.Line(), 1), max(loc.Column(), 0)+1), format, args...)
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	noOverload = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'$`)
	tooManyPat = regexp.MustCompile(`(?i)exceeds? (the )?(limit|max|size)|recursion limit|max recursion|size exceeds`)
)

// issueError says the first thing that CEL found wrong, in the words of people
// who have never heard of CEL's types. names are what could have been meant.
func issueError(what string, iss *cel.Issues, names []string) error {
	errs := iss.Errors()
	if len(errs) == 0 {
		return gyre.Errorf(gyre.Invalid, "%s: %w", what, iss.Err())
	}
	first := errs[0]
	msg := first.Message
	if tooManyPat.MatchString(msg) {
		return gyre.FieldErrorf(gyre.TooLarge, what, "%s", msg)
	}
	if m := undeclared.FindStringSubmatch(msg); m != nil {
		msg = fmt.Sprintf("there is no %q", m[1])
		if near := nearest(m[1], names); near != "" {
			msg += fmt.Sprintf("; did you mean %q?", near)
		}
	} else if m := noOverload.FindStringSubmatch(msg); m != nil {
		msg = overloadMessage(m[1], m[2])
	} else {
		msg = strings.TrimPrefix(msg, "Syntax error: ")
		// The parser lists every token that could stand there; nobody reads that.
		msg, _, _ = strings.Cut(msg, " expecting ")
		msg = strings.ReplaceAll(msg, "mismatched input '<EOF>'", "it ends too early")
		msg = strings.ReplaceAll(msg, "mismatched input", "did not expect")
	}
	return placeErrorf(what, first.Location, "%s", msg)
}

var operatorSigns = map[string]string{
	"_==_": "==", "_!=_": "!=", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">=", "@in": "in", "_&&_": "&&", "_||_": "||",
	"!_": "!", "_+_": "+", "_-_": "-", "-_": "-", "_*_": "*", "_/_": "/", "_%_": "%", "_[_]": "[]", "_?_:_": "?:", hasFunc: "has",
}

// typeWords replaces CEL's names of types, longest first.
var typeWords = strings.NewReplacer(
	"list(string)", "list of texts", "list(double)", "list of numbers", "list(int)", "list of severities",
	"google.protobuf.Timestamp", "time", "google.protobuf.Duration", "duration", "timestamp", "time",
	"uint", "unsigned number", "string", "text", "double", "number", "int", "severity", "bool", "true/false", "dyn", "anything",
)

func overloadMessage(fn, args string) string {
	operands := typeWords.Replace(args)
	hint := ""
	if strings.Contains(operands, "severity") && strings.Contains(operands, "text") {
		hint = "; severities are written INFO, LOW, MEDIUM, HIGH, CRITICAL, without quotes"
	}
	if strings.Contains(operands, "time") && strings.Contains(operands, "text") {
		hint = `; write times as timestamp("2026-01-31T00:00:00Z") or now - duration("24h")`
	}
	if sign, ok := operatorSigns[fn]; ok {
		operands = strings.TrimSuffix(strings.TrimPrefix(operands, "("), ")")
		return fmt.Sprintf("%s does not work on %s%s", sign, strings.ReplaceAll(operands, ", ", " and "), hint)
	}
	if target, rest, ok := strings.Cut(operands, ".("); ok {
		return fmt.Sprintf("%s.%s(%s is not possible%s", target, fn, rest, hint)
	}
	return fmt.Sprintf("%s%s is not possible%s", fn, operands, hint)
}

func typeName(t *types.Type) string { return typeWords.Replace(t.String()) }

// nearest returns the name that is at most two edits, and less than half its
// length, away from what was written.
func nearest(word string, names []string) string {
	best, bestDistance := "", 3
	for _, n := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(n)); d < bestDistance && d*2 < len(n) {
			best, bestDistance = n, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
