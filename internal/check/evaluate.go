// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"errors"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
)

// Evaluate judges one fact about an asset with every check of its aspect.
// judged lists the ids of the checks that could say yes or no, in their order;
// the others lack something and say nothing. A check that goes wrong is in
// problems, and not in judged.
func (s *Set) Evaluate(fact gyre.Fact, asset gyre.Asset, now time.Time) (findings []gyre.Finding, judged []string, problems []gyre.Problem) {
	subject := expr.Subject{Fact: fact.Data, Locus: fact.Locus, Asset: asset, Now: now}
	if subject.Fact == nil {
		subject.Fact = map[string]any{}
	}
	for _, c := range s.byAspect[fact.Aspect] {
		fires, severity, err := c.judge(subject)
		switch {
		case errors.Is(err, expr.ErrMissing), errors.Is(err, errNotApplicable):
			continue
		case err != nil:
			problems = append(problems, gyre.Problem{Place: asset.Name + " " + fact.Locus, Reason: "check " + c.ID + ": " + err.Error()})
			continue
		}
		judged = append(judged, c.ID)
		if fires {
			findings = append(findings, c.finding(fact, asset, severity))
		}
	}
	return findings, judged, problems
}

var errNotApplicable = errors.New("the check does not apply to this fact")

func (c *Check) judge(s expr.Subject) (fires bool, severity gyre.Severity, err error) {
	if c.when != nil {
		applies, err := c.when.Eval(s)
		if err != nil {
			return false, 0, err
		}
		if !applies {
			return false, 0, errNotApplicable
		}
	}
	fires, err = c.condition.Eval(s)
	if err != nil || !fires {
		return false, 0, err
	}
	severity, err = c.severity.Eval(s)
	if errors.Is(err, expr.ErrMissing) {
		severity, err = c.severity.Max(), nil // the weakness is there; what would soften it is not known
	}
	return true, severity, err
}

func (c *Check) finding(fact gyre.Fact, asset gyre.Asset, severity gyre.Severity) gyre.Finding {
	evidence := gyre.Evidence{Summary: strings.Join(strings.Fields(c.summary.fill(func(name string) string {
		name, optional := strings.CutSuffix(name, "?")
		switch name {
		case "asset":
			return clean(asset.Name, maxShownText)
		case "locus":
			return clean(fact.Locus, maxShownText)
		}
		v, ok := lookup(fact.Data, name)
		if s := show(v); ok && s != "" {
			return s
		}
		if optional {
			return ""
		}
		return "unknown"
	})), " ")}
	for _, key := range c.show {
		if v, ok := lookup(fact.Data, key); ok {
			if evidence.Data == nil {
				evidence.Data = map[string]any{}
			}
			evidence.Data[key] = limited(v, 0)
		}
	}
	return gyre.Finding{
		Asset: fact.Asset, Weakness: c.Weakness(), Aspect: fact.Aspect, Locus: fact.Locus, Severity: severity,
		Credentialed: fact.Credentialed, Evidence: evidence,
		Remedy: gyre.Remedy{Kind: gyre.RemedyChange, Check: c.ID, Ecosystem: c.platformOf(fact.Data), Location: location(fact)},
	}
}

// location is the file or the page that the fact is about, when it is about one.
func location(fact gyre.Fact) string {
	switch fact.Aspect {
	case gyre.AspectHTTP:
		if url, ok := fact.Data["url"].(string); ok {
			return clean(url, maxShownText)
		}
	case gyre.AspectFile:
		return fact.Locus
	case gyre.AspectIaC:
		file, _, _ := strings.Cut(fact.Locus, "#")
		return file
	}
	return ""
}

const (
	maxEvidenceText  = 1024
	maxEvidenceItems = 40
)

// limited copies a value so that evidence stays small and shares nothing with the fact.
func limited(v any, depth int) any {
	switch v := v.(type) {
	case string:
		if len(v) > maxEvidenceText {
			return strings.ToValidUTF8(v[:maxEvidenceText], "") + "…"
		}
	case []string:
		return append([]string(nil), v[:min(len(v), maxEvidenceItems)]...)
	case []any:
		if depth > 3 {
			return show(v)
		}
		out := make([]any, 0, min(len(v), maxEvidenceItems))
		for _, x := range v[:cap(out)] {
			out = append(out, limited(x, depth+1))
		}
		return out
	case map[string]any:
		if depth > 3 {
			return "…"
		}
		out := make(map[string]any, min(len(v), maxEvidenceItems))
		for k, x := range v {
			if len(out) == maxEvidenceItems {
				break
			}
			out[k] = limited(x, depth+1)
		}
		return out
	}
	return v
}
