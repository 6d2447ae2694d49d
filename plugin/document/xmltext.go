// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"io"
	"math/bits"
	"unicode"
	"unicode/utf8"
)

// nameBytes may be part of a name.
var nameBytes [256]bool

func init() {
	for c := range 256 {
		b := byte(c) // #nosec G115 -- below 256
		nameBytes[c] = 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '_' || b == ':' || b == '.' || b == '-' || b >= utf8.RuneSelf
	}
}

// chars reads text into t.text: up to the next "<" or the end of the document,
// up to a quotation mark, or up to the end of a CDATA section.
func (t *tokens) chars(quote byte, cdata bool) error {
	i, lines := t.pos, 0
	for !cdata {
		i += simpleRun(t.buf[i:t.end], quote)
		if i == t.end {
			break
		}
		switch c := t.buf[i]; {
		case c == '\n':
			lines++
			i++
			continue
		case c == '\t':
			i++
			continue
		case quote == 0 && c == '<', quote != 0 && c == quote: // all of it lies here as it means
			t.text = t.buf[t.pos:i]
			t.line += lines
			t.pos = i
			if quote != 0 {
				t.pos++
			}
			return nil
		}
		break
	}
	t.own = append(t.own[:0], t.buf[t.pos:i]...)
	t.line += lines
	t.pos = i
	err := t.moreChars(quote, cdata)
	t.text = t.own
	return err
}

// simpleRun is how many bytes there are before one that is not itself in a text
// of this kind, or may not be.
func simpleRun(p []byte, quote byte) int {
	if quote == 0 {
		quote = ']' // which may be the beginning of what may not stand there
	}
	mark := low * uint64(quote)
	i := 0
	for ; i+8 <= len(p); i += 8 {
		x := eightOf(p[i:])
		if found := firstBelow(x) | x&high | firstZero(x^low*'<') | firstZero(x^low*'&') | firstZero(x^mark); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(p); i++ {
		if c := p[i]; c < ' ' || c >= utf8.RuneSelf || c == '<' || c == '&' || c == quote {
			break
		}
	}
	return i
}

// moreChars is chars from where something has to be understood; it adds to t.own.
func (t *tokens) moreChars(quote byte, cdata bool) error {
	brackets := 0 // "]" just before
	for {
		if brackets < 2 { // else a ">" would mean something
			if n := simpleRun(t.buf[t.pos:t.end], quote); n > 0 {
				t.own = append(t.own, t.buf[t.pos:t.pos+n]...)
				t.pos += n
				brackets = 0
			}
		}
		if t.pos == t.end {
			err := t.fill()
			switch {
			case err == nil:
				continue
			case err == io.EOF && !cdata && quote == 0: //nolint:errorlint // as the reader gave it
				return nil // what follows, or does not, is for the next token to say
			case err == io.EOF: //nolint:errorlint // as the reader gave it
				return t.fail("unexpected EOF")
			}
			return err
		}
		c := t.buf[t.pos]
		switch {
		case c == ']':
			brackets++
			t.own = append(t.own, c)
			t.pos++
			continue
		case c == '>' && brackets >= 2 && quote == 0:
			if !cdata {
				return t.fail("unescaped ]]> not in CDATA section")
			}
			t.pos++
			t.own = t.own[:len(t.own)-2]
			return nil
		case c == '<' && !cdata:
			if quote != 0 {
				return t.fail("unescaped < inside quoted string")
			}
			return nil
		case quote != 0 && c == quote:
			t.pos++
			return nil
		case c == '&' && !cdata:
			t.pos++
			if err := t.entity(); err != nil {
				return err
			}
		case c == '\r':
			if err := t.lineBreak(); err != nil {
				return err
			}
		case c == '\n':
			t.line++
			t.own = append(t.own, c)
			t.pos++
		case c >= utf8.RuneSelf:
			if err := t.rune(); err != nil {
				return err
			}
		case c < ' ' && c != '\t':
			return t.fail("illegal character code %U", c)
		default: // a mark that means nothing here
			t.own = append(t.own, c)
			t.pos++
		}
		brackets = 0
	}
}

// lineBreak writes one line feed for a carriage return and what may follow it.
func (t *tokens) lineBreak() error {
	t.pos++
	t.own = append(t.own, '\n')
	c, err := t.peek()
	if err == nil && c == '\n' {
		t.line++
		t.pos++
	}
	if err == io.EOF { //nolint:errorlint // as the reader gave it
		return nil // the loop will see
	}
	return err
}

// rune takes one character beyond ASCII, which may lie across two reads.
func (t *tokens) rune() error {
	var whole [utf8.UTFMax]byte
	n := 0
	for n < len(whole) && !utf8.FullRune(whole[:n]) {
		c, err := t.peek()
		if err == io.EOF { //nolint:errorlint // as the reader gave it
			break
		}
		if err != nil {
			return err
		}
		if n > 0 && c < utf8.RuneSelf {
			break
		}
		whole[n] = c
		n++
		t.pos++
	}
	r, size := utf8.DecodeRune(whole[:n])
	if r == utf8.RuneError && size <= 1 || size != n {
		return t.fail("invalid UTF-8")
	}
	return t.char(r)
}

func (t *tokens) char(r rune) error {
	if !inCharacterRange(r) {
		return t.fail("illegal character code %U", r)
	}
	t.own = utf8.AppendRune(t.own, r)
	return nil
}

// inCharacterRange is the production Char of the XML specification, section 2.2.
func inCharacterRange(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || ' ' <= r && r <= 0xD7FF || 0xE000 <= r && r <= 0xFFFD || 0x10000 <= r && r <= unicode.MaxRune
}

// entity reads a character reference or one of the five entities that need no
// declaration, behind the "&".
func (t *tokens) entity() error {
	c, err := t.must()
	if err != nil {
		return err
	}
	if c == '#' {
		t.pos++
		return t.reference()
	}
	if err := t.rawName(); err != nil {
		return err
	}
	c, err = t.take()
	if err != nil {
		return err
	}
	if c != ';' {
		return t.fail("invalid character entity &%s (no semicolon)", t.raw)
	}
	switch string(t.raw) {
	case "lt":
		return t.char('<')
	case "gt":
		return t.char('>')
	case "amp":
		return t.char('&')
	case "apos":
		return t.char('\'')
	case "quot":
		return t.char('"')
	}
	return t.fail("invalid character entity &%s;", t.raw)
}

func (t *tokens) reference() error {
	base, digits, n := rune(10), 0, rune(0)
	c, err := t.take()
	if err == nil && c == 'x' {
		base = 16
		c, err = t.take()
	}
	for ; err == nil; c, err = t.take() {
		d := rune(c) - '0'
		switch {
		case '0' <= c && c <= '9':
		case base == 16 && 'a' <= c && c <= 'f':
			d = rune(c) - 'a' + 10
		case base == 16 && 'A' <= c && c <= 'F':
			d = rune(c) - 'A' + 10
		case c == ';' && digits > 0 && n <= unicode.MaxRune:
			if 0xD800 <= n && n < 0xE000 {
				n = utf8.RuneError // as string(rune) writes them
			}
			return t.char(n)
		default:
			return t.fail("invalid character entity")
		}
		digits++
		n = min(n*base+d, unicode.MaxRune+1)
	}
	return err
}
