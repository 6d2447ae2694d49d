// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package upload

import (
	"context"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// ahead is how many batches may be parsed that are not stored yet.
const ahead = 1

// pipelined parses in one goroutine and stores in another. Batches are stored in
// the order in which they were emitted. The first error ends both; when storing
// fails, its error is returned and not what the importer made of it.
func pipelined(ctx context.Context, parse func(context.Context, plugin.Emit) (plugin.Info, plugin.Report, error), store plugin.Emit) (plugin.Info, plugin.Report, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan *gyre.Batch, ahead)
	stored := make(chan error, 1)
	go func() {
		var err error
		for b := range batches {
			if err != nil {
				continue // the importer is about to notice
			}
			if err = gyre.Caught(func() error { return store(ctx, b) }); err != nil {
				stop()
			}
		}
		stored <- err
	}()
	info, report, err := parse(ctx, func(ctx context.Context, b *gyre.Batch) error {
		select {
		case batches <- b:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	close(batches)
	if storeErr := <-stored; storeErr != nil {
		err = storeErr
	}
	return info, report, err
}
