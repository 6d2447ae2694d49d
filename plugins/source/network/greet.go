// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"bytes"
	"context"
	"regexp"
	"strconv"
	"strings"
)

// greets recognises a service by what it said, either at once or to a request
// it did not understand, and asks on in its own protocol. nil: not recognised.
func greets(ctx context.Context, p *peer, said []byte) *service {
	if len(said) == 0 {
		return nil
	}
	text := printable(said, bannerLimit)
	line := firstLine(text)
	with := func(protocol string) *service {
		return &service{protocol: protocol, facts: map[string]any{"banner": text}}
	}
	switch {
	case strings.HasPrefix(line, "SSH-"):
		return ssh(with("ssh"), line)
	case vncGreeting.Match(said):
		return vnc(ctx, p, with("vnc"))
	case said[0] == 0xff && len(said) > 1 && said[1] >= 0xfb && said[1] != 0xff:
		return with("telnet") // IAC WILL, WON'T, DO or DON'T (RFC 854)
	case isMySQL(said):
		return mysql(said)
	case ftpGreeting.MatchString(line):
		return ftpOrSMTP(ctx, p, with("ftp"), line)
	case strings.HasPrefix(text, "+OK"):
		return product(with("pop3"), popProduct, line)
	case strings.HasPrefix(text, "* OK"), strings.HasPrefix(text, "* PREAUTH"):
		s := product(with("imap"), popProduct, line)
		if strings.Contains(strings.ToUpper(line), "STARTTLS") {
			s.facts["starttls"] = true
		}
		return s
	case strings.HasPrefix(line, "-DENIED"), strings.HasPrefix(line, "-NOAUTH"), redisError.MatchString(line):
		return redis(ctx, p)
	case strings.HasPrefix(line, "ERROR") && bytes.HasSuffix(said, []byte("ERROR\r\n")):
		return memcached(ctx, p)
	case strings.Contains(text, "trying to access MongoDB over HTTP"):
		return mongodb(ctx, p)
	case loginPrompt.MatchString(text):
		return with("telnet")
	}
	return nil
}

var (
	vncGreeting = regexp.MustCompile(`^RFB \d{3}\.\d{3}\n`)
	ftpGreeting = regexp.MustCompile(`^[2-5]\d\d[ -]`)
	redisError  = regexp.MustCompile(`^-ERR (unknown command|wrong number of arguments|max number of clients)`)
	loginPrompt = regexp.MustCompile(`(?i)(^|\s)(login|username|user name|password):\s*$`)
	sshProduct  = regexp.MustCompile(`^SSH-(\d+\.\d+)-([A-Za-z][A-Za-z0-9.]*?)[_-]v?(\d[0-9A-Za-z.]*)`)
	popProduct  = regexp.MustCompile(`(?i)\b(Dovecot|Cyrus|Courier|Exchange)\b[ /]?v?(\d[0-9.]*)?`)
	ftpProduct  = regexp.MustCompile(`(?i)\b(vsFTPd|ProFTPD|Pure-FTPd|FileZilla Server|wu-ftpd|Serv-U)\b[ /]?(?:version )?v?(\d[0-9.a-z]*)?`)
	smtpProduct = regexp.MustCompile(`(?i)\b(Postfix|Exim|Sendmail|OpenSMTPD|Microsoft ESMTP MAIL Service|Haraka)\b[ /]?(?:Version:? )?v?(\d[0-9.]*)?`)
)

// product adds name and version when the text tells them.
func product(s *service, known *regexp.Regexp, text string) *service {
	if m := known.FindStringSubmatch(text); m != nil {
		s.facts["product"] = m[1]
		if v := strings.TrimRight(m[2], "."); v != "" {
			s.facts["version"] = v
		}
	}
	return s
}

