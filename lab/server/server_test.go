// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func all(string) bool  { return true }
func none(string) bool { return false }

// run lets a handler talk to a client over a pipe that is a real connection.
func run(t *testing.T, h Handler, say string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer Serve(ln, h)()
	c, err := net.DialTimeout("tcp", ln.Addr().String(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := io.WriteString(c, say); err != nil {
		t.Fatal(err)
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	got, _ := io.ReadAll(c)
	return string(got)
}

func TestConversations(t *testing.T) {
	long := strings.Repeat("x", 3*lineBytes)
	hello := "\x10isMaster\x00\x01\x00\x00\x00"
	hello = string([]byte{byte(len(hello) + 5), 0, 0, 0}) + hello + "\x00"
	opQuery := "\x00\x00\x00\x00admin.$cmd\x00\x00\x00\x00\x00\xff\xff\xff\xff" + hello
	opQuery = string([]byte{byte(len(opQuery) + 16), 0, 0, 0}) + "\x01\x00\x00\x00\x00\x00\x00\x00\xd4\x07\x00\x00" + opQuery
	for name, test := range map[string]struct {
		h         Handler
		say, want string // want is somewhere in the answer; "" means no answer at all
	}{
		"redis open":              {Redis("h", all), "*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n", "session:1001"},
		"redis closed":            {Redis("h", none), "INFO\r\n", "-NOAUTH"},
		"redis auth":              {Redis("h", none), "AUTH x\r\n", "-WRONGPASS"},
		"redis long line":         {Redis("h", all), long, ""},
		"redis and a browser":     {Redis("h", all), "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "-ERR wrong number"},
		"redis too many":          {Redis("h", all), "*100000\r\n", ""},
		"redis negative size":     {Redis("h", all), "*1\r\n$-5\r\n", ""},
		"memcached":               {Memcached(), "version\r\nget a\r\nnonsense\r\nquit\r\n", "ERROR"},
		"memcached long line":     {Memcached(), long, ""},
		"smtp open":               {SMTP("h", "m", "corp.example", all), "MAIL FROM:<a@b>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nQUIT\r\n", "451 4.3.0"},
		"smtp closed":             {SMTP("h", "m", "corp.example", none), "MAIL FROM:<a@b>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nQUIT\r\n", "503 5.5.1 RCPT first"},
		"smtp own recipient":      {SMTP("h", "m", "corp.example", none), "MAIL FROM:<a@b>\r\nRCPT TO:<c@Corp.Example> NOTIFY=NEVER\r\nQUIT\r\n", "250 2.1.5"},
		"smtp order":              {SMTP("h", "m", "corp.example", all), "RCPT TO:<c@d>\r\nQUIT\r\n", "503 5.5.1 MAIL first"},
		"ftp closed":              {FTP("h", none), "USER anonymous\r\nPASS a@b\r\nLIST\r\nQUIT\r\n", "530 please log in"},
		"ftp other user":          {FTP("h", all), "USER root\r\nPASS root\r\nQUIT\r\n", "530 login incorrect"},
		"ftp reads only":          {FTP("h", all), "USER ftp\r\nPASS a@b\r\nDELE README.txt\r\nQUIT\r\n", "550 permission denied"},
		"ftp needs PASV":          {FTP("h", all), "USER ftp\r\nPASS a@b\r\nLIST\r\nQUIT\r\n", "425"},
		"telnet lets nobody in":   {Telnet("switch"), "admin\r\nadmin\r\n", "Login incorrect"},
		"mysql lets nobody in":    {MySQL(), "\x05\x00\x00\x01hello", "#28000Access denied"},
		"vnc with a password":     {VNC("h", none), "RFB 003.008\n\x020123456789abcdef", "Authentication failure"},
		"vnc wrong choice":        {VNC("h", none), "RFB 003.008\n\x01", "RFB 003.008\n\x01\x02"},
		"vnc without":             {VNC("h", all), "RFB 003.008\n\x01\x01", "console"},
		"mongodb by OP_QUERY":     {MongoDB("h", none), opQuery, "maxWireVersion"},
		"mongodb too large":       {MongoDB("h", all), "\xff\xff\xff\x7f\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00", ""},
		"mongodb truncated query": {MongoDB("h", all), "\x14\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xd4\x07\x00\x00abcd", ""},
		"ssh":                     {SSH("h", none), "SSH-2.0-x\r\n", "OpenSSH_9.9"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, test.h, test.say)
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("said %q, heard %q", test.say[:min(len(test.say), 60)], got)
			}
		})
	}
}

func TestServeStopsUnderLoad(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := Serve(ln, SSH("h", none))
	for range 20 { // clients that never say anything
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
	}
	began := time.Now()
	stop()
	if took := time.Since(began); took > time.Second {
		t.Errorf("stop took %v", took)
	}
}

func FuzzRedisCommand(f *testing.F) {
	for _, s := range []string{"PING\r\n", "*1\r\n$4\r\nPING\r\n", "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "*-1\r\n", "$\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		args, ok := redisCommand(bufio.NewReaderSize(bytes.NewReader(data), lineBytes))
		if !ok {
			return
		}
		size := 0
		for _, a := range args {
			size += len(a)
		}
		if size > len(data) {
			t.Errorf("%d bytes of arguments out of %d", size, len(data))
		}
		if len(args) > 0 {
			reply := redisReply(strings.ToUpper(args[0]), args[1:], true)
			if !strings.HasSuffix(reply, "\r\n") {
				t.Errorf("reply %q", reply)
			}
		}
	})
}

func FuzzMongoCommand(f *testing.F) {
	f.Add(uint32(mongoMsg), []byte("\x00\x00\x00\x00\x00\x10\x00\x00\x00\x10hello\x00\x01\x00\x00\x00\x00"))
	f.Add(uint32(mongoQuery), []byte("\x00\x00\x00\x00admin.$cmd\x00\x00\x00\x00\x00\xff\xff\xff\xff\x10\x00\x00\x00\x10ping\x00"))
	f.Fuzz(func(t *testing.T, op uint32, body []byte) {
		name, ok := mongoCommand(op, body)
		if !ok {
			return
		}
		doc := mongoAnswer(name, true)
		if int(binary.LittleEndian.Uint32(doc)) != len(doc) || doc[len(doc)-1] != 0 {
			t.Errorf("not a document: %x", doc)
		}
	})
}
