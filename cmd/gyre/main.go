// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Command gyre is the whole of Gyre: server, console, command line and practice estate.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/gyre-ctem/gyre/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
