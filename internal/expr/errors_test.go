// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
)

// TestFilterErrors: what is refused is named, with its place.
func TestFilterErrors(t *testing.T) {
	for src, want := range map[string]string{
		`severty >= HIGH`:                              `filter:1:1: there is no "severty"; did you mean "severity"?`,
		`risk > 5 && asset.nam == "a"`:                 `filter:1:18: there is no "asset.nam"; did you mean "asset.name"?`,
		`severity == "high"`:                           `filter:1:10: == does not work on severity and text; severities are written INFO`,
		`severity > 3`:                                 `filter:1:10: > does not work on severity and number`,
		`risk > "5"`:                                   `filter:1:6: > does not work on number and text`,
		`first_seen > "2026-01-01"`:                    `filter:1:12: > does not work on time and text; write times as`,
		`state == "opne"`:                              `filter:1:10: state is never "opne"; it is one of "open", "triaged"`,
		`"hihg" == band`:                               `filter:1:1: band is never "hihg"`,
		`state in ["open", "closed"]`:                  `filter:1:19: state is never "closed"`,
		`risk`:                                         `filter:1:1: a filter must be true or false, this is number`,
		`asset.tags[0] == "a"`:                         `filter:1:11: [] does not work on list of texts and number`,
		`asset.tags == ["a"]`:                          `filter:1:12: == cannot be used here`,
		`title + "x" == "y"`:                           `filter:1:7: + cannot be used here`,
		`size(title) > 3`:                              `filter:1:6: size() counts lists only`,
		`first_seen.getFullYear() == 2025`:             `filter:1:`,
		`title.matches("(")`:                           `filter:1:15: the pattern is wrong: `,
		`title.matches(locus)`:                         `filter:1:15: the pattern of matches() must be a text in quotes`,
		`search(title)`:                                `filter:1:8: search needs a text in quotes`,
		`search("")`:                                   `filter:1:8: search needs a text in quotes`,
		`now - duration("7d") < first_seen`:            `filter:1:15: duration() needs a text such as "720h"`,
		`last_seen > timestamp("yesterday")`:           `filter:1:22: timestamp() needs a time such as`,
		`last_seen > timestamp(5)`:                     `filter:1:`,
		`severity in [risk > 1 ? HIGH : LOW]`:          `filter:1:23: the values after in must be constants`,
		`asset.tags.exists(t, cwes.exists(c, c == t))`: `filter:1:33: exists() and all() cannot be nested`,
		`asset.tags.map(t, t).size() > 0`:              `filter:1:`,
		`{"a": 1} == {"a": 1}`:                         `filter:1:10: == cannot be used here`,
		`risk > 5 &&`:                                  `filter:1:12: `,
		`risk > 5` + "\n&& foo":                        `filter:2:4: there is no "foo"`,
		`risk > 5u`:                                    `filter:1:6: > does not work on number and unsigned number`,
		`severity + HIGH > LOW`:                        `filter:1:10: + cannot be used here`,
		`asset.name.lowerAscii() == "a"`:               `filter:1:22: there is no "lowerAscii"`,
		`dyn(risk) == 5`:                               `filter:1:`,
		`@has(risk)`:                                   `filter:1:1: `,
		`asset == "x"`:                                 `filter:1:1: there is no "asset"`,
	} {
		f, err := CompileFilter(ExposureSchema, src, testNow)
		if err == nil {
			t.Errorf("%s: accepted (%v)", src, f)
			continue
		}
		if gyre.ErrorCode(err) != gyre.Invalid || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s\n got %v (%s)\nwant %s", src, err, gyre.ErrorCode(err), want)
		}
	}
}

func TestLimits(t *testing.T) {
	for name, src := range map[string]string{
		"long":  `title == "` + strings.Repeat("x", MaxSource) + `"`,
		"deep":  strings.Repeat("intel.kev && (risk > 1 || (", 30) + "intel.kev" + strings.Repeat("))", 30),
		"paren": strings.Repeat("(", 400) + "intel.kev" + strings.Repeat(")", 400),
		"cost":  strings.Repeat(`search("abcdefg")||`, 60) + "true == intel.kev",
		"nodes": "risk in [" + strings.Repeat("1,", 2001) + "1]",
	} {
		_, err := CompileFilter(ExposureSchema, src, testNow)
		if gyre.ErrorCode(err) != gyre.TooLarge {
			t.Errorf("%s: %v (%s)", name, err, gyre.ErrorCode(err))
		}
	}
	if _, err := CompileFilter(ExposureSchema, `title.matches("`+strings.Repeat("x", maxPattern+1)+`")`, testNow); err == nil {
		t.Error("a long pattern is accepted")
	}
}

