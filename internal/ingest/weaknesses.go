// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/gyre-ctem/gyre"
)

// weaknessOf is a weakness in normal form: a CVE id is its key where there is one.
func weaknessOf(in gyre.Weakness) (gyre.Weakness, error) {
	w := in
	w.ID = 0
	var err error
	if w.Key, err = short("weakness.key", w.Key, maxName); err != nil {
		return w, err
	}
	if w.Key == "" {
		return w, gyre.FieldErrorf(gyre.Invalid, "weakness.key", "is empty")
	}
	w.Key = keyOf(w.Key)
	var aliases []string
	for _, a := range words(in.Aliases, maxName) {
		if a = keyOf(a); a != w.Key {
			aliases = append(aliases, a)
		}
	}
	if cves := only(aliases, isCVE); !isCVE(w.Key) && len(cves) == 1 {
		aliases = append(slices.DeleteFunc(aliases, func(a string) bool { return a == cves[0] }), w.Key)
		w.Key = cves[0]
	}
	if isCVE(w.Key) {
		// An advisory that fixes several CVEs names them all; they are weaknesses of their own.
		aliases = slices.DeleteFunc(aliases, isCVE)
	}
	slices.Sort(aliases)
	w.Aliases = slices.Compact(aliases)
	if w.Severity < gyre.SeverityInfo || w.Severity > gyre.SeverityCritical {
		return w, gyre.FieldErrorf(gyre.Invalid, "weakness.severity", "%d is not a severity", w.Severity)
	}
	if w.Class == "" {
		w.Class = gyre.Vulnerability
	}
	if !slices.Contains(gyre.Classes, w.Class) {
		return w, gyre.FieldErrorf(gyre.Invalid, "weakness.class", "%q is not a class", prose(string(w.Class), 60))
	}
	if w.CVSSScore < 0 || w.CVSSScore > 10 || w.CVSSScore != w.CVSSScore {
		return w, gyre.FieldErrorf(gyre.Invalid, "weakness.cvss_score", "%v is not 0 to 10", w.CVSSScore)
	}
	w.Title, w.CVSS = prose(strings.TrimSpace(w.Title), maxName), prose(strings.TrimSpace(w.CVSS), maxName)
	if w.Title == "" {
		w.Title = w.Key
	}
	w.Description, w.Remediation = prose(w.Description, maxProse), prose(w.Remediation, maxProse)
	w.CWEs, w.References = words(w.CWEs, 40), words(w.References, 2<<10)
	if !w.Published.IsZero() {
		w.Published = micro(w.Published)
	}
	return w, nil
}

// keyOf writes ids of well-known catalogues in their own case.
func keyOf(s string) string {
	for _, prefix := range []string{"CVE-", "GHSA-"} {
		if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
			if prefix == "GHSA-" {
				return prefix + strings.ToLower(s[len(prefix):])
			}
			return strings.ToUpper(s)
		}
	}
	return s
}

func isCVE(s string) bool {
	rest, ok := strings.CutPrefix(s, "CVE-")
	return ok && strings.IndexFunc(rest, func(r rune) bool { return r != '-' && !unicode.IsDigit(r) }) < 0
}

func only(all []string, keep func(string) bool) []string {
	var out []string
	for _, a := range all {
		if keep(a) {
			out = append(out, a)
		}
	}
	return out
}

// Advisories of these kinds fix several weaknesses at once, so sharing one says
// nothing about two weaknesses being the same.
var bundles = []string{"DSA-", "DLA-", "USN-", "RHSA-", "RHBA-", "RHEA-", "ALSA-", "ALBA-", "RLSA-", "ELSA-", "SUSE-", "OPENSUSE-", "ALAS", "MGASA-", "FEDORA-", "DEBIAN-DSA", "TEMP-"}

func isBundle(alias string) bool {
	up := strings.ToUpper(alias)
	return slices.ContainsFunc(bundles, func(p string) bool { return strings.HasPrefix(up, p) })
}

// names are the key and the aliases that identify a weakness.
func names(w *gyre.Weakness) []string {
	out := []string{w.Key}
	for _, a := range w.Aliases {
		if !isBundle(a) {
			out = append(out, a)
		}
	}
	return out
}

