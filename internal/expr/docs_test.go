// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated parts of docs/expressions.md anew")

func fieldTable(s *Schema) string {
	var b strings.Builder
	b.WriteString("| field | type | what it is | values |\n|---|---|---|---|\n")
	for _, f := range s.Fields() {
		doc := f.Doc
		if f.Search {
			doc += " (searched)"
		}
		values := ""
		for i, v := range f.Values {
			if i > 0 {
				values += ", "
			}
			if f.Type == Severity {
				values += "`" + v + "`"
			} else {
				values += "`\"" + v + "\"`"
			}
		}
		if values != "" && !f.Closed {
			values += " …"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, strings.ReplaceAll(string(f.Type), "_", " "), doc, values)
	}
	return b.String()
}

func functionTable() string {
	var b strings.Builder
	b.WriteString("| write | what it means | example |\n|---|---|---|\n")
	cell := func(s string) string { return "`" + strings.ReplaceAll(s, "|", `\|`) + "`" }
	for _, f := range filterFunctions {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(f.Usage), f.Doc, cell(f.Example))
	}
	return b.String()
}

// TestDocs holds docs/expressions.md to the code: its tables are generated, and
// everything else in it that is CEL compiles.
func TestDocs(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "expressions.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(data)
	for mark, want := range map[string]string{"exposures": fieldTable(ExposureSchema), "assets": fieldTable(AssetSchema), "functions": functionTable()} {
		start, end := "<!-- "+mark+" -->\n", "<!-- /"+mark+" -->"
		before, rest, ok := strings.Cut(doc, start)
		got, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no part %s", path, mark)
		}
		if got == want {
			continue
		}
		if !*update {
			t.Errorf("the part %s of docs/expressions.md differs from the code; go test ./internal/expr -run Docs -update writes it anew", mark)
		}
		doc = before + start + want + end + after
	}
	if *update {
		if err := os.WriteFile(path, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, block := range []struct {
		language string
		compile  func(string) error
	}{
		{"cel exposures", func(s string) error { _, err := CompileFilter(ExposureSchema, s, testNow); return err }},
		{"cel assets", func(s string) error { _, err := CompileFilter(AssetSchema, s, testNow); return err }},
		{"cel check", func(s string) error { _, err := CompileCheck(s); return err }},
	} {
		parts := strings.Split(doc, "```"+block.language+"\n")
		if len(parts) < 2 {
			t.Errorf("no example of %s", block.language)
		}
		for _, part := range parts[1:] {
			code, _, _ := strings.Cut(part, "```")
			for line := range strings.Lines(code) {
				if line = strings.TrimSpace(line); line != "" {
					if err := block.compile(line); err != nil {
						t.Errorf("%s: %v", line, err)
					}
				}
			}
		}
	}
	for _, f := range filterFunctions {
		if f.Example == "" {
			t.Errorf("%s has no example", f.Name)
		}
		if _, err := CompileFilter(ExposureSchema, f.Example, testNow); err != nil {
			t.Errorf("%s: %v", f.Example, err)
		}
	}
}
