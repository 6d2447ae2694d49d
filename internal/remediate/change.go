// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package remediate

import (
	"cmp"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// change collects the steps of a check for each place. Places that need the
// same get one step.
func change(group []*Item, assets int, guides Guides) (string, []gyre.Step) {
	var steps mergedSteps
	for _, it := range group {
		var got []gyre.Step
		if guides != nil {
			got = guides.Steps(it.Exposure.Remedy.Check, placeholders(*it))
		}
		if len(got) == 0 {
			got = []gyre.Step{advice(it)}
		}
		for _, s := range got {
			steps.add(s, it.Asset)
		}
	}
	return title(group, assets), steps.list
}

// text is all that is left when no package and no check is known: what the
// reporting tool or the advisory recommends.
func text(group []*Item, assets int) (string, []gyre.Step) {
	var steps mergedSteps
	for _, it := range group {
		steps.add(advice(it), it.Asset)
	}
	return title(group, assets), steps.list
}

func title(group []*Item, assets int) string {
	w := group[0].Weakness
	return "Fix: " + clean(cmp.Or(w.Title, w.Key)) + on(assets, group[0].Asset.Name)
}

func advice(it *Item) gyre.Step {
	s := gyre.Step{Platform: "any", Text: cleanLines(cmp.Or(it.Exposure.Remedy.Text, it.Weakness.Remediation))}
	if s.Text == "" {
		s.Text = "No source says how to fix this."
	}
	if refs := head(it.Weakness.References, 3); len(refs) > 0 {
		s.Text += "\nReferences: " + clean(strings.Join(refs, " "))
	}
	return s
}

// mergedSteps keeps steps in the order of their first appearance.
type mergedSteps struct {
	list []gyre.Step
	at   map[string]int
	seen map[string]bool // step and asset
}

func (m *mergedSteps) add(s gyre.Step, a *gyre.Asset) {
	key := strings.Join(append([]string{s.Platform, s.Text, s.Config}, s.Commands...), "\x00")
	i, ok := m.at[key]
	if !ok {
		if m.at == nil {
			m.at, m.seen = map[string]int{}, map[string]bool{}
		}
		i = len(m.list)
		m.at[key] = i
		s.Assets = nil
		m.list = append(m.list, s)
	}
	name := cmp.Or(a.Name, a.ID.String())
	if key += "\x00" + name; !m.seen[key] {
		m.seen[key] = true
		m.list[i].Assets = append(m.list[i].Assets, name)
	}
}

func cleanLines(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if len(lines) > 60 {
		lines = append(lines[:60:60], "…")
	}
	for i, l := range lines {
		lines[i] = clean(strings.TrimRight(l, " \t\r"))
	}
	return strings.Join(lines, "\n")
}
