// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"strings"

	"github.com/gyre-ctem/gyre"
	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"
)

// Score returns the score of a CVSS vector of any version: the base score for
// 2 and 3, the overall score for 4.
func Score(vector string) (float64, bool) {
	vector = strings.TrimSpace(vector)
	if len(vector) > 512 {
		return 0, false
	}
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		if v, err := gocvss40.ParseVector(vector); err == nil {
			return v.Score(), true
		}
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		if v, err := gocvss31.ParseVector(vector); err == nil {
			return v.BaseScore(), true
		}
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		if v, err := gocvss30.ParseVector(vector); err == nil {
			return v.BaseScore(), true
		}
	case strings.HasPrefix(vector, "AV:"), strings.HasPrefix(vector, "(AV:"):
		vector = strings.Trim(vector, "()")
		if v, err := gocvss20.ParseVector(vector); err == nil {
			return v.BaseScore(), true
		}
	}
	return 0, false
}

// rated is the best severity that is known of a weakness.
type rated struct {
	severity gyre.Severity
	vector   string
	score    float64
	rank     int // how good the evidence is: 0 nothing, 1 a word, then CVSS 2, 3, 4
}

// rate chooses among everything the advisories say: the newest version of
// CVSS wins; of two equal ones the higher score; a word only counts when there
// is no vector. When nothing is said, the weakness counts as medium.
func (h Hit) rate() rated {
	best := rated{severity: gyre.SeverityMedium}
	consider := func(r rated) {
		if r.rank > best.rank || (r.rank == best.rank && (r.score > best.score || r.rank == 1 && r.severity > best.severity)) {
			best = r
		}
	}
	for i, a := range h.Advisories {
		for _, list := range [][]Rating{h.Affected[i].Severity, a.Severity} {
			for _, s := range list {
				consider(ofRating(s))
			}
		}
		for _, word := range []string{h.Affected[i].Word, a.Word, leadingWord(a.Summary)} {
			consider(ofWord(word))
		}
	}
	return best
}

func ofRating(s Rating) rated {
	rank := map[string]int{"CVSS_V2": 2, "CVSS_V3": 3, "CVSS_V4": 4}[s.Type]
	if rank == 0 {
		return ofWord(s.Score)
	}
	score, ok := Score(s.Score)
	if !ok {
		return rated{}
	}
	return rated{severity: gyre.SeverityOfCVSS(score), vector: strings.Trim(strings.TrimSpace(s.Score), "()"), score: score, rank: rank}
}

// ofWord reads the severity words of GitHub, Red Hat and its kin, Debian and Ubuntu.
func ofWord(word string) rated {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "critical":
		return rated{severity: gyre.SeverityCritical, rank: 1}
	case "high", "important":
		return rated{severity: gyre.SeverityHigh, rank: 1}
	case "medium", "moderate":
		return rated{severity: gyre.SeverityMedium, rank: 1}
	case "low":
		return rated{severity: gyre.SeverityLow, rank: 1}
	case "unimportant", "negligible", "none":
		return rated{severity: gyre.SeverityInfo, rank: 1}
	}
	return rated{}
}

// leadingWord is the rating at the head of a summary such as "Important: openssl security update".
func leadingWord(summary string) string {
	word, _, ok := strings.Cut(summary, ":")
	if !ok {
		return ""
	}
	return word
}
