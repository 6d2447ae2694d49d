// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/gyre-ctem/gyre"

// source is one Go file of the module.
type source struct {
	path string // slash-separated, relative to the root
	pkg  string // folder
	test bool
	ast  *ast.File
	text string
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case ".git", "node_modules", "testdata", "bin", "artifacts", "dist":
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(p) != ".go" {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, text, parser.ParseComments)
		if err != nil {
			return err
		}
		slash := filepath.ToSlash(p)
		all = append(all, source{slash, path.Dir(slash), strings.HasSuffix(p, "_test.go"), f, string(text)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("found %d Go files only: the walk is wrong", len(all))
	}
	return all
}

func imports(s source) []string {
	var paths []string
	for _, i := range s.ast.Imports {
		paths = append(paths, strings.Trim(i.Path.Value, `"`))
	}
	return paths
}

func under(pkg, folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }

// TestImportRules holds the rules of docs/architecture.md: who may import whom.
func TestImportRules(t *testing.T) {
	own := func(imp string) (string, bool) {
		if imp == module {
			return ".", true
		}
		return strings.CutPrefix(imp, module+"/")
	}
	pure := []string{"internal/prioritize", "internal/match", "internal/remediate", "internal/check", "internal/locus"}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, imp := range imports(s) {
			to, ours := own(imp)
			bad := ""
			switch {
			case s.pkg == "." && (ours || strings.Contains(imp, ".")):
				bad = "the root imports the standard library only"
			case s.pkg == "plugin" && ours && to != ".":
				bad = "plugin imports the root only"
			case under(s.pkg, "plugins") && s.pkg != "plugins/all" && ours && to != "." && to != "plugin" && to != "plugin/document" && to != "plugin/naming":
				bad = "a plug-in imports the root, plugin, plugin/document and plugin/naming only"
			case under(s.pkg, "plugins/source") && imp == "os/exec":
				bad = "a source starts no programs"
			case s.pkg == "internal/store" && ours && to != "." && to != "plugin" && !under(to, "internal/store") && to != "internal/intel" && to != "internal/match":
				bad = "the store imports the vocabulary only"
			case ours && to == "internal/store" && !allowedStore(s.pkg):
				bad = "only app wires the store, and the queue lies in it; declare a small interface instead"
			case ours && to == "internal/app" && s.pkg != "internal/cli":
				bad = "only the command line imports app"
			case ours && under(to, "lab") && !under(s.pkg, "lab") && s.pkg != "internal/cli" && s.pkg != "internal/app" && s.pkg != "internal/store/storetest":
				bad = "the product does not depend on the practice estate"
			}
			for _, p := range pure {
				if under(s.pkg, p) && (imp == "database/sql" || imp == "net/http" || imp == "net") {
					bad = "pure packages do no I/O"
				}
			}
			if bad != "" {
				t.Errorf("%s imports %s: %s", s.path, imp, bad)
			}
		}
	}
}

func allowedStore(pkg string) bool {
	for _, p := range []string{"internal/app", "internal/store", "internal/cli", "internal/job"} {
		if under(pkg, p) {
			return true
		}
	}
	return false
}

// TestClocks: pure packages take the time as an argument, so that a score or a
// judgement can be replayed; and plug-ins touch the network through the guard only.
func TestClocks(t *testing.T) {
	banned := map[string]map[string]string{
		"internal/prioritize": {"time.Now": "pure", "time.Since": "pure", "time.Until": "pure"},
		"internal/match":      {"time.Now": "pure", "time.Since": "pure", "time.Until": "pure"},
		"internal/remediate":  {"time.Now": "pure", "time.Since": "pure", "time.Until": "pure"},
		"internal/check":      {"time.Now": "pure", "time.Since": "pure", "time.Until": "pure"},
		"internal/locus":      {"time.Now": "pure", "time.Since": "pure", "time.Until": "pure"},
		"plugins/source":      {"net.Dial": "guard", "net.DialTimeout": "guard", "net.Dialer": "guard", "tls.Dial": "guard", "http.Get": "guard", "http.DefaultClient": "guard"},
	}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for folder, calls := range banned {
			if !under(s.pkg, folder) {
				continue
			}
			ast.Inspect(s.ast, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok {
					if why, bad := calls[x.Name+"."+sel.Sel.Name]; bad {
						t.Errorf("%s uses %s.%s (%s)", s.path, x.Name, sel.Sel.Name, why)
					}
				}
				return true
			})
		}
	}
}

func TestLicenceHeaders(t *testing.T) {
	const want = "// Copyright The Gyre Authors\n// SPDX-License-Identifier: Apache-2.0\n"
	for _, s := range sources(t) {
		if !strings.HasPrefix(s.text, want) {
			t.Errorf("%s does not start with the licence header", s.path)
		}
	}
}

func TestPackageDocs(t *testing.T) {
	doc := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		doc[s.pkg] = doc[s.pkg] || (s.ast.Doc != nil && len(s.ast.Doc.Text()) > 40)
	}
	for pkg, has := range doc {
		if !has {
			t.Errorf("package %s has no comment that says what it is, who may import it and its invariants", pkg)
		}
	}
}

func TestPackageNames(t *testing.T) {
	for _, s := range sources(t) {
		switch path.Base(s.pkg) {
		case "util", "utils", "common", "helper", "helpers", "models", "manager", "misc":
			t.Errorf("%s: a package called %s says nothing", s.path, path.Base(s.pkg))
		}
	}
}
