// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gyre-ctem/gyre"
)

// JSON reads one JSON document as a stream. Not safe for concurrent use. After
// an error other than ErrShape it is of no further use.
type JSON struct {
	name   string
	budget *budget
	walk   *walker
	dec    *jsontext.Decoder
	err    error // of the start
	kept   int64 // bytes that whoever reads may have kept
}

// NewJSON starts reading r, which is called name in errors.
func NewJSON(ctx context.Context, name string, r io.Reader) *JSON {
	return newJSON(ctx, name, r, false)
}

// newJSON is NewJSON; walked says that a reading has passed the whole document already.
func newJSON(ctx context.Context, name string, r io.Reader, walked bool) *JSON {
	j := &JSON{name: name, budget: newBudget(ctx, r)}
	br := bufio.NewReaderSize(j.budget, 32<<10)
	head, err := br.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		j.err = err
	}
	skip, err := skipBOM(name, head)
	if err != nil {
		j.err = err
	}
	_, _ = br.Discard(skip) // it was just peeked at
	j.walk = &walker{r: br, walked: walked}
	// Duplicate names and invalid UTF-8 occur in real reports and harm nobody here.
	j.dec = jsontext.NewDecoder(j.walk, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return j
}

// Peek returns the kind of the next value: one of n f t " 0 { [ or 0 at the end
// of the object, array or file, or when the input is broken.
func (j *JSON) Peek() byte { return byte(j.dec.PeekKind()) }

// Place is the place where the stream stands, for an error's Field.
func (j *JSON) Place() string { return fmt.Sprintf("%s:byte %d", j.name, j.dec.InputOffset()) }

// Object reads an object and calls f for each member; f may consume the value,
// else it is skipped. A null counts as an empty object; any other value is
// skipped and ErrShape.
func (j *JSON) Object(f func(key string) error) error {
	if ok, err := j.open('{'); !ok {
		return err
	}
	depth := j.dec.StackDepth()
	for {
		tok, err := j.dec.ReadToken()
		if err != nil {
			return j.fail(err)
		}
		if tok.Kind() == '}' {
			return nil
		}
		key := tok.String()
		_, before := j.dec.StackIndex(depth)
		if err := f(key); err != nil {
			return err
		}
		if err := j.finish(depth, before); err != nil {
			return err
		}
	}
}

// Array reads an array and calls f for each element; f may consume it, else it
// is skipped. A null counts as an empty array; any other value is skipped and ErrShape.
func (j *JSON) Array(f func(i int) error) error {
	if ok, err := j.open('['); !ok {
		return err
	}
	depth := j.dec.StackDepth()
	for i := 0; ; i++ {
		switch j.dec.PeekKind() {
		case ']':
			_, err := j.dec.ReadToken()
			return j.fail(err)
		case 0:
			_, err := j.dec.ReadToken()
			return j.fail(err)
		}
		_, before := j.dec.StackIndex(depth)
		if err := f(i); err != nil {
			return err
		}
		if err := j.finish(depth, before); err != nil {
			return err
		}
	}
}

// finish skips what f has left of a value: all of it, or the rest of where it went
// into and came back from with an error that was then let pass.
func (j *JSON) finish(depth int, before int64) error {
	if _, n := j.dec.StackIndex(depth); n == before {
		return j.Skip()
	}
	for j.dec.StackDepth() > depth {
		var err error
		switch j.dec.PeekKind() {
		case '}', ']', 0:
			_, err = j.dec.ReadToken()
		default:
			err = j.dec.SkipValue()
		}
		if err != nil {
			return j.fail(err)
		}
	}
	return nil
}

// open reads the start of an object or array; false means that there is none to read.
func (j *JSON) open(kind jsontext.Kind) (bool, error) {
	if j.err != nil {
		return false, j.err
	}
	switch k := j.dec.PeekKind(); k {
	case kind, 0:
		_, err := j.dec.ReadToken()
		return err == nil, j.fail(err)
	case 'n':
		return false, j.Skip()
	default:
		place := j.Place()
		if err := j.Skip(); err != nil {
			return false, err
		}
		what := "an object"
		if kind == '[' {
			what = "an array"
		}
		return false, fmt.Errorf("%s: %w: want %s, found %s", place, ErrShape, what, kindName(k))
	}
}

