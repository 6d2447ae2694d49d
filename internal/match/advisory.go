// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Limits on one record, far above what real ones have.
const (
	// MaxRecord is the largest OSV record that is read.
	MaxRecord     = 16 << 20
	maxAffected   = 20_000
	maxEvents     = 20_000
	maxVersions   = 200_000
	maxNames      = 4_000
	maxReferences = 12
	maxText       = 4 << 10
)

// Advisory is what matching needs of an OSV record (OSV schema 1.7).
type Advisory struct {
	ID         string     `json:"id"`
	Modified   time.Time  `json:"modified,omitzero"`
	Published  time.Time  `json:"published,omitzero"`
	Withdrawn  time.Time  `json:"withdrawn,omitzero"`
	Aliases    []string   `json:"aliases,omitempty"`
	Upstream   []string   `json:"upstream,omitempty"`
	Related    []string   `json:"related,omitempty"`
	Summary    string     `json:"summary,omitempty"`
	Details    string     `json:"details,omitempty"`
	Severity   []Rating   `json:"severity,omitempty"`
	Word       string     `json:"word,omitempty"` // database_specific.severity
	CWEs       []string   `json:"cwes,omitempty"`
	Affected   []Affected `json:"affected,omitempty"`
	References []string   `json:"references,omitempty"`
}

// Rating is a severity: Type CVSS_V2, CVSS_V3, CVSS_V4 with a vector, or a
// distribution's name with a word.
type Rating struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

// Affected says which versions of one package are affected.
type Affected struct {
	Ecosystem string   `json:"ecosystem"`
	Name      string   `json:"name"`
	Ranges    []Range  `json:"ranges,omitempty"`
	Versions  []string `json:"versions,omitempty"`
	Severity  []Rating `json:"severity,omitempty"`
	Word      string   `json:"word,omitempty"` // ecosystem_specific.urgency or .severity
}

// Range is a list of events on the line of versions. Only SEMVER and ECOSYSTEM are kept.
type Range struct {
	Type   string  `json:"type"`
	Events []Event `json:"events"`
}

// Event is one of its fields; introduced "0" is before every version.
type Event struct {
	Introduced   string `json:"introduced,omitempty"`
	Fixed        string `json:"fixed,omitempty"`
	LastAffected string `json:"last_affected,omitempty"`
	Limit        string `json:"limit,omitempty"`
}

// osvRecord is the part of an OSV record that is read. Times are text because
// a wrong one must not lose the record.
type osvRecord struct {
	ID               string          `json:"id"`
	Modified         string          `json:"modified"`
	Published        string          `json:"published"`
	Withdrawn        string          `json:"withdrawn"`
	Aliases          []string        `json:"aliases"`
	Upstream         []string        `json:"upstream"`
	Related          []string        `json:"related"`
	Summary          string          `json:"summary"`
	Details          string          `json:"details"`
	Severity         []Rating        `json:"severity"`
	DatabaseSpecific json.RawMessage `json:"database_specific"`
	Affected         []struct {
		Package struct {
			Ecosystem string `json:"ecosystem"`
			Name      string `json:"name"`
		} `json:"package"`
		Ranges            []Range         `json:"ranges"`
		Versions          []string        `json:"versions"`
		Severity          []Rating        `json:"severity"`
		EcosystemSpecific json.RawMessage `json:"ecosystem_specific"`
		DatabaseSpecific  json.RawMessage `json:"database_specific"`
	} `json:"affected"`
	References []struct {
		Type string `json:"type"`
		URL  string `json:"url"`
	} `json:"references"`
}

// Parse reads an OSV record. Affected entries without a package or with
// commits only are left out. Errors are gyre.Invalid or gyre.TooLarge.
func Parse(osv []byte) (Advisory, error) {
	if len(osv) > MaxRecord {
		return Advisory{}, gyre.Errorf(gyre.TooLarge, "advisory has %d bytes, more than %d", len(osv), MaxRecord)
	}
	var r osvRecord
	if err := json.Unmarshal(osv, &r); err != nil {
		return Advisory{}, gyre.Errorf(gyre.Invalid, "read advisory: %w", err)
	}
	if r.ID == "" || len(r.ID) > 128 || strings.ContainsFunc(r.ID, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return Advisory{}, gyre.Errorf(gyre.Invalid, "advisory has no usable id (%.40q)", r.ID)
	}
	if len(r.Affected) > maxAffected || len(r.Aliases)+len(r.Upstream)+len(r.Related) > maxNames {
		return Advisory{}, gyre.Errorf(gyre.TooLarge, "advisory %s names %d packages", r.ID, len(r.Affected))
	}
	a := Advisory{
		ID: r.ID, Modified: parseTime(r.Modified), Published: parseTime(r.Published),
		Aliases: r.Aliases, Upstream: r.Upstream, Related: r.Related,
		Summary: clip(r.Summary, 500), Details: clip(r.Details, maxText), Severity: r.Severity,
	}
	if r.Withdrawn != "" {
		if a.Withdrawn = parseTime(r.Withdrawn); a.Withdrawn.IsZero() {
			a.Withdrawn = time.Unix(0, 0).UTC() // withdrawn at a time that cannot be read is still withdrawn
		}
	}
	a.Word, a.CWEs = specifics(r.DatabaseSpecific)
	events, versions := 0, 0
	for _, in := range r.Affected {
		if in.Package.Ecosystem == "" || in.Package.Name == "" {
			continue
		}
		out := Affected{
			Ecosystem: in.Package.Ecosystem, Name: in.Package.Name,
			Versions: in.Versions, Severity: in.Severity,
		}
		for _, rg := range in.Ranges {
			if rg.Type == "SEMVER" || rg.Type == "ECOSYSTEM" {
				out.Ranges = append(out.Ranges, rg)
				events += len(rg.Events)
			}
		}
		versions += len(out.Versions)
		if len(out.Ranges) == 0 && len(out.Versions) == 0 {
			continue
		}
		word, cwes := specifics(in.EcosystemSpecific)
		word2, cwes2 := specifics(in.DatabaseSpecific)
		if out.Word = word; word == "" {
			out.Word = word2
		}
		a.CWEs = append(append(a.CWEs, cwes...), cwes2...)
		a.Affected = append(a.Affected, out)
	}
	if events > maxEvents || versions > maxVersions {
		return Advisory{}, gyre.Errorf(gyre.TooLarge, "advisory %s lists %d events and %d versions", r.ID, events, versions)
	}
	a.CWEs = unique(a.CWEs)
	for _, ref := range r.References {
		if len(a.References) < maxReferences && strings.HasPrefix(ref.URL, "http") && len(ref.URL) < 1000 {
			a.References = append(a.References, ref.URL)
		}
	}
	return a, nil
}

