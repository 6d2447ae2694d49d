// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/gyre-ctem/gyre/plugin"
)

// peer is one port of one host, to be asked by one exchange after another.
type peer struct {
	guard    plugin.Guard
	addr     netip.AddrPort
	pace     pace
	secure   bool // exchanges go through TLS
	thorough bool // the scope's intensity allows trying logins
}

// exchange is one connection. It ends with its context and by its deadline.
type exchange struct {
	net.Conn
	stop func() bool
}

func (e *exchange) Close() error {
	e.stop()
	return e.Conn.Close()
}

// await gives the next read that long, within what is left of the exchange.
func (e *exchange) await(d time.Duration) { _ = e.SetReadDeadline(time.Now().Add(d)) }

// connect opens an exchange of at most p.pace.whole.
func (p *peer) connect(ctx context.Context) (*exchange, error) {
	e, err := p.connectPlain(ctx)
	if err != nil || !p.secure {
		return e, err
	}
	conn := tls.Client(e.Conn, anyServer(tls.VersionTLS10, tls.VersionTLS13))
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = e.Close()
		return nil, err
	}
	e.Conn = conn
	return e, nil
}

func (p *peer) connectPlain(ctx context.Context) (*exchange, error) {
	c, err := p.guard.DialContext(ctx, "tcp", p.addr.String())
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(p.pace.whole))
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	return &exchange{Conn: c, stop: stop}, nil
}

const greetingBytes = 2048

// greeting is what the peer says first, or nothing.
func (p *peer) greeting(ctx context.Context) []byte {
	e, err := p.connect(ctx)
	if err != nil {
		return nil
	}
	defer func() { _ = e.Close() }()
	e.await(p.pace.greeting)
	return readSome(e)
}

// readSome reads until the first pause: one piece, and what follows at once.
func readSome(e *exchange) []byte {
	buf := make([]byte, greetingBytes)
	n, err := e.Read(buf)
	for err == nil && n < len(buf) {
		e.await(30 * time.Millisecond)
		var more int
		more, err = e.Read(buf[n:])
		n += more
	}
	return buf[:n]
}

// ask sends a request and reads the first piece of the answer.
func (p *peer) ask(ctx context.Context, request []byte) []byte {
	e, err := p.connect(ctx)
	if err != nil {
		return nil
	}
	defer func() { _ = e.Close() }()
	return e.ask(request, p.pace.answer)
}

func (e *exchange) ask(request []byte, wait time.Duration) []byte {
	if _, err := e.Write(request); err != nil {
		return nil
	}
	e.await(wait)
	return readSome(e)
}

// readFull reads exactly n bytes, or none.
func (e *exchange) readFull(n int, wait time.Duration) []byte {
	e.await(wait)
	buf := make([]byte, n)
	if _, err := io.ReadFull(e, buf); err != nil {
		return nil
	}
	return buf
}
