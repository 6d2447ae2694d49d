// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// SearchEngine is the API of an Elasticsearch 7.
func SearchEngine(s *Site) {
	s.Plain = always
	s.Fallback = func(w http.ResponseWriter, r *http.Request) {
		if !s.has("elasticsearch-open") {
			w.Header().Set("WWW-Authenticate", "ApiKey")
			writeJSON(w, http.StatusUnauthorized, map[string]any{
				"error": map[string]any{"type": "security_exception", "reason": "missing authentication credentials for REST request"}, "status": 401,
			})
			return
		}
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		switch r.URL.Path {
		case "/":
			writeJSON(w, http.StatusOK, map[string]any{
				"name": "search-1", "cluster_name": "corp-search", "cluster_uuid": "kXgA2bQ1T5mC9yZr0pLw7A",
				"version": map[string]any{"number": "7.10.2", "build_flavor": "default", "build_type": "deb", "lucene_version": "8.7.0", "minimum_wire_compatibility_version": "6.8.0"},
				"tagline": "You Know, for Search",
			})
		case "/_cluster/health":
			writeJSON(w, http.StatusOK, map[string]any{"cluster_name": "corp-search", "status": "green", "number_of_nodes": 1, "active_shards": 3})
		case "/_cat/indices":
			if strings.Contains(r.URL.RawQuery, "format=json") {
				writeJSON(w, http.StatusOK, []any{map[string]any{"health": "green", "status": "open", "index": "orders", "docs.count": "18233"}})
				return
			}
			Text(w, http.StatusOK, "green open orders    pX1 1 0 18233 0 9.8mb 9.8mb\ngreen open customers qY2 1 0  2114 0 1.2mb 1.2mb\n")
		default:
			writeJSON(w, http.StatusNotFound, map[string]any{"error": map[string]any{"type": "index_not_found_exception"}, "status": 404})
		}
	}
}

// ContainerEngine is the API of a Docker engine. Its fix closes the port.
func ContainerEngine(s *Site) {
	s.Plain = always
	version := map[string]any{
		"Platform": map[string]any{"Name": "Docker Engine - Community"}, "Version": "24.0.7", "ApiVersion": "1.43", "MinAPIVersion": "1.12",
		"GitCommit": "311b9ff", "GoVersion": "go1.20.10", "Os": "linux", "Arch": "amd64", "KernelVersion": "6.1.0-13-amd64",
	}
	s.Fallback = func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if rest, ok := strings.CutPrefix(path, "/v1."); ok { // /v1.43/containers/json
			if _, rest, ok = strings.Cut(rest, "/"); ok {
				path = "/" + rest
			}
		}
		w.Header().Set("Api-Version", "1.43")
		w.Header().Set("Docker-Experimental", "false")
		w.Header().Set("Ostype", "linux")
		switch path {
		case "/_ping":
			Text(w, http.StatusOK, "OK")
		case "/version":
			writeJSON(w, http.StatusOK, version)
		case "/info":
			writeJSON(w, http.StatusOK, map[string]any{"ID": "practice", "Name": "build", "Containers": 1, "Images": 7, "ServerVersion": "24.0.7", "OperatingSystem": "Debian GNU/Linux 12 (bookworm)"})
		case "/containers/json":
			writeJSON(w, http.StatusOK, []any{map[string]any{"Id": "8dfafdbc3a40", "Names": []string{"/runner"}, "Image": "runner:latest", "State": "running"}})
		default:
			writeJSON(w, http.StatusNotFound, map[string]any{"message": "page not found"})
		}
	}
}

// KeyValueStore is the API of an etcd 3.5.
func KeyValueStore(s *Site) {
	s.Plain = always
	encode := func(v string) string { return base64.StdEncoding.EncodeToString([]byte(v)) }
	s.Fallback = func(w http.ResponseWriter, r *http.Request) {
		open := s.has("etcd-open")
		switch r.URL.Path {
		case "/version":
			writeJSON(w, http.StatusOK, map[string]any{"etcdserver": "3.5.9", "etcdcluster": "3.5.0"})
		case "/health":
			writeJSON(w, http.StatusOK, map[string]any{"health": "true"})
		case "/v3/kv/range":
			if !open {
				writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "etcdserver: user name is empty", "code": 16, "message": "etcdserver: user name is empty"})
				return
			}
			writeJSON(w, http.StatusOK, map[string]any{
				"header": map[string]any{"cluster_id": "14841639068965178418", "revision": "12", "raft_term": "2"},
				"kvs":    []any{map[string]any{"key": encode("/app/db/host"), "value": encode("10.1.2.3"), "version": "1"}}, "count": "1",
			})
		case "/v2/keys", "/v2/keys/":
			if !open {
				writeJSON(w, http.StatusUnauthorized, map[string]any{"errorCode": 110, "message": "The request requires user authentication"})
				return
			}
			writeJSON(w, http.StatusOK, map[string]any{"action": "get", "node": map[string]any{
				"dir": true, "nodes": []any{map[string]any{"key": "/app", "dir": true, "modifiedIndex": 4, "createdIndex": 4}},
			}})
		default:
			Text(w, http.StatusNotFound, "404 page not found\n")
		}
	}
}

func always() bool { return true }
