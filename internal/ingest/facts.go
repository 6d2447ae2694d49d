// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"slices"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/locus"
)

func (w *write) relations(ctx context.Context, b *gyre.Batch) error {
	type edge struct {
		from, to gyre.ID
		typ      gyre.RelationType
	}
	seen := map[edge]bool{}
	var all []gyre.Relation
	for i, r := range b.Relations {
		from, ok1, err := w.asset("from", r.From)
		if err != nil {
			return at("relations", i, err)
		}
		to, ok2, err := w.asset("to", r.To)
		if err != nil {
			return at("relations", i, err)
		}
		if err := checkRelation(r); err != nil {
			return at("relations", i, err)
		}
		k := edge{from, to, r.Type}
		if !ok1 || !ok2 || from == to || seen[k] {
			continue
		}
		seen[k] = true
		all = append(all, gyre.Relation{From: from, To: to, Type: r.Type, LastSeen: w.at})
	}
	return w.tx.SaveRelations(ctx, all)
}

func checkRelation(r gyre.RelationSighting) error {
	if r.Type == "" || len(r.Type) > 64 {
		return gyre.FieldErrorf(gyre.Invalid, "type", "%q is not a relation type", prose(string(r.Type), 80))
	}
	return nil
}

func (w *write) components(ctx context.Context, b *gyre.Batch) error {
	type place struct {
		asset          gyre.ID
		location, purl string
	}
	at2 := map[place]int{} // a statement may not touch a row twice: the last one wins
	var all []gyre.Component
	for i := range b.Components {
		c := b.Components[i]
		asset, ok, err := w.asset("asset", c.Asset)
		if err != nil {
			return at("components", i, err)
		}
		if err := normaliseComponent(&c); err != nil {
			return at("components", i, err)
		}
		if !ok {
			continue
		}
		w.touched[asset] = true
		row := gyre.Component{
			ID: gyre.NewID(), Asset: asset, PURL: c.PURL, Ecosystem: c.Ecosystem, Name: c.Name, Version: c.Version, Source: c.Source,
			Location: c.Location, FirstSeen: w.at, LastSeen: w.at,
		}
		k := place{asset, c.Location, c.PURL}
		if j, twice := at2[k]; twice {
			all[j] = row
			continue
		}
		at2[k] = len(all)
		all = append(all, row)
	}
	w.counts.Components += len(all)
	return w.tx.SaveComponents(ctx, w.run.Source, all)
}

// normaliseComponent brings a component into normal form.
func normaliseComponent(c *gyre.ComponentSighting) (err error) {
	for _, f := range []struct {
		name  string
		value *string
		limit int
	}{
		{"purl", &c.PURL, maxPURL},
		{"ecosystem", &c.Ecosystem, 100},
		{"name", &c.Name, maxName},
		{"version", &c.Version, maxName},
		{"source", &c.Source, maxName},
		{"location", &c.Location, maxLocus},
	} {
		if *f.value, err = short(f.name, *f.value, f.limit); err != nil {
			return err
		}
	}
	if c.Name == "" {
		return gyre.FieldErrorf(gyre.Invalid, "name", "is empty")
	}
	if c.PURL == "" { // what has no purl is told apart by what it has
		c.PURL = prose("pkg:generic/"+c.Name+"@"+c.Version, maxPURL)
	}
	return nil
}

func aspectOf(a gyre.Aspect) (gyre.Aspect, error) {
	s, err := short("aspect", string(a), 64)
	if err == nil && s == "" {
		err = gyre.FieldErrorf(gyre.Invalid, "aspect", "is empty")
	}
	return gyre.Aspect(s), err
}

func (w *write) facts(ctx context.Context, b *gyre.Batch) error {
	type place struct {
		asset  gyre.Ref
		aspect gyre.Aspect
		locus  string
	}
	where := map[place]int{}
	var all []gyre.Fact
	for i := range b.Facts {
		f := b.Facts[i]
		asset, ok, err := w.asset("asset", f.Asset)
		if err != nil {
			return at("facts", i, err)
		}
		if err := normaliseFact(&f); err != nil {
			return at("facts", i, err)
		}
		if !ok {
			continue
		}
		w.touched[asset] = true
		f.Asset = gyre.RefID(asset)
		k := place{f.Asset, f.Aspect, f.Locus}
		if j, twice := where[k]; twice {
			all[j] = f
			continue
		}
		where[k] = len(all)
		all = append(all, f)
	}
	w.counts.Facts += len(all)
	return w.tx.SaveFacts(ctx, w.run.Source, all, w.at)
}

// normaliseFact brings a fact into normal form.
func normaliseFact(f *gyre.Fact) (err error) {
	if f.Aspect, err = aspectOf(f.Aspect); err != nil {
		return err
	}
	if f.Locus, err = locusOf(f.Aspect, f.Locus, locus.Normal); err != nil {
		return err
	}
	var size int
	if f.Data, size, err = dataOf(f.Data); err != nil {
		return err
	}
	if size > maxFact {
		return gyre.FieldErrorf(gyre.TooLarge, "data", "%d bytes, at most %d are allowed", size, maxFact)
	}
	return nil
}

func (w *write) coverage(ctx context.Context, b *gyre.Batch) error {
	var all []gyre.Coverage
	for i := range b.Coverage {
		c := b.Coverage[i]
		asset, ok, err := w.asset("asset", c.Asset)
		if err != nil {
			return at("coverage", i, err)
		}
		if err := normaliseCoverage(&c); err != nil {
			return at("coverage", i, err)
		}
		if !ok {
			continue
		}
		c.Asset = gyre.RefID(asset)
		all = append(all, c)
	}
	return w.tx.AddCoverage(ctx, w.run.ID, all)
}

// normaliseCoverage brings a coverage into normal form. Its lists are copied first.
func normaliseCoverage(c *gyre.Coverage) (err error) {
	if c.Aspect, err = aspectOf(c.Aspect); err != nil {
		return err
	}
	for _, loci := range []*[]string{&c.Loci, &c.Except} {
		*loci = slices.Clone(*loci) // nil, everything, stays nil
		for j := range *loci {
			if (*loci)[j], err = locusOf(c.Aspect, (*loci)[j], locus.NormalPattern); err != nil {
				return err
			}
		}
	}
	c.Weaknesses = slices.Clone(c.Weaknesses)
	for j := range c.Weaknesses {
		if c.Weaknesses[j], err = short("weaknesses", c.Weaknesses[j], maxName); err != nil {
			return err
		}
	}
	return nil
}
