// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

// BenchmarkReceive measures how fast a report is kept: cut, hashed, packed and
// written to the database. Its bytes a second are those of the report.
//
//	go test -run '^$' -bench '^BenchmarkReceive$' ./internal/app
func BenchmarkReceive(b *testing.B) {
	report := generated(b, "nessus", 20_000, 0)
	for _, engine := range storetest.Engines {
		b.Run(string(engine), func(b *testing.B) {
			a := openOn(b, filepath.Join(b.TempDir(), "data"), b.TempDir(), storetest.URL(b, engine))
			b.SetBytes(int64(len(report)))
			b.ReportAllocs()
			for b.Loop() {
				u, _, err := a.uploads.Receive(b.Context(), a.workspace.ID, imports{a}.input(httpapi.Import{Name: "r", Size: -1, Again: true, Body: strings.NewReader(report)}))
				if err != nil {
					b.Fatal(err)
				}
				if err := a.db.DropUpload(b.Context(), a.workspace.ID, u.ID); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
