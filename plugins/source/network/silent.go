// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// silentService waits for its client to speak first.
type silentService struct {
	ports []uint16 // where it usually is
	ask   func(context.Context, *peer) *service
}

var silentServices = []silentService{
	{[]uint16{6379, 6380, 16379, 26379}, redis},
	{[]uint16{11211}, memcached},
	{[]uint16{5432, 5433, 6432}, postgresql},
	{[]uint16{27017, 27018, 27019}, mongodb},
	{[]uint16{53, 5300, 5353}, nameserver},
}

// expected asks in the protocol that the port is known for, if there is one.
func expected(ctx context.Context, p *peer) *service {
	for _, s := range silentServices {
		if slices.Contains(s.ports, p.addr.Port()) {
			return s.ask(ctx, p)
		}
	}
	return nil
}

// asks tries the protocols whose servers wait to be spoken to.
func asks(ctx context.Context, p *peer) *service {
	for _, s := range silentServices {
		if ctx.Err() != nil {
			return nil
		}
		if got := s.ask(ctx, p); got != nil {
			return got
		}
	}
	return nil
}

// redis asks for PING and, when that is answered, for the server's version.
func redis(ctx context.Context, p *peer) *service {
	e, err := p.connect(ctx)
	if err != nil {
		return nil
	}
	defer func() { _ = e.Close() }()
	line := firstLine(printable(e.ask([]byte("PING\r\n"), p.pace.answer), bannerLimit))
	s := &service{protocol: "redis", facts: map[string]any{"product": "Redis", "banner": line}}
	switch {
	case line == "+PONG":
		s.facts["auth_required"] = false
		info := string(e.ask([]byte("INFO server\r\n"), p.pace.answer))
		if _, after, ok := strings.Cut(info, "redis_version:"); ok {
			s.facts["version"] = firstLine(printable([]byte(after), 40))
		}
		if strings.Contains(info, "valkey_version:") {
			s.facts["product"] = "Valkey"
		}
	case strings.HasPrefix(line, "-NOAUTH"), strings.HasPrefix(line, "-DENIED"), strings.HasPrefix(line, "-NOPERM"):
		s.facts["auth_required"] = true
	case strings.HasPrefix(line, "-ERR max number of clients"), strings.HasPrefix(line, "-LOADING"), strings.HasPrefix(line, "-MISCONF"):
		s.partial = true
	default:
		return nil
	}
	return s
}

func memcached(ctx context.Context, p *peer) *service {
	line := firstLine(printable(p.ask(ctx, []byte("version\r\n")), bannerLimit))
	version, ok := strings.CutPrefix(line, "VERSION ")
	if !ok {
		return nil
	}
	return &service{protocol: "memcached", facts: map[string]any{
		"product": "memcached", "version": version, "banner": line, "auth_required": false,
	}}
}

// postgresql asks whether TLS is possible (PostgreSQL documentation, 54.2.10:
// the answer is one byte), and then, as a stranger, how to sign in.
func postgresql(ctx context.Context, p *peer) *service {
	tlsRequest := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 8}, 80877103)
	answer := p.ask(ctx, tlsRequest)
	if len(answer) != 1 || answer[0] != 'S' && answer[0] != 'N' {
		return nil
	}
	s := &service{protocol: "postgresql", facts: map[string]any{"product": "PostgreSQL", "starttls": answer[0] == 'S'}}
	s.partial = true
	start := []byte{0, 0, 0, 0, 0, 3, 0, 0}
	start = append(start, "user\x00gyre\x00database\x00postgres\x00\x00"...)
	binary.BigEndian.PutUint32(start, uint32(len(start))) // #nosec G115 -- a few bytes
	reply := p.ask(ctx, start)
	switch {
	case len(reply) >= 9 && reply[0] == 'R':
		s.facts["auth_required"], s.partial = binary.BigEndian.Uint32(reply[5:9]) != 0, false
	case len(reply) > 5 && reply[0] == 'E':
		// 28xxx: this client may not sign in; 3D000: signed in, no such database.
		for field := range bytes.SplitSeq(reply[5:], []byte{0}) {
			if code, ok := bytes.CutPrefix(field, []byte("C")); ok && len(code) == 5 && bytes.HasPrefix(code, []byte("28")) {
				s.facts["auth_required"], s.partial = true, false
			}
		}
	default:
		return nil
	}
	return s
}

// mongodb says hello and, when that is answered, asks for the list of databases,
// which a server with access control refuses (error 13).
func mongodb(ctx context.Context, p *peer) *service {
	e, err := p.connect(ctx)
	if err != nil {
		return nil
	}
	defer func() { _ = e.Close() }()
	hello := e.mongo("hello", p)
	if hello == nil || hello["maxWireVersion"] == nil {
		if hello == nil {
			return nil
		}
		if hello = e.mongo("isMaster", p); hello == nil || hello["maxWireVersion"] == nil {
			return nil
		}
	}
	s := &service{protocol: "mongodb", facts: map[string]any{"product": "MongoDB"}, partial: true}
	if build := e.mongo("buildInfo", p); build != nil {
		if v, ok := build["version"].(string); ok {
			s.facts["version"] = printable([]byte(v), 40)
		}
	}
	list := e.mongo("listDatabases", p)
	code, _ := list["code"].(int64)
	ok, _ := list["ok"].(float64)
	switch {
	case ok == 1:
		s.facts["auth_required"], s.partial = false, false
	case code == 13 || code == 18:
		s.facts["auth_required"], s.partial = true, false
	}
	return s
}

// nameserver asks for the name servers of the root over TCP: any answer to the
// question is one of a name server.
func nameserver(ctx context.Context, p *peer) *service {
	const id = 0x4759
	query := []byte{0, 17, id >> 8, id & 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1}
	answer := p.ask(ctx, query)
	if len(answer) < 14 || answer[2] != id>>8 || answer[3] != id&0xff || answer[4]&0x80 == 0 {
		return nil
	}
	return &service{protocol: "dns", facts: map[string]any{"banner": "DNS answers, code " + strconv.Itoa(int(answer[5]&15))}}
}
