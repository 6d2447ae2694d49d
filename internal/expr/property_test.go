// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
)

var texts = []string{"", "open", "web-1", "OpenSSL", "Große Lücke", "prod", "team:web", "é", "a/b#c"}

// randomRow draws a value for every field.
func randomRow(t *rapid.T) map[string]any {
	row := map[string]any{}
	for _, f := range ExposureSchema.Fields() {
		switch f.Type {
		case Bool:
			row[f.Name] = rapid.Bool().Draw(t, f.Name)
		case Number:
			row[f.Name] = rapid.SampledFrom([]float64{0, 0.5, 1, 3, 42, 80, 99.5, -1}).Draw(t, f.Name)
		case Severity:
			row[f.Name] = float64(rapid.IntRange(0, 4).Draw(t, f.Name))
		case Text:
			row[f.Name] = rapid.SampledFrom(append(texts, f.Values...)).Draw(t, f.Name)
		case TextList:
			row[f.Name] = rapid.SliceOfN(rapid.SampledFrom(texts), 0, 3).Draw(t, f.Name)
		case Time:
			row[f.Name] = rapid.SampledFrom([]int64{0, testNow.UnixMicro(), testNow.Add(-24 * time.Hour).UnixMicro(), testNow.UnixMicro() + 1}).Draw(t, f.Name)
		}
	}
	return row
}

// activation is a row as CEL's own interpreter wants it.
func activation(row map[string]any) map[string]any {
	vars := map[string]any{"now": testNow}
	for name, v := range row {
		f, _ := ExposureSchema.Field(name)
		switch f.Type {
		case Severity:
			vars[name] = int64(v.(float64))
		case Time:
			vars[name] = time.UnixMicro(v.(int64)).UTC()
		default:
			vars[name] = v
		}
	}
	return vars
}

// randomFilter writes a filter of the whole language.
func randomFilter(t *rapid.T, depth int) string {
	field := func(want Type) string {
		var names []string
		for _, f := range ExposureSchema.Fields() {
			if f.Type == want && !f.Closed {
				names = append(names, f.Name)
			}
		}
		return rapid.SampledFrom(names).Draw(t, string(want))
	}
	text := func() string { return fmt.Sprintf("%q", rapid.SampledFrom(texts).Draw(t, "text")) }
	op := func() string { return rapid.SampledFrom([]string{"==", "!=", "<", "<=", ">", ">="}).Draw(t, "op") }
	severity := func() string { return rapid.SampledFrom(severityWords).Draw(t, "severity") }
	var number, when func(int) string
	number = func(d int) string {
		switch k := rapid.IntRange(0, 6).Draw(t, "number"); {
		case d > 0 && k == 0:
			return "(" + number(d-1) + rapid.SampledFrom([]string{"+", "-", "*", "/"}).Draw(t, "arithmetic") + number(d-1) + ")"
		case d > 0 && k == 1:
			return "(" + randomFilter(t, 0) + "?" + number(0) + ":" + number(0) + ")"
		case k == 2:
			return "size(" + field(TextList) + ")"
		case k <= 4:
			return field(Number)
		}
		return rapid.SampledFrom([]string{"0", "1", "42", "0.5", "(-3)", "80.0"}).Draw(t, "literal")
	}
	when = func(d int) string {
		switch k := rapid.IntRange(0, 4).Draw(t, "time"); {
		case d > 0 && k == 0:
			return "(" + when(d-1) + rapid.SampledFrom([]string{"+", "-"}).Draw(t, "sign") + ` duration("24h"))`
		case k == 1:
			return "now"
		case k == 2:
			return `timestamp("2026-05-01T12:00:00.000001Z")`
		}
		return field(Time)
	}
	if depth > 0 {
		a, b := func() string { return randomFilter(t, depth-1) }, func() string { return randomFilter(t, depth-1) }
		switch rapid.IntRange(0, 4).Draw(t, "join") {
		case 0, 1:
			return "(" + a() + " && " + b() + ")"
		case 2:
			return "(" + a() + " || " + b() + ")"
		case 3:
			return "!(" + a() + ")"
		case 4:
			return "(" + a() + " ? " + b() + " : " + randomFilter(t, 0) + ")"
		}
	}
	switch rapid.IntRange(0, 16).Draw(t, "leaf") {
	case 0:
		return "severity " + op() + " " + severity()
	case 1:
		return severity() + op() + "severity"
	case 2, 3:
		return number(2) + op() + number(1)
	case 4:
		return field(Text) + op() + text()
	case 5:
		return text() + op() + field(Text)
	case 6:
		return field(Text) + rapid.SampledFrom([]string{".contains", ".startsWith", ".endsWith"}).Draw(t, "method") + "(" + text() + ")"
	case 7:
		return field(Text) + `.matches("(?i)^[a-z]+")`
	case 8:
		return text() + " in " + field(TextList)
	case 9:
		return field(Text) + " in [" + text() + "," + text() + "]"
	case 10:
		return "severity in [" + severity() + ", HIGH]"
	case 11:
		return "has(" + field(rapid.SampledFrom([]Type{Text, TextList, Number, Time, Bool}).Draw(t, "of")) + ")"
	case 12:
		return "search(" + fmt.Sprintf("%q", rapid.SampledFrom(texts[1:]).Draw(t, "search")) + ")"
	case 13:
		return when(1) + op() + when(1)
	case 14:
		return when(0) + "-" + when(0) + op() + `duration("24h")`
	case 15:
		return field(TextList) + rapid.SampledFrom([]string{".exists", ".all"}).Draw(t, "quantifier") + "(x, x" + op() + text() + " || " + field(Bool) + ")"
	}
	return field(Bool) + rapid.SampledFrom([]string{"", " == true", " != false", " < true"}).Draw(t, "bool")
}

