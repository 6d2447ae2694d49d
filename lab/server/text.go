// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
)

// SSH sends an SSH identification (RFC 4253, section 4.2) and nothing else. With
// its flaw it is the one of OpenSSH 7.4.
func SSH(host string, has Flaws) Handler {
	return func(c net.Conn) {
		banner := "SSH-2.0-OpenSSH_9.9\r\n"
		if has(host + ".ssh-outdated") {
			banner = "SSH-2.0-OpenSSH_7.4\r\n"
		}
		if write(c, banner) {
			_, _ = io.CopyN(io.Discard, c, 64<<10)
		}
	}
}

// Telnet asks for a login and never lets anyone in. Its fix closes the port.
func Telnet(name string) Handler {
	return func(c net.Conn) {
		// IAC DO TERMINAL-TYPE, IAC DO TSPEED (RFC 854), then the prompt.
		if !write(c, "\xff\xfd\x18\xff\xfd\x20\r\n"+name+" login: ") {
			return
		}
		next := lines(c)
		for range 3 {
			if _, ok := next(); !ok || !write(c, "Password: ") {
				return
			}
			if _, ok := next(); !ok || !write(c, "\r\nLogin incorrect\r\n"+name+" login: ") {
				return
			}
		}
	}
}

// MySQL greets like a MySQL 8.0 server and denies every login. Its fix closes the port.
func MySQL() Handler {
	return func(c net.Conn) {
		const auth = "mysql_native_password\x00"
		// Protocol::HandshakeV10: protocol, version, thread id, first 8 bytes of the
		// challenge, filler, capabilities, charset, status, capabilities, length, reserved, rest.
		body := "\x0a" + "8.0.36\x00" + "\x0b\x00\x00\x00" + "Jk3vQ8rT\x00" + "\xff\xff" + "\xff" + "\x02\x00" + "\xff\xdf" + "\x15" +
			strings.Repeat("\x00", 10) + "a7Lm2Xw9Pd4s\x00" + auth
		if !write(c, mysqlPacket(0, body)) {
			return
		}
		head := make([]byte, 4)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		size := int64(head[0]) | int64(head[1])<<8 | int64(head[2])<<16
		if _, err := io.CopyN(io.Discard, c, min(size, 64<<10)); err != nil {
			return
		}
		write(c, mysqlPacket(head[3]+1, "\xff\x15\x04#28000Access denied"))
	}
}

func mysqlPacket(seq byte, body string) string {
	n := len(body)
	return string([]byte{byte(n), byte(n >> 8), byte(n >> 16), seq}) + body // #nosec G115 -- the packets here are short
}

// VNC offers a screen (RFC 6143): without a password as long as its flaw is there.
func VNC(host string, has Flaws) Handler {
	return func(c net.Conn) {
		buf := make([]byte, 16)
		if !write(c, "RFB 003.008\n") {
			return
		}
		if _, err := io.ReadFull(c, buf[:12]); err != nil {
			return
		}
		security := byte(2) // VNC Authentication
		if has(host + ".vnc-no-auth") {
			security = 1 // None
		}
		if !write(c, string([]byte{1, security})) {
			return
		}
		if _, err := io.ReadFull(c, buf[:1]); err != nil || buf[0] != security {
			return
		}
		if security == 2 {
			if !write(c, "0123456789abcdef") {
				return
			}
			if _, err := io.ReadFull(c, buf); err != nil {
				return
			}
			const reason = "Authentication failure"
			write(c, "\x00\x00\x00\x01\x00\x00\x00\x16"+reason)
			return
		}
		if !write(c, "\x00\x00\x00\x00") {
			return
		}
		if _, err := io.ReadFull(c, buf[:1]); err != nil { // ClientInit
			return
		}
		init := binary.BigEndian.AppendUint16(nil, 1024)
		init = binary.BigEndian.AppendUint16(init, 768)
		init = append(init, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0)
		name := "console"
		init = append(init, 0, 0, 0, byte(len(name))) // #nosec G115 -- seven
		write(c, string(init)+name)
	}
}

// Memcached answers statistics and misses. Its fix closes the port.
func Memcached() Handler {
	return func(c net.Conn) {
		next := lines(c)
		for {
			line, ok := next()
			if !ok {
				return
			}
			command, _, _ := strings.Cut(line, " ")
			reply := "ERROR\r\n"
			switch command {
			case "version":
				reply = "VERSION 1.6.18\r\n"
			case "stats":
				reply = "STAT pid 812\r\nSTAT uptime 3542011\r\nSTAT version 1.6.18\r\nSTAT curr_items 1204\r\nSTAT curr_connections 9\r\nEND\r\n"
			case "get", "gets":
				reply = "END\r\n"
			case "quit":
				return
			}
			if !write(c, reply) {
				return
			}
		}
	}
}
