// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net"
	"strings"
)

// SMTP is a mail server for domain (RFC 5321). With its flaw it takes recipients
// anywhere. It never takes a message: DATA is always answered with 451, so
// nothing can be delivered.
func SMTP(host, name, domain string, has Flaws) Handler {
	return func(c net.Conn) {
		if !write(c, "220 "+name+" ESMTP\r\n") {
			return
		}
		next := lines(c)
		from, rcpt := false, false
		for {
			line, ok := next()
			if !ok {
				return
			}
			verb, arg, _ := strings.Cut(line, " ")
			reply := "502 5.5.2 command not recognised"
			switch strings.ToUpper(verb) {
			case "HELO":
				reply = "250 " + name
			case "EHLO":
				reply = "250-" + name + "\r\n250-SIZE 10240000\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME"
			case "MAIL":
				from, rcpt, reply = true, false, "250 2.1.0 ok"
			case "RCPT":
				switch {
				case !from:
					reply = "503 5.5.1 MAIL first"
				case !strings.HasPrefix(strings.ToUpper(arg), "TO:"):
					reply = "501 5.5.4 RCPT TO:<address>"
				case isLocal(arg[3:], domain) || has(host+".smtp-relay"):
					rcpt, reply = true, "250 2.1.5 ok"
				default:
					reply = "554 5.7.1 relay access denied"
				}
			case "DATA":
				reply = "503 5.5.1 RCPT first"
				if rcpt {
					reply = "451 4.3.0 the practice estate delivers nothing"
				}
			case "RSET":
				from, rcpt, reply = false, false, "250 2.0.0 ok"
			case "NOOP":
				reply = "250 2.0.0 ok"
			case "QUIT":
				write(c, "221 2.0.0 bye\r\n")
				return
			}
			if !write(c, reply+"\r\n") {
				return
			}
		}
	}
}

func isLocal(path, domain string) bool {
	path, _, _ = strings.Cut(strings.TrimSpace(path), " ")
	path = strings.ToLower(strings.Trim(path, "<>"))
	return strings.HasSuffix(path, "@"+domain) || path == "postmaster"
}
