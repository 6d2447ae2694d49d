// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// slowWalker is the walker as it was first: what walker is held to. It takes a
// step for each byte outside of texts, and looks twice for the next mark within them.
type slowWalker struct{ walker }

func (w *slowWalker) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.r.Read(p)
	for i := 0; i < n; i++ {
		if w.inString && !w.escaped {
			run := min(slowRun(p[i:n]), MaxText+1-w.text)
			w.text += run
			i += run
			if w.text > MaxText {
				w.err = errLongText
				w.n += int64(i)
				return max(i, 0), w.err
			}
			if i == n {
				break
			}
		}
		if w.err = w.step(p[i]); w.err != nil {
			w.n += int64(i)
			return i, w.err
		}
	}
	w.n += int64(n)
	return n, err
}

func slowRun(p []byte) int {
	if i := bytes.IndexByte(p, '"'); i >= 0 {
		p = p[:i]
	}
	if i := bytes.IndexByte(p, '\\'); i >= 0 {
		return i
	}
	return len(p)
}

// state is where a walk begins: near a limit, or in a text.
type state struct {
	depth, text       int
	inString, escaped bool
}

// sameWalk holds walker to slowWalker, whatever the pieces that the document comes in.
func sameWalk(t *testing.T, text []byte, s state) {
	t.Helper()
	for name, pieces := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "by bytes": iotest.OneByteReader, "by halves": iotest.HalfReader,
	} {
		at := walker{depth: s.depth, text: s.text, inString: s.inString, escaped: s.escaped}
		fast, slow := at, &slowWalker{at}
		fast.r, slow.r = pieces(bytes.NewReader(text)), pieces(bytes.NewReader(text))
		got, err := io.ReadAll(&fast)
		want, wantErr := io.ReadAll(slow)
		fast.r, slow.r = nil, nil
		if err != wantErr || !bytes.Equal(got, want) || fast.n != slow.n || err == nil && fast != slow.walker { //nolint:errorlint // the very error
			t.Fatalf("%s: %.80q from %+v: %d bytes, %v, %+v; want %d bytes, %v, %+v", name, text, s, len(got), err, fast, len(want), wantErr, slow.walker)
		}
	}
}

func TestSameWalk(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- a test's
	words := []string{`"`, `\`, `\\`, `\"`, "{", "[", "}", "]", ":", ",", " ", "\n", "12.5e3", "true", "plain text of some length", "é", "\xa2\xdc\"\x21\x23\x5b\x5d", "x"}
	for range 5000 {
		var b strings.Builder
		for range dice.IntN(60) {
			b.WriteString(words[dice.IntN(len(words))])
		}
		s := state{depth: MaxDepth - dice.IntN(6), text: MaxText - dice.IntN(60), inString: dice.IntN(2) == 0}
		if dice.IntN(3) == 0 {
			s.text = dice.IntN(100)
		}
		s.escaped = s.inString && dice.IntN(2) == 0
		sameWalk(t, []byte(b.String()), s)
	}
	for _, n := range []int{pieceSize - 1, pieceSize, pieceSize + 1} {
		for _, tail := range []string{"", `"`, `\`, `\"x`, `"]`} {
			for _, head := range []string{`["`, "[", `["\\`} {
				sameWalk(t, []byte(head+strings.Repeat("x", n)+tail), state{})
			}
			for over := range 4 {
				sameWalk(t, []byte(strings.Repeat("x", n)+tail), state{text: MaxText - n + over - 2, inString: true})
				sameWalk(t, []byte(strings.Repeat("7", n)+tail), state{text: MaxText - n + over - 2})
			}
		}
	}
}

func FuzzSameWalk(f *testing.F) {
	for _, text := range []string{`{"a":[1,"b\"\\",null]}`, `"x\`, "[[[[", `{"a":"b",`} {
		f.Add([]byte(text), 3, 20, false, false)
		f.Add([]byte(text), 300, MaxText, true, true)
	}
	f.Fuzz(func(t *testing.T, text []byte, levels, bytesLeft int, inString, escaped bool) {
		limit := func(left, most int) int { return most - int(uint(left)%uint(most+1)) } // #nosec G115 -- any number will do
		sameWalk(t, text, state{limit(levels, MaxDepth), limit(bytesLeft, MaxText), inString, inString && escaped})
	})
}

// A second reading of the same document gives the same places.
func TestWalkedCounts(t *testing.T) {
	text := []byte(`{"a":[[1,2,"x"]`)
	for _, walked := range []bool{false, true} {
		w := &walker{r: bytes.NewReader(text), walked: walked}
		if got, err := io.ReadAll(w); err != nil || !bytes.Equal(got, text) || w.n != int64(len(text)) {
			t.Errorf("walked %v: %q, %v, %d bytes", walked, got, err, w.n)
		}
	}
}

// BenchmarkWalk compares with the walker as it was first ("steps").
func BenchmarkWalk(b *testing.B) {
	one := `{"ruleId":"js/sql-injection","level":"error","message":{"text":"A query that depends on a \"user\" provided value."},` +
		`"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/main/app.js","index":12},"region":{"startLine":42,"startColumn":7}}}]},`
	for name, text := range map[string]string{
		"results": strings.Repeat(one, 4000), "long": `"` + strings.Repeat("x", 1<<20) + `"`, "escapes": `"` + strings.Repeat(`\n`, 1<<19) + `"`,
	} {
		for _, by := range []string{"here", "steps"} {
			b.Run(fmt.Sprintf("%s/%s", name, by), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				buf := make([]byte, 32<<10)
				for b.Loop() {
					fast := walker{r: strings.NewReader(text)}
					r := io.Reader(&fast)
					if by == "steps" {
						r = &slowWalker{fast}
					}
					for {
						if _, err := r.Read(buf); err != nil {
							break
						}
					}
				}
			})
		}
	}
}
