// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func compressed(t testing.TB, out io.Writer) *zstd.Encoder {
	t.Helper()
	z, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// plain is what lies behind the compression.
func plain(t testing.TB, file []byte) []byte {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
