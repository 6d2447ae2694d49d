// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"encoding/binary"
	"math"
)

// mongo runs a command without arguments on the database admin as OP_MSG
// (MongoDB wire protocol) and returns the top level of the answer, or nil.
func (e *exchange) mongo(command string, p *peer) map[string]any {
	const opMsg, maxAnswer = 2013, 256 << 10
	doc := []byte{0, 0, 0, 0, 0x10}
	doc = append(append(doc, command...), 0, 1, 0, 0, 0, 0x02)
	doc = append(append(doc, "$db"...), 0, 6, 0, 0, 0)
	doc = append(doc, "admin\x00\x00"...)
	binary.LittleEndian.PutUint32(doc, uint32(len(doc))) // #nosec G115 -- a few bytes
	msg := make([]byte, 16, 21+len(doc))
	binary.LittleEndian.PutUint32(msg, uint32(21+len(doc))) // #nosec G115 -- a few bytes
	binary.LittleEndian.PutUint32(msg[4:], 1)
	binary.LittleEndian.PutUint32(msg[12:], opMsg)
	msg = append(append(msg, 0, 0, 0, 0, 0), doc...)
	if _, err := e.Write(msg); err != nil {
		return nil
	}
	head := e.readFull(16, p.pace.answer)
	if head == nil {
		return nil
	}
	size := binary.LittleEndian.Uint32(head)
	if size < 26 || size > maxAnswer || binary.LittleEndian.Uint32(head[12:]) != opMsg {
		return nil
	}
	body := e.readFull(int(size)-16, p.pace.answer)
	if body == nil || body[4] != 0 {
		return nil
	}
	return bsonTop(body[5:])
}

// bsonTop reads the numbers, booleans and strings at the top of a BSON document
// (bsonspec.org 1.1) and skips the rest. nil when it is not one.
func bsonTop(doc []byte) map[string]any {
	if len(doc) < 5 || binary.LittleEndian.Uint32(doc) > uint32(len(doc)) { // #nosec G115 -- at most 256 KiB
		return nil
	}
	out := map[string]any{}
	rest := doc[4:]
	for len(rest) > 0 && rest[0] != 0 {
		kind := rest[0]
		end := 1
		for end < len(rest) && rest[end] != 0 {
			end++
		}
		if end == len(rest) || len(out) > 200 {
			return nil
		}
		name := string(rest[1:end])
		rest = rest[end+1:]
		size := bsonSize(kind, rest)
		if size < 0 || size > len(rest) {
			return nil
		}
		switch kind {
		case 0x01:
			out[name] = math.Float64frombits(binary.LittleEndian.Uint64(rest))
		case 0x02:
			out[name] = string(rest[4 : size-1])
		case 0x08:
			out[name] = rest[0] != 0
		case 0x10:
			out[name] = int64(int32(binary.LittleEndian.Uint32(rest))) // #nosec G115 -- that is the format
		case 0x12:
			out[name] = int64(binary.LittleEndian.Uint64(rest)) // #nosec G115 -- that is the format
		default:
			out[name] = nil
		}
		rest = rest[size:]
	}
	return out
}

// bsonSize is the length of a value, -1 when it cannot be.
func bsonSize(kind byte, b []byte) int {
	prefixed := func(extra, least int) int {
		if len(b) < 4 {
			return -1
		}
		n := int64(binary.LittleEndian.Uint32(b)) + int64(extra)
		if n < int64(least) || n > int64(len(b)) {
			return -1
		}
		return int(n)
	}
	switch kind {
	case 0x01, 0x09, 0x11, 0x12:
		return 8
	case 0x02, 0x0d, 0x0e:
		return prefixed(4, 5)
	case 0x03, 0x04:
		return prefixed(0, 5)
	case 0x05:
		return prefixed(5, 5)
	case 0x07:
		return 12
	case 0x08:
		return 1
	case 0x06, 0x0a, 0x7f, 0xff:
		return 0
	case 0x10:
		return 4
	case 0x13:
		return 16
	}
	return -1
}
