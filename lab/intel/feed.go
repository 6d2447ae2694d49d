// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Write fills dir with the snapshot in the layout of the official downloads:
//
//	kev/known_exploited_vulnerabilities.json
//	epss/epss_scores-current.csv.gz
//	osv/ecosystems.txt
//	osv/<Ecosystem>/all.zip
//
// Files that already hold the same bytes are left alone, so that a feed which
// looks at their time sees no change.
func Write(dir string) error {
	facts := Facts()
	files := map[string][]byte{"kev/known_exploited_vulnerabilities.json": facts.KEV}
	epss, err := epssFile(facts.EPSS)
	if err != nil {
		return err
	}
	files["epss/epss_scores-current.csv.gz"] = epss
	byEcosystem := map[string][]Advisory{}
	for _, a := range facts.Advisories {
		family, _, _ := strings.Cut(a.Ecosystem, ":") // the bucket has one folder for all releases
		byEcosystem[family] = append(byEcosystem[family], a)
	}
	names := slices.Sorted(maps.Keys(byEcosystem))
	files["osv/ecosystems.txt"] = []byte(strings.Join(names, "\n") + "\n")
	for _, name := range names {
		if files["osv/"+name+"/all.zip"], err = osvFile(byEcosystem[name]); err != nil {
			return err
		}
	}
	for name, data := range files {
		if err := writeIfChanged(filepath.Join(dir, filepath.FromSlash(name)), data); err != nil {
			return err
		}
	}
	return nil
}

func epssFile(s Scores) ([]byte, error) {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	// The header is the official one; the model's version is not known.
	fmt.Fprintf(z, "#model_version:unknown,score_date:%sT00:00:00Z\ncve,epss,percentile\n", s.Date)
	for _, v := range s.Scores {
		fmt.Fprintf(z, "%s,%s,%s\n", v.CVE, v.EPSS, v.Percentile)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("write EPSS scores: %w", err)
	}
	return out.Bytes(), nil
}

func osvFile(advisories []Advisory) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, a := range advisories {
		data, err := json.Marshal(a.osv())
		if err != nil {
			return nil, fmt.Errorf("write advisory %q: %w", a.ID, err)
		}
		published, err := time.Parse(time.DateOnly, a.Published)
		if err != nil {
			return nil, fmt.Errorf("write advisory %q: %w", a.ID, err)
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: a.ID + ".json", Method: zip.Deflate, Modified: published})
		if err != nil {
			return nil, fmt.Errorf("write advisory %q: %w", a.ID, err)
		}
		if _, err := w.Write(data); err != nil {
			return nil, fmt.Errorf("write advisory %q: %w", a.ID, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("write advisories: %w", err)
	}
	return out.Bytes(), nil
}

// osv is the advisory as an OSV record (OSV schema 1.7).
func (a Advisory) osv() map[string]any {
	ecosystem := "ECOSYSTEM"
	if a.Ecosystem == "Go" {
		ecosystem = "SEMVER"
	}
	var affected []any
	for _, r := range a.Ranges {
		one := map[string]any{
			"package": map[string]any{"ecosystem": a.Ecosystem, "name": a.Package, "purl": a.purl()},
			"ranges": []any{map[string]any{
				"type":   ecosystem,
				"events": []any{map[string]any{"introduced": r.Introduced}, map[string]any{"fixed": r.Fixed}},
			}},
		}
		if slices.Contains(a.Versions, r.Introduced) {
			one["versions"] = []string{r.Introduced}
		}
		affected = append(affected, one)
	}
	refs := []any{map[string]any{"type": "ADVISORY", "url": a.Source}}
	if a.Advisory != "" {
		refs = append(refs, map[string]any{"type": "ADVISORY", "url": a.Advisory})
	}
	specific := map[string]any{"source": a.Source}
	if len(a.CWEs) > 0 {
		specific["cwe_ids"] = a.CWEs
	}
	if a.Severity != "" {
		specific["severity"] = a.Severity
	}
	record := map[string]any{
		"schema_version": "1.7.0", "id": a.ID, "summary": a.Summary,
		"published": a.Published + "T00:00:00Z", "modified": a.Published + "T00:00:00Z",
		"affected": affected, "references": refs, "database_specific": specific,
	}
	if len(a.Aliases) > 0 {
		record["aliases"] = a.Aliases
	}
	if len(a.Upstream) > 0 {
		record["upstream"] = a.Upstream
	}
	if a.CVSS != "" {
		record["severity"] = []any{map[string]any{"type": "CVSS_V3", "score": a.CVSS}}
	}
	return record
}

func (a Advisory) purl() string {
	family, _, _ := strings.Cut(a.Ecosystem, ":")
	switch family {
	case "Debian":
		return "pkg:deb/debian/" + a.Package + "?arch=source"
	case "Maven":
		return "pkg:maven/" + strings.ReplaceAll(a.Package, ":", "/")
	case "Go":
		return "pkg:golang/" + a.Package
	}
	return "pkg:" + strings.ToLower(family) + "/" + a.Package
}

func writeIfChanged(path string, data []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) { // #nosec G304 -- the estate's own folder
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("make feed folder: %w", err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("write feed file: %w", err)
	}
	return nil
}
