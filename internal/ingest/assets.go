// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// assets resolves the sightings and the stored refs of a batch.
func (w *write) assets(ctx context.Context, b *gyre.Batch) error {
	all := make([]sighting, 0, len(b.Assets))
	for i := range b.Assets {
		s, err := sightingOf(&b.Assets[i])
		if err != nil {
			return at("assets", i, err)
		}
		all = append(all, s)
	}
	refs, err := w.storedRefs(b)
	if err != nil {
		return err
	}
	for _, s := range all { // earlier batches may have introduced them
		if id, ok := w.lookup(s.Ref); ok && id != 0 {
			refs = append(refs, id)
		}
	}
	if len(all) == 0 && len(refs) == 0 {
		return nil
	}
	if err := w.followRefs(ctx, refs); err != nil {
		return err
	}
	who, err := w.whoIsWho(ctx, all)
	if err != nil {
		return err
	}
	for i := range refs {
		refs[i] = w.now(refs[i])
	}
	e, err := w.loadEstate(ctx, all, append(refs, who.known()...))
	if err != nil {
		return err
	}
	for ref, id := range w.added { // refs of stored assets
		if e.assets[w.now(id)] == nil {
			return gyre.FieldErrorf(gyre.Invalid, "asset", "there is no asset %s", ref)
		}
	}
	give := map[string]map[gyre.Identifier]gyre.ID{}
	for i := range all {
		w.sight(e, &all[i], who, i, give)
	}
	return w.saveAssets(ctx, e, give)
}

// sightingOf is a sighting in normal form.
func sightingOf(in *gyre.AssetSighting) (sighting, error) {
	s := *in
	var err error
	if s.Ref == "" {
		return sighting{}, gyre.FieldErrorf(gyre.Invalid, "ref", "is empty")
	}
	if s.Name, err = short("name", s.Name, maxName); err != nil {
		return sighting{}, err
	}
	zone, err := short("zone", string(s.Zone), 64)
	if err != nil {
		return sighting{}, err
	}
	s.Zone = gyre.Zone(strings.ToLower(zone))
	if s.Criticality < gyre.CriticalityUnset || s.Criticality > gyre.CriticalityCrown {
		return sighting{}, gyre.FieldErrorf(gyre.Invalid, "criticality", "%d is not 0 to 4", s.Criticality)
	}
	s.Owner = prose(strings.TrimSpace(s.Owner), maxName)
	s.Tags = words(s.Tags, 200)
	for i, t := range s.Tags {
		s.Tags[i] = strings.Join(strings.Fields(t), " ")
	}
	if len(s.Attributes) > maxListed {
		return sighting{}, gyre.FieldErrorf(gyre.Invalid, "attributes", "%d attributes, at most %d are allowed", len(s.Attributes), maxListed)
	}
	attributes := make(map[string]string, len(s.Attributes))
	for k, v := range s.Attributes {
		if k, v = prose(strings.TrimSpace(k), 100), prose(strings.TrimSpace(v), 1<<10); k != "" && v != "" {
			attributes[k] = v
		}
	}
	s.Attributes = attributes
	out := sighting{AssetSighting: &s, family: familyOf(s.Kind)}
	if strings.HasPrefix(string(s.Ref), "id:") && len(s.Identifiers) == 0 {
		return out, nil // the ref itself is the identity
	}
	out.ids, err = identifiersOf(&s)
	return out, err
}

// storedRefs adds the refs that gyre.RefID made, and returns their assets.
func (w *write) storedRefs(b *gyre.Batch) ([]gyre.ID, error) {
	var ids []gyre.ID
	var bad error
	add := func(ref gyre.Ref) {
		text, ok := strings.CutPrefix(string(ref), "id:")
		if !ok || bad != nil {
			return
		}
		if _, known := w.lookup(ref); known {
			return
		}
		id, err := gyre.ParseID(text)
		if err != nil || id == 0 {
			bad = gyre.FieldErrorf(gyre.Invalid, "asset", "%q is not the ref of a stored asset", prose(string(ref), 80))
			return
		}
		w.added[ref] = id
		ids = append(ids, id)
	}
	for i := range b.Assets {
		add(b.Assets[i].Ref)
	}
	for i := range b.Relations {
		add(b.Relations[i].From)
		add(b.Relations[i].To)
	}
	for i := range b.Components {
		add(b.Components[i].Asset)
	}
	for i := range b.Facts {
		add(b.Facts[i].Asset)
	}
	for i := range b.Findings {
		add(b.Findings[i].Asset)
	}
	for i := range b.Coverage {
		add(b.Coverage[i].Asset)
	}
	return ids, bad
}

// sight merges what one sighting says into its asset.
func (w *write) sight(e *estate, s *sighting, who *who, i int, give map[string]map[gyre.Identifier]gyre.ID) {
	id, introduced := w.lookup(s.Ref)
	if s.KnownOnly {
		if !introduced || id == 0 {
			id = e.match(s)
		}
		if !introduced || id != 0 {
			w.added[s.Ref] = id // 0: nobody knows it, so it is dropped
		}
		return
	}
	if is := who.of[i]; is != 0 {
		id = is
	}
	a := e.assets[id]
	if a == nil {
		a = newAsset(s, w.run.Workspace)
		a.ID, a.FirstSeen, a.LastSeen = id, w.at, w.at
		e.assets[id] = a
		w.seen[id], w.fresh[id] = true, true
		w.counts.NewAssets++
	}
	strongest := 0
	for _, i := range a.Identifiers {
		strongest = max(strongest, i.Type.Strength())
	}
	mine := 0
	for _, i := range s.ids {
		mine = max(mine, i.Type.Strength())
	}
	a.absorb(s, mine-strongest)
	if give[s.family] == nil {
		give[s.family] = map[gyre.Identifier]gyre.ID{}
	}
	for _, i := range s.ids {
		give[s.family][i] = a.ID
		if !slices.Contains(a.Identifiers, i) {
			a.Identifiers = append(a.Identifiers, i)
			a.note("identifiers")
		}
	}
	w.added[s.Ref] = a.ID
	w.touched[a.ID] = true
	if _, counted := w.seen[a.ID]; !counted {
		w.seen[a.ID] = false
	}
}

