// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package identify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/match"
)

// componentChunk is how many components are matched between two look-ups of
// advisories: enough to make few queries, few enough to hold.
const componentChunk = 500

// components matches every component that stands after the run against the
// advisories of its package; with a time only those that were not seen since.
func (j *judging) components(ctx context.Context, before time.Time) error {
	skipped := match.Skipped{}
	chunk := make([]gyre.Component, 0, componentChunk)
	flush := func() error {
		err := j.match(ctx, chunk, skipped)
		chunk = chunk[:0]
		return err
	}
	err := j.Store.EachComponentOfRun(ctx, j.ws, j.run, func(c gyre.Component) error {
		if !before.IsZero() && !c.LastSeen.Before(before) {
			return nil
		}
		chunk = append(chunk, c)
		if len(chunk) == componentChunk {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return fmt.Errorf("match components: %w", err)
	}
	for _, reason := range slices.Sorted(maps.Keys(skipped)) {
		j.report.Limits = append(j.report.Limits, fmt.Sprintf("%d comparisons of versions were left out: %s", skipped[reason], reason))
	}
	return nil
}

func (j *judging) match(ctx context.Context, components []gyre.Component, skipped match.Skipped) error {
	wanted := map[match.PackageKey]bool{}
	for _, c := range components {
		if key, ok := match.ComponentKey(c); ok {
			wanted[key] = true
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	raw, err := j.Store.Advisories(ctx, slices.Collect(maps.Keys(wanted)))
	if err != nil {
		return fmt.Errorf("read advisories: %w", err)
	}
	byPackage := map[match.PackageKey][]*match.Advisory{}
	for _, b := range raw {
		a, err := match.Decode(b)
		if err != nil {
			return fmt.Errorf("decode stored advisory: %w", err)
		}
		for _, key := range a.Packages() {
			if wanted[key] {
				byPackage[key] = append(byPackage[key], &a)
			}
		}
	}
	var refs []gyre.Ref
	for _, c := range components {
		if key, ok := match.ComponentKey(c); ok && len(byPackage[key]) > 0 {
			refs = append(refs, gyre.RefID(c.Asset))
		}
	}
	if err := j.readAssets(ctx, refs); err != nil {
		return err
	}
	for _, c := range components {
		key, ok := match.ComponentKey(c)
		if !ok || len(byPackage[key]) == 0 {
			continue
		}
		hits := match.Match(c, byPackage[key], skipped)
		if len(hits) == 0 {
			continue
		}
		ref := gyre.RefID(c.Asset)
		asset, err := j.asset(ctx, ref)
		if err != nil {
			return err
		}
		credentialed := j.credentialed(ref, c.Location)
		for _, f := range match.Findings(asset.Kind, c, hits) {
			f.Asset, f.Credentialed = ref, credentialed
			j.batch.Findings = append(j.batch.Findings, f)
		}
		if err := j.flushIfFull(ctx); err != nil {
			return err
		}
	}
	return nil
}

// credentialed says whether the run looked at the component's file with credentials.
func (j *judging) credentialed(asset gyre.Ref, location string) bool {
	for _, c := range j.coverage {
		if c.Credentialed && c.Asset == asset && c.Aspect == gyre.AspectPackage &&
			(c.Covers(location) || slices.ContainsFunc(c.Loci, func(l string) bool { return strings.HasPrefix(l, location+"#") })) {
			return true
		}
	}
	return false
}
