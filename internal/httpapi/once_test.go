// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"bytes"
	"net/http"
	"sync"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

func key(k string) option { return header("Idempotency-Key", k) }

func TestRepeatedWriteHappensOnce(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleAdmin)
	first := c.do("POST", "/scopes", scopeInput("a"), key("1")).want(t, 201)
	second := c.do("POST", "/scopes", scopeInput("a"), key("1")).want(t, 201)
	if !bytes.Equal(first.body, second.body) || second.header.Get("Idempotency-Replayed") != "true" || first.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("first %s, repeated %s", first.body, second.body)
	}
	c.do("POST", "/scopes", scopeInput("b"), key("1")).problem(t, 409, gyre.Conflict)
	c.do("POST", "/scopes", scopeInput("a"), key("2")).problem(t, 409, gyre.Conflict) // by its name
	c.do("POST", "/scopes", scopeInput("b"), key("2")).want(t, 201)                   // a refusal does not use a key up
	other := w.named("another-admin", gyre.RoleAdmin)
	other.do("POST", "/scopes", scopeInput("c"), key("1")).want(t, 201) // keys are one's own
	if l := read[httpapi.ScopeList](t, c.do("GET", "/scopes", nil)); len(l.Items) != 3 {
		t.Errorf("%d scopes, want 3", len(l.Items))
	}
	del := "/scopes/" + read[gyre.Scope](t, first).ID.String()
	c.do("DELETE", del, nil, key("3")).want(t, 204)
	c.do("DELETE", del, nil, key("3")).want(t, 204)
	c.do("DELETE", del, nil).problem(t, 404, gyre.NotFound)
}

func TestSecretsAreNotKept(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleEditor)
	in := httpapi.TokenInput{Name: "t", Scopes: []string{"read"}}
	a := read[httpapi.NewToken](t, c.do("POST", "/tokens", in, key("1")).want(t, 201))
	b := read[httpapi.NewToken](t, c.do("POST", "/tokens", in, key("1")).want(t, 201))
	if a.Secret == b.Secret {
		t.Error("the answer with a secret was stored")
	}
}

// TestConcurrentRepeatsHappenOnce: of many requests with one key, one is served;
// the others hear its answer or that it is still being served.
func TestConcurrentRepeatsHappenOnce(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleAdmin)
	var wg sync.WaitGroup
	statuses := make([]int, 12)
	for i := range statuses {
		wg.Go(func() {
			a, err := c.try("POST", "/api/v1/scopes", scopeInput("a"), key("same"))
			if err == nil {
				statuses[i] = a.status
			}
		})
	}
	wg.Wait()
	served := 0
	for _, s := range statuses {
		switch s {
		case http.StatusCreated:
			served++
		case http.StatusConflict:
		default:
			t.Errorf("status %d", s)
		}
	}
	if l := read[httpapi.ScopeList](t, c.do("GET", "/scopes", nil)); len(l.Items) != 1 || served == 0 {
		t.Errorf("%d scopes, %d answers of success", len(l.Items), served)
	}
}

// TestPanicGivesKeyUp: what failed can be tried again with its key.
func TestPanicGivesKeyUp(t *testing.T) {
	w := newWorld(t)
	p := w.plant(1)
	c := w.as(gyre.RoleEditor)
	path := "/exposures/" + p.exposures[0].ID.String() + "/validate"
	w.stages.panics = true
	c.do("POST", path, nil, key("v")).problem(t, 500, gyre.Internal)
	w.stages.panics = false
	c.do("POST", path, nil, key("v")).want(t, 200)
}
