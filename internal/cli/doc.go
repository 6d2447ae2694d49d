// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package cli is the command line of Gyre. Every command speaks the API: to a
// server that runs, or to the same handler in this process on the data folder
// (docs/adr/0003). Only cmd/gyre imports it.
package cli
