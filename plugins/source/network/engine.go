// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// engine recognises services whose protocol is HTTP but which are no web sites:
// their facts are those of a service. nil: it is an ordinary web server.
func engine(ctx context.Context, p *peer, root *page) *service {
	if s := elasticsearch(root); s != nil {
		return s
	}
	if root.stuck || root.html() && root.status == http.StatusOK {
		return nil
	}
	if v := object(p.plainGet(ctx, "/version")); v != nil {
		switch {
		case v["etcdserver"] != nil:
			return etcd(ctx, p, v)
		case v["ApiVersion"] != nil && v["MinAPIVersion"] != nil:
			return docker(ctx, p, v)
		}
	} else if root.header.Get("Docker-Experimental") != "" && root.header.Get("Api-Version") != "" {
		return docker(ctx, p, nil)
	}
	return kubelet(ctx, p, root)
}

// plainGet is the answer to a path, nil when there is none.
func (p *peer) plainGet(ctx context.Context, path string) *page {
	g, _ := p.get(ctx, path)
	return g
}

// object is the JSON object that a page with status 200 is, else nil.
func object(g *page) map[string]any {
	if g == nil || g.status != http.StatusOK {
		return nil
	}
	return jsonObject(g.body)
}

func jsonObject(b []byte) map[string]any {
	if len(b) > maxBody {
		return nil
	}
	var v map[string]any
	if json.Unmarshal(b, &v) != nil { // nesting is limited to 10,000 by the library
		return nil
	}
	return v
}

func word(v any) string {
	s, _ := v.(string)
	return printable([]byte(s), 80)
}

func webService(protocol, product string, version any) *service {
	s := &service{protocol: protocol, facts: map[string]any{"product": product}}
	if v := word(version); v != "" {
		s.facts["version"] = v
	}
	return s
}

func elasticsearch(root *page) *service {
	v := jsonObject(root.body)
	switch {
	case v == nil:
		return nil
	case root.status == http.StatusOK && v["cluster_name"] != nil && (root.header.Get("X-Elastic-Product") != "" || v["tagline"] != nil):
		version, _ := v["version"].(map[string]any)
		name := "Elasticsearch"
		if word(version["distribution"]) == "opensearch" {
			name = "OpenSearch"
		}
		s := webService("elasticsearch", name, version["number"])
		s.facts["auth_required"] = false
		return s
	case root.status == http.StatusUnauthorized || root.status == http.StatusForbidden:
		fault, _ := v["error"].(map[string]any)
		if word(fault["type"]) == "security_exception" || root.header.Get("X-Elastic-Product") != "" {
			s := webService("elasticsearch", "Elasticsearch", nil)
			s.facts["auth_required"] = true
			return s
		}
	}
	return nil
}

// docker asks for one container: an engine that answers gives root on its host.
func docker(ctx context.Context, p *peer, version map[string]any) *service {
	s := webService("docker", "Docker", version["Version"])
	g := p.plainGet(ctx, "/containers/json?limit=1")
	var list []any
	switch {
	case g == nil:
		s.partial = true
	case g.status == http.StatusOK && json.Unmarshal(g.body, &list) == nil:
		s.facts["auth_required"] = false
	case g.status == http.StatusUnauthorized || g.status == http.StatusForbidden:
		s.facts["auth_required"] = true
	default:
		s.partial = true
	}
	return s
}

// etcd asks for the first key, without its value (etcd API v3, range request),
// or for the top of the old tree.
func etcd(ctx context.Context, p *peer, version map[string]any) *service {
	s := webService("etcd", "etcd", version["etcdserver"])
	s.partial = true
	g, _, err := p.send(ctx, request{
		method: http.MethodPost, path: "/v3/kv/range", header: [][2]string{{"Content-Type", "application/json"}},
		body: `{"key":"AA==","range_end":"AA==","limit":"1","keys_only":true}`,
	})
	if err != nil {
		return s
	}
	if g.status == http.StatusNotFound {
		if g = p.plainGet(ctx, "/v2/keys/"); g == nil {
			return s
		}
	}
	v := jsonObject(g.body)
	switch {
	case g.status == http.StatusOK && (v["header"] != nil || v["node"] != nil):
		s.facts["auth_required"], s.partial = false, false
	case g.status == http.StatusUnauthorized, g.status == http.StatusForbidden, strings.Contains(string(g.body), "user name is empty"):
		s.facts["auth_required"], s.partial = true, false
	}
	return s
}

// kubelet asks for the list of pods. A refusal names the kubelet only at the
// port that it is known for.
func kubelet(ctx context.Context, p *peer, root *page) *service {
	const readOnly, secure = 10255, 10250
	known := p.addr.Port() == readOnly || p.addr.Port() == secure
	if !known && root.status != http.StatusNotFound {
		return nil
	}
	g := p.plainGet(ctx, "/pods")
	s := webService("kubelet", "Kubernetes kubelet", nil)
	switch {
	case g == nil:
	case g.status == http.StatusOK && word(jsonObject(g.body)["kind"]) == "PodList":
		s.facts["auth_required"] = false
		return s
	case known && p.secure && (g.status == http.StatusUnauthorized || g.status == http.StatusForbidden):
		s.facts["auth_required"] = true
		return s
	}
	return nil
}
