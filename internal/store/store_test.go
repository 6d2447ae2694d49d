// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"os"
	"testing"

	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

func TestMain(m *testing.M) {
	store.SetPostgres(storetest.EmptyPostgres)
	os.Exit(m.Run())
}

func TestStore(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			storetest.Run(t, func(t testing.TB) *store.DB { return storetest.Open(t, e) })
		})
	}
}
