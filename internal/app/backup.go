// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"io"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/config"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/backup"
)

// Backup writes the database into a file of one piece. It takes nothing from a
// server that runs on it: whoever may read the database may do this.
func Backup(ctx context.Context, cfg *config.Config, version string, out io.Writer, progress backup.Progress) (_ backup.Summary, err error) {
	if _, err := goesWith(cfg.Get("data"), cfg.Database()); err != nil {
		return backup.Summary{}, err
	}
	db, err := store.Attach(ctx, cfg.Database())
	if err != nil {
		return backup.Summary{}, err
	}
	defer func() {
		if cerr := db.Close(); err == nil {
			err = cerr
		}
	}()
	return backup.Write(ctx, db, version, out, progress)
}

// Restore makes the database out of a backup. No server may run on the data
// folder. With replace, a database that is there is kept beside the new one, under the
// name that Restore returns; and the folder may have gone with another kind of database.
func Restore(ctx context.Context, cfg *config.Config, in io.ReadSeeker, replace bool, progress backup.Progress) (_ backup.Summary, kept string, err error) {
	folder, err := LockFolder(cfg.Get("data"))
	if err != nil {
		return backup.Summary{}, "", err
	}
	defer func() {
		if rerr := folder.Release(); err == nil {
			err = rerr
		}
	}()
	if _, err := goesWith(cfg.Get("data"), cfg.Database()); err != nil && !replace {
		return backup.Summary{}, "", gyre.FieldErrorf(gyre.Conflict, "database", "%v; or use --force", err)
	}
	sum, kept, err := backup.Restore(ctx, in, cfg.Database(), replace, progress)
	if err != nil {
		return sum, kept, err
	}
	return sum, kept, folder.rebind(cfg.Database())
}
