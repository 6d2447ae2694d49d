// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// what is learned here of a document: its keys.
type keys struct{ all []string }

// twice reads a document and says what each reading met.
func twice(r io.Reader, m *plugin.Memory) (first, second, learned int, err error) {
	err = Twice(context.Background(), plugin.Input{Name: "f.json", Reader: r, Memory: m}, func(j *JSON) (*keys, error) {
		first++
		k := &keys{}
		return k, j.Object(func(key string) error {
			k.all = append(k.all, key)
			switch key {
			case "most":
				j.Keep(MaxLearned - 1)
			case "text":
				_, err := j.Text()
				return err
			}
			return nil
		})
	}, func(j *JSON, k *keys) error {
		learned = len(k.all)
		return j.Object(func(string) error {
			second++
			return nil
		})
	})
	return first, second, learned, err
}

func TestTwice(t *testing.T) {
	const text = `{"a":1,"b":[2],"text":"x"} `
	for name, m := range map[string]*plugin.Memory{"no memory": nil, "a memory": {}, "another's memory": {}} {
		if name == "another's memory" {
			m.Learn("what another importer has learned")
		}
		for pass := range 3 {
			first, second, learned, err := twice(strings.NewReader(text), m)
			if err != nil || second != 3 || learned != 3 || (first == 0) != (m != nil && pass > 0) {
				t.Errorf("%s, pass %d: %d first readings, %d members, %d learned, %v", name, pass, first, second, learned, err)
			}
		}
	}
}

func TestTwiceRefuses(t *testing.T) {
	known := &plugin.Memory{}
	if _, _, _, err := twice(strings.NewReader(`{"a":1}`), known); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		in    io.Reader
		code  gyre.Code
		field string
	}{
		{strings.NewReader(`{"a":1,"b"`), gyre.Invalid, "f.json:byte 10"},
		{strings.NewReader(`{"a":1,}`), gyre.Invalid, "f.json:byte 6"},
		{strings.NewReader(`{"a":1} x`), gyre.Invalid, "f.json:byte 8"},
		{io.MultiReader(strings.NewReader(`{"a":1,`), iotest.ErrReader(errors.New("gone"))), gyre.Unavailable, ""},
	} {
		text, readErr := io.ReadAll(tc.in)
		for _, m := range []*plugin.Memory{nil, {}, known} {
			var r io.Reader = strings.NewReader(string(text))
			if readErr != nil {
				r = io.MultiReader(r, iotest.ErrReader(readErr))
			}
			_, second, _, err := twice(r, m)
			e, ok := errors.AsType[*gyre.Error](err)
			if !ok || e.Code != tc.code || tc.field != "" && e.Field != tc.field {
				t.Errorf("%q: %v", text, err)
			}
			if m != known && (second > 0 || m.Learned() != nil) {
				t.Errorf("%q: read a second time, or remembered", text)
			}
		}
	}
}

// What would be large is learned anew each time.
func TestMemoryOfADocumentIsBounded(t *testing.T) {
	for text, kept := range map[string]bool{`{"most":1,"text":"x"}`: true, `{"most":1,"text":"xy"}`: false} {
		m := &plugin.Memory{}
		if _, _, _, err := twice(strings.NewReader(text), m); err != nil || (m.Learned() != nil) != kept {
			t.Errorf("%s: kept %v, %v", text, m.Learned() != nil, err)
		}
	}
}
