// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/correlate"
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
	var aliases, related []string
	for _, a := range words(in.Aliases, maxName) {
		switch a = keyOf(a); {
		case a == w.Key:
		case isBundle(a):
			related = append(related, a)
		default:
			aliases = append(aliases, a)
		}
	}
	cves := only(aliases, correlate.IsCVE)
	if !correlate.IsCVE(w.Key) && len(cves) == 1 {
		if other := w.Key; isBundle(other) {
			related = append(related, other)
		} else {
			aliases = append(aliases, other)
		}
		w.Key = cves[0]
	}
	// What names several CVEs is a bulletin, not a name of one of them; they are
	// weaknesses of their own.
	aliases = slices.DeleteFunc(aliases, correlate.IsCVE)
	if len(cves) > 1 && !correlate.IsCVE(w.Key) {
		related = append(related, cves...)
	}
	w.Aliases, w.Related = sorted(aliases), sorted(append(related, words(in.Related, maxName)...))
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

func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
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

// weaknesses resolves the weaknesses of findings, and stores what is new of
// them. It returns what each is stored as.
func (w *write) weaknesses(ctx context.Context, all []finding) ([]named, error) {
	out := make([]named, len(all))
	var news []gyre.Weakness // what this run has not said before
	var of []said
	at := make([]int, len(all)) // of each in news
	asked := map[said]int{}
	for i := range all {
		is := all[i].said
		if out[i] = w.known[is]; out[i].id != 0 {
			continue
		}
		n, twice := asked[is]
		if !twice {
			n = len(news)
			asked[is], news, of = n, append(news, all[i].Weakness), append(of, is)
		}
		at[i] = n
	}
	if len(news) == 0 {
		return out, nil
	}
	stored, err := w.store(ctx, news)
	if err != nil {
		return nil, err
	}
	if w.renamed { // of what was known before, too
		clear(w.known)
		clear(w.learned)
		every := make([]gyre.Weakness, len(all))
		for i := range all {
			every[i] = all[i].Weakness
		}
		return w.store(ctx, every)
	}
	for n := range stored {
		w.learned[of[n]] = stored[n]
	}
	for i := range out {
		if out[i].id == 0 {
			out[i] = stored[at[i]]
		}
	}
	return out, nil
}

// store stores what is new of weaknesses. It returns what each is stored as.
func (w *write) store(ctx context.Context, all []gyre.Weakness) ([]named, error) {
	byName, err := w.named(ctx, all)
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
	out := make([]named, len(all))
	changed := map[gyre.ID]bool{}
	for i := range all {
		id := byName[all[i].Key]
		if now[id] == nil {
			return nil, gyre.Errorf(gyre.Internal, "weakness %q was not resolved", all[i].Key)
		}
		if join(now[id], &all[i], w.run.Source) {
			changed[id] = true
		}
		out[i] = named{id, now[id].Key}
	}
	var save []gyre.Weakness
	for _, id := range sortedKeys(changed) {
		w.event(gyre.Event{Object: "weakness", ID: id, Kind: "updated", To: now[id].Key})
		save = append(save, *now[id])
	}
	return out, w.tx.SaveWeaknesses(ctx, save)
}

// named finds the weaknesses that keys are names of. What is new, and what a
// report says of names that nobody has said before, is resolved first.
func (w *write) named(ctx context.Context, all []gyre.Weakness) (map[string]gyre.ID, error) {
	at := make(map[string]int, len(all)) // the first that says something of a key
	var keys, tied []string
	for i := range all {
		if _, twice := at[all[i].Key]; !twice {
			at[all[i].Key] = i
			keys = append(keys, all[i].Key)
		}
		if len(all[i].Aliases) > 0 {
			tied = append(tied, all[i].Key)
		}
	}
	byName, err := w.tx.WeaknessesByAlias(ctx, keys)
	if err != nil {
		return nil, err
	}
	var ask []string
	for _, k := range keys {
		if byName[k] == 0 {
			ask = append(ask, k)
		}
	}
	if len(tied) > 0 {
		fresh, err := w.tieNames(ctx, all, sorted(tied))
		if err != nil {
			return nil, err
		}
		ask = append(ask, fresh...)
	}
	if len(ask) == 0 {
		return byName, nil
	}
	if err := w.unify(ctx, sorted(ask), func(name string) *gyre.Weakness {
		if i, ok := at[name]; ok {
			return &all[i]
		}
		return nil
	}); err != nil {
		return nil, err
	}
	return w.tx.WeaknessesByAlias(ctx, keys)
}

// tieNames stores what findings say of names, and returns the names of which
// something new is said.
func (w *write) tieNames(ctx context.Context, all []gyre.Weakness, keys []string) ([]string, error) {
	known, err := w.tx.ReportTies(ctx, keys)
	if err != nil {
		return nil, err
	}
	var ties []gyre.Tie
	var names []string
	for i := range all {
		for _, a := range all[i].Aliases {
			if k := all[i].Key; !slices.Contains(known[k], a) {
				known[k] = append(known[k], a)
				ties = append(ties, gyre.Tie{Name: k, Other: a, By: gyre.TieReport, Source: w.run.Observer()})
				names = append(names, k, a)
			}
		}
	}
	return names, w.tx.AddTies(ctx, ties)
}

// judge is the source of runs that judge by checks and advisories: what it says
// of a check is the pack's own word.
const judge = "identify"

// join takes into have what a report adds, and says whether that changed it.
// What several tools say of one weakness is joined so that their order does not
// matter and saying it again changes nothing: names are resolved elsewhere (unify), lists are united, the worse
// rating stays, and text is kept once it is there. Checks are defined in one place,
// so theirs is replaced.
func join(have, in *gyre.Weakness, source string) bool {
	before := *have
	if source == judge && !correlate.IsCVE(in.Key) && have.Key == in.Key {
		id, aliases := have.ID, have.Aliases
		*have = *in
		have.ID, have.Aliases, have.Related = id, aliases, united(before.Related, in.Related)
		return !equal(&before, have)
	}
	have.Related = united(have.Related, slices.DeleteFunc(slices.Clone(in.Related), func(a string) bool { return a == have.Key || slices.Contains(have.Aliases, a) }))
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
	for _, l := range []*[]string{&w.Aliases, &w.Related, &w.CWEs, &w.References} {
		if len(*l) == 0 {
			*l = nil
		}
	}
	return w
}
