// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"
)

// ID identifies a stored row. It is a positive 63-bit number: 42 bits of
// milliseconds since 2020-01-01 UTC, 10 bits drawn once per process, 11 bits of
// sequence. IDs of one process ascend, so they double as a stable sort key.
// Zero means "none". Its text form, used in JSON and URLs, is 13 characters of
// lower-case Crockford base32, because JavaScript cannot hold 63-bit numbers.
type ID int64

const (
	idEpochMillis = 1577836800000
	idAlphabet    = "0123456789abcdefghjkmnpqrstvwxyz"
	idTextLen     = 13
	idNodeBits    = 10
	idSeqBits     = 11
)

var (
	idNode = func() int64 {
		var b [2]byte
		_, _ = rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
		return int64(binary.LittleEndian.Uint16(b[:])) & (1<<idNodeBits - 1)
	}()
	// idLast holds milliseconds<<idSeqBits | sequence of the newest ID.
	idLast atomic.Int64
)

// NewID returns an ID greater than every earlier ID of this process. When more
// than 2,048 are drawn in one millisecond it borrows from the next.
func NewID() ID {
	for {
		last := idLast.Load()
		next := max(last+1, (time.Now().UnixMilli()-idEpochMillis)<<idSeqBits)
		if idLast.CompareAndSwap(last, next) {
			ms, seq := next>>idSeqBits, next&(1<<idSeqBits-1)
			return ID(ms<<(idNodeBits+idSeqBits) | idNode<<idSeqBits | seq)
		}
	}
}

// String returns the text form, or "" for the zero ID.
func (id ID) String() string {
	if id == 0 {
		return ""
	}
	var b [idTextLen]byte
	for i, v := idTextLen-1, uint64(id); i >= 0; i, v = i-1, v>>5 { // #nosec -- IDs are positive
		b[i] = idAlphabet[v&31]
	}
	return string(b[:])
}

// MarshalText implements encoding.TextMarshaler.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *ID) UnmarshalText(b []byte) error {
	v, err := ParseID(string(b))
	if err == nil {
		*id = v
	}
	return err
}

// ParseID reads the text form; "" is the zero ID.
func ParseID(s string) (ID, error) {
	if s == "" {
		return 0, nil
	}
	if len(s) != idTextLen || s[0] > '7' {
		return 0, Errorf(Invalid, "id %q is not %d characters of base32", s, idTextLen)
	}
	var v uint64
	for i := range len(s) {
		d := indexByte(idAlphabet, s[i])
		if d < 0 {
			return 0, Errorf(Invalid, "id %q: character %q is not base32", s, s[i])
		}
		v = v<<5 | uint64(d) // #nosec -- 0 ≤ d < 32
	}
	return ID(v), nil // #nosec -- the first character is at most '7', so 63 bits
}

func indexByte(s string, c byte) int {
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return -1
}

var _ fmt.Stringer = ID(0)

// Time is when the ID was drawn, to the millisecond.
func (id ID) Time() time.Time {
	return time.UnixMilli(int64(id>>(idNodeBits+idSeqBits)) + idEpochMillis).UTC()
}
