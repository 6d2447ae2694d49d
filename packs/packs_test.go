// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package packs_test

import (
	"testing"

	"github.com/gyre-ctem/gyre/internal/check"
	"github.com/gyre-ctem/gyre/packs"
)

func TestLoads(t *testing.T) {
	set, err := check.Load(packs.Checks())
	if err != nil {
		t.Fatal(err)
	}
	ids := set.IDs("")
	if len(ids) < 60 {
		t.Errorf("%d checks", len(ids))
	}
	t.Log(len(ids), ids)
}