// Encode writes the advisory in the form that Decode reads.
func (a Advisory) Encode() ([]byte, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode advisory %q: %w", a.ID, err)
	}
	return b, nil
}

// Decode reads what Encode wrote.
func Decode(b []byte) (Advisory, error) {
	var a Advisory
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fmt.Errorf("decode stored advisory: %w", err)
	}
	return a, nil
}

// Packages returns the packages the advisory speaks of, without duplicates.
func (a Advisory) Packages() []PackageKey {
	seen := make(map[PackageKey]bool, len(a.Affected))
	var keys []PackageKey
	for _, f := range a.Affected {
		if k := KeyOf(f.Ecosystem, f.Name); !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	return keys
}

var (
	cveID = regexp.MustCompile(`CVE-[0-9]{4}-[0-9]{4,9}`)
	// bulletin ids name a distribution's announcement of one or more CVEs. They
	// put them in "upstream" or, before OSV 1.7, in "related".
	bulletin = regexp.MustCompile(`^(DSA|DLA|DTSA|USN|LSN|ALSA|ALBA|ALEA|RLSA|RXSA|RHSA|RHBA|RHEA|SUSE-[A-Z]+|openSUSE-[A-Z]+|MGASA|OESA|ELSA|ASA|BELL-SA|CGA|AZL|ROOT)-`)
	// maintenance bulletins announce fixes that are not about security.
	maintenance = regexp.MustCompile(`^(ALBA|ALEA|RHBA|RHEA|SUSE-RU|SUSE-FU|SUSE-OU|openSUSE-RU)-`)
)

// Keys returns the weakness keys that the advisory stands for: its CVEs, else
// its GHSA id, else its own ID. A maintenance bulletin that names no CVE stands for nothing.
func (a Advisory) Keys() []string {
	var keys []string
	add := func(ids []string) {
		for _, id := range ids {
			if cveID.FindString(id) == id && id != "" {
				keys = append(keys, id)
			}
		}
	}
	add([]string{a.ID})
	add(a.Aliases)
	if len(keys) == 0 {
		add(a.Upstream)
		if own := cveID.FindString(a.ID); own != "" { // DEBIAN-CVE-2024-1234
			add([]string{own})
		}
	}
	if len(keys) == 0 && bulletin.MatchString(a.ID) {
		add(a.Related)
	}
	if len(keys) == 0 {
		if maintenance.MatchString(a.ID) {
			return nil
		}
		return []string{a.ownKey()}
	}
	return unique(keys)
}

// ownKey is the key of an advisory without a CVE. GitHub's ids come first,
// because the other databases name them as aliases.
func (a Advisory) ownKey() string {
	for _, id := range append([]string{a.ID}, a.Aliases...) {
		if strings.HasPrefix(id, "GHSA-") && len(id) <= 64 {
			return id
		}
	}
	return a.ID
}

// Names returns every other name of the weakness key that the advisory knows.
// When it stands for several weaknesses, its own ID and aliases name none of them.
func (a Advisory) Names(key string) []string {
	if len(a.Keys()) != 1 {
		return nil
	}
	var names []string
	for _, n := range append([]string{a.ID}, a.Aliases...) {
		if n != key && n != "" && len(n) <= 128 {
			names = append(names, n)
		}
	}
	return unique(names)
}

// specifics reads a severity word and CWE ids out of database_specific or
// ecosystem_specific, whose shape is each database's own.
func specifics(raw json.RawMessage) (word string, cwes []string) {
	var m struct {
		Severity any `json:"severity"`
		Urgency  any `json:"urgency"`
		CWEIDs   any `json:"cwe_ids"`
		CWEs     any `json:"cwes"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &m) != nil {
		return "", nil
	}
	for _, v := range []any{m.Severity, m.Urgency} {
		if s, ok := v.(string); ok && word == "" {
			word = clip(s, 40)
		}
	}
	for _, v := range []any{m.CWEIDs, m.CWEs} {
		list, _ := v.([]any)
		for _, e := range list {
			switch e := e.(type) {
			case string:
				cwes = append(cwes, e)
			case map[string]any:
				if s, ok := e["cweId"].(string); ok {
					cwes = append(cwes, s)
				}
			}
		}
	}
	cwes = slices.DeleteFunc(cwes, func(s string) bool { return !strings.HasPrefix(s, "CWE-") || len(s) > 12 })
	return word, cwes[:min(len(cwes), 20)]
}

func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1980 {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// clip cuts text to at most n bytes, on a character's edge.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

func unique(list []string) []string {
	seen := make(map[string]bool, len(list))
	out := list[:0:0]
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
