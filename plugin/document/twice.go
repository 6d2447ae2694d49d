// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"context"
	"io"
	"os"

	"github.com/gyre-ctem/gyre"
)

// Twice reads a JSON document two times, the second time from a temporary file, in
// little memory: for formats where what is needed to understand an entry (of what it
// speaks, which rules there are) may stand behind it. The second reading begins only when
// the first one and the end of the document were sound, so an importer that emits in
// the second emits nothing of a broken document.
func Twice(ctx context.Context, name string, r io.Reader, first, second func(*JSON) error) error {
	tmp, err := os.CreateTemp("", "gyre-report-*.json")
	if err != nil {
		return gyre.Errorf(gyre.Unavailable, "spool report: %w", err)
	}
	defer func() {
		_ = tmp.Close()
		_ = os.Remove(tmp.Name())
	}()
	j := NewJSON(ctx, name, io.TeeReader(r, tmp))
	if err := first(j); err != nil {
		return err
	}
	if err := j.End(); err != nil {
		return err
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return gyre.Errorf(gyre.Unavailable, "read spooled report: %w", err)
	}
	return second(newJSON(ctx, name, tmp, true))
}