// ssh reads the identification string (RFC 4253, section 4.2). 1.99 means that
// protocol 1 is spoken, too.
func ssh(s *service, line string) *service {
	s.facts["banner"] = line
	if v, _, ok := strings.Cut(strings.TrimPrefix(line, "SSH-"), "-"); ok {
		s.facts["ssh_protocol"] = v
	}
	if m := sshProduct.FindStringSubmatch(line); m != nil {
		s.facts["product"], s.facts["version"] = m[2], m[3]
	}
	return s
}

// vnc asks for the security types (RFC 6143, section 7.1.2) and goes no further.
func vnc(ctx context.Context, p *peer, s *service) *service {
	s.partial = true
	e, err := p.connect(ctx)
	if err != nil {
		return s
	}
	defer func() { _ = e.Close() }()
	hello := e.readFull(12, p.pace.answer)
	if !vncGreeting.Match(hello) {
		return s
	}
	s.facts["version"] = strings.TrimSpace(string(hello[4:]))
	if _, err := e.Write(hello); err != nil {
		return s
	}
	const none = 1
	if string(hello) == "RFB 003.003\n" {
		if kind := e.readFull(4, p.pace.answer); kind != nil && kind[3] != 0 {
			s.facts["auth_required"], s.partial = kind[3] != none, false
		}
		return s
	}
	count := e.readFull(1, p.pace.answer)
	if count == nil || count[0] == 0 { // 0: refused, with a reason such as too many attempts
		return s
	}
	if kinds := e.readFull(int(count[0]), p.pace.answer); kinds != nil {
		s.facts["auth_required"], s.partial = bytes.IndexByte(kinds, none) < 0, false
	}
	return s
}

// isMySQL: a first packet that is as long as it says and is a handshake of
// version 10 or an error.
func isMySQL(said []byte) bool {
	return len(said) > 7 && said[3] == 0 && (said[4] == 10 || said[4] == 0xff) &&
		int(said[0])|int(said[1])<<8|int(said[2])<<16 == len(said)-4
}

// mysql reads the initial handshake packet (MySQL internals, Protocol::Handshake),
// or the error packet of a server that does not talk to this address.
func mysql(said []byte) *service {
	s := &service{protocol: "mysql", facts: map[string]any{"product": "MySQL"}}
	if said[4] == 0xff {
		text := printable(said[min(7, len(said)):], bannerLimit)
		s.facts["banner"] = text
		if strings.Contains(text, "MariaDB") {
			s.facts["product"] = "MariaDB"
		}
		return s
	}
	version, _, ok := bytes.Cut(said[5:], []byte{0})
	if !ok || len(version) == 0 || len(version) > 80 {
		return nil
	}
	v := printable(version, 80)
	s.facts["banner"] = v
	if i := strings.Index(v, "MariaDB"); i >= 0 {
		s.facts["product"] = "MariaDB"
		v = strings.TrimPrefix(v, "5.5.5-") // what MariaDB says for the sake of old clients
	}
	number, _, _ := strings.Cut(v, "-")
	s.facts["version"] = number
	return s
}

// conversation speaks the reply-code protocols (RFC 959, RFC 5321).
type conversation struct {
	e    *exchange
	p    *peer
	left int // bytes that may still come
}

func converse(ctx context.Context, p *peer) (*conversation, int, string) {
	e, err := p.connect(ctx)
	if err != nil {
		return nil, 0, ""
	}
	c := &conversation{e: e, p: p, left: 32 << 10}
	code, text := c.reply()
	return c, code, text
}

// say sends a line and returns the code and text of the reply; code 0 is none.
func (c *conversation) say(line string) (int, string) {
	if _, err := c.e.Write([]byte(line + "\r\n")); err != nil {
		return 0, ""
	}
	return c.reply()
}

