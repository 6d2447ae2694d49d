// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
)

var (
	idForm     = regexp.MustCompile(`^[a-z][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)+$`)
	aspectForm = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)
	cweForm    = regexp.MustCompile(`^CWE-[1-9][0-9]{0,4}$`)
)

// compile turns the form of a check into the check. name is the pack file.
func (p *packCheck) compile(name string) (*Check, error) {
	c := &Check{
		ID: p.ID.value, Aspect: gyre.Aspect(p.Aspect.value), Class: gyre.Class(p.Class.value), Title: p.Title.value,
		Motive: p.Motive.value, Effort: Effort(p.Effort.value), Text: p.Remediation.Text.value, File: name,
	}
	if !idForm.MatchString(c.ID) || len(c.ID) > 100 {
		return nil, at(name, p.ID.line, "id %q: an id is lower-case words joined by dots and dashes, such as tls.key-weak", c.ID)
	}
	fail := func(t text, format string, args ...any) error {
		return at(name, max(t.line, p.ID.line), c.ID+": "+format, args...)
	}
	for _, required := range []struct {
		what string
		text text
	}{
		{"aspect", p.Aspect},
		{"class", p.Class},
		{"title", p.Title},
		{"severity", p.Severity},
		{"condition", p.Condition},
		{"motive", p.Motive},
		{"effort", p.Effort},
		{"evidence.summary", p.Evidence.Summary},
		{"remediation.text", p.Remediation.Text},
	} {
		if required.text.value == "" {
			return nil, fail(required.text, "%s is missing", required.what)
		}
	}
	switch {
	case !aspectForm.MatchString(p.Aspect.value):
		return nil, fail(p.Aspect, "aspect %q is not a lower-case word", c.Aspect)
	case !slices.Contains(gyre.Classes, c.Class):
		return nil, fail(p.Class, "class %q is none of %v", c.Class, gyre.Classes)
	case c.Effort != EffortLow && c.Effort != EffortMedium && c.Effort != EffortHigh:
		return nil, fail(p.Effort, "effort %q is none of low, medium, high", c.Effort)
	}
	for _, w := range p.CWE {
		if !cweForm.MatchString(w.value) {
			return nil, fail(w, "%q is not a CWE id such as CWE-295", w.value)
		}
		c.CWEs = append(c.CWEs, w.value)
	}
	for _, r := range p.References {
		if u, err := url.Parse(r.value); err != nil || u.Scheme != "https" || u.Host == "" {
			return nil, fail(r, "reference %q is not an https address", r.value)
		}
		c.References = append(c.References, r.value)
	}
	if err := p.compileExpressions(name, c); err != nil {
		return nil, err
	}
	if err := p.compileEvidence(c, fail); err != nil {
		return nil, err
	}
	return c, p.compileSteps(c, fail)
}

func (p *packCheck) compileExpressions(name string, c *Check) (err error) {
	if p.When.value != "" {
		if c.when, err = compileCondition(name, c.Aspect, p.When); err != nil {
			return err
		}
	}
	if c.condition, err = compileCondition(name, c.Aspect, p.Condition); err != nil {
		return err
	}
	if c.severity, err = expr.CompileSeverity(p.Severity.value); err != nil {
		return exprError(name, p.Severity, err)
	}
	return checkKeys(name, c.Aspect, p.Severity, c.severity.Keys())
}

func (p *packCheck) compileEvidence(c *Check, fail func(text, string, ...any) error) error {
	c.summary = template(p.Evidence.Summary.value)
	for _, n := range c.summary.names() {
		if first, _, _ := strings.Cut(n, "."); n != "asset" && n != "locus" && !knownKey(c.Aspect, first) {
			return fail(p.Evidence.Summary, "facts of aspect %s have no {%s}", c.Aspect, n)
		}
	}
	for _, k := range p.Evidence.Show {
		if first, _, _ := strings.Cut(k.value, "."); !knownKey(c.Aspect, first) {
			return fail(k, "facts of aspect %s have no %q", c.Aspect, k.value)
		}
		c.show = append(c.show, k.value)
	}
	return nil
}

func (p *packCheck) compileSteps(c *Check, fail func(text, string, ...any) error) error {
	for _, ps := range p.Remediation.Steps {
		st := step{platform: ps.Platform.value, text: template(ps.Text.value), config: template(ps.Config.value)}
		if st.platform == "" || st.text == "" {
			return fail(ps.Platform, "a step needs platform and text")
		}
		all := []text{ps.Text, ps.Config}
		for _, cmd := range ps.Commands {
			if insideQuotes(cmd.value) {
				return fail(cmd, "a placeholder stands between quotes in %q; leave the quotes out, the value is quoted when it must be", cmd.value)
			}
			st.commands = append(st.commands, template(cmd.value))
			all = append(all, cmd)
		}
		for _, t := range all {
			for _, n := range template(t.value).names() {
				if !stepNames[n] {
					return fail(t, "a step cannot name {%s}", n)
				}
			}
		}
		c.steps = append(c.steps, st)
	}
	return nil
}