// Skip skips the next value, whatever its size, in little memory.
func (j *JSON) Skip() error { return j.fail(j.dec.SkipValue()) }

// Text reads a string, number, true or false as text; null, objects and arrays are "".
func (j *JSON) Text() (string, error) {
	switch j.dec.PeekKind() {
	case '"', '0', 't', 'f':
		tok, err := j.dec.ReadToken()
		if err != nil {
			return "", j.fail(err)
		}
		text := tok.String()
		j.Keep(len(text))
		return text, nil
	}
	return "", j.Skip()
}

// Decode reads the next value whole into v, as json/v2 does. A value of another
// shape is ErrShape.
func (j *JSON) Decode(v any) error {
	place := j.Place()
	raw, err := j.Value()
	if err != nil {
		return err
	}
	j.Keep(len(raw))
	return Unmarshal(raw, place, v)
}

// Value reads a value as it is written, of at most MaxValue bytes. It is valid until
// the next reading.
func (j *JSON) Value() ([]byte, error) {
	j.budget.allow(MaxValue, "one value")
	raw, err := j.dec.ReadValue()
	j.budget.allowAll()
	if err != nil {
		return nil, j.fail(err)
	}
	return raw, nil
}

// Keep says that so many bytes are kept of keys, or of what Value has read: Twice
// remembers no more than MaxLearned. What Text and Decode read is counted by itself.
func (j *JSON) Keep(bytes int) { j.kept += int64(bytes) }

// Unmarshal is Decode for what Value has read at a place.
func Unmarshal(raw []byte, place string, v any) error {
	err := json.Unmarshal(raw, v, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return fmt.Errorf("%s: %w: %s", place, ErrShape, misfit(err))
	}
	return nil
}

// misfit says what does not fit in words of our own: those of the decoder change
// from build to build.
func misfit(err error) string {
	e, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return err.Error()
	}
	at := string(e.JSONPointer)
	if at == "" {
		at = "the value"
	}
	text := at + " is " + kindName(e.JSONKind)
	if e.GoType != nil {
		text += ", which is no " + e.GoType.Kind().String()
	}
	return text
}

// End fails unless nothing but white space follows.
func (j *JSON) End() error {
	_, err := j.dec.ReadToken()
	switch {
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil
	case err != nil:
		return j.fail(err)
	}
	return gyre.FieldErrorf(gyre.Invalid, j.Place(), "something follows the end of the document")
}

func (j *JSON) fail(err error) error {
	if err == nil {
		return nil
	}
	if ctxErr := j.budget.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	if e, ok := errors.AsType[*gyre.Error](err); ok { // of the reader: it knows better
		return e
	}
	switch {
	case errors.Is(err, errTooLong):
		return gyre.FieldErrorf(gyre.TooLarge, j.Place(), "%s is larger than %d MiB", j.budget.what, MaxValue>>20)
	case errors.Is(err, errTooDeep):
		return gyre.FieldErrorf(gyre.TooLarge, j.at(j.walk.n), "nested deeper than %d levels", MaxDepth)
	case errors.Is(err, errLongText):
		return gyre.FieldErrorf(gyre.TooLarge, j.at(j.walk.n), "a text is longer than %d MiB", MaxText>>20)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return gyre.FieldErrorf(gyre.Invalid, j.at(j.walk.n), "the file ends in the middle of the document")
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return gyre.FieldErrorf(gyre.Invalid, j.at(e.ByteOffset), "broken JSON: %v", e.Err)
	}
	if j.budget.broken == nil {
		return gyre.FieldErrorf(gyre.Invalid, j.Place(), "broken JSON: %v", err)
	}
	return gyre.FieldErrorf(gyre.Unavailable, j.Place(), "cannot be read: %v", err)
}

func (j *JSON) at(offset int64) string { return fmt.Sprintf("%s:byte %d", j.name, offset) }

func kindName(k jsontext.Kind) string {
	switch k {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case '0':
		return "a number"
	}
	return "true or false"
}