func (c *conversation) reply() (int, string) {
	var text strings.Builder
	c.e.await(c.p.pace.answer)
	one := make([]byte, 1)
	var line []byte
	for c.left > 0 {
		c.left--
		if _, err := c.e.Read(one); err != nil {
			return 0, text.String()
		}
		if one[0] != '\n' {
			line = append(line, one[0])
			continue
		}
		text.Write(line)
		text.WriteByte('\n')
		if len(line) >= 3 && (len(line) == 3 || line[3] == ' ' || line[3] == '\r') {
			if code, err := strconv.Atoi(string(line[:3])); err == nil && code >= 100 {
				return code, text.String()
			}
		}
		line = line[:0]
	}
	return 0, text.String()
}

// ftpOrSMTP tells the two apart: both greet with 220.
func ftpOrSMTP(ctx context.Context, p *peer, s *service, line string) *service {
	upper := strings.ToUpper(line)
	switch {
	case strings.Contains(upper, "SMTP"), smtpProduct.MatchString(line):
		return smtp(ctx, p, s)
	case strings.Contains(upper, "FTP"):
		return ftp(ctx, p, s)
	}
	c, _, _ := converse(ctx, p)
	if c == nil {
		return nil
	}
	code, text := c.say("EHLO " + probeName)
	_ = c.e.Close()
	switch {
	case code == 250:
		return smtp(ctx, p, s)
	case code == 530, code == 500 && strings.Contains(line, "220"), code == 502, strings.Contains(strings.ToUpper(text), "USER"):
		return ftp(ctx, p, s)
	}
	return nil
}

// probeName is what Gyre calls itself where a protocol asks for a name
// (RFC 2606: it belongs to nobody).
const probeName = "gyre.invalid"

// ftp tries an anonymous login (RFC 1635), when the scope's intensity allows logins.
func ftp(ctx context.Context, p *peer, s *service) *service {
	s.protocol, s.partial = "ftp", true
	product(s, ftpProduct, s.facts["banner"].(string)) // set by greets
	c, code, _ := converse(ctx, p)
	if c == nil || code != 220 {
		return s
	}
	defer func() { _ = c.e.Close() }()
	if code, text := c.say("FEAT"); code == 211 {
		s.facts["starttls"] = strings.Contains(strings.ToUpper(text), "AUTH TLS")
	} else if code == 0 {
		return s
	}
	if !p.thorough {
		return s
	}
	code, _ = c.say("USER anonymous")
	if code == 331 || code == 332 {
		code, _ = c.say("PASS gyre@" + probeName)
	}
	switch {
	case code == 230:
		s.facts["anonymous"], s.partial = true, false
	case code >= 500 && code < 600: // 4xx passes, so it says nothing
		s.facts["anonymous"], s.partial = false, false
	}
	_, _ = c.say("QUIT")
	return s
}

// smtp asks what the server offers, and, when the intensity allows, whether it
// would take mail from a stranger for a stranger. The test ends before DATA, so no mail
// is ever sent; the addresses are of domains that belong to nobody (RFC 2606).
func smtp(ctx context.Context, p *peer, s *service) *service {
	s.protocol, s.partial = "smtp", true
	product(s, smtpProduct, s.facts["banner"].(string)) // set by greets
	c, code, _ := converse(ctx, p)
	if c == nil || code != 220 {
		return s
	}
	defer func() { _ = c.e.Close() }()
	code, text := c.say("EHLO " + probeName)
	switch {
	case code == 250:
		s.facts["starttls"] = strings.Contains(strings.ToUpper(text), "STARTTLS")
	case code >= 500:
		if code, _ = c.say("HELO " + probeName); code != 250 {
			return s
		}
		s.facts["starttls"] = false
	default:
		return s
	}
	if !p.thorough {
		return s
	}
	code, _ = c.say("MAIL FROM:<probe@example.com>")
	if code/100 == 2 {
		code, _ = c.say("RCPT TO:<probe@example.net>")
		if code/100 == 2 {
			s.facts["open_relay"], s.partial = true, false
		}
	}
	if code/100 == 5 {
		s.facts["open_relay"], s.partial = false, false
	}
	_, _ = c.say("RSET")
	_, _ = c.say("QUIT")
	return s
}
