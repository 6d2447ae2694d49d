// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

// Description is a schema for people and for completion.
type Description struct {
	For       string                `json:"for" doc:"Kind of rows"`
	Fields    []FieldDescription    `json:"fields"`
	Functions []FunctionDescription `json:"functions"`
}

// FieldDescription describes one field.
type FieldDescription struct {
	Name   string   `json:"name"`
	Type   Type     `json:"type" enum:"bool,number,text,text_list,time,severity"`
	Doc    string   `json:"doc"`
	Values []string `json:"values,omitempty" doc:"Values to suggest; of severities as written, of texts without quotes"`
	Closed bool     `json:"closed,omitempty" doc:"There are no other values"`
}

// FunctionDescription describes a function, an operator or a word of the language.
type FunctionDescription struct {
	Name    string `json:"name"`
	Kind    string `json:"kind" enum:"function,method,operator,word" doc:"function: f(x); method: x.f(y)"`
	Usage   string `json:"usage"`
	Doc     string `json:"doc"`
	Example string `json:"example"`
}

// filterFunctions is what a filter can be made of besides fields. A test compiles every example.
var filterFunctions = []FunctionDescription{
	{"search", "function", `search("text")`, "The text occurs in any of the searchable fields, in any case", `search("openssl")`},
	{"has", "function", "has(field)", "Something is known: a text or list that is not empty, a number or time that is not zero", `has(asset.owner)`},
	{"size", "function", "size(list)", "Number of elements of a list", `size(sources) > 1`},
	{"contains", "method", `text.contains("part")`, "The part occurs in the text, case counts", `locus.contains("/etc/")`},
	{"startsWith", "method", `text.startsWith("part")`, "The text starts with the part", `weakness.startsWith("CVE-2024-")`},
	{"endsWith", "method", `text.endsWith("part")`, "The text ends with the part", `asset.name.endsWith(".example.com")`},
	{"matches", "method", `text.matches("pattern")`, "A regular expression (RE2) matches anywhere in the text; (?i) ignores case", `title.matches("(?i)open(ssl|ssh)")`},
	{"exists", "method", "list.exists(x, condition)", "The condition is true of at least one element", `asset.tags.exists(t, t.startsWith("team:"))`},
	{"all", "method", "list.all(x, condition)", "The condition is true of every element; also of an empty list", `sources.all(s, s in ["nmap", "network"])`},
	{"duration", "function", `duration("720h")`, "A span of time in hours (h), minutes (m) and seconds (s)", `first_seen > now - duration("720h")`},
	{"timestamp", "function", `timestamp("2026-01-31T00:00:00Z")`, "A point in time (RFC 3339)", `last_seen < timestamp("2026-01-31T00:00:00Z")`},
	{"now", "word", "now", "The time at which the filter is evaluated", `last_seen <= now`},
	{"&&", "operator", "a && b", "Both", `severity >= HIGH && asset.internet_facing`},
	{"||", "operator", "a || b", "At least one", `intel.kev || intel.epss > 0.5`},
	{"!", "operator", "!a", "Not", `!fix_available`},
	{"in", "operator", `x in [a, b]   or   "x" in list`, "Is one of, or is an element of", `"CWE-295" in cwes`},
	{"?:", "operator", "condition ? a : b", "One or the other", `asset.internet_facing ? risk > 20 : risk > 60`},
}

// Describe returns what a filter over the schema can be made of.
func (s *Schema) Describe() Description {
	d := Description{For: s.Name, Functions: filterFunctions}
	for _, f := range s.fields {
		d.Fields = append(d.Fields, FieldDescription{Name: f.Name, Type: f.Type, Doc: f.Doc, Values: f.Values, Closed: f.Closed})
	}
	return d
}