// TestSameAsCEL: evaluation over columns gives what CEL's own interpreter gives.
func TestSameAsCEL(t *testing.T) {
	env, err := ExposureSchema.env()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		src := randomFilter(t, rapid.IntRange(0, 3).Draw(t, "depth"))
		f, err := CompileFilter(ExposureSchema, src, testNow)
		if err != nil {
			if gyre.ErrorCode(err) == gyre.TooLarge {
				t.Skip("too costly")
			}
			t.Fatalf("%s: %v", src, err)
		}
		program, err := env.Program(f.ast)
		if err != nil {
			t.Fatal(err)
		}
		row := randomRow(t)
		want, _, err := program.Eval(activation(row))
		if err != nil {
			t.Fatalf("%s: CEL: %v", src, err)
		}
		match, err := f.Bind(rows{row})
		if err != nil {
			t.Fatal(err)
		}
		if got := match(0); types.Bool(got) != want {
			t.Fatalf("%s is %v, CEL says %v, of %v", src, got, want, row)
		}
		if apart, err := f.Cond(); err != nil || holds(t, apart, rows{row}) != match(0) {
			t.Fatalf("%s: taken apart it says otherwise (%v)", src, err)
		}
	})
}

// holds evaluates a filter that was taken apart.
func holds(t *rapid.T, c *Cond, cols Columns) bool {
	switch c.Join {
	case And, Or:
		for _, p := range c.Parts {
			if holds(t, p, cols) == (c.Join == Or) {
				return c.Join == Or
			}
		}
		return c.Join == And
	case Not:
		return !holds(t, c.Parts[0], cols)
	}
	match, err := c.Filter.Bind(cols)
	if err != nil {
		t.Fatal(err)
	}
	if cmp, ok := c.Filter.Comparison(); ok {
		x := cols.Number(cmp.Field)(0)
		want := map[string]bool{"==": x == cmp.Value, "!=": x != cmp.Value, "<": x < cmp.Value, "<=": x <= cmp.Value, ">": x > cmp.Value, ">=": x >= cmp.Value}
		if match(0) != want[cmp.Op] {
			t.Fatalf("%v of %v is %v", cmp, x, match(0))
		}
	}
	return match(0)
}