func newAsset(s *sighting, ws gyre.ID) *known {
	kind := s.Kind
	if kind == "" {
		kind = gyre.Host
	}
	return &known{isNew: true, Asset: gyre.Asset{Workspace: ws, Kind: kind, Name: nameOf(s), Attributes: map[string]string{}}}
}

// nameOf is what to call an asset: its name, else its best name, else its address.
func nameOf(s *sighting) string {
	if s.Name != "" {
		return s.Name
	}
	for _, t := range []gyre.IdentifierType{gyre.IDFQDN, gyre.IDHostname, gyre.IDIP} {
		for _, i := range s.ids {
			if i.Type == t {
				return i.Value
			}
		}
	}
	if len(s.ids) > 0 {
		return s.ids[0].Value
	}
	return string(s.Kind)
}

// exposure of zones, most exposed last. An asset that several sources place
// differently counts as where it is most exposed.
var zoneRank = map[gyre.Zone]int{"": 0, gyre.ZoneManagement: 2, gyre.ZoneInternal: 3, gyre.ZoneDMZ: 4, gyre.ZoneInternet: 5}

func rank(z gyre.Zone) int {
	if r, ok := zoneRank[z]; ok {
		return r
	}
	return 1
}

// absorb takes over what a sighting says. Empty fields say nothing; what a
// person has set stays; of two sources that differ the better informed one, which knows
// the stronger identifier, has its way, so that they do not take turns. Attributes change in
// the course of time, so equals may replace them. better is how much stronger the
// sighting's best identifier is than the asset's.
func (a *known) absorb(s *sighting, better int) {
	informed := better > 0
	set := func(field string, have *string, say string, informed bool) {
		if say != "" && say != *have && (*have == "" || informed) && !slices.Contains(a.Pinned, field) {
			*have = say
			a.note(field)
		}
	}
	if isAddress(a.Name) && !isAddress(nameOf(s)) {
		set("name", &a.Name, nameOf(s), true)
	} else if !isAddress(s.Name) {
		set("name", &a.Name, s.Name, informed)
	}
	set("owner", &a.Owner, s.Owner, informed)
	if s.Zone != a.Zone && rank(s.Zone) > rank(a.Zone) {
		a.Zone = s.Zone
		a.note("zone")
	}
	if s.Criticality > a.Criticality && !slices.Contains(a.Pinned, "criticality") {
		a.Criticality = s.Criticality
		a.note("criticality")
	}
	if !slices.Contains(a.Pinned, "tags") {
		for _, t := range s.Tags {
			if !slices.Contains(a.Tags, t) {
				a.Tags = append(a.Tags, t)
				a.note("tags")
			}
		}
		slices.Sort(a.Tags)
	}
	for _, k := range sortedKeys(s.Attributes) {
		if a.Attributes == nil {
			a.Attributes = map[string]string{}
		}
		v := a.Attributes[k]
		before := v
		set("attributes", &v, s.Attributes[k], better >= 0)
		if v != before {
			a.Attributes[k] = v
		}
	}
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// saveAssets stores what changed and notes what was seen.
func (w *write) saveAssets(ctx context.Context, e *estate, give map[string]map[gyre.Identifier]gyre.ID) error {
	var save []gyre.Asset
	var same []gyre.ID
	ids := sortedKeys(w.touched)
	for _, id := range ids {
		a := e.assets[id]
		switch {
		case a.isNew:
			w.event(gyre.Event{Object: "asset", ID: id, Kind: "created", To: a.Name})
		case len(a.changes) > 0:
			slices.Sort(a.changes)
			w.event(gyre.Event{Object: "asset", ID: id, Kind: "updated", To: strings.Join(a.changes, " ")})
		default:
			same = append(same, id)
			continue
		}
		if a.LastSeen.Before(w.at) {
			a.LastSeen = w.at
		}
		if w.at.Before(a.FirstSeen) {
			a.FirstSeen = w.at
		}
		save = append(save, a.Asset)
	}
	if err := w.tx.SaveAssets(ctx, save); err != nil {
		return err
	}
	if err := w.tx.TouchAssets(ctx, same, w.at); err != nil {
		return err
	}
	for _, family := range sortedKeys(give) {
		var keys []gyre.Identifier
		var owners []gyre.ID
		for i := range give[family] {
			keys = append(keys, i)
		}
		slices.SortFunc(keys, func(a, b gyre.Identifier) int {
			return strings.Compare(string(a.Type)+a.Value+string(a.Zone), string(b.Type)+b.Value+string(b.Zone))
		})
		for _, k := range keys {
			owners = append(owners, give[family][k])
		}
		if err := w.tx.SaveIdentifiers(ctx, family, keys, owners, w.at); err != nil {
			return err
		}
	}
	return nil
}
