// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// Limits of one imported document. They hold for what comes out of a
// compressed file, so that a bomb is refused after Expanded bytes or at Ratio,
// whichever is first, with nothing kept.
const (
	maxExpanded   = 1 << 30
	maxRatio      = 200
	ratioGrace    = 8 << 20 // small files may expand freely
	headSize      = 64 << 10
	maxSpooled    = 1 << 30
	maxZipEntries = 1
)

// document is an opened, decompressed report.
type document struct {
	name   string
	reader io.Reader
	head   []byte
	close  func() error
}

// openDocument looks at the first bytes of r and undoes gzip or a zip that
// holds one file. The reader it returns fails with gyre.TooLarge past the limits.
func openDocument(name string, r io.Reader) (*document, error) {
	counted := &countingReader{r: r}
	br := bufio.NewReaderSize(counted, headSize)
	magic, err := br.Peek(4)
	if err != nil && err != io.EOF {
		return nil, gyre.FieldErrorf(gyre.Invalid, name, "cannot be read: %v", err)
	}
	if len(magic) == 0 {
		return nil, gyre.FieldErrorf(gyre.Invalid, name, "the file is empty")
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, gyre.FieldErrorf(gyre.Invalid, name, "broken gzip: %v", err)
		}
		return newDocument(strings.TrimSuffix(name, ".gz"), zr, func() int64 { return counted.n }, zr.Close)
	case bytes.HasPrefix(magic, []byte("PK\x03\x04")):
		return openZip(name, br)
	}
	return newDocument(name, br, nil, func() error { return nil })
}

func openZip(name string, r io.Reader) (*document, error) {
	tmp, err := os.CreateTemp("", "gyre-import-*.zip")
	if err != nil {
		return nil, gyre.Errorf(gyre.Unavailable, "spool zip: %w", err)
	}
	drop := func() error {
		_ = tmp.Close()
		return os.Remove(tmp.Name())
	}
	fail := func(err error) (*document, error) {
		_ = drop()
		return nil, err
	}
	n, err := io.Copy(tmp, io.LimitReader(r, maxSpooled+1))
	if err != nil {
		return fail(gyre.FieldErrorf(gyre.Invalid, name, "cannot be read: %v", err))
	}
	if n > maxSpooled {
		return fail(gyre.FieldErrorf(gyre.TooLarge, name, "zip is larger than %d MiB", maxSpooled>>20))
	}
	zr, err := zip.NewReader(tmp, n)
	if err != nil {
		return fail(gyre.FieldErrorf(gyre.Invalid, name, "broken zip: %v", err))
	}
	var entry *zip.File
	files := 0
	for _, f := range zr.File {
		if !f.FileInfo().IsDir() {
			entry = f
			files++
		}
	}
	if files != maxZipEntries {
		return fail(gyre.FieldErrorf(gyre.Invalid, name, "the zip holds %d files; import one report at a time", files))
	}
	er, err := entry.Open()
	if err != nil {
		return fail(gyre.FieldErrorf(gyre.Invalid, name, "broken zip entry %q: %v", entry.Name, err))
	}
	compressed := int64(min(entry.CompressedSize64, 1<<62)) // #nosec -- bounded by min
	return newDocument(path.Base(entry.Name), er, func() int64 { return compressed }, func() error {
		_ = er.Close()
		return drop()
	})
}

func newDocument(name string, r io.Reader, compressed func() int64, closeFn func() error) (*document, error) {
	lr := &limitedReader{r: r, name: name, compressed: compressed}
	br := bufio.NewReaderSize(lr, headSize)
	head, err := br.Peek(headSize)
	if err != nil && err != io.EOF {
		_ = closeFn()
		if gyre.ErrorCode(err) == gyre.TooLarge {
			return nil, err
		}
		return nil, gyre.FieldErrorf(gyre.Invalid, name, "cannot be read: %v", err)
	}
	// Peek's slice is overwritten by the next read.
	return &document{name: name, reader: br, head: bytes.Clone(head), close: closeFn}, nil
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

type limitedReader struct {
	r          io.Reader
	name       string
	n          int64
	compressed func() int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.n += int64(n)
	if l.n > maxExpanded {
		return 0, gyre.FieldErrorf(gyre.TooLarge, l.name, "larger than %d MiB uncompressed", maxExpanded>>20)
	}
	if l.compressed != nil && l.n > ratioGrace {
		if c := l.compressed(); l.n > maxRatio*max(c, 1) {
			return 0, gyre.FieldErrorf(gyre.TooLarge, l.name, "expands more than %d times: refused as a compression bomb", maxRatio)
		}
	}
	return n, err
}
