// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cyclonedx

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
)

func TestContract(t *testing.T) { plugintest.TestImporter(t, Importer{}, "testdata") }

func FuzzImport(f *testing.F) { plugintest.Fuzz(f, Importer{}, "testdata") }

func imported(t *testing.T, in plugin.Input, text string) *plugintest.Collector {
	t.Helper()
	in.Name, in.Reader = "bom.json", strings.NewReader(text)
	c, _, err := plugintest.Import(t.Context(), Importer{}, in)
	if err != nil {
		t.Fatal(err)
	}
	c.Check(t)
	return c
}

// One thing keeps one asset, whichever bill of it is imported.
func TestAssetIsTheThingNotTheDocument(t *testing.T) {
	bill := func(serial, root string) string {
		return `{"bomFormat":"CycloneDX","serialNumber":"urn:uuid:` + serial + `","metadata":{"component":` + root + `},"components":[]}`
	}
	for name, tc := range map[string]struct {
		in   plugin.Input
		root string
		kind gyre.AssetKind
		want string
	}{
		"purl":     {plugin.Input{}, `{"type":"application","name":"a","purl":"pkg:npm/%40s/a@1.0?x=y"}`, gyre.Repository, "pkg:npm/%40s/a"},
		"name":     {plugin.Input{}, `{"type":"application","group":"g","name":"A"}`, gyre.Repository, "cyclonedx:g/a"},
		"serial":   {plugin.Input{}, `{}`, gyre.Repository, "urn:uuid:1"},
		"given":    {plugin.Input{Asset: "Shop"}, `{"type":"container","name":"x"}`, gyre.Image, "asset:shop"},
		"supplier": {plugin.Input{Asset: "vendor:Acme"}, `{"type":"application","name":"x"}`, gyre.Vendor, "vendor:acme"},
		"host":     {plugin.Input{Asset: "db-1", Address: "10.0.0.5", Zone: "dmz"}, `{"type":"operating-system","name":"x"}`, gyre.Host, "db-1"},
	} {
		a := imported(t, tc.in, bill("1", tc.root)).Assets
		if len(a) != 1 || a[0].Kind != tc.kind || a[0].Identifiers[0].Value != tc.want {
			t.Errorf("%s: %+v, want one %s with %s", name, a, tc.kind, tc.want)
		}
	}
}

func TestMembersInAnyOrder(t *testing.T) {
	c := imported(t, plugin.Input{}, `{
		"vulnerabilities":[{"id":"CVE-2024-1","affects":[{"ref":"x"}]}],
		"components":[{"bom-ref":"x","type":"library","name":"x","version":"1","purl":"pkg:npm/x@1"}],
		"metadata":{"component":{"type":"application","name":"late"}},"bomFormat":"CycloneDX"}`)
	if len(c.Assets) != 1 || c.Assets[0].Name != "late" || len(c.Components) != 1 || len(c.Findings) != 1 || c.Findings[0].Locus != "sbom#x" {
		t.Errorf("%+v", c.Batch)
	}
}

func TestIncompleteCoversNothing(t *testing.T) {
	for what, text := range map[string]string{
		"says so":         `{"bomFormat":"CycloneDX","components":[],"compositions":[{"aggregate":"incomplete"}]}`,
		"vulnerabilities": `{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"CVE-2024-1"}]}`,
		"nothing":         `{"bomFormat":"CycloneDX"}`,
	} {
		if c := imported(t, plugin.Input{}, text); len(c.Coverage) > 0 {
			t.Errorf("%s: covers %+v", what, c.Coverage)
		}
	}
}

func TestBrokenEntriesAreProblems(t *testing.T) {
	c, report, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "b.json", Reader: strings.NewReader(
		`{"bomFormat":"CycloneDX","metadata":7,"components":[1,{"name":"ok","type":"library","purl":"pkg:npm/ok@1"},[]],"vulnerabilities":[{"id":7},{"id":"CVE-2024-1","affects":[{"ref":"pkg:npm/ok@1"}]}]}`,
	)})
	if err != nil {
		t.Fatal(err)
	}
	c.Check(t)
	if len(report.Problems) != 4 || len(c.Components) != 1 || len(c.Findings) != 1 {
		t.Errorf("%d problems, %+v", len(report.Problems), c.Batch)
	}
}

func TestHostile(t *testing.T) {
	for _, text := range []string{
		`{"bomFormat":"SPDX"}`, `{}`, `[]`, ``, `{"bomFormat":"CycloneDX","components":` + strings.Repeat(`[{"components":`, 200),
		`<!DOCTYPE bom [<!ENTITY a "aaa">]><bom xmlns="http://cyclonedx.org/schema/bom/1.4">&a;</bom>`,
		`<bom xmlns="http://example.org/"/>`, `<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components>`,
		`{"bomFormat":"CycloneDX","vulnerabilities":[` + strings.Repeat(`{"id":"x"},`, maxHeld) + `{}]}`,
	} {
		_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "b", Reader: strings.NewReader(text)})
		if code := gyre.ErrorCode(err); code != gyre.Invalid && code != gyre.TooLarge {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

// A bill of 200 MB takes no more memory than a small one: components go by.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 200 MB")
	}
	piece := `{"type":"library","name":"p%d","version":"1.0","purl":"pkg:npm/p%d@1.0","description":"` + strings.Repeat("x", 900) + `"},`
	const n = 200_000
	r := plugintest.Repeated(`{"bomFormat":"CycloneDX","metadata":{"component":{"name":"big","type":"application"}},"components":[`, piece, `{"name":"last","type":"library"}]}`, n)
	plugintest.Bounded(t, Importer{}, plugin.Input{Name: "big.json", Reader: r}, n, 64)
}

const corpus = "../../../../shared/corpus"

// Real reports, with the number of findings that another tool's tests expect.
func TestCorpus(t *testing.T) {
	known := map[string]string{
		"valid-vulnerability-1.4.json": "its analysis says not_affected",
		"valid-vulnerability-1.4.xml":  "its analysis says not_affected",
		"issue_8022.json":              "its analysis says not_affected",
	}
	plugintest.Corpus(t, Importer{}, corpus, "cyclonedx", known)
}

// The 70 example documents of the CycloneDX project all import.
func TestExampleDocuments(t *testing.T) {
	f, err := os.Open(corpus + "/sboms/cyclonedx-bom-examples.tar.gz")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no corpus")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files, components := 0, 0
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if ext := path.Ext(h.Name); ext != ".json" && ext != ".xml" {
			continue
		}
		text, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		head := text[:min(len(text), 64<<10)]
		if (Importer{}).Detect(path.Base(h.Name), head) == 0 {
			t.Errorf("%s is not detected", h.Name)
			continue
		}
		c, report, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: path.Base(h.Name), Reader: strings.NewReader(string(text))})
		if err != nil {
			t.Errorf("%s: %v", h.Name, err)
			continue
		}
		for _, p := range report.Problems {
			t.Logf("%s: %s", h.Name, p.Reason)
		}
		for _, w := range c.Wrong {
			t.Errorf("%s: %s", h.Name, w)
		}
		files++
		components += len(c.Components)
	}
	if files < 60 || components < 5000 {
		t.Errorf("%d files with %d components", files, components)
	}
	t.Logf("%d files, %d components", files, components)
}
