// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// descriptions are the places where programs put the OpenAPI document of their interface.
var descriptions = []string{
	"/openapi.json", "/swagger.json", "/v3/api-docs", "/v2/api-docs", "/api/openapi.json", "/api/swagger.json", "/swagger/v1/swagger.json", "/api-docs",
}

// maxOperations are tried per document.
const maxOperations = 5

// interfaces finds documented interfaces, and whether operations that hand out
// data ask for credentials.
func (s *site) interfaces(ctx context.Context) {
	seen := map[[sha256.Size]byte]bool{}
	for _, path := range descriptions {
		if !s.wants(path) {
			continue
		}
		g := s.get(ctx, path)
		if g == nil || g.status == http.StatusOK && !g.whole {
			continue
		}
		doc := readAPI(g)
		if doc == nil {
			s.covered(path)
			continue
		}
		sum := sha256.Sum256(g.body)
		if seen[sum] {
			continue // the same document at a second place says nothing new
		}
		seen[sum] = true
		open, conclusive := s.operations(ctx, doc)
		s.found("openapi", path, g, map[string]any{"openapi_version": doc.version(), "open_operations": texts(open), "title": printable([]byte(doc.Info.Title), 200)})
		if conclusive {
			s.covered(path)
		}
	}
}

// operations tries the documented GET operations that need no parameter.
func (s *site) operations(ctx context.Context, doc *apiDocument) (open []string, conclusive bool) {
	conclusive = true
	tried := 0
	for _, path := range sortedKeys(doc.Paths) {
		if tried == maxOperations || !doc.worthTrying(path) {
			continue
		}
		to := s.p.resolve("/", doc.base(s.p)+path)
		if to == "" {
			continue
		}
		tried++
		g := s.send(ctx, request{path: to, header: [][2]string{{"Accept", "application/json"}}})
		switch {
		case g == nil:
			conclusive = false
		case g.status/100 == 2 && holdsData(g):
			open = append(open, "GET "+printable([]byte(path), 200))
		}
	}
	return open, conclusive
}

// holdsData: a JSON array or object that is not empty.
func holdsData(g *page) bool {
	if !g.whole || !strings.Contains(strings.ToLower(g.contentType()), "json") {
		return false
	}
	var v any
	if json.Unmarshal(g.body, &v) != nil {
		return false
	}
	switch v := v.(type) {
	case []any:
		return len(v) > 0
	case map[string]any:
		return slices.ContainsFunc(sortedKeys(v), func(k string) bool {
			switch x := v[k].(type) {
			case []any:
				return len(x) > 0
			case map[string]any:
				return len(x) > 0
			case nil, bool:
				return false
			}
			return true
		})
	}
	return false
}

// apiDocument is the part of an OpenAPI 3 or Swagger 2.0 document that is needed.
type apiDocument struct {
	OpenAPI string `json:"openapi"`
	Swagger string `json:"swagger"`
	Info    struct {
		Title string `json:"title"`
	} `json:"info"`
	Servers []struct {
		URL string `json:"url"`
	} `json:"servers"`
	BasePath string                     `json:"basePath"`
	Paths    map[string]json.RawMessage `json:"paths"`
	Security []map[string]any           `json:"security"`
}

type apiParameter struct {
	Ref      string `json:"$ref"`
	In       string `json:"in"`
	Required bool   `json:"required"`
}

type apiPath struct {
	Parameters []apiParameter `json:"parameters"`
	Get        *struct {
		Parameters []apiParameter    `json:"parameters"`
		Security   *[]map[string]any `json:"security"`
		Deprecated bool              `json:"deprecated"`
	} `json:"get"`
}

// readAPI reads a page as a document, nil when it is none.
func readAPI(g *page) *apiDocument {
	if g.status != http.StatusOK || g.html() {
		return nil
	}
	var doc apiDocument
	if json.Unmarshal(g.body, &doc) != nil || len(doc.Paths) == 0 {
		return nil
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.") && doc.Swagger != "2.0" {
		return nil
	}
	return &doc
}

func (d *apiDocument) version() string {
	return printable([]byte(d.OpenAPI+d.Swagger), 20)
}

// base is what paths are relative to: a path or an address. A server that is
// elsewhere is not this one, so the paths are taken to be here.
func (d *apiDocument) base(p *peer) string {
	base := d.BasePath
	if len(d.Servers) > 0 {
		base = d.Servers[0].URL
		if strings.Contains(base, "://") && p.resolve("/", base) == "" {
			return ""
		}
	}
	return strings.TrimSuffix(base, "/")
}

// worthTrying: a GET without parameters that hands out data. What is public on
// purpose is left out: operations documented as open in an interface that is
// not, and those that tell the state of the program.
func (d *apiDocument) worthTrying(path string) bool {
	var item apiPath
	if strings.ContainsAny(path, "{}") || !strings.HasPrefix(path, "/") || json.Unmarshal(d.Paths[path], &item) != nil || item.Get == nil {
		return false
	}
	for _, p := range slices.Concat(item.Parameters, item.Get.Parameters) {
		if p.Required || p.Ref != "" || p.In == "path" {
			return false
		}
	}
	if own := item.Get.Security; own != nil {
		if len(d.Security) > 0 && !demands(*own) {
			return false
		}
	}
	words := strings.FieldsFunc(strings.ToLower(path), func(r rune) bool { return r == '/' || r == '-' || r == '_' || r == '.' })
	return !slices.ContainsFunc(words, func(w string) bool { return slices.Contains(stateWords, w) })
}

var stateWords = []string{
	"health", "healthz", "healthcheck", "ready", "readyz", "live", "livez", "liveness", "readiness", "ping", "version", "status", "info",
	"metrics", "openapi", "swagger", "docs", "logout", "signout", "shutdown", "restart", "delete", "reset",
}

// demands says whether some credential is needed: every alternative names one.
func demands(alternatives []map[string]any) bool {
	return len(alternatives) > 0 && !slices.ContainsFunc(alternatives, func(a map[string]any) bool { return len(a) == 0 })
}
