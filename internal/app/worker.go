// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"strconv"

	"github.com/gyre-ctem/gyre"
)

// work begins to work jobs as the settings say.
func (a *App) work(ctx context.Context) error {
	n, err := strconv.Atoi(a.opt.Config.Get("workers"))
	if err != nil {
		return gyre.FieldErrorf(gyre.Invalid, "workers", "%v", err)
	}
	return a.queue.Serve(ctx, n, a.opt.Queues, a.opt.Zones)
}

// Work works jobs beside the server and other workers until ctx ends.
func (a *App) Work(ctx context.Context) error {
	if err := a.work(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	halt, halted := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer halted()
	a.queue.Stop(halt)
	return nil
}
