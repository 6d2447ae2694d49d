// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
)

func gz(t *testing.T, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.CopyN(w, zeros{}, int64(size)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func zipOf(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, n := range names {
		f, err := w.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, "content of "+n); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOpenDocument(t *testing.T) {
	for name, tc := range map[string]struct {
		in       []byte
		wantName string
		want     string
	}{
		"plain.json": {[]byte(`{"a":1}`), "plain.json", `{"a":1}`},
		"small.gz":   {gz(t, 3), "small", "\x00\x00\x00"},
		"one.zip":    {zipOf(t, "dir/report.xml"), "report.xml", "content of dir/report.xml"},
	} {
		doc, err := openDocument(name, bytes.NewReader(tc.in))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := io.ReadAll(doc.reader)
		if err != nil || string(got) != tc.want || doc.name != tc.wantName || string(doc.head) != tc.want {
			t.Errorf("%s: name %q, content %q, head %q, error %v", name, doc.name, got, doc.head, err)
		}
		if err := doc.close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
}

func TestOpenDocumentRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		in   []byte
		code gyre.Code
		want string
	}{
		"empty":     {nil, gyre.Invalid, "empty"},
		"torn.gz":   {gz(t, 1<<20)[:100], gyre.Invalid, "unexpected EOF"},
		"torn.zip":  {zipOf(t, "a")[:20], gyre.Invalid, "broken zip"},
		"two.zip":   {zipOf(t, "a", "b"), gyre.Invalid, "holds 2 files"},
		"bomb.gz":   {gz(t, 64<<20), gyre.TooLarge, "compression bomb"},
		"magic.zip": {[]byte("PK\x03\x04 and nothing more"), gyre.Invalid, "broken zip"},
	} {
		doc, err := openDocument(name, bytes.NewReader(tc.in))
		if err == nil {
			_, err = io.Copy(io.Discard, doc.reader)
			_ = doc.close()
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
		if tc.code == gyre.TooLarge && gyre.ErrorCode(err) != tc.code {
			t.Errorf("%s: code %s, want %s", name, gyre.ErrorCode(err), tc.code)
		}
	}
}

func FuzzOpenDocument(f *testing.F) {
	f.Add([]byte("{}"))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(_ *testing.T, b []byte) {
		doc, err := openDocument("f", bytes.NewReader(b))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(doc.reader, 16<<20))
		_ = doc.close()
	})
}
