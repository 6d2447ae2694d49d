// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// XML reads one XML document as a stream. Entities that the document declares are
// refused: no report needs them, and they are how a small file becomes a large one.
// Not safe for concurrent use. After an error it is of no further use.
type XML struct {
	name   string
	budget *budget
	tok    *tokens
	depth  int
	err    error
}

// NewXML starts reading r, which is called name in errors. UTF-8, US-ASCII and
// ISO-8859-1 are understood.
func NewXML(ctx context.Context, name string, r io.Reader) *XML {
	x := &XML{name: name, budget: newBudget(ctx, r)}
	br := bufio.NewReaderSize(x.budget, 32<<10)
	head, err := br.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		x.err = err
	}
	skip, err := skipBOM(name, head)
	if err != nil {
		x.err = err
	}
	_, _ = br.Discard(skip) // it was just peeked at
	x.tok = newTokens(br)
	return x
}

// Place is the line where the stream stands, for an error's Field.
func (x *XML) Place() string { return x.PlaceAt(x.Line()) }

// Line is the line where the stream stands, for a Place that may be needed later.
func (x *XML) Line() int { return x.tok.line }

// PlaceAt is the Place of a line where the stream stood.
func (x *XML) PlaceAt(line int) string { return fmt.Sprintf("%s:%d", x.name, line) }

// Root reads up to the start of the outermost element.
func (x *XML) Root() (xml.StartElement, error) {
	for {
		kind, err := x.next()
		if errors.Is(err, io.EOF) {
			return xml.StartElement{}, gyre.FieldErrorf(gyre.Invalid, x.Place(), "the file ends before the document begins")
		}
		if err != nil {
			return xml.StartElement{}, err
		}
		if kind == startToken {
			return x.tok.el.Copy(), nil
		}
	}
}

// Children calls f for each child of the element whose start was read last, up to
// its end; f may consume the child, else it is skipped. el holds until f returns.
func (x *XML) Children(f func(el xml.StartElement) error) error {
	depth := x.depth
	for {
		kind, err := x.next()
		if err != nil {
			return err
		}
		switch kind {
		case startToken:
			if err := f(x.tok.el); err != nil {
				return err
			}
			if err := x.skipTo(depth); err != nil {
				return err
			}
		case endToken:
			return nil
		}
	}
}

// Text reads the character data of the element whose start was read last, up to
// its end, without that of its children. White space around it is cut.
func (x *XML) Text() (string, error) { return x.TextOr("") }

// TextOr is Text, or the text of the first child with the local name child when
// there is such a child.
func (x *XML) TextOr(child string) (string, error) {
	depth := x.depth
	var own, of pieces
	inside, found := false, false
	for x.depth >= depth {
		kind, err := x.next()
		if err != nil {
			return "", err
		}
		switch kind {
		case startToken:
			inside = inside || child != "" && !found && x.depth == depth+1 && x.tok.el.Name.Local == child
			found = found || inside
		case endToken:
			inside = inside && x.depth > depth
		case textToken:
			p := &own
			if inside {
				p = &of
			} else if x.depth != depth {
				continue
			}
			if p.size()+len(x.tok.text) > MaxText {
				return "", x.tooLong()
			}
			p.add(&x.tok.words, x.tok.text)
		}
	}
	if found {
		return strings.TrimSpace(of.String()), nil
	}
	return strings.TrimSpace(own.String()), nil
}

// pieces are a text that may come in several tokens, which it seldom does.
type pieces struct {
	first string
	all   strings.Builder // when there are more
}

func (p *pieces) size() int { return max(len(p.first), p.all.Len()) }

func (p *pieces) add(w *words, b []byte) {
	if p.size() == 0 {
		p.first = w.of(b)
		return
	}
	if p.all.Len() == 0 {
		p.all.WriteString(p.first)
	}
	p.all.Write(b)
}

func (p *pieces) String() string {
	if p.all.Len() > 0 {
		return p.all.String()
	}
	return p.first
}

// End reads to the end of the document and fails if anything but comments and
// white space follows the outermost element.
func (x *XML) End() error {
	for {
		kind, err := x.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if kind == startToken {
			return gyre.FieldErrorf(gyre.Invalid, x.Place(), "something follows the end of the document")
		}
	}
}

func (x *XML) skipTo(depth int) error {
	for x.depth > depth {
		if _, err := x.next(); err != nil {
			return err
		}
	}
	return nil
}

// next returns io.EOF itself at the end of the document only.
func (x *XML) next() (tokenKind, error) {
	if x.err != nil {
		return otherToken, x.err
	}
	x.budget.allow(MaxText, "a text")
	if err := x.tok.next(); err != nil {
		x.err = x.fail(err)
		return otherToken, x.err
	}
	switch x.tok.kind {
	case startToken:
		if x.depth++; x.depth > MaxDepth {
			x.err = gyre.FieldErrorf(gyre.TooLarge, x.Place(), "nested deeper than %d levels", MaxDepth)
		}
	case endToken:
		x.depth--
	case directiveToken:
		if t := x.tok.text; bytes.ContainsAny(t, "[") || bytes.HasPrefix(bytes.ToUpper(t), []byte("ENTITY")) {
			x.err = gyre.FieldErrorf(gyre.Invalid, x.Place(), "declares entities of its own; such documents are refused")
		}
	}
	return x.tok.kind, x.err
}

func (x *XML) tooLong() error {
	return gyre.FieldErrorf(gyre.TooLarge, x.Place(), "a text is longer than %d MiB", MaxText>>20)
}

func (x *XML) fail(err error) error {
	if ctxErr := x.budget.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	if e, ok := errors.AsType[*gyre.Error](err); ok {
		return e
	}
	if errors.Is(err, errTooLong) {
		return x.tooLong()
	}
	e, syntax := errors.AsType[*xml.SyntaxError](err)
	switch {
	case errors.Is(err, io.EOF) && x.depth == 0:
		return io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), syntax && strings.Contains(e.Msg, "unexpected EOF"):
		return gyre.FieldErrorf(gyre.Invalid, x.Place(), "the file ends in the middle of the document")
	case syntax:
		return gyre.FieldErrorf(gyre.Invalid, fmt.Sprintf("%s:%d", x.name, e.Line), "broken XML: %s", e.Msg)
	case x.budget.broken == nil: // an encoding or XML version that is not read
		return gyre.FieldErrorf(gyre.Invalid, x.Place(), "%s", strings.TrimPrefix(err.Error(), "xml: "))
	}
	return gyre.FieldErrorf(gyre.Unavailable, x.Place(), "cannot be read: %v", err)
}

// Attr returns the value of the attribute with a local name, or "".
func Attr(el xml.StartElement, name string) string {
	for _, a := range el.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

var errCharset = errors.New("unknown character encoding")

func charset(label string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return r, nil
	case "iso-8859-1", "latin1", "iso_8859-1":
		return &latin1{r: r}, nil
	}
	return nil, fmt.Errorf("%w %q; save the file as UTF-8", errCharset, label)
}

// latin1 turns ISO-8859-1 into UTF-8.
type latin1 struct {
	r    io.Reader
	rest []byte
}

func (l *latin1) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		var in [4096]byte
		n, err := l.r.Read(in[:])
		if n == 0 {
			return 0, err
		}
		l.rest = l.rest[:0]
		for _, c := range in[:n] {
			l.rest = append(l.rest, string(rune(c))...)
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}
