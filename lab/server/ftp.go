// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"net"
	"strings"
	"time"
)

const ftpFile = "The delivery notes of the last month are in this folder.\r\n"

// FTP is a read-only file server (RFC 959) with one file. With its flaw it lets
// the user anonymous in; nobody else has an account.
func FTP(host string, has Flaws) Handler {
	return func(c net.Conn) {
		s := &ftpSession{c: c}
		defer s.closeData()
		if !write(c, "220 FTP service ready\r\n") {
			return
		}
		next := lines(c)
		for {
			line, ok := next()
			if !ok {
				return
			}
			verb, arg, _ := strings.Cut(line, " ")
			verb = strings.ToUpper(verb)
			var reply string
			switch verb {
			case "USER":
				s.user, s.in, reply = strings.ToLower(arg), false, "331 password, please"
			case "PASS":
				s.in = (s.user == "anonymous" || s.user == "ftp") && has(host+".ftp-anonymous")
				reply = "530 login incorrect"
				if s.in {
					reply = "230 login successful"
				}
			case "SYST":
				reply = "215 UNIX Type: L8"
			case "FEAT":
				reply = "211-Features:\r\n EPSV\r\n PASV\r\n211 End"
			case "NOOP":
				reply = "200 ok"
			case "QUIT":
				write(c, "221 goodbye\r\n")
				return
			case "AUTH":
				reply = "502 no TLS here"
			default:
				reply = "530 please log in with USER and PASS"
				if s.in {
					reply = s.command(verb, arg)
				}
			}
			if !write(c, reply+"\r\n") {
				return
			}
		}
	}
}

type ftpSession struct {
	c    net.Conn
	user string
	in   bool
	data net.Listener
}

func (s *ftpSession) command(verb, arg string) string {
	switch verb {
	case "PWD":
		return `257 "/" is the current folder`
	case "CWD", "TYPE", "MODE", "STRU":
		return "200 ok"
	case "PASV", "EPSV":
		return s.passive(verb)
	case "LIST":
		return s.send(fmt.Sprintf("-rw-r--r--    1 0        0        %8d Mar 01 2024 README.txt\r\n", len(ftpFile)))
	case "NLST":
		return s.send("README.txt\r\n")
	case "SIZE":
		if arg == "README.txt" {
			return fmt.Sprintf("213 %d", len(ftpFile))
		}
		return "550 no such file"
	case "RETR":
		if strings.TrimPrefix(arg, "/") == "README.txt" {
			return s.send(ftpFile)
		}
		return "550 no such file"
	case "STOR", "DELE", "MKD", "RMD", "APPE", "RNFR":
		return "550 permission denied"
	}
	return "502 command not implemented"
}

func (s *ftpSession) passive(verb string) string {
	s.closeData()
	host, _, err := net.SplitHostPort(s.c.LocalAddr().String())
	if err != nil {
		return "425 no data connection"
	}
	if s.data, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
		return "425 no data connection"
	}
	tcp, _ := s.data.Addr().(*net.TCPAddr)
	if verb == "EPSV" {
		return fmt.Sprintf("229 entering extended passive mode (|||%d|)", tcp.Port)
	}
	return fmt.Sprintf("227 entering passive mode (%s,%d,%d)", strings.ReplaceAll(host, ".", ","), tcp.Port>>8, tcp.Port&255)
}

func (s *ftpSession) send(text string) string {
	if s.data == nil {
		return "425 use PASV first"
	}
	defer s.closeData()
	if t, ok := s.data.(*net.TCPListener); ok {
		_ = t.SetDeadline(time.Now().Add(5 * time.Second))
	}
	if !write(s.c, "150 here it comes\r\n") {
		return "426 connection closed"
	}
	c, err := s.data.Accept()
	if err != nil {
		return "425 nobody came"
	}
	defer func() { _ = c.Close() }()
	if c.SetDeadline(time.Now().Add(5*time.Second)) != nil || !write(c, text) {
		return "426 connection closed"
	}
	return "226 done"
}

func (s *ftpSession) closeData() {
	if s.data != nil {
		_ = s.data.Close()
		s.data = nil
	}
}
