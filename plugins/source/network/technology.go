// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed technologies.json
var technologiesJSON []byte

// technology is one sign of a product: a header field, the name of a cookie or
// something in the page.
type technology struct {
	Name   string `json:"name"`
	Header string `json:"header"`
	Match  string `json:"match"`
	Cookie string `json:"cookie"`
	Body   string `json:"body"`
	sign   *regexp.Regexp
}

var knownTechnologies = sync.OnceValues(func() ([]technology, error) {
	var list []technology
	if err := json.Unmarshal(technologiesJSON, &list); err != nil {
		return nil, err
	}
	for i := range list {
		t := &list[i]
		var err error
		if t.sign, err = regexp.Compile(t.Match + t.Cookie + t.Body); err != nil {
			return nil, err
		}
	}
	return list, nil
})

// technologies names the products that a page shows signs of.
func technologies(g *page, cookies []any) []string {
	list, err := knownTechnologies()
	if err != nil {
		return nil // the table is part of the program; a test reads it
	}
	var found []string
	body := g.body[:min(len(g.body), 64<<10)]
	for _, t := range list {
		hit := false
		switch {
		case t.Header != "":
			hit = t.sign.MatchString(strings.Join(g.header.Values(t.Header), ", "))
		case t.Body != "":
			hit = g.html() && t.sign.Match(body)
		default:
			hit = slices.ContainsFunc(cookies, func(c any) bool {
				m, _ := c.(map[string]any)
				name, _ := m["name"].(string)
				return t.sign.MatchString(name)
			})
		}
		if hit && !slices.Contains(found, t.Name) {
			found = append(found, t.Name)
		}
	}
	slices.Sort(found)
	return found
}