func FuzzCompileFilter(f *testing.F) {
	for _, d := range filterFunctions {
		f.Add(d.Example)
	}
	f.Add(`severity >= HIGH && asset.internet_facing && intel.kev`)
	f.Add(`asset.tags.exists(t, t == "x") ? risk / 0 > 1 : now - last_seen > duration("1h")`)
	f.Add(`"\x00" in [` + "`" + `]`)
	env, err := ExposureSchema.env()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src string) {
		for _, s := range ExposureSchema.Complete(src, len(src)/2) {
			if s.From < 0 || s.From > len(src) {
				t.Fatalf("completion from %d", s.From)
			}
		}
		filter, err := CompileFilter(ExposureSchema, src, testNow)
		if err != nil {
			if c := gyre.ErrorCode(err); c != gyre.Invalid && c != gyre.TooLarge {
				t.Fatalf("code %s: %v", c, err)
			}
			return
		}
		match, err := filter.Bind(rows{sample})
		if err != nil {
			t.Fatal(err)
		}
		got := match(0)
		if filter == nil || strings.Contains(src, "duration(") || strings.Contains(src, "timestamp(") {
			return // CEL reports times out of its range as errors
		}
		program, err := env.Program(filter.ast, cel.CostLimit(evalCost))
		if err != nil {
			return
		}
		row := map[string]any{}
		for _, fd := range ExposureSchema.Fields() {
			row[fd.Name] = sample[fd.Name]
			if row[fd.Name] == nil {
				row[fd.Name] = map[Type]any{Bool: false, Number: 0.0, Text: "", TextList: []string{}, Time: int64(0)}[fd.Type]
			}
		}
		if want, _, err := program.Eval(activation(row)); err == nil && want != types.Bool(got) {
			t.Fatalf("%v, CEL says %v", got, want)
		}
	})
}

// columns are real arrays, as a projection has them.
type columns struct {
	bools   []bool
	numbers []float64
	texts   []string
	lists   [][]string
	times   []int64
}

func (c *columns) Bool(string) func(int) bool { return func(i int) bool { return c.bools[i] } }
func (c *columns) Number(string) func(int) float64 {
	return func(i int) float64 { return c.numbers[i] }
}
func (c *columns) Text(string) func(int) string { return func(i int) string { return c.texts[i] } }
func (c *columns) TextList(string) func(int) []string {
	return func(i int) []string { return c.lists[i] }
}
func (c *columns) Time(string) func(int) int64 { return func(i int) int64 { return c.times[i] } }

func newColumns(n int) *columns {
	c := &columns{}
	for i := range n {
		c.bools = append(c.bools, i%3 == 0)
		c.numbers = append(c.numbers, float64(i%100))
		c.texts = append(c.texts, fmt.Sprintf("Host-%04d.example.com", i))
		c.lists = append(c.lists, []string{"prod", "team:web"})
		c.times = append(c.times, testNow.Add(-time.Duration(i)*time.Hour).UnixMicro())
	}
	return c
}

var benchFilters = map[string]string{
	"compare": `risk > 50`,
	"four":    `severity >= HIGH && asset.internet_facing && intel.kev && first_seen > now - duration("720h")`,
	"text":    `asset.name.contains("12") || "dev" in asset.tags`,
	"search":  `search("nothing")`,
	"matches": `asset.name.matches("-00[0-9]+[.]")`,
	"exists":  `asset.tags.exists(t, t.startsWith("owner:"))`,
}

func TestNoAllocations(t *testing.T) {
	cols := newColumns(16)
	for name, src := range benchFilters {
		f, err := CompileFilter(ExposureSchema, src, testNow)
		if err != nil {
			t.Fatal(err)
		}
		match, err := f.Bind(cols)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { match(7) }); n > 0 {
			t.Errorf("%s allocates %v times a row", name, n)
		}
	}
}

// BenchmarkFilter is for one row.
func BenchmarkFilter(b *testing.B) {
	const n = 4096
	cols := newColumns(n)
	for name, src := range benchFilters {
		b.Run(name, func(b *testing.B) {
			f, err := CompileFilter(ExposureSchema, src, testNow)
			if err != nil {
				b.Fatal(err)
			}
			match, err := f.Bind(cols)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			i, hits := 0, 0
			for b.Loop() {
				if match(i & (n - 1)) {
					hits++
				}
				i++
			}
		})
	}
}

func BenchmarkCompileFilter(b *testing.B) {
	for b.Loop() {
		if _, err := CompileFilter(ExposureSchema, benchFilters["four"], testNow); err != nil {
			b.Fatal(err)
		}
	}
}
