// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package terraform

import (
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
)

func TestContract(t *testing.T) { plugintest.TestImporter(t, Importer{}, "testdata") }

func FuzzImport(f *testing.F) { plugintest.Fuzz(f, Importer{}, "testdata") }

// Whatever is not a literal must be absent, not false.
func TestUnknownIsAbsent(t *testing.T) {
	for kind := range readers {
		body := ""
		for _, a := range []string{"acl", "encrypted", "storage_encrypted", "publicly_accessible", "source_ranges", "member", "from_port", "allow_blob_public_access"} {
			body += a + " = var.x\n"
		}
		c, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "x.tf", Reader: strings.NewReader(`resource "` + kind + `" "x" {` + "\n" + body + "}\n")})
		if err != nil {
			t.Fatal(err)
		}
		for key, v := range c.Facts[0].Data {
			switch key {
			case "format", "kind", "name", "file", "line", "resource":
			case "ingress":
				if len(v.([]any)) > 0 {
					t.Errorf("%s: ingress %v", kind, v)
				}
			default:
				t.Errorf("%s: %s is said although it depends on a variable", kind, key)
			}
		}
	}
}

// Nothing is evaluated and nothing recurses without end.
func TestHostile(t *testing.T) {
	for name, text := range map[string]string{
		"brackets":     `locals { x = ` + strings.Repeat("[", 100_000),
		"negations":    `locals { x = ` + strings.Repeat("!", 500_000) + "true }",
		"minus":        `locals { x = ` + strings.Repeat("- ", 400_000) + "1 }",
		"conditionals": `locals { x = ` + strings.Repeat("a?b:", 200_000) + "c }",
		"blocks":       strings.Repeat("a {\n", 1000),
		"too large":    strings.Repeat("# x\n", maxFile/4+1),
		"not closed":   "resource \"a\" \"b\" {\n",
		"no HCL":       "%%%",
	} {
		start := time.Now()
		_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "x.tf", Reader: strings.NewReader(text)})
		if code := gyre.ErrorCode(err); code != gyre.Invalid && code != gyre.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
	loops := `resource "aws_ebs_volume" "x" { encrypted = [for a in range(100000): [for b in range(100000): [for c in range(100000): a]]] }`
	if _, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "x.tf", Reader: strings.NewReader(loops)}); err != nil {
		t.Error(err)
	}
}
