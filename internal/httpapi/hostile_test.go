// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

func TestOtherOriginsAreRefused(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleAdmin)
	for name, o := range map[string]option{
		"fetch metadata": header("Sec-Fetch-Site", "cross-site"),
		"sibling":        header("Sec-Fetch-Site", "same-site"),
		"origin":         header("Origin", "https://evil.example"),
		"null origin":    header("Origin", "null"),
	} {
		a := c.do("POST", "/scopes", scopeInput(name), o)
		a.problem(t, http.StatusForbidden, gyre.Forbidden)
	}
	c.do("POST", "/scopes", scopeInput("own page"), header("Sec-Fetch-Site", "same-origin")).want(t, 201)
	c.do("POST", "/scopes", scopeInput("own origin"), header("Origin", w.url)).want(t, 201)
	c.do("GET", "/scopes", nil, header("Sec-Fetch-Site", "cross-site")).want(t, 200) // reading is held back by the browser
}

func TestForeignHostNamesAreRefused(t *testing.T) {
	w := newWorld(t)
	for name, want := range map[string]int{
		"evil.example": 403, "evil.example:8437": 403, "localhost.evil.example": 403, "gyre": 403,
		"localhost": 200, "LOCALHOST:1": 200, "127.0.0.1": 200, "[::1]:8437": 200, "192.0.2.7": 200, "gyre.example.org": 200, "Gyre.Example.Org.:443": 200,
	} {
		if a := w.anonymous().do("GET", "/setup", nil, host(name)); a.status != want {
			t.Errorf("host %q: %d, want %d", name, a.status, want)
		}
	}
}

func TestHostileBodies(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleAdmin)
	deep := strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)
	deepList := `{"targets":` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + `}`
	for name, x := range map[string]struct {
		body   string
		status int
		code   gyre.Code
		opt    option
	}{
		"deep objects":     {deep, 400, gyre.Invalid, nil},
		"deep lists":       {deepList, 400, gyre.Invalid, nil},
		"cut off":          {`{"name":"x"`, 400, gyre.Invalid, nil},
		"not an object":    {`[]`, 422, gyre.Invalid, nil},
		"nothing":          {``, 400, gyre.Invalid, nil},
		"wrong type":       {`{"name":1,"targets":[]}`, 422, gyre.Invalid, nil},
		"unknown field":    {`{"name":"x","targets":[],"admin":true}`, 422, gyre.Invalid, nil},
		"too large":        {`{"name":"` + strings.Repeat("x", 2<<20) + `"}`, 413, gyre.TooLarge, nil},
		"too long a name":  {`{"name":"` + strings.Repeat("x", 200) + `","targets":[]}`, 422, gyre.Invalid, nil},
		"form":             {`name=x`, 415, gyre.Invalid, header("Content-Type", "application/x-www-form-urlencoded")},
		"xml":              {`<name>x</name>`, 415, gyre.Invalid, header("Content-Type", "text/xml")},
		"second value":     {`{"name":"x","targets":[]} {"name":"y"}`, 400, gyre.Invalid, nil},
		"semantics":        {`{"name":"","targets":[]}`, 422, gyre.Invalid, nil},
		"too large, keyed": {`{"name":"` + strings.Repeat("x", 2<<20) + `"}`, 413, gyre.TooLarge, header("Idempotency-Key", "k")},
	} {
		t.Run(name, func(t *testing.T) {
			opts := []option{}
			if x.opt != nil {
				opts = append(opts, x.opt)
			}
			began := time.Now()
			a := c.do("POST", "/scopes", strings.NewReader(x.body), opts...)
			a.problem(t, x.status, x.code)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("refusing it took %s", took)
			}
			if len(a.body) > 10_000 {
				t.Errorf("the refusal has %d bytes", len(a.body))
			}
		})
	}
	if l := read[httpapi.ScopeList](t, c.do("GET", "/scopes", nil)); len(l.Items) != 0 {
		t.Errorf("scopes %+v", l.Items)
	}
	p := c.do("POST", "/scopes", strings.NewReader(`{"name":"x","targets":[{"cidr":5}]}`)).problem(t, 422, gyre.Invalid)
	if len(p.Errors) == 0 || p.Errors[0].Location != "body.targets[0].cidr" {
		t.Errorf("places %+v, want body.targets[0].cidr", p.Errors)
	}
}

