// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
)

const (
	maxNames = 20  // of one weakness
	maxIDLen = 300 // of one of them; rules of Semgrep are longer than a hundred
)

var cveID = regexp.MustCompile(`^(?i:CVE)-\d{4}-\d{4,19}$`)

// IsCVE says whether a name is a CVE id, in either case.
func IsCVE(name string) bool { return cveID.MatchString(name) }

// Weakness gives a weakness its names, of which the report's own comes first: its
// key is the CVE where there is exactly one, else the report's. It is false when there is no name.
func Weakness(w *gyre.Weakness, names ...string) bool {
	var ids, cves []string
	for _, id := range names {
		id = strings.TrimSpace(id)
		if IsCVE(id) {
			id = strings.ToUpper(id)
		}
		if id == "" || len(id) > maxIDLen || slices.Contains(ids, id) || len(ids) == maxNames {
			continue
		}
		ids = append(ids, id)
		if IsCVE(id) {
			cves = append(cves, id)
		}
	}
	if len(ids) == 0 {
		return false
	}
	w.Key, w.Aliases = ids[0], nil
	if len(cves) == 1 {
		w.Key = cves[0]
	}
	for _, id := range ids {
		if id != w.Key {
			w.Aliases = append(w.Aliases, id)
		}
	}
	if w.Title == "" {
		w.Title = w.Key
	}
	return true
}

// Fix chooses, of the versions in which something is fixed (one for each branch
// that is maintained), the one to go to from the current one: the lowest that is
// higher; else the first.
func Fix(current string, fixed []string) string {
	best := ""
	for _, v := range fixed {
		if v = strings.TrimSpace(v); v != "" && later(v, current) && (best == "" || later(best, v)) {
			best = v
		}
	}
	for _, v := range fixed {
		if best == "" {
			best = strings.TrimSpace(v)
		}
	}
	return best
}

var runs = regexp.MustCompile(`[0-9]+|[a-zA-Z]+`)

// later compares versions by their numbers and words in turn. It is no judge of
// whether a version is affected: it only chooses among fixes.
func later(a, b string) bool {
	as, bs := runs.FindAllString(a, 50), runs.FindAllString(b, 50)
	for i := range min(len(as), len(bs)) {
		if as[i] == bs[i] {
			continue
		}
		x, errA := strconv.ParseUint(as[i], 10, 64)
		y, errB := strconv.ParseUint(bs[i], 10, 64)
		switch {
		case errA == nil && errB == nil:
			if x != y {
				return x > y
			}
		case errA == nil || errB == nil:
			return errA == nil // 2.0 comes after 2.rc
		default:
			return as[i] > bs[i]
		}
	}
	switch n := min(len(as), len(bs)); {
	case len(as) > n:
		return !before[strings.ToLower(as[n])]
	case len(bs) > n:
		return before[strings.ToLower(bs[n])]
	}
	return false
}

// before are words of versions that come before the one that has no word there.
var before = map[string]bool{"alpha": true, "beta": true, "rc": true, "pre": true, "dev": true, "snapshot": true, "a": true, "b": true, "m": true}

var cweID = regexp.MustCompile(`^(?i:CWE[-_ :])?0*([1-9]\d{0,4})$`)

// CWE adds an id to a list of at most twenty: "CWE-79", "cwe-079" or "79"; what is none is left out.
func CWE(list []string, id string) []string {
	m := cweID.FindStringSubmatch(strings.TrimSpace(id))
	if m == nil || len(list) == maxNames || slices.Contains(list, "CWE-"+m[1]) {
		return list
	}
	return append(list, "CWE-"+m[1])
}

// Rate gives a weakness a CVSS score unless it has one of the same or a newer
// version of CVSS. The vector says the version itself, except in version 2 and in some reports.
func Rate(w *gyre.Weakness, version, vector string, score float64) {
	if !(score >= 0 && score <= 10) || score == 0 && vector == "" || len(vector) > 300 {
		return
	}
	vector = strings.TrimSpace(vector)
	if major := strings.TrimPrefix(version, "v"); !strings.HasPrefix(vector, "CVSS:") && strings.HasPrefix(vector, "AV:") && major != "" {
		switch {
		case strings.HasPrefix(major, "4"):
			vector = "CVSS:4.0/" + vector
		case strings.HasPrefix(major, "3.0"):
			vector = "CVSS:3.0/" + vector
		case strings.HasPrefix(major, "3"):
			vector = "CVSS:3.1/" + vector
		}
	}
	if (w.CVSS != "" || w.CVSSScore > 0) && cvssVersion(vector) <= cvssVersion(w.CVSS) {
		return
	}
	w.CVSS, w.CVSSScore = vector, score
}

func cvssVersion(vector string) string {
	v, ok := strings.CutPrefix(vector, "CVSS:")
	if !ok {
		return "2"
	}
	v, _, _ = strings.Cut(v, "/")
	return v
}

// Secret says whether a rule, named TOOL:RULE, finds secrets. What it found must not be
// told on, in a message or by its hash.
func Secret(rule string) bool {
	tool, name, _ := strings.Cut(rule, ":")
	switch strings.ToLower(tool) {
	case "gitleaks", "trufflehog":
		return true
	case "bandit": // passwords that are written into the code
		return name == "B105" || name == "B106" || name == "B107"
	}
	return false
}
