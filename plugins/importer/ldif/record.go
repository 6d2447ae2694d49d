// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ldif

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
)

const (
	maxValues = 20_000  // of one record
	maxRecord = 8 << 20 // bytes of one record
)

// record is one entry of an export. Attribute names are in lower case, without options.
type record struct {
	dn     string
	line   int
	values map[string][]string
	change string // changetype
	refers bool   // has a value that lies in a file or at a URL
}

func (r *record) first(attribute string) string {
	if v := r.values[attribute]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (r *record) is(class string) bool {
	for _, c := range r.values["objectclass"] {
		if strings.EqualFold(c, class) {
			return true
		}
	}
	return false
}

// number reads a decimal attribute; false when there is none.
func (r *record) number(attribute string) (int64, bool) {
	n, err := strconv.ParseInt(r.first(attribute), 10, 64)
	return n, err == nil
}

// reader reads LDIF (RFC 2849).
type reader struct {
	name   string
	lines  *document.LineReader
	peeked []byte
	has    bool
}

// next returns the next record, or io.EOF.
func (r *reader) next() (*record, error) {
	var rec *record
	size, values := 0, 0
	for {
		line, n, err := r.logical()
		if errors.Is(err, io.EOF) {
			if rec != nil {
				return rec, nil
			}
			return nil, io.EOF
		}
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			if rec != nil {
				return rec, nil
			}
			continue
		}
		if line[0] == '#' || bytes.Equal(line, []byte("-")) {
			continue
		}
		place := r.name + ":" + strconv.Itoa(n)
		key, value, refers, err := split(line)
		if err != nil {
			return nil, gyre.FieldErrorf(gyre.Invalid, place, "%v", err)
		}
		switch {
		case rec == nil && key == "version":
			continue
		case rec == nil && key == "dn":
			rec = &record{dn: value, line: n, values: map[string][]string{}}
			continue
		case rec == nil:
			return nil, gyre.FieldErrorf(gyre.Invalid, place, "a record starts with %q instead of dn", document.Line(key, 60))
		case key == "changetype":
			rec.change = strings.ToLower(value)
			continue
		}
		if values++; values > maxValues {
			return nil, gyre.FieldErrorf(gyre.TooLarge, place, "a record of more than %d values", maxValues)
		}
		if size += len(key) + len(value); size > maxRecord {
			return nil, gyre.FieldErrorf(gyre.TooLarge, place, "a record of more than %d MiB", maxRecord>>20)
		}
		rec.refers = rec.refers || refers
		rec.values[key] = append(rec.values[key], value)
	}
}

// logical returns a line with its continuations, which begin with a space, and its number.
func (r *reader) logical() ([]byte, int, error) {
	var line []byte
	var err error
	if r.has {
		line, r.has = r.peeked, false
	} else if line, err = r.lines.Next(); err != nil {
		return nil, 0, err
	}
	n := r.lines.Line()
	line = bytes.Clone(line)
	for {
		more, err := r.lines.Next()
		if errors.Is(err, io.EOF) {
			return line, n, nil
		}
		if err != nil {
			return nil, 0, err
		}
		if len(more) == 0 || more[0] != ' ' || len(line) == 0 {
			r.peeked, r.has = bytes.Clone(more), true
			return line, n, nil
		}
		if len(line)+len(more) > maxRecord {
			return nil, 0, gyre.FieldErrorf(gyre.TooLarge, r.name+":"+strconv.Itoa(n), "a value of more than %d MiB", maxRecord>>20)
		}
		line = append(line, more[1:]...)
	}
}

var (
	errNoColon = errors.New("is no line of LDIF: it has no colon")
	errBase64  = errors.New("a value after :: is not base64")
)

func split(line []byte) (key, value string, refers bool, err error) {
	i := bytes.IndexByte(line, ':')
	if i <= 0 {
		return "", "", false, errNoColon
	}
	key = strings.ToLower(string(line[:i]))
	key, _, _ = strings.Cut(key, ";") // options such as ;binary and ;range=0-1499
	rest := line[i+1:]
	switch {
	case len(rest) > 0 && rest[0] == ':':
		raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(rest[1:])))
		if err != nil {
			return "", "", false, errBase64
		}
		return key, string(raw), false, nil
	case len(rest) > 0 && rest[0] == '<':
		return key, "", true, nil // never followed
	}
	return key, string(bytes.TrimLeft(rest, " ")), false, nil
}
