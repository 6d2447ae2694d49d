// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

func TestBatcherKeepsOrderAndSize(t *testing.T) {
	var got []string
	batches := 0
	out := plugin.NewBatcher(t.Context(), func(_ context.Context, b *gyre.Batch) error {
		batches++
		if n := len(b.Facts); n == 0 || n > plugin.BatchSize {
			t.Errorf("a batch of %d", n)
		}
		for _, f := range b.Facts {
			got = append(got, f.Locus)
		}
		return nil
	})
	const n = 5 * plugin.BatchSize / 2
	for i := range n {
		if err := out.Fact(gyre.Fact{Locus: strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second has nothing left to emit
		if err := out.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != n || batches != 3 {
		t.Fatalf("%d entries in %d batches", len(got), batches)
	}
	for i, locus := range got {
		if locus != strconv.Itoa(i) {
			t.Fatalf("entry %d is %s", i, locus)
		}
	}
}

func TestBatcherHandsOnErrors(t *testing.T) {
	want := errors.New("stop")
	out := plugin.NewBatcher(t.Context(), func(context.Context, *gyre.Batch) error { return want })
	if err := out.Asset(gyre.AssetSighting{}); err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(); !errors.Is(err, want) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := plugin.NewBatcher(ctx, nil).Flush(); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
