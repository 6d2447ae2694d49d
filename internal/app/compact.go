// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Compact removes from a workspace what the settings do not keep.
func (a *App) Compact(ctx context.Context, ws gyre.ID, dry bool) (gyre.Compacted, error) {
	coverage, err := a.before("keep-coverage")
	if err != nil {
		return gyre.Compacted{}, err
	}
	evidence, err := a.before("keep-evidence")
	if err != nil {
		return gyre.Compacted{}, err
	}
	return a.db.Compact(ctx, ws, coverage, evidence, dry)
}

// before is the moment up to which a setting does not keep; zero when it keeps for ever.
func (a *App) before(setting string) (time.Time, error) {
	keep, err := time.ParseDuration(a.opt.Config.Get(setting))
	if err != nil {
		return time.Time{}, gyre.FieldErrorf(gyre.Invalid, setting, "%v", err)
	}
	if keep == 0 {
		return time.Time{}, nil
	}
	return time.Now().Add(-keep), nil
}

// compactAll compacts every workspace.
func (a *App) compactAll(ctx context.Context) error {
	all, err := a.db.Workspaces(ctx)
	if err != nil {
		return err
	}
	var sum gyre.Compacted
	var errs []error
	for _, ws := range all {
		done, err := a.Compact(ctx, ws.ID, false)
		sum.Add(done)
		errs = append(errs, err)
	}
	if sum != (gyre.Compacted{}) {
		a.opt.Log.Info("compacted old runs", "runs", sum.Runs, "coverage", sum.Coverage, "assets", sum.RunAssets, "evidence", sum.Evidence)
	}
	return errors.Join(errs...)
}
