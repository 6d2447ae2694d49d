// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"

	"github.com/gyre-ctem/gyre/internal/ingest"
	"github.com/gyre-ctem/gyre/internal/store"
)

// correlation reads from the store, and changes what is one through ingest.
type correlation struct {
	*store.DB
	*ingest.Ingest
}

// unify makes the weaknesses of every workspace follow what advisories say of
// their names by now.
func (a *App) unify(ctx context.Context) error {
	all, err := a.db.Workspaces(ctx)
	if err != nil {
		return err
	}
	for _, ws := range all {
		n, err := a.ingest.Unify(ctx, ws.ID)
		if err != nil {
			return err
		}
		if n > 0 {
			a.opt.Log.Info("names of weaknesses resolved anew", "workspace", ws.Name, "names", n)
		}
	}
	return nil
}
