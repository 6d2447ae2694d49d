// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"errors"
	"io"
	"math/bits"
)

// walker watches the bytes of a JSON document go by and stops where it nests
// too deep or a text gets too long, before the decoder has to hold it.
type walker struct {
	r        io.Reader
	walked   bool // the document has passed before: its bytes are only counted
	n        int64
	depth    int
	text     int // bytes of the token being read
	inString bool
	escaped  bool
	err      error
}

var (
	errTooDeep  = errors.New("too deep")
	errLongText = errors.New("text too long")
)

// pieceSize is how much is looked at without asking how long its texts are.
const pieceSize = 64 << 10

func (w *walker) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.r.Read(p)
	if w.walked {
		w.n += int64(n)
		return n, err
	}
	for at := 0; at < n; {
		piece := p[at:min(n, at+pieceSize)]
		var passed int
		if w.text+len(piece) <= MaxText {
			passed = w.pass(piece)
		} else {
			passed = w.passNear(piece)
		}
		at += passed
		if w.err != nil {
			w.n += int64(at)
			return max(at, 0), w.err // one less than none: an escape went past the limit
		}
	}
	w.n += int64(n)
	return n, err
}

// What a byte outside of a text means.
const (
	plain = iota // white space and literals: the decoder holds a number whole
	quoteMark
	opening
	closing
	separator
)

var jsonMarks = [256]uint8{'"': quoteMark, '{': opening, '[': opening, '}': closing, ']': closing, ',': separator, ':': separator}

// pass walks through a piece in which no text can get too long, and says how much passed.
func (w *walker) pass(p []byte) int {
	i, from := 0, -w.text // where the token being read began
	inString, escaped := w.inString, w.escaped
	if escaped && len(p) > 0 {
		i, escaped = 1, false
	}
walk:
	for i < len(p) {
		if inString {
			i += textRun(p[i:])
			if i == len(p) {
				break
			}
			if p[i] == '\\' {
				i += 2 // nothing that is escaped ends a text
				continue
			}
			inString = false
			i++
			from = i
		}
		for i < len(p) {
			mark := jsonMarks[p[i]]
			i++
			if mark == plain {
				continue
			}
			from = i
			switch mark {
			case quoteMark:
				inString = true
				continue walk
			case opening:
				if w.depth++; w.depth > MaxDepth {
					w.err = errTooDeep
					return i - 1
				}
			case closing:
				w.depth--
			}
		}
	}
	if i > len(p) { // what is escaped comes with the next piece
		i, escaped = len(p), true
	}
	w.text, w.inString, w.escaped = i-from, inString, escaped
	return i
}

// passNear is pass where a text may get too long.
func (w *walker) passNear(p []byte) int {
	for i := 0; i < len(p); i++ {
		if w.inString && !w.escaped {
			// A text goes on to its next mark; of what comes before, only the length counts.
			run := min(textRun(p[i:]), MaxText+1-w.text)
			w.text += run
			i += run
			if w.text > MaxText {
				w.err = errLongText
				return i
			}
			if i == len(p) {
				break
			}
		}
		if w.err = w.step(p[i]); w.err != nil {
			return i
		}
	}
	return len(p)
}

// textRun is how many bytes there are before a quotation mark or a backslash.
// Most texts are short, so that it is dearer to look for one and then for the other; and
// in a text full of marks, looking far ahead for each would never end.
func textRun(p []byte) int {
	i := 0
	for ; i+8 <= len(p); i += 8 {
		x := eightOf(p[i:])
		if found := firstZero(x^low*'"') | firstZero(x^low*'\\'); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(p); i++ {
		if p[i] == '"' || p[i] == '\\' {
			break
		}
	}
	return i
}

func (w *walker) step(c byte) error {
	if w.inString {
		w.text++
		switch {
		case w.escaped:
			w.escaped = false
		case c == '\\':
			w.escaped = true
		case c == '"':
			w.inString, w.text = false, 0
		case w.text > MaxText:
			return errLongText
		}
		return nil
	}
	switch c {
	case '"':
		w.inString, w.text = true, 0
	case '{', '[':
		w.depth++
		w.text = 0
		if w.depth > MaxDepth {
			return errTooDeep
		}
	case '}', ']':
		w.depth--
		w.text = 0
	case ',', ':':
		w.text = 0
	default: // white space and literals: the decoder holds a number whole
		if w.text++; w.text > MaxText {
			return errLongText
		}
	}
	return nil
}
