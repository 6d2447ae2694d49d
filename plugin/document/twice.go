// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"context"
	"io"
	"os"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// MaxLearned bounds what is kept of a document from one import of it to the next:
// the bytes of what a first reading has decoded or says that it keeps.
const MaxLearned = 64 << 20

// Twice reads a JSON document two times, the second time from a temporary file, in
// little memory: for formats where what is needed to understand an entry (of what it
// speaks, which rules there are) may stand behind it. first returns what it has learned; second
// leaves that as it is. The second reading begins only when the first one and the end of
// the document were sound, so an importer that emits in the second emits nothing of a
// broken document.
//
// Where in.Memory knows what an earlier reading has learned, there is no first one and no
// file: second reads in.Reader as it comes. That earlier reading has seen the whole document to
// be sound. If it cannot be read to its end this time, something was emitted before the
// error.
func Twice[T any](ctx context.Context, in plugin.Input, first func(*JSON) (T, error), second func(*JSON, T) error) error {
	if learned, ok := in.Memory.Learned().(T); ok {
		j := newJSON(ctx, in.Name, in.Reader, true)
		if err := second(j, learned); err != nil {
			return err
		}
		return j.End()
	}
	tmp, err := os.CreateTemp("", "gyre-report-*.json")
	if err != nil {
		return gyre.Errorf(gyre.Unavailable, "spool report: %w", err)
	}
	defer func() {
		_ = tmp.Close()
		_ = os.Remove(tmp.Name())
	}()
	j := NewJSON(ctx, in.Name, io.TeeReader(in.Reader, tmp))
	learned, err := first(j)
	if err != nil {
		return err
	}
	if err := j.End(); err != nil {
		return err
	}
	if j.kept <= MaxLearned {
		in.Memory.Learn(learned)
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return gyre.Errorf(gyre.Unavailable, "read spooled report: %w", err)
	}
	return second(newJSON(ctx, in.Name, tmp, true), learned)
}
