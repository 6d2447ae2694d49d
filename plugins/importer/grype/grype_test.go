// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package grype

import (
	"slices"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
)

func TestContract(t *testing.T) { plugintest.TestImporter(t, Importer{}, "testdata") }

func TestRemembers(t *testing.T) { plugintest.Remembers(t, Importer{}, "testdata") }

func FuzzImport(f *testing.F) { plugintest.Fuzz(f, Importer{}, "testdata") }

func imported(t *testing.T, in plugin.Input, text string) (*plugintest.Collector, plugin.Report) {
	t.Helper()
	in.Name, in.Reader = "r.json", strings.NewReader(text)
	c, report, err := plugintest.Import(t.Context(), Importer{}, in)
	if err != nil {
		t.Fatal(err)
	}
	c.Check(t)
	return c, report
}

const (
	digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	image  = `"source":{"type":"image","target":{"userInput":"shop:1","manifestDigest":"` + digest + `"}}`
	one    = `{"vulnerability":{"id":"CVE-2024-0001","severity":"High"},"artifact":{"name":"a","version":"1","type":"deb","locations":[{"path":"/var/lib/dpkg/status"}]}}`
)

// What a report covers decides what it closes, so it must never be too much.
func TestCoverage(t *testing.T) {
	for name, tc := range map[string]struct {
		in     plugin.Input
		text   string
		covers bool
		except []string
	}{
		"a whole image":             {plugin.Input{}, `{"matches":[` + one + `],` + image + `}`, true, nil},
		"nothing found":             {plugin.Input{}, `{"matches":[],` + image + `}`, true, nil},
		"the type is not said":      {plugin.Input{}, `{"matches":[],` + strings.Replace(image, `"type":"image",`, "", 1) + `}`, true, nil},
		"some ignored":              {plugin.Input{}, `{"matches":[],"ignoredMatches":[` + one + `],` + image + `}`, true, []string{"/var/lib/dpkg/status#a"}},
		"an ignored one unreadable": {plugin.Input{}, `{"matches":[],"ignoredMatches":[7],` + image + `}`, false, nil},
		"a match unreadable":        {plugin.Input{}, `{"matches":[7],` + image + `}`, false, nil},
		"a match of nothing":        {plugin.Input{}, `{"matches":[{}],` + image + `}`, false, nil},
		"a person names it":         {plugin.Input{Asset: "shop"}, `{"matches":[],` + image + `}`, false, nil},
		"a person gives an address": {plugin.Input{Address: "192.0.2.1"}, `{"matches":[],` + image + `}`, false, nil},
		"a folder":                  {plugin.Input{}, `{"matches":[],"source":{"type":"directory","target":"."}}`, false, nil},
		"no digest":                 {plugin.Input{}, `{"matches":[],"source":{"type":"image","target":{"userInput":"shop:1"}}}`, false, nil},
		"not said what":             {plugin.Input{}, `{"matches":[]}`, false, nil},
		"only what has a fix":       {plugin.Input{}, `{"matches":[],` + image + `,"descriptor":{"configuration":{"only-fixed":true}}}`, false, nil},
		"only what has none":        {plugin.Input{}, `{"matches":[],` + image + `,"descriptor":{"configuration":{"only-notfixed":true}}}`, false, nil},
		"parts left out":            {plugin.Input{}, `{"matches":[],` + image + `,"descriptor":{"configuration":{"exclude":["/usr"]}}}`, false, nil},
		"rules to ignore":           {plugin.Input{}, `{"matches":[],` + image + `,"descriptor":{"configuration":{"ignore":[{"vulnerability":"CVE-2024-0001"}]}}}`, false, nil},
	} {
		c, report := imported(t, tc.in, tc.text)
		if got := len(c.Coverage) == 1; got != tc.covers || got && (!c.Coverage[0].Judged || !slices.Equal(c.Coverage[0].Except, tc.except)) {
			t.Errorf("%s: covers %+v", name, c.Coverage)
		}
		if len(report.Limits) == 0 == !tc.covers {
			t.Errorf("%s: limits %v", name, report.Limits)
		}
		if !plugintest.SameFromMemory(t, Importer{}, "r.json", []byte(tc.text)) {
			t.Errorf("%s: nothing is kept", name)
		}
	}
}

// A digest names one build; a name that a person gives, the thing.
func TestSubject(t *testing.T) {
	c, _ := imported(t, plugin.Input{}, `{"matches":[`+one+`],`+image+`}`)
	if a := c.Assets[0]; a.Kind != gyre.Image || a.Name != "shop:1" || a.Identifiers[0] != (gyre.Identifier{Type: gyre.IDDigest, Value: digest}) || a.Identifiers[1].Value != "image:shop:1" {
		t.Errorf("by itself: %+v", a)
	}
	c, _ = imported(t, plugin.Input{Asset: "Shop"}, `{"matches":[`+one+`],`+image+`}`)
	if a := c.Assets[0]; len(a.Identifiers) != 1 || a.Identifiers[0].Value != "asset:shop" || a.Name != "Shop" || a.Attributes["digest"] != digest {
		t.Errorf("as a person names it: %+v", a)
	}
}

func TestHostile(t *testing.T) {
	for _, text := range []string{``, `[]`, `{}`, `{"matches":`, `{"matches":[]`, `{"matches":[{"artifact":`, `{"matches":[]} x`, `{"matches":` + strings.Repeat(`[`, 300)} {
		_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "r", Reader: strings.NewReader(text)})
		if code := gyre.ErrorCode(err); code != gyre.Invalid && code != gyre.TooLarge {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

// A report of 200 MB takes no more memory than a small one.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 200 MB")
	}
	piece := `{"vulnerability":{"id":"CVE-2024-%d000","severity":"High","description":"` + strings.Repeat("x", 1800) + `"},"artifact":{"name":"p%d","version":"1","type":"npm"}},`
	const n = 100_000
	r := plugintest.Repeated(`{"matches":[`, piece, one+`],`+image+`}`, n)
	plugintest.Bounded(t, Importer{}, plugin.Input{Name: "big.json", Reader: r}, n, 64)
}

// Real reports, with the number of findings that another tool's tests expect.
func TestCorpus(t *testing.T) {
	plugintest.Corpus(t, Importer{}, "../../../../shared/corpus", "anchore_grype", map[string]string{
		"check_all_fields.json": "lists one package with one vulnerability twice; each is a sighting, and both are one exposure",
	})
}