// lacking has no column of times.
type lacking struct{ rows }

func (lacking) Time(string) func(int) int64 { return nil }

func TestBindLacking(t *testing.T) {
	f, err := CompileFilter(ExposureSchema, `has(last_seen) || intel.kev`, testNow)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Bind(lacking{}); err == nil || !strings.Contains(err.Error(), "last_seen is not known of these exposures") {
		t.Error(err)
	}
}

func TestFilterParts(t *testing.T) {
	f, err := CompileFilter(ExposureSchema, `risk > 5 && (asset.zone == "dmz" || asset.internet_facing) && search("x")`, testNow)
	if err != nil {
		t.Fatal(err)
	}
	apart, err := f.Cond()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, part := range apart.Parts {
		fields := ""
		if part.Join == Leaf {
			fields = strings.Join(part.Filter.Fields(), " ")
		}
		for _, p := range part.Parts {
			fields += "|" + strings.Join(p.Filter.Fields(), " ")
		}
		got = append(got, fields)
	}
	want := []string{"risk", "|asset.zone|asset.internet_facing", "||locus|title|weakness|aliases|asset.name|asset.owner|asset.tags|action"}
	if strings.Join(got, ";") != strings.Join(want, ";") {
		t.Errorf("%q", got)
	}
	if c, ok := apart.Parts[0].Filter.Comparison(); !ok || c != (Comparison{"risk", ">", 5}) {
		t.Errorf("%v", c)
	}
	if _, ok := f.Comparison(); ok || f.UsesNow() {
		t.Error("the whole is no comparison and does not speak of now")
	}
	if v, ok := f.Constant(); v || ok {
		t.Error("it is not constant")
	}
	if f, _ := CompileFilter(ExposureSchema, `1 > 2 || now < timestamp("2020-01-01T00:00:00Z")`, testNow); f == nil {
		t.Error("refused")
	} else if v, ok := f.Constant(); v || !ok {
		t.Error("it is constant")
	}
	var none *Filter
	if v, ok := none.Constant(); !v || !ok || none.String() != "" || none.Fields() != nil {
		t.Error("a nil filter is true of everything")
	}
}

func TestComplete(t *testing.T) {
	for _, tc := range []struct{ src, first, kind string }{
		{"sev", "severity", "field"},
		{"severity >= ", "INFO", "value"},
		{"severity >= CR", "CRITICAL", "value"},
		{`state == "tri`, `"triaged"`, "value"},
		{`state in ["open", `, `"open"`, "value"},
		{`state in ["open", "fix`, `"fix_claimed"`, "value"},
		{"asset.ow", "asset.owner", "field"},
		{"owner", "asset.owner", "field"},
		{"title.", "title.contains(", "method"},
		{"asset.tags.e", "asset.tags.exists(", "method"},
		{"risk > 5 && intel.k", "intel.kev", "field"},
		{"risk > 5 ", "&& ", "operator"},
		{"dur", "duration(", "function"},
		{"", "severity", "field"},
	} {
		got := ExposureSchema.Complete(tc.src, len(tc.src))
		if len(got) == 0 || got[0].Text != tc.first || got[0].Kind != tc.kind {
			t.Errorf("%q: %+v", tc.src, got)
			continue
		}
		if from := got[0].From; from < 0 || from > len(tc.src) {
			t.Errorf("%q: from %d", tc.src, from)
		}
	}
	if got := ExposureSchema.Complete(`title == "free te`, 17); len(got) != 0 {
		t.Errorf("inside of a text there is nothing to suggest: %+v", got)
	}
	if got := ExposureSchema.Complete("risk", 99); len(got) == 0 {
		t.Error("a cursor past the end")
	}
}
