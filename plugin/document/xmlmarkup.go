// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// instruction reads a processing instruction; that of the document itself names
// its encoding.
func (t *tokens) instruction() error {
	t.kind = otherToken
	if err := t.rawName(); err != nil {
		return err
	}
	if len(t.raw) == 0 {
		return t.fail("expected target name after <?")
	}
	target := string(t.raw)
	if !validName(target) {
		return t.fail("invalid XML name: %s", target)
	}
	if err := t.space(); err != nil {
		return err
	}
	t.own = t.own[:0]
	for !bytes.HasSuffix(t.own, []byte("?>")) {
		c, err := t.take()
		if err != nil {
			return err
		}
		t.own = append(t.own, c)
	}
	if target != "xml" {
		return nil
	}
	says := string(t.own[:len(t.own)-2])
	if v := pseudoAttr(says, "version"); v != "" && v != "1.0" {
		t.err = fmt.Errorf("xml: unsupported version %q; only version 1.0 is supported", v)
		t.pos, t.end = 0, 0
		return t.err
	}
	label := pseudoAttr(says, "encoding")
	if label == "" || strings.EqualFold(label, "utf-8") {
		return nil
	}
	rest := bytes.Clone(t.buf[t.pos:t.end])
	t.pos, t.end = 0, 0
	src := io.Reader(bytes.NewReader(rest))
	if t.err == nil {
		src = io.MultiReader(src, t.src)
	}
	t.src, t.err = charset(label, src)
	if t.err != nil {
		t.err = fmt.Errorf("xml: opening charset %q: %w", label, t.err)
	}
	return t.err
}

// pseudoAttr finds name="value" in a processing instruction.
func pseudoAttr(s, name string) string {
	name += "="
	for {
		_, rest, ok := strings.Cut(s, name)
		if !ok || rest == "" {
			return ""
		}
		quote, after := rest[0], rest[1:]
		if quote == '"' || quote == '\'' {
			value, _, ok := strings.Cut(after, string(rune(quote)))
			if !ok {
				return ""
			}
			return value
		}
		s = after
	}
}

// markup reads what begins with "<!".
func (t *tokens) markup() error {
	c, err := t.take()
	if err != nil {
		return err
	}
	switch c {
	case '-':
		if c, err = t.take(); err != nil {
			return err
		}
		if c != '-' {
			return t.fail("invalid sequence <!- not part of <!--")
		}
		return t.comment()
	case '[':
		for _, want := range []byte("CDATA[") {
			if c, err = t.take(); err != nil {
				return err
			}
			if c != want {
				return t.fail("invalid <![ sequence")
			}
		}
		t.kind = textToken
		return t.chars(0, true)
	}
	return t.directive(c)
}

func (t *tokens) comment() error {
	t.kind = otherToken
	dashes := 0
	for {
		c, err := t.take()
		switch {
		case err != nil:
			return err
		case dashes >= 2 && c == '>':
			return nil
		case dashes >= 2:
			return t.fail(`invalid sequence "--" not allowed in comments`)
		case c == '-':
			dashes++
		default:
			dashes = 0
		}
	}
}

// directive reads <!DOCTYPE …> and the like.
func (t *tokens) directive(c byte) error {
	t.kind = directiveToken
	t.own = append(t.own[:0], c)
	var quote byte
	depth := 0
	for {
		c, err := t.take()
		if err != nil {
			return err
		}
		if quote == 0 && c == '>' && depth == 0 {
			t.text = t.own
			return nil
		}
	again:
		t.own = append(t.own, c)
		switch {
		case c == quote:
			quote = 0
		case quote != 0:
		case c == '\'' || c == '"':
			quote = c
		case c == '>':
			depth--
		case c == '<':
			for i, want := range []byte("!--") {
				if c, err = t.take(); err != nil {
					return err
				}
				if c != want {
					t.own = append(t.own, "!--"[:i]...)
					depth++
					goto again
				}
			}
			t.own[len(t.own)-1] = ' '
			var a, b byte
			for {
				if c, err = t.take(); err != nil {
					return err
				}
				if a == '-' && b == '-' && c == '>' {
					break
				}
				a, b = b, c
			}
		}
	}
}