// weaknesses resolves the weaknesses of findings, and stores what is new of
// them. It returns the ID and the key of each.
func (w *write) weaknesses(ctx context.Context, all []gyre.Weakness) ([]gyre.ID, error) {
	var aliases []string
	asked := map[string]bool{}
	for i := range all {
		for _, n := range names(&all[i]) {
			if !asked[n] {
				asked[n] = true
				aliases = append(aliases, n)
			}
		}
	}
	byName, err := w.tx.WeaknessesByAlias(ctx, aliases)
	if err != nil {
		return nil, err
	}
	want := map[gyre.ID]bool{}
	for _, id := range byName {
		want[id] = true
	}
	stored, err := w.tx.Weaknesses(ctx, sortedKeys(want))
	if err != nil {
		return nil, err
	}
	now := map[gyre.ID]*gyre.Weakness{}
	for i := range stored {
		now[stored[i].ID] = &stored[i]
	}
	ids := make([]gyre.ID, len(all))
	changed, created := map[gyre.ID]bool{}, map[gyre.ID]bool{}
	for i := range all {
		in := &all[i]
		id := resolve(in, byName, now)
		if id == 0 {
			id = gyre.NewID()
			fresh := *in
			fresh.ID = id
			now[id] = &fresh
			changed[id], created[id] = true, true
		} else if join(now[id], in, w.run.Source) {
			changed[id] = true
		}
		for _, n := range names(now[id]) {
			if _, taken := byName[n]; !taken || n == now[id].Key {
				byName[n] = id
			}
		}
		ids[i] = id
	}
	var save []gyre.Weakness
	for _, id := range sortedKeys(changed) {
		kind := "updated"
		if created[id] {
			kind = "created"
		}
		w.event(gyre.Event{Object: "weakness", ID: id, Kind: kind, To: now[id].Key})
		save = append(save, *now[id])
	}
	return ids, w.tx.SaveWeaknesses(ctx, save)
}

// resolve finds the stored weakness that a reported one is: the one with its
// key, else one with any alias, but two CVEs are never one.
func resolve(in *gyre.Weakness, byName map[string]gyre.ID, now map[gyre.ID]*gyre.Weakness) gyre.ID {
	for _, n := range names(in) {
		id := byName[n]
		if id == 0 || now[id] == nil {
			continue
		}
		if n == in.Key && (now[id].Key == in.Key || !isCVE(in.Key)) {
			return id
		}
		if !isCVE(now[id].Key) || !isCVE(in.Key) || now[id].Key == in.Key {
			return id
		}
	}
	return 0
}

// judge is the source of runs that judge by checks and advisories: what it says
// of a check is the pack's own word.
const judge = "identify"

// join takes into have what a report adds, and says whether that changed it.
// What several tools say of one weakness is joined so that their order does not
// matter and saying it again changes nothing: lists are united, the worse
// rating stays, and text is kept once it is there. Checks are defined in one place,
// so theirs is replaced.
func join(have, in *gyre.Weakness, source string) bool {
	before := *have
	if source == judge && !isCVE(in.Key) && have.Key == in.Key {
		id, aliases := have.ID, have.Aliases
		*have = *in
		have.ID, have.Aliases = id, united(aliases, in.Aliases)
		return !equal(&before, have)
	}
	if isCVE(in.Key) && !isCVE(have.Key) {
		have.Aliases = united(have.Aliases, []string{have.Key})
		have.Key = in.Key
	}
	add := united(in.Aliases, []string{in.Key})
	add = slices.DeleteFunc(add, func(a string) bool { return a == have.Key || (isCVE(a) && isCVE(have.Key)) })
	have.Aliases = united(slices.DeleteFunc(slices.Clone(have.Aliases), func(a string) bool { return a == have.Key }), add)
	have.CWEs, have.References = united(have.CWEs, in.CWEs), united(have.References, in.References)
	if in.CVSSScore > have.CVSSScore {
		have.CVSS, have.CVSSScore = in.CVSS, in.CVSSScore
	}
	have.Severity = max(have.Severity, in.Severity)
	if have.Title == "" || isID(have.Title, have) {
		if !isID(in.Title, have) {
			have.Title = in.Title
		}
	}
	for _, f := range []struct{ have, in *string }{{&have.Description, &in.Description}, {&have.Remediation, &in.Remediation}} {
		if *f.have == "" {
			*f.have = *f.in
		}
	}
	if have.Published.IsZero() {
		have.Published = in.Published
	}
	return !equal(&before, have)
}

func isID(title string, w *gyre.Weakness) bool {
	return title == w.Key || slices.Contains(w.Aliases, title)
}

// united is have with what it lacks of add, at most maxListed.
func united(have, add []string) []string {
	out := slices.Clip(have)
	for _, a := range add {
		if len(out) < maxListed && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	if len(out) > len(have) {
		slices.Sort(out[len(have):])
	}
	return out
}

func equal(a, b *gyre.Weakness) bool {
	return reflect.DeepEqual(normal(*a), normal(*b))
}

// normal tells empty lists and nil apart no longer, as the store does not either.
func normal(w gyre.Weakness) gyre.Weakness {
	for _, l := range []*[]string{&w.Aliases, &w.CWEs, &w.References} {
		if len(*l) == 0 {
			*l = nil
		}
	}
	return w
}
