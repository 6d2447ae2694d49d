// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
)

// format is the version of the file's own layout.
const format = 1

// Header is what a backup says of itself.
type Header struct {
	Format  int           `json:"format"`
	Schema  int64         `json:"schema"`
	Engine  store.Engine  `json:"engine"`
	Version string        `json:"version" doc:"Gyre's"`
	Created time.Time     `json:"created"`
	Tables  []store.Table `json:"tables"`
}

// Section is one table of a backup.
type Section struct {
	Table  string `json:"table"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

// trailer ends a backup.
type trailer struct {
	Tables int    `json:"tables"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

// Summary is what a backup holds, as somebody who has read all of it knows.
type Summary struct {
	Header   Header    `json:"-"`
	Sections []Section `json:"sections"`
	Rows     int64     `json:"rows"`
	SHA256   string    `json:"sha256"`
}

const (
	recordHeader  = 'H'
	recordRows    = 'R'
	recordTable   = 'T'
	recordTrailer = 'Z'

	// blockSize is from when on rows are written; a record holds at least one row.
	blockSize = 256 << 10
	// maxRecord bounds a record, and with it a row.
	maxRecord  = 64 << 20
	maxTables  = 1000
	maxColumns = 1000
)

// The kinds of values.
const (
	valueNull = iota
	valueInt
	valueFloat
	valueText
	valueBytes
	valueFalse
	valueTrue
)

// appendRow appends a row: each value as its kind and itself.
func appendRow(b []byte, values []any) ([]byte, error) {
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			b = append(b, valueNull)
		case int64:
			b = binary.AppendVarint(append(b, valueInt), v)
		case float64:
			b = binary.BigEndian.AppendUint64(append(b, valueFloat), math.Float64bits(v))
		case string:
			b = binary.AppendUvarint(append(b, valueText), uint64(len(v)))
			b = append(b, v...)
		case []byte:
			b = binary.AppendUvarint(append(b, valueBytes), uint64(len(v)))
			b = append(b, v...)
		case bool:
			kind := byte(valueFalse)
			if v {
				kind = valueTrue
			}
			b = append(b, kind)
		default:
			return b, gyre.Errorf(gyre.Internal, "a %T cannot be backed up", v)
		}
	}
	return b, nil
}

// fits says whether a column of a type may hold a value of a kind.
func fits(kind byte, typ string) bool {
	switch kind {
	case valueNull:
		return true
	case valueInt:
		return typ == "int"
	case valueFloat:
		return typ == "float"
	case valueText:
		return typ == "text"
	case valueBytes:
		return typ == "bytes"
	case valueFalse, valueTrue:
		return typ == "bool"
	}
	return false
}

// rowOf reads one row, and returns what follows it. Values do not share memory with b.
func rowOf(b []byte, columns []store.Column) (values []any, rest []byte, ok bool) {
	values = make([]any, len(columns))
	for i, c := range columns {
		if len(b) == 0 || !fits(b[0], c.Type) {
			return nil, nil, false
		}
		kind := b[0]
		b = b[1:]
		switch kind {
		case valueInt:
			v, n := binary.Varint(b)
			if n <= 0 {
				return nil, nil, false
			}
			values[i], b = v, b[n:]
		case valueFloat:
			if len(b) < 8 {
				return nil, nil, false
			}
			values[i], b = math.Float64frombits(binary.BigEndian.Uint64(b)), b[8:]
		case valueText, valueBytes:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) { // #nosec G115 -- a length
				return nil, nil, false
			}
			text := b[n : n+int(size)] // #nosec G115 -- at most len(b)
			b = b[n+int(size):]        // #nosec G115
			values[i] = string(text)
			if kind == valueBytes {
				values[i] = append([]byte{}, text...)
			}
		case valueFalse, valueTrue:
			values[i] = kind == valueTrue
		}
	}
	return values, b, true
}
