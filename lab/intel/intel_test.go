// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFactsNameTheirSources(t *testing.T) {
	facts := Facts()
	if len(facts.Advisories) < 20 {
		t.Fatalf("%d advisories", len(facts.Advisories))
	}
	if _, err := time.Parse(time.DateOnly, facts.EPSS.Date); err != nil || facts.EPSS.Source == "" {
		t.Errorf("EPSS: %v", err)
	}
	seen := map[string]bool{}
	for _, a := range facts.Advisories {
		if !strings.HasPrefix(a.Source, "https://") || a.Summary == "" || len(a.Ranges) == 0 || a.Package == "" {
			t.Errorf("%s is incomplete", a.ID)
		}
		if a.CVSS == "" && a.Severity == "" {
			t.Errorf("%s has no severity", a.ID)
		}
		if seen[a.ID] {
			t.Errorf("%s is there twice", a.ID)
		}
		seen[a.ID] = true
	}
}

func TestWriteIsRepeatable(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "osv/npm/all.zip")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || !info.ModTime().Before(time.Now().Add(-time.Minute)) {
		t.Errorf("an unchanged file was written again: %v", err)
	}
}

func TestKeys(t *testing.T) {
	keys := strings.Join(Keys("Debian:12", "curl"), " ")
	if keys != "CVE-2023-38545 CVE-2023-38546 DEBIAN-CVE-2023-38545 DEBIAN-CVE-2023-38546" {
		t.Errorf("keys of curl: %s", keys)
	}
	if keys := Keys("Debian:11", "curl"); len(keys) != 0 {
		t.Errorf("keys of another release: %v", keys)
	}
}

// TestFactsAgainstTheFeeds compares the embedded KEV and EPSS facts with a
// mirror of the real feeds, where there is one beside the checkout.
func TestFactsAgainstTheFeeds(t *testing.T) {
	feeds := "../../../shared/feeds"
	f, err := os.Open(filepath.Join(feeds, "epss/epss_scores-current.csv.gz"))
	if err != nil {
		t.Skip("no mirror of the feeds here")
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(z)
	r.Comment, r.FieldsPerRecord = '#', 3
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	real := map[string]string{}
	for _, rec := range records {
		real[rec[0]] = rec[1] + " " + rec[2]
	}
	for _, s := range Facts().EPSS.Scores {
		if real[s.CVE] != s.EPSS+" "+s.Percentile {
			t.Errorf("EPSS of %s: %s %s, the feed has %s", s.CVE, s.EPSS, s.Percentile, real[s.CVE])
		}
	}
	type catalogue struct {
		Vulnerabilities []struct{ CVEID, DateAdded, DueDate, KnownRansomwareCampaignUse string }
	}
	var ours, theirs catalogue
	data, err := os.ReadFile(filepath.Join(feeds, "kev/known_exploited_vulnerabilities.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &theirs); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(Facts().KEV, &ours); err != nil {
		t.Fatal(err)
	}
	known := map[string]any{}
	for _, v := range theirs.Vulnerabilities {
		known[v.CVEID] = v
	}
	for _, v := range ours.Vulnerabilities {
		if known[v.CVEID] != v {
			t.Errorf("KEV entry of %s: %v, the feed has %v", v.CVEID, v, known[v.CVEID])
		}
	}
	for _, a := range Facts().Advisories { // and nothing that is known to be exploited is left out
		if _, listed := known[a.CVE]; listed && !strings.Contains(string(Facts().KEV), a.CVE) {
			t.Errorf("%s is in the catalogue, but not in the snapshot", a.CVE)
		}
	}
}
