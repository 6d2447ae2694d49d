// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"encoding/json"
	"strings"
	"testing"
)

// The bound is never below the size, or an evidence could get past its limit.
func TestJSONBound(t *testing.T) {
	for _, data := range []map[string]any{
		nil,
		{},
		{"a": nil, "b": true, "c": int64(-9223372036854775808), "d": 1.7976931348623157e308, "e": -5e-324},
		{"<&>": "\u2028\u2029\x00\x1f\"\\<&>", "é": "ü\U0001F600", "list": []any{"x", int64(1), []any{}, map[string]any{"k": "v"}}},
		{"long": strings.Repeat("<", 3000)},
		{"wide": strings.Repeat("\u2028", 2000)},
		{"long": strings.Repeat("x", 20000)},
	} {
		out, size, err := dataOf(data)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(out)
		if err != nil || size < len(text) {
			t.Errorf("%.60q: %d, but it has %d bytes: %v", text, size, len(text), err)
		}
	}
}
