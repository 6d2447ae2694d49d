// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

const (
	// Repositories hold what several hosts run. Each has two runs, one for each tool.
	maxRepositories = 450
	perRepository   = 500 // findings, about, while there are few enough repositories
)

// writeSARIF writes what two tools see in the repositories that the hosts are
// built from: outdated packages in lock files, and rules broken in code.
func writeSARIF(w *writer, e *estate) error {
	w.put(`{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[`)
	per := max(perRepository, e.Findings/maxRepositories+maxPerHost)
	repository := 0
	flush := func(g group) error {
		for _, again := range []bool{false, true} {
			if repository > 0 || again {
				w.put(",\n")
			}
			if err := e.sarifRun(w, repository, g, again); err != nil {
				return err
			}
		}
		repository++
		return nil
	}
	g, n, left := group{left: e.Findings}, 0, e.Findings
	err := e.each(func(host int, sights []sight) error {
		if n > 0 && n+len(sights) > per {
			if err := flush(g); err != nil {
				return err
			}
			g, n = group{from: host, left: left}, 0
		}
		n, left = n+len(sights), left-len(sights)
		g.to = host + 1
		return nil
	})
	if err == nil && n > 0 {
		err = flush(g)
	}
	w.put("]}\n")
	return err
}

// group is the hosts of one repository. left is how many findings are to come at
// the first of them: the very last host is cut short.
type group struct{ from, to, left int }

func (e *estate) hosts(g group, fn func(host int, sights []sight)) {
	var sights []sight
	for host := g.from; host < g.to; host++ {
		sights = e.host(host, g.left, sights[:0])
		g.left -= len(sights)
		fn(host, sights)
	}
}

type (
	sarifText struct {
		Text string `json:"text"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRule struct {
		ID         string         `json:"id"`
		Short      sarifText      `json:"shortDescription"`
		Full       sarifText      `json:"fullDescription"`
		Help       sarifText      `json:"help"`
		HelpURI    string         `json:"helpUri"`
		Properties map[string]any `json:"properties"`
	}
	sarifRegion struct {
		Line int `json:"startLine"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifResult struct {
		Rule      string          `json:"ruleId"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
)

var sarifTools = map[bool]string{false: "Example Scanner", true: "Second Scanner"}

// sarifRun writes one tool's run over one repository. The rules come first, so
// the hosts are gone through twice.
func (e *estate) sarifRun(w *writer, repository int, g group, again bool) error {
	rules, files := map[int]*software{}, map[string]bool{}
	e.hosts(g, func(host int, sights []sight) {
		for i := range sights {
			s := &sights[i]
			rules[s.flaw.number] = s.pkg
			files[s.file(host)] = true
		}
	})
	w.put(`{"tool":{"driver":{"name":"`, sarifTools[again], `","rules":[`)
	comma := ""
	put := func(v any) error {
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode SARIF: %w", err)
		}
		w.put(comma, string(text))
		comma = ",\n"
		return w.err
	}
	for _, n := range slices.Sorted(maps.Keys(rules)) {
		for _, f := range []flaw{{n, false}, {n, true}} { // a tool lists what it looks for
			if err := put(f.rule(rules[n])); err != nil {
				return err
			}
		}
	}
	w.put(`]}},"versionControlProvenance":[{"repositoryUri":"https://git.example.com/team/`, fmt.Sprintf("service-%d-%04d", e.Seed, repository),
		`"}],"invocations":[{"executionSuccessful":true}],"artifacts":[`)
	comma = ""
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if err := put(map[string]any{"location": sarifArtifact{file}}); err != nil {
			return err
		}
	}
	w.put(`],"results":[`)
	comma = ""
	var err error
	e.hosts(g, func(host int, sights []sight) {
		for i := range sights {
			if err == nil && sights[i].again == again {
				err = put(sights[i].result(host))
			}
		}
	})
	w.put("]}")
	return err
}

// file is where the finding is: a lock file of what the host runs, or code.
func (s *sight) file(host int) string {
	dir := fmt.Sprintf("hosts/%06d/", host)
	if s.flaw.cve() != "" {
		return dir + "package-lock.json"
	}
	return dir + "src/" + s.pkg.name + ".c"
}

func (f flaw) ruleID() string {
	if cve := f.cve(); cve != "" {
		return cve
	}
	return "rule-" + strconv.Itoa(f.plugin(false))
}

func (f flaw) rule(p *software) sarifRule {
	return sarifRule{
		ID: f.ruleID(), Short: sarifText{f.title(p)}, Full: sarifText{f.description(p)},
		Help: sarifText{"Upgrade " + p.name + " to version " + f.fixed() + " or later."}, HelpURI: "https://advisories.example.com/" + p.name,
		Properties: map[string]any{"security-severity": strconv.FormatFloat(f.score(), 'f', 1, 64), "tags": []string{"security"}},
	}
}

var sarifLevels = []string{"none", "note", "warning", "error", "error"}

func (s *sight) result(host int) sarifResult {
	f, line := s.flaw, 1
	message := fmt.Sprintf("Package: %s\nInstalled Version: 1.0.0\nVulnerability %s\nSeverity: %s\nFixed Version: %s", s.pkg.name, f.ruleID(), riskFactors[f.severity()], f.fixed())
	if f.cve() == "" {
		d := f.dice(6)
		line, message = 1+d.below(2000), f.description(s.pkg)
	}
	return sarifResult{
		Rule: f.ruleID(), Level: sarifLevels[f.severity()], Message: sarifText{message},
		Locations: []sarifLocation{{sarifPhysical{Artifact: sarifArtifact{s.file(host)}, Region: sarifRegion{line}}}},
	}
}
