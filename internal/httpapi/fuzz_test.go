// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre/internal/auth"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

// send calls the handler as the process itself does. What leaves must be an
// answer or a problem, and never one that Gyre is to blame for.
func send(t *testing.T, w *world, method, target, body string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://127.0.0.1"+target, strings.NewReader(body))
	if err != nil {
		return
	}
	r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:1"
	r.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r.WithContext(auth.WithLocalAdmin(r.Context())))
	if rec.Code >= 500 {
		t.Errorf("%s %s %q: %d %s", method, target, body, rec.Code, rec.Body)
	}
	if rec.Code >= 400 {
		var p httpapi.Problem
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || p.Code == "" {
			t.Errorf("%s %s %q: not a problem: %s", method, target, body, rec.Body)
		}
	}
}

func FuzzBodies(f *testing.F) {
	w := newWorld(f)
	w.plant(2)
	paths := []string{"POST /scopes", "PATCH /exposures", "POST /filters", "POST /tokens", "POST /accounts", "POST /session", "POST /account/password"}
	for i, body := range []string{
		`{"name":"x","targets":[{"cidr":"10.0.0.0/8"}],"hours":[{"from":"22:00","to":"04:00"}]}`,
		`{"filter":"risk > 1.0","state":"accepted","reason":"x","ends":"2030-01-01T00:00:00Z"}`,
		`{"name":"f","filter":"severity >= HIGH"}`, `{"name":"t","scopes":["read"]}`, `{"name":"ann","role":"reader"}`,
		`{"name":"ann","password":"x"}`, `{"new":"x"}`, `{"name":null,"targets":null}`, `{"ids":["0000000000000"],"state":"open"}`, "[", "\xff", "{}", "null",
	} {
		f.Add(uint8(i), body) // #nosec -- few
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		method, path, _ := strings.Cut(paths[int(which)%len(paths)], " ")
		send(t, w, method, "/api/v1"+path, body)
	})
}

func FuzzQueries(f *testing.F) {
	w := newWorld(f)
	w.plant(2)
	f.Add(`severity >= HIGH && asset.zone == "internet"`, "-risk,locus", "", "state")
	f.Add(`search("ssh")`, "title", "eyJ9", "asset.zone,severity")
	f.Add("((((", "", "\x00", ",,")
	f.Fuzz(func(t *testing.T, filter, sort, after, facets string) {
		q := url.Values{"filter": {filter}, "sort": {sort}, "after": {after}, "facets": {facets}}
		send(t, w, "GET", "/api/v1/exposures?"+q.Encode(), "")
		send(t, w, "GET", "/api/v1/assets?"+q.Encode(), "")
	})
}
