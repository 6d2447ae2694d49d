// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"os"
	"testing"

	"github.com/gyre-ctem/gyre/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Turn{M: m}.Run()) }
