// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"strings"
)

// Redis speaks enough RESP2 to be asked what it is and what it holds. Without
// its flaw it wants a password first, and there is none that works.
func Redis(host string, has Flaws) Handler {
	return func(c net.Conn) {
		r := bufio.NewReaderSize(c, lineBytes)
		for {
			args, ok := redisCommand(r)
			if !ok {
				return
			}
			if len(args) == 0 {
				continue
			}
			name := strings.ToUpper(args[0])
			switch name {
			case "QUIT":
				write(c, "+OK\r\n")
				return
			case "POST", "HOST:": // a browser that was sent here: Redis hangs up, too
				return
			}
			if !write(c, redisReply(name, args[1:], has(host+".redis-no-auth"))) {
				return
			}
		}
	}
}

func redisReply(name string, args []string, open bool) string {
	switch {
	case name == "AUTH" && open:
		return "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?\r\n"
	case name == "AUTH":
		return "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
	case !open:
		return "-NOAUTH Authentication required.\r\n"
	}
	switch name {
	case "PING":
		return "+PONG\r\n"
	case "SELECT", "CLIENT":
		return "+OK\r\n"
	case "INFO":
		return bulk("# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nos:Linux 6.1.0-13-amd64 x86_64\r\ntcp_port:6379\r\n" +
			"# Clients\r\nconnected_clients:4\r\n# Keyspace\r\ndb0:keys=2,expires=0,avg_ttl=0\r\n")
	case "DBSIZE":
		return ":2\r\n"
	case "KEYS":
		return "*2\r\n" + bulk("session:1001") + bulk("session:1002")
	case "CONFIG":
		if len(args) > 1 && strings.EqualFold(args[0], "GET") {
			return "*2\r\n" + bulk(args[1]) + bulk("")
		}
	case "GET":
		if len(args) != 1 {
			return "-ERR wrong number of arguments for 'get' command\r\n"
		}
		if strings.HasPrefix(args[0], "session:") {
			return bulk(`{"user":"example"}`)
		}
		return "$-1\r\n"
	case "COMMAND":
		return "*0\r\n"
	}
	return "-ERR unknown command '" + strings.ToLower(name) + "'\r\n"
}

func bulk(s string) string { return "$" + strconv.Itoa(len(s)) + "\r\n" + s + "\r\n" }

// redisCommand reads one command, as an array of bulk strings or inline; at
// most 16 arguments of 4 KiB.
func redisCommand(r *bufio.Reader) ([]string, bool) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, false
	}
	first := strings.TrimRight(string(line), "\r\n")
	count, isArray := strings.CutPrefix(first, "*")
	if !isArray {
		return strings.Fields(first), true
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 16 {
		return nil, false
	}
	args := make([]string, 0, n)
	for range n {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, false
		}
		size, err := strconv.Atoi(strings.TrimPrefix(strings.TrimRight(string(line), "\r\n"), "$"))
		if err != nil || size < 0 || size > lineBytes {
			return nil, false
		}
		buf := make([]byte, size+2)
		if _, err := io.ReadFull(r, buf); err != nil {
			return nil, false
		}
		args = append(args, string(buf[:size]))
	}
	return args, true
}
