// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package plugintest holds the contract suites of package plugin: what every
// importer and every source must do, whatever it reads. Tests of plug-ins import
// it, nothing else does.
package plugintest

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Collector is an Emit that keeps what it is given and says what is wrong with it.
type Collector struct {
	gyre.Batch // all batches as one
	Wrong      []string

	mu    sync.Mutex
	refs  map[gyre.Ref]bool
	sizes [][6]int // of the batches, by part
}

const maxBatch = 5000

// Emit implements plugin.Emit.
func (c *Collector) Emit(ctx context.Context, b *gyre.Batch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.refs == nil {
		c.refs = map[gyre.Ref]bool{}
	}
	if n := len(b.Assets) + len(b.Relations) + len(b.Components) + len(b.Facts) + len(b.Findings) + len(b.Coverage); n > maxBatch {
		c.wrongf("a batch of %d entries; at most %d", n, maxBatch)
	} else if n == 0 {
		c.wrongf("an empty batch")
	}
	c.sizes = append(c.sizes, [6]int{len(b.Assets), len(b.Relations), len(b.Components), len(b.Facts), len(b.Findings), len(b.Coverage)})
	c.assets(b.Assets)
	for _, r := range b.Relations {
		c.ref("relation", r.From)
		c.ref("relation", r.To)
		if r.Type == "" {
			c.wrongf("a relation without a type")
		}
	}
	for _, p := range b.Components {
		c.ref("component "+p.Name, p.Asset)
		if p.Name == "" {
			c.wrongf("component %+v has no name", p)
		}
		c.text("component", p.Name+p.Version+p.Location)
	}
	for _, f := range b.Facts {
		c.ref("fact at "+f.Locus, f.Asset)
		c.text("locus of a fact", f.Locus)
		if f.Aspect == "" || len(f.Data) == 0 {
			c.wrongf("fact at %q has no aspect or no data", f.Locus)
		}
		c.json(fmt.Sprintf("fact at %q", f.Locus), f.Data)
	}
	c.findings(b.Findings)
	for _, v := range b.Coverage {
		c.ref("coverage", v.Asset)
		if v.Aspect == "" {
			c.wrongf("coverage of %q without an aspect", v.Asset)
		}
		if v.Loci != nil && len(v.Loci) == 0 || v.Weaknesses != nil && len(v.Weaknesses) == 0 {
			c.wrongf("coverage of %q lists nothing: leave it out; nil would mean everything", v.Asset)
		}
	}
	c.Assets = append(c.Assets, b.Assets...)
	c.Relations = append(c.Relations, b.Relations...)
	c.Components = append(c.Components, b.Components...)
	c.Facts = append(c.Facts, b.Facts...)
	c.Findings = append(c.Findings, b.Findings...)
	c.Coverage = append(c.Coverage, b.Coverage...)
	return nil
}

func (c *Collector) assets(all []gyre.AssetSighting) {
	for _, a := range all {
		c.refs[a.Ref] = true
		if a.Ref == "" || strings.HasPrefix(string(a.Ref), "id:") {
			c.wrongf("asset %q has ref %q", a.Name, a.Ref)
		}
		if a.Kind == "" || a.Name == "" || len(a.Identifiers) == 0 {
			c.wrongf("asset %+v lacks kind, name or identifiers", a)
		}
		c.text("asset name", a.Name)
		for _, id := range a.Identifiers {
			if bad := wrongIdentifier(id); bad != "" {
				c.wrongf("asset %q: identifier %s %q: %s", a.Name, id.Type, id.Value, bad)
			}
		}
	}
}

func wrongIdentifier(id gyre.Identifier) string {
	switch {
	case id.Type.Strength() == 0:
		return "type is not known"
	case id.Value == "" || strings.TrimSpace(id.Value) != id.Value:
		return "empty or padded"
	case id.Value != strings.ToLower(id.Value):
		return "not lower case"
	case strings.HasSuffix(id.Value, "."):
		return "ends in a dot"
	case id.Zone != "" && !id.Type.Zoned():
		return "has a zone"
	}
	if id.Type == gyre.IDIP {
		if a, err := netip.ParseAddr(id.Value); err != nil || a.String() != id.Value {
			return "not an address in normal form"
		}
	}
	return ""
}

func (c *Collector) findings(all []gyre.Finding) {
	for _, f := range all {
		c.ref("finding "+f.Weakness.Key, f.Asset)
		c.text("locus of a finding", f.Locus)
		switch {
		case f.Weakness.Key == "" || f.Aspect == "" || f.Evidence.Summary == "":
			c.wrongf("finding %q at %q lacks weakness key, aspect or summary", f.Weakness.Key, f.Locus)
		case !slices.Contains(gyre.Classes, f.Weakness.Class):
			c.wrongf("finding %q: class %q is not known", f.Weakness.Key, f.Weakness.Class)
		case f.Severity < gyre.SeverityInfo || f.Severity > gyre.SeverityCritical:
			c.wrongf("finding %q: severity %d", f.Weakness.Key, f.Severity)
		case f.Weakness.Title == "":
			c.wrongf("finding %q has no title", f.Weakness.Key)
		}
		for _, cwe := range f.Weakness.CWEs {
			if !strings.HasPrefix(cwe, "CWE-") {
				c.wrongf("finding %q: %q is no CWE id", f.Weakness.Key, cwe)
			}
		}
		c.json("evidence of "+f.Weakness.Key, f.Evidence.Data)
	}
}

func (c *Collector) ref(what string, r gyre.Ref) {
	if !c.refs[r] && !strings.HasPrefix(string(r), "id:") {
		c.wrongf("%s names ref %q, which no asset introduced before", what, r)
	}
}

func (c *Collector) text(what, s string) {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || len(s) > 8<<10 {
		c.wrongf("%s %.60q is not clean text", what, s)
	}
}

// json holds what gyre.Fact promises of its data.
func (c *Collector) json(what string, v any) {
	switch v := v.(type) {
	case nil, bool, float64, int64, string:
	case []any:
		for _, e := range v {
			c.json(what, e)
		}
	case map[string]any:
		for _, e := range v {
			c.json(what, e)
		}
	default:
		c.wrongf("%s holds a %T; only nil, bool, float64, int64, string, []any and map[string]any", what, v)
	}
}

func (c *Collector) wrongf(format string, args ...any) {
	if len(c.Wrong) < 20 {
		c.Wrong = append(c.Wrong, fmt.Sprintf(format, args...))
	}
}

// Check reports what was wrong.
func (c *Collector) Check(t testing.TB) {
	t.Helper()
	for _, w := range c.Wrong {
		t.Error(w)
	}
}

func checkInfo(t *testing.T, i plugin.Info) {
	t.Helper()
	if i.Name == "" || i.Name != strings.ToLower(i.Name) || strings.ContainsAny(i.Name, " /") || i.Title == "" || i.Description == "" || i.Version == "" {
		t.Errorf("Info is incomplete: %+v", i)
	}
}
