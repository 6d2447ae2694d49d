// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre/internal/httpapi"
)

var update = flag.Bool("update", false, "write generated files anew")

// TestOpenAPIDocument: the document that the console's client is generated from
// is the one that the server has.
func TestOpenAPIDocument(t *testing.T) {
	file := filepath.Join("..", "..", "web", "openapi.json")
	got, err := httpapi.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("web/openapi.json is not what the code says; run make gen (-file +code):\n%s", diff)
	}
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(got, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || len(doc.Paths) < 30 {
		t.Errorf("OpenAPI %s with %d paths; want 3.1.0 with 30 at least", doc.OpenAPI, len(doc.Paths))
	}
}
