// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package dns

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

const (
	answerTime   = 3 * time.Second
	transferTime = 20 * time.Second
	maxTransfer  = 100_000 // records
	maxNames     = 20_000
)

// asker asks one question after the other over one connection.
type asker struct {
	guard   plugin.Guard
	servers []string
	pause   time.Duration
	conn    net.Conn
	last    time.Time
}

func newAsker(g plugin.Guard, servers []string, i gyre.Intensity) *asker {
	a := &asker{guard: g, servers: servers, pause: 50 * time.Millisecond}
	if i == gyre.IntensityNormal {
		a.pause = 5 * time.Millisecond
	}
	return a
}

func (a *asker) close() {
	if a.conn != nil {
		_ = a.conn.Close()
		a.conn = nil
	}
}

// ask returns the answer to one question. Its error means that there was none;
// a Forbidden one that the guard refuses the server.
func (a *asker) ask(ctx context.Context, name string, kind uint16) (*dns.Msg, error) {
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), kind)
	q.SetEdns0(1232, true)
	var err error
	for range 2 {
		for range a.servers {
			if !wait(ctx, a.pause-time.Since(a.last)) {
				return nil, ctx.Err()
			}
			a.last = time.Now()
			var answer *dns.Msg
			if answer, err = a.exchange(ctx, "udp", q); err == nil && answer.Truncated {
				answer, err = a.exchange(ctx, "tcp", q)
			}
			if err == nil {
				return answer, nil
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			// A late answer must not be taken for that to the next question.
			a.close()
			a.servers = append(a.servers[1:], a.servers[0])
		}
	}
	return nil, err
}

func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (a *asker) exchange(ctx context.Context, network string, q *dns.Msg) (*dns.Msg, error) {
	c := a.conn
	if network != "udp" || c == nil {
		var err error
		if c, err = a.guard.DialContext(ctx, network, a.servers[0]); err != nil {
			return nil, err
		}
		if network == "udp" {
			a.conn = c
		} else {
			defer func() { _ = c.Close() }()
		}
	}
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	client := &dns.Client{Net: network, Timeout: answerTime, UDPSize: 4096}
	answer, _, err := client.ExchangeWithConnContext(ctx, q, &dns.Conn{Conn: c, UDPSize: 4096})
	return answer, err
}

// errRefused: the server answered that it does not hand the zone out.
var errRefused = errors.New("the zone transfer was refused")

// transfer asks for the whole zone (RFC 5936). count is how many records came;
// with errRefused the answer is a clear no, with another error there is none.
func (a *asker) transfer(ctx context.Context, apex string) (count int, records []dns.RR, whole bool, err error) {
	c, err := a.guard.DialContext(ctx, "tcp", a.servers[0])
	if errors.Is(err, syscall.ECONNREFUSED) {
		return 0, nil, false, errRefused // transfers need TCP
	}
	if err != nil {
		return 0, nil, false, err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(transferTime))
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	q := new(dns.Msg)
	q.SetAxfr(dns.Fqdn(apex))
	co := &dns.Conn{Conn: c}
	if err := co.WriteMsg(q); err != nil {
		return 0, nil, false, err
	}
	for count < maxTransfer {
		m, err := co.ReadMsg()
		switch {
		case err != nil && count > 0:
			return count, records, false, nil
		case err != nil:
			return 0, nil, false, noAnswer(err)
		case m.Id != q.Id || !m.Response:
			return count, records, false, io.ErrUnexpectedEOF
		case count == 0 && (m.Rcode == dns.RcodeRefused || m.Rcode == dns.RcodeNotAuth || m.Rcode == dns.RcodeNotImplemented):
			return 0, nil, false, errRefused
		case count == 0 && m.Rcode == dns.RcodeSuccess && len(m.Answer) == 0:
			return 0, nil, false, errRefused
		case m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0:
			return count, records, false, io.ErrUnexpectedEOF
		}
		for _, rr := range m.Answer {
			_, soa := rr.(*dns.SOA)
			if count == 0 && !soa {
				return 0, nil, false, io.ErrUnexpectedEOF
			}
			if soa && count > 0 {
				return count, records, true, nil
			}
			count++
			if len(records) < maxNames {
				records = append(records, rr)
			}
		}
	}
	return count, records, false, nil
}

func noAnswer(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}
