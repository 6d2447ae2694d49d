// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/store"
)

// TestAnswersKeepTheirSchemas: what is read, on an empty estate and on a full
// one, is what the document says: no null where a list belongs, no word that is
// not in its enumeration.
func TestAnswersKeepTheirSchemas(t *testing.T) {
	w := newWorld(t)
	admin := w.as(gyre.RoleAdmin)
	check := func(t *testing.T, ids map[string]string, atLeast int) {
		ops, schemas := httpapi.Operations()
		checked := 0
		for id, op := range ops {
			if op.Method != http.MethodGet || id == "stream-events" {
				continue
			}
			of := strings.Split(strings.TrimPrefix(op.Path, "/api/v1/"), "/")[0]
			if strings.Contains(op.Path, "{id}") && ids[of] == "" {
				continue
			}
			path := strings.ReplaceAll(op.Path, "{id}", ids[of])
			if id == "preview-merge" {
				path += "?from=" + ids["other asset"]
			}
			a := admin.raw("GET", path, nil).want(t, 200)
			var v any
			must(t, json.Unmarshal(a.body, &v))
			var result huma.ValidateResult
			schema := op.Responses[strconv.Itoa(200)].Content["application/json"].Schema
			huma.Validate(schemas, schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, v, &result)
			for _, err := range result.Errors {
				t.Errorf("%s: %v", id, err)
			}
			checked++
		}
		if checked < atLeast {
			t.Errorf("%d operations were checked only", checked)
		}
	}
	t.Run("empty", func(t *testing.T) { check(t, nil, 17) })

	p := w.plant(3)
	sc := read[gyre.Scope](t, admin.do("POST", "/scopes", scopeInput("prod")).want(t, 201))
	cy := read[gyre.Cycle](t, admin.do("POST", "/cycles", nil).want(t, 202))
	run := read[gyre.Run](t, admin.do("POST", "/imports?name=a.xml", strings.NewReader("x")).want(t, 201))
	admin.do("POST", "/filters", httpapi.FilterInput{Name: "f", Filter: "true"}).want(t, 201)
	admin.do("POST", "/tokens", httpapi.TokenInput{Name: "t", Scopes: []string{"read"}}).want(t, 201)
	admin.do("POST", "/exposures/"+p.exposures[0].ID.String()+"/validate", nil).want(t, 200)
	admin.do("PATCH", "/exposures", httpapi.ExposureChange{IDs: p.ids()[:1], State: gyre.StateAccepted, Reason: "x"}).want(t, 200)
	must(t, w.db.Write(t.Context(), w.ws, func(tx *store.Tx) error {
		return tx.SaveFacts(t.Context(), "network", []gyre.Fact{{
			Asset: gyre.RefID(p.assets[0].ID), Aspect: gyre.AspectService, Locus: "tcp/22", Data: map[string]any{"port": int64(22)},
		}}, w.now())
	}))
	_, err := w.db.SavePlan(t.Context(), w.ws, []store.ActionDraft{{Action: gyre.Action{Key: "k", Title: "Do it"}, Removes: p.ids()}})
	must(t, err)
	actions := read[httpapi.ActionList](t, admin.do("GET", "/actions", nil))
	t.Run("full", func(t *testing.T) {
		check(t, map[string]string{
			"exposures": p.exposures[0].ID.String(), "assets": p.assets[0].ID.String(), "other asset": p.assets[1].ID.String(), "scopes": sc.ID.String(), "cycles": cy.ID.String(),
			"runs": run.ID.String(), "actions": actions.Items[0].ID.String(),
		}, 24)
	})
}
