// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package scope

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"

	"github.com/gyre-ctem/gyre"
)

// conn is a connection that the guard can close and that counts until it is.
// It sends nothing once the hours are over.
type conn struct {
	net.Conn
	guard *Guard
	once  sync.Once
	err   error
}

// packetConn is a conn of UDP: libraries ask for net.PacketConn to tell
// datagrams from streams. It only ever talks to the address it was judged for.
type packetConn struct{ *conn }

func (p packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := p.Read(b)
	return n, p.RemoteAddr(), err
}

func (p packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	if to != nil && to.String() != p.RemoteAddr().String() {
		return 0, gyre.Errorf(gyre.Forbidden, "%s is not what this connection was made for", to)
	}
	return p.Write(b)
}

func (g *Guard) track(nc net.Conn) (net.Conn, error) {
	c := &conn{Conn: nc, guard: g}
	g.mu.Lock()
	g.open[c] = struct{}{}
	g.mu.Unlock()
	// After it is in the set: a kill from here on closes it, one before is seen.
	if g.killed() {
		_ = c.Close()
		return nil, errKilled
	}
	if _, ok := nc.(net.PacketConn); ok {
		return packetConn{c}, nil
	}
	return c, nil
}

func (c *conn) Write(b []byte) (int, error) {
	if err := c.guard.mayProbe(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *conn) Close() error {
	c.once.Do(func() {
		c.err = c.Conn.Close()
		c.guard.mu.Lock()
		delete(c.guard.open, c)
		c.guard.mu.Unlock()
		<-c.guard.slots
	})
	return c.err
}

// systemNameservers reads the name servers of resolv.conf(5).
func systemNameservers() []netip.AddrPort {
	data, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return nil
	}
	return parseNameservers(string(data))
}

func parseNameservers(text string) []netip.AddrPort {
	var all []netip.AddrPort
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "nameserver" || len(all) == 3 {
			continue
		}
		if a, err := netip.ParseAddr(f[1]); err == nil {
			all = append(all, netip.AddrPortFrom(a.Unmap(), 53))
		}
	}
	return all
}
