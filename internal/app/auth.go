// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"time"

	"github.com/gyre-ctem/gyre/internal/auth"
)

func (a *App) newAuth() (*auth.Auth, error) {
	return auth.New(auth.Config{
		Store: a.db, Sessions: a.db.Sessions(), Workspace: a.workspace.ID, Log: a.opt.Log, Now: time.Now,
		Secure: a.opt.Config.Get("tls-cert") != "",
	}), nil
}
