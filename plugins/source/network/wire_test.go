// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network_test

import (
	"encoding/binary"
	"io"
	"math"
	"net"
	"strings"
)

// Small servers of binary protocols.

func serveVNC(kind byte) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, "RFB 003.008\n")
		if _, err := io.ReadFull(c, make([]byte, 12)); err != nil {
			return
		}
		if kind == 0 {
			_, _ = io.WriteString(c, "\x00\x00\x00\x00\x08too many")
			return
		}
		_, _ = c.Write([]byte{1, kind})
		_, _ = io.Copy(io.Discard, c)
	}
}

func servePostgres(reply string) func(net.Conn) {
	return func(c net.Conn) {
		head := make([]byte, 8)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		if binary.BigEndian.Uint32(head[4:]) == 80877103 {
			_, _ = io.WriteString(c, "N")
			_, _ = io.Copy(io.Discard, c)
			return
		}
		if binary.BigEndian.Uint32(head[4:]) == 196608 {
			_, _ = io.WriteString(c, reply)
		}
	}
}

func serveDNS(c net.Conn) {
	buf := make([]byte, 512)
	n, err := c.Read(buf)
	if err != nil || n < 14 || int(binary.BigEndian.Uint16(buf)) != n-2 {
		return
	}
	buf[4] |= 0x80
	buf[5] = 5 // refused
	_, _ = c.Write(buf[:n])
}

func serveMongo(c net.Conn, open bool) {
	for {
		head := make([]byte, 16)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		size := binary.LittleEndian.Uint32(head)
		if size < 26 || size > 4096 {
			return
		}
		body := make([]byte, size-16)
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		name, _, _ := strings.Cut(string(body[10:]), "\x00")
		ok := append([]byte("\x01ok\x00"), binary.LittleEndian.AppendUint64(nil, math.Float64bits(1))...)
		no := append([]byte("\x01ok\x00"), binary.LittleEndian.AppendUint64(nil, 0)...)
		var elements []byte
		switch name {
		case "hello":
			elements = append([]byte("\x08helloOk\x00\x01\x10maxWireVersion\x00\x11\x00\x00\x00"), ok...)
		case "buildInfo":
			elements = append([]byte("\x02version\x00\x06\x00\x00\x006.0.8\x00\x03skipped\x00\x05\x00\x00\x00\x00"), ok...)
		case "listDatabases":
			elements = append([]byte("\x10code\x00\x0d\x00\x00\x00"), no...)
			if open {
				elements = ok
			}
		}
		doc := binary.LittleEndian.AppendUint32(nil, uint32(len(elements)+5))
		doc = append(append(doc, elements...), 0)
		msg := binary.LittleEndian.AppendUint32(nil, uint32(21+len(doc)))
		msg = append(msg, 1, 0, 0, 0, 1, 0, 0, 0, 0xdd, 7, 0, 0, 0, 0, 0, 0, 0)
		if _, err := c.Write(append(msg, doc...)); err != nil {
			return
		}
	}
}