func TestHostileQueries(t *testing.T) {
	w := newWorld(t)
	w.plant(2)
	c := w.as(gyre.RoleReader)
	for query, field := range map[string]string{
		"filter=severity+>=":                  "filter",
		"filter=nothing+==+1":                 "filter",
		"filter=risk+>+%22a%22":               "filter",
		"sort=-nothing":                       "sort",
		"limit=0":                             "query.limit",
		"limit=1001":                          "query.limit",
		"limit=abc":                           "query.limit",
		"after=garbage":                       "after",
		"facets=nothing":                      "facets",
		"unknown=1":                           "query.unknown",
		"filter=" + strings.Repeat("x", 5000): "query.filter",
		"filter=" + strings.TrimSuffix(strings.Repeat("risk>1.0||", 400), "||"): "",
	} {
		a := c.do("GET", "/exposures?"+query, nil)
		if field == "" {
			if a.status != 200 && a.status != 422 {
				t.Errorf("%.60s: %d %s", query, a.status, a.body)
			}
			continue
		}
		p := a.problem(t, 422, gyre.Invalid)
		if len(p.Errors) == 0 || !strings.Contains(p.Errors[0].Location, field) {
			t.Errorf("%.60s: places %+v, want %s", query, p.Errors, field)
		}
	}
	nested := "filter=" + strings.Repeat("(", 2000) + "true" + strings.Repeat(")", 2000)
	c.do("GET", "/exposures?"+nested, nil).problem(t, 413, gyre.TooLarge)
	for _, path := range []string{"/exposures/xyz", "/exposures/" + strings.Repeat("z", 13), "/cycles/" + strings.Repeat("0", 14)} {
		c.do("GET", path, nil).problem(t, 422, gyre.Invalid)
	}
	c.do("GET", "/exposures/"+gyre.NewID().String(), nil).problem(t, 404, gyre.NotFound)
	c.do("GET", "/nothing", nil).problem(t, 404, gyre.NotFound)
	c.do("PUT", "/exposures", nil).want(t, 404)
}

// TestPanicIsAnsweredAndLoggedOnce: a defect answers 500 without saying what it was.
func TestPanicIsAnsweredAndLoggedOnce(t *testing.T) {
	w := newWorld(t)
	p := w.plant(1)
	c := w.as(gyre.RoleEditor)
	w.stages.panics = true
	a := c.do("POST", "/exposures/"+p.exposures[0].ID.String()+"/validate", nil)
	a.problem(t, 500, gyre.Internal)
	if strings.Contains(string(a.body), "broken") {
		t.Errorf("the answer says what broke: %s", a.body)
	}
	if log := w.log.String(); strings.Count(log, "the validator is broken") != 1 || !strings.Contains(log, a.header.Get("X-Request-Id")) {
		t.Error("the panic is not in the log exactly once with the request's id")
	}
	w.stages.panics = false
	c.do("POST", "/exposures/"+p.exposures[0].ID.String()+"/validate", nil).want(t, 200)
}

func TestHeaders(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/api/v1/setup", "/healthz", "/exposures/123"} {
		h := w.anonymous().raw("GET", path, nil).want(t, 200).header
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q lacks %s", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe-eval") || strings.Contains(strings.Split(csp, "style-src")[0], "unsafe-inline") {
			t.Errorf("%s: scripts may be unsafe: %s", path, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", path, name, h.Get(name), want)
			}
		}
		if h.Get("X-Request-Id") == "" {
			t.Errorf("%s: no request id", path)
		}
	}
}
