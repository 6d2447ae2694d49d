// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package kubernetes

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

func TestRunAsRoot(t *testing.T) {
	for name, tc := range map[string]struct {
		pod, container string
		want           any
	}{
		"nothing is said":              {"{}", "{}", nil},
		"the pod says root":            {"{runAsUser: 0}", "{}", true},
		"the container says otherwise": {"{runAsUser: 0}", "{runAsUser: 1000}", false},
		"the node refuses root":        {"{runAsNonRoot: true}", "{}", false},
		"false says nothing":           {"{runAsNonRoot: false}", "{}", nil},
		"both":                         {"{runAsNonRoot: true, runAsUser: 0}", "{}", true},
		"not a number":                 {"{runAsUser: root}", "{}", nil},
	} {
		text := "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  securityContext: " + tc.pod + "\n  containers:\n  - {image: i, securityContext: " + tc.container + "}\n"
		c, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "x.yaml", Reader: strings.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		c.Check(t)
		if got := c.Facts[0].Data["run_as_root"]; got != tc.want {
			t.Errorf("%s: run_as_root is %v, want %v", name, got, tc.want)
		}
	}
}

func TestTemplatesAreNotDetected(t *testing.T) {
	if n := (Importer{}).Detect("x.yaml", []byte("apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Values.name }}\n")); n != 0 {
		t.Errorf("sure as %d", n)
	}
}

func TestHostile(t *testing.T) {
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for _, c := range "bcdefghi" {
		laughs += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "]\n"
	}
	for name, text := range map[string]string{
		"empty":      "",
		"broken":     "apiVersion: v1\nkind: Pod\n  x: [\n",
		"brackets":   "x: " + strings.Repeat("[", 100_000),
		"dashes":     strings.Repeat("- ", 100_000) + "x",
		"large":      "x: |\n" + strings.Repeat("  yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n", 40_000),
		"documents":  strings.Repeat("a: 1\n---\n", maxDocuments+1),
		"no such":    "x: *nowhere\n",
		"tab indent": "a:\n\tb: 1\n",
	} {
		start := time.Now()
		_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "x.yaml", Reader: strings.NewReader(text)})
		if code := gyre.ErrorCode(err); code != gyre.Invalid && code != gyre.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
	if _, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "x.yaml", Reader: strings.NewReader(laughs)}); err != nil {
		t.Errorf("aliases that nobody follows are harmless: %v", err)
	}
	_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "x.yaml", Reader: strings.NewReader("a: 1\n---\nb: 2\nc: [\n")})
	if err == nil || !strings.Contains(err.Error(), "x.yaml:") {
		t.Errorf("%v names no line", err)
	}
}
