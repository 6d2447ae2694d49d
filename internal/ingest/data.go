// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/gyre-ctem/gyre"
)

// dataOf is the data of a fact as it will be stored: only what JSON can hold,
// text clean, no deeper than maxDepth. It returns its size as JSON, or, while that is
// small, a bound of it: writing it down only to measure it would take as long as storing it.
func dataOf(data map[string]any) (map[string]any, int, error) {
	out, err := value(data, 0)
	if err != nil {
		return nil, 0, err
	}
	m, _ := out.(map[string]any)
	if bound := jsonBound(out); bound <= maxEvidence-4<<10 {
		return m, bound, nil
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, 0, gyre.FieldErrorf(gyre.Invalid, "data", "not JSON: %v", err)
	}
	return m, len(b), nil
}

// jsonBound is at least the size as JSON of what value returns.
func jsonBound(v any) int {
	switch v := v.(type) {
	case string:
		return textBound(v)
	case []any:
		n := 2
		for _, e := range v {
			n += 1 + jsonBound(e)
		}
		return n
	case map[string]any:
		n := 2
		for k, e := range v {
			n += 2 + textBound(k) + jsonBound(e)
		}
		return n
	}
	return 25 // the longest number
}

func textBound(s string) int {
	n := len(s) + 2
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&':
			n += 5 // \u003c
		case c >= utf8.RuneSelf:
			n++ // \u2028 for three bytes
		}
	}
	return n
}

func value(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, gyre.FieldErrorf(gyre.Invalid, "data", "nested deeper than %d", maxDepth)
	}
	switch v := v.(type) {
	case nil, bool, int64:
		return v, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint16:
		return int64(v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, gyre.FieldErrorf(gyre.Invalid, "data", "%v is not a JSON number", v)
		}
		return v, nil
	case string:
		return clean(v), nil
	case time.Time:
		return v.UTC().Format(time.RFC3339), nil
	case []string:
		out := make([]any, len(v))
		for i := range v {
			out[i] = clean(v[i])
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i := range v {
			e, err := value(v[i], depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = e
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			e, err := value(v[k], depth+1)
			if err != nil {
				return nil, err
			}
			out[clean(k)] = e
		}
		return out, nil
	}
	return nil, gyre.FieldErrorf(gyre.Invalid, "data", "a %T is not what JSON can hold", v)
}

// evidenceOf is evidence within its limit: what is too large is left out and said so.
func evidenceOf(e gyre.Evidence) (gyre.Evidence, error) {
	out := gyre.Evidence{Summary: prose(e.Summary, 1<<10)}
	if len(e.Data) == 0 {
		return out, nil
	}
	data, size, err := dataOf(e.Data)
	if err != nil {
		return out, err
	}
	if size > maxEvidence-2<<10 { // the summary has its share
		data = cut(data)
	}
	out.Data = data
	return out, nil
}

// cut keeps the entries of large data that fit, longest text shortened first.
func cut(data map[string]any) map[string]any {
	const each = 1 << 10
	out := make(map[string]any, len(data))
	left := maxEvidence - 4<<10
	dropped := 0
	for _, k := range sortedKeys(data) {
		v := data[k]
		if s, ok := v.(string); ok {
			v = prose(s, each)
		}
		b, err := json.Marshal(v)
		if err != nil || len(b)+len(k) > left {
			dropped++
			continue
		}
		left -= len(b) + len(k)
		out[k] = v
	}
	if dropped > 0 {
		out["truncated"] = fmt.Sprintf("%d entries were too large to keep", dropped)
	}
	return out
}
