// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gyre-ctem/gyre/plugin"
)

// openGuard allows every path, and counts how often it is asked.
type openGuard struct {
	plugin.Guard
	asked  int
	cancel func()
}

func (g *openGuard) AllowPath(string) error {
	g.asked++
	g.cancel()
	return nil
}

// TestListingStops: a large folder on a slow disk does not hold up a cancelled run.
func TestListingStops(t *testing.T) {
	dir := t.TempDir()
	for i := range 20 {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	g := &openGuard{cancel: cancel}
	if _, _, err := listFiles(ctx, dir, g); !errors.Is(err, context.Canceled) {
		t.Errorf("listing ends with %v", err)
	}
	if g.asked != 1 {
		t.Errorf("%d files were looked at after the run was cancelled", g.asked-1)
	}
}
