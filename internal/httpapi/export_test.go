// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre/internal/auth"
)

// Needs is the table of needs.
var Needs = needs

// Operations lists the operations that are registered, by id, and the schemas
// of their document.
func Operations() (map[string]*huma.Operation, huma.Registry) {
	doc := (&server{}).register(http.NewServeMux()).OpenAPI()
	all := map[string]*huma.Operation{}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				all[op.OperationID] = op
			}
		}
	}
	return all, doc.Components.Schemas
}

// NeedOf is what an operation was registered with.
func NeedOf(op *huma.Operation) auth.Grant { return op.Metadata[metaNeed].(auth.Grant) }
