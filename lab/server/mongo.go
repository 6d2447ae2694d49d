// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/binary"
	"io"
	"math"
	"net"
	"strings"
)

const (
	mongoQuery   = 2004
	mongoReply   = 1
	mongoMsg     = 2013
	mongoMaxSize = 64 << 10
)

// MongoDB answers hello, buildInfo and listDatabases over OP_MSG and OP_QUERY
// (MongoDB wire protocol). Without its flaw listDatabases needs authentication.
func MongoDB(host string, has Flaws) Handler {
	return func(c net.Conn) {
		head := make([]byte, 16)
		for {
			if _, err := io.ReadFull(c, head); err != nil {
				return
			}
			size := binary.LittleEndian.Uint32(head)
			if size < 16 || size > mongoMaxSize {
				return
			}
			body := make([]byte, size-16)
			if _, err := io.ReadFull(c, body); err != nil {
				return
			}
			op := binary.LittleEndian.Uint32(head[12:])
			command, ok := mongoCommand(op, body)
			if !ok {
				return
			}
			doc := mongoAnswer(command, has(host+".mongodb-open"))
			var out []byte
			if op == mongoMsg {
				out = append(make([]byte, 5), doc...) // flags, section kind 0
			} else {
				// OP_REPLY: flags, cursor id, starting from, number of documents.
				out = append(make([]byte, 16), 1, 0, 0, 0)
				out = append(out, doc...)
				op = mongoReply
			}
			msg := binary.LittleEndian.AppendUint32(nil, uint32(16+len(out))) // #nosec G115 -- the answers are short
			msg = append(msg, 1, 0, 0, 0)
			msg = append(msg, head[4:8]...) // responseTo
			msg = binary.LittleEndian.AppendUint32(msg, op)
			if _, err := c.Write(append(msg, out...)); err != nil {
				return
			}
		}
	}
}

// mongoCommand returns the name of the first element of the command document.
func mongoCommand(op uint32, body []byte) (string, bool) {
	switch op {
	case mongoMsg:
		if len(body) < 5 || body[4] != 0 {
			return "", false
		}
		body = body[5:]
	case mongoQuery: // flags, collection name, skip, count
		if len(body) < 4 {
			return "", false
		}
		end := strings.IndexByte(string(body[4:]), 0)
		if end < 0 || len(body) < 4+end+1+8 {
			return "", false
		}
		body = body[4+end+1+8:]
	default:
		return "", false
	}
	if len(body) < 6 {
		return "", false
	}
	name, _, ok := strings.Cut(string(body[5:]), "\x00") // length, type, name
	return name, ok
}

func mongoAnswer(command string, open bool) []byte {
	switch strings.ToLower(command) {
	case "hello", "ismaster":
		return bson(bsonBool("helloOk", true), bsonBool("ismaster", true), bsonBool("isWritablePrimary", true),
			bsonInt("maxBsonObjectSize", 16777216), bsonInt("minWireVersion", 0), bsonInt("maxWireVersion", 17), bsonDouble("ok", 1))
	case "ping":
		return bson(bsonDouble("ok", 1))
	case "buildinfo":
		return bson(bsonString("version", "6.0.8"), bsonDouble("ok", 1))
	case "listdatabases":
		if open {
			one := bson(bsonString("name", "catalogue"), bsonDouble("sizeOnDisk", 73728), bsonBool("empty", false))
			list := bson(append([]byte("\x030\x00"), one...))
			return bson(append([]byte("\x04databases\x00"), list...), bsonDouble("totalSize", 73728), bsonDouble("ok", 1))
		}
		return bson(bsonDouble("ok", 0), bsonString("errmsg", "command listDatabases requires authentication"),
			bsonInt("code", 13), bsonString("codeName", "Unauthorized"))
	}
	return bson(bsonDouble("ok", 0), bsonString("errmsg", "no such command"), bsonInt("code", 59), bsonString("codeName", "CommandNotFound"))
}

func bson(elements ...[]byte) []byte {
	size := 5
	for _, e := range elements {
		size += len(e)
	}
	out := binary.LittleEndian.AppendUint32(make([]byte, 0, size), uint32(size)) // #nosec G115 -- a few hundred bytes
	for _, e := range elements {
		out = append(out, e...)
	}
	return append(out, 0)
}

func bsonBool(name string, v bool) []byte {
	b := byte(0)
	if v {
		b = 1
	}
	return append([]byte("\x08"+name+"\x00"), b)
}

func bsonInt(name string, v uint32) []byte {
	return binary.LittleEndian.AppendUint32([]byte("\x10"+name+"\x00"), v)
}

func bsonDouble(name string, v float64) []byte {
	return binary.LittleEndian.AppendUint64([]byte("\x01"+name+"\x00"), math.Float64bits(v))
}

func bsonString(name, v string) []byte {
	out := binary.LittleEndian.AppendUint32([]byte("\x02"+name+"\x00"), uint32(len(v)+1)) // #nosec G115 -- short
	return append(append(out, v...), 0)
}
