// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import (
	"strings"
	"time"
)

// Class is the kind of an exposure.
type Class string

// The classes.
const (
	Vulnerability    Class = "vulnerability"
	Misconfiguration Class = "misconfiguration"
	IdentityRisk     Class = "identity"
	SupplyChain      Class = "supply_chain"
	Secret           Class = "secret"
	ExposedService   Class = "exposed_service"
	CertificateRisk  Class = "certificate"
	APIRisk          Class = "api"
	ShadowIT         Class = "shadow_it"
	Anomaly          Class = "anomaly"
	ThirdParty       Class = "third_party"
	ControlGap       Class = "control_gap"
)

// Classes lists every class in display order.
var Classes = []Class{
	Vulnerability, Misconfiguration, IdentityRisk, SupplyChain, Secret, ExposedService,
	CertificateRisk, APIRisk, ShadowIT, Anomaly, ThirdParty, ControlGap,
}

// Severity is how bad a weakness is by itself, before anything is known of the
// place. Its text form is the lower-case word.
type Severity int

// The severities. Their order is their meaning.
const (
	SeverityInfo Severity = iota
	SeverityLow
	SeverityMedium
	SeverityHigh
	SeverityCritical
)

var severityWords = [...]string{"info", "low", "medium", "high", "critical"}

func (s Severity) String() string {
	if s < 0 || int(s) >= len(severityWords) {
		return "info"
	}
	return severityWords[s]
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Severity) UnmarshalText(b []byte) error {
	v, err := ParseSeverity(string(b))
	if err == nil {
		*s = v
	}
	return err
}

// ParseSeverity reads a severity word in any case.
func ParseSeverity(word string) (Severity, error) {
	for i, w := range severityWords {
		if strings.EqualFold(w, word) {
			return Severity(i), nil
		}
	}
	return 0, Errorf(Invalid, "severity %q is none of info, low, medium, high, critical", word)
}

// SeverityOfCVSS is the qualitative rating of a CVSS 3.x or 4.0 base score
// (CVSS 3.1 specification, section 5).
func SeverityOfCVSS(score float64) Severity {
	switch {
	case score >= 9:
		return SeverityCritical
	case score >= 7:
		return SeverityHigh
	case score >= 4:
		return SeverityMedium
	case score > 0:
		return SeverityLow
	}
	return SeverityInfo
}

// Weakness is what is wrong, once for the whole world: a CVE with its aliases,
// or a check. Key is the preferred name: a CVE id where there is one, else the
// advisory's id, else the check's id ("tls.certificate-expired").
type Weakness struct {
	ID          ID        `json:"id"`
	Key         string    `json:"key"`
	Aliases     []string  `json:"aliases,omitempty"`
	Class       Class     `json:"class"`
	Title       string    `json:"title"`
	Description string    `json:"description,omitempty"`
	Severity    Severity  `json:"severity"`
	CWEs        []string  `json:"cwes,omitempty" doc:"CWE ids, such as CWE-295"`
	CVSS        string    `json:"cvss,omitempty" doc:"CVSS vector, any version"`
	CVSSScore   float64   `json:"cvss_score,omitempty"`
	Remediation string    `json:"remediation,omitempty" doc:"What to do in general; a Remedy says it for one place"`
	References  []string  `json:"references,omitempty"`
	Related     []string  `json:"related,omitempty" doc:"Bulletins that fix it among others, so that they are no names of it"`
	Published   time.Time `json:"published,omitzero"`
}

// Tie is somebody's word that two names are of one weakness. The names have no order.
type Tie struct {
	Name   string  `json:"name"`
	Other  string  `json:"other"`
	By     TieRank `json:"by"`
	Source string  `json:"source" doc:"The advisory, the tool or the rule that says so"`
}

// TieRank says whose word a tie is; of two that contradict each other the higher one counts.
type TieRank string

// The ranks, rising.
const (
	TieReport   TieRank = "report"
	TieAdvisory TieRank = "advisory"
	TiePerson   TieRank = "person"
)

// CorrelationRule is a person's word on what is one: it beats what advisories
// and reports say, counts for what is stored and for what comes, and ends when it is removed.
type CorrelationRule struct {
	ID      ID              `json:"id"`
	Kind    CorrelationKind `json:"kind" enum:"same,different,means"`
	Tool    string          `json:"tool,omitempty" doc:"means: the tool whose rule it is, as its weaknesses begin: semgrep"`
	Name    string          `json:"name" doc:"A name of a weakness; means: the tool's rule"`
	Other   string          `json:"other" doc:"The weakness that it is, or is not"`
	Reason  string          `json:"reason,omitempty"`
	By      string          `json:"by,omitempty"`
	Created time.Time       `json:"created,omitzero"`
}

// CorrelationKind is the kind of a CorrelationRule.
type CorrelationKind string

// The kinds. Two CVEs cannot be the same; names that differ leave whatever ties them.
const (
	CorrelateSame      CorrelationKind = "same"
	CorrelateDifferent CorrelationKind = "different"
	CorrelateMeans     CorrelationKind = "means"
)

// Subject is the name of a weakness that the rule speaks of.
func (r CorrelationRule) Subject() string {
	if r.Kind == CorrelateMeans {
		return strings.ToLower(r.Tool) + ":" + r.Name
	}
	return r.Name
}

// CorrelationEffect is what a correlation rule does, or would do, to exposures.
type CorrelationEffect struct {
	Rule     CorrelationRule      `json:"rule"`
	Merged   int                  `json:"merged" doc:"Exposures that become one with another"`
	Split    int                  `json:"split" doc:"Exposures that become two"`
	Moved    int                  `json:"moved" doc:"Exposures whose weakness is another one then"`
	Examples []CorrelationExample `json:"examples"`
}

// CorrelationExample is one exposure that a rule changes.
type CorrelationExample struct {
	Exposure ID     `json:"exposure"`
	Change   string `json:"change" doc:"merged, split, moved or created"`
	Other    ID     `json:"other,omitempty" doc:"The exposure or the weakness on the other side"`
	Why      string `json:"why"`
}

// Intel is what the world knows of a weakness right now, each part with the
// feed it came from. The zero value means that nothing is known.
type Intel struct {
	EPSS           float64   `json:"epss" doc:"Probability of exploitation in the next 30 days, 0 to 1 (FIRST)"`
	EPSSPercentile float64   `json:"epss_percentile"`
	EPSSDate       time.Time `json:"epss_date,omitzero"`
	KEV            bool      `json:"kev" doc:"Listed in CISA's Known Exploited Vulnerabilities catalogue"`
	KEVAdded       time.Time `json:"kev_added,omitzero"`
	KEVDue         time.Time `json:"kev_due,omitzero"`
	Ransomware     bool      `json:"ransomware" doc:"KEV: known use in ransomware campaigns"`
	Exploit        Exploit   `json:"exploit" doc:"Best public exploit evidence"`
}

// Exploit is the maturity of public exploit code (CVSS 4.0 metric E).
type Exploit string

// The exploit maturities, rising.
const (
	ExploitUnknown  Exploit = ""
	ExploitPOC      Exploit = "poc"
	ExploitAttacked Exploit = "attacked"
)
