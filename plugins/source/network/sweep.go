// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gyre-ctem/gyre"
)

// state is what a connection attempt showed of a port.
type state uint8

const (
	unsaid  state = iota // nobody answered: a firewall, no host, or not tried
	closed               // the host refused: demonstrably nothing there
	opened               // the host accepted
	refused              // the guard did not let it through
	broken               // this machine could not try
)

// host is one address with the states of its ports.
type host struct {
	addr   netip.Addr
	ports  []uint16
	states []state
	left   atomic.Int32
	barred atomic.Bool // the guard refuses the address
}

const sweepers = 128

// sweep tries every port of every address and hands over each host that is complete.
func (l *look) sweep(ctx context.Context, first netip.Addr, count int, ports []uint16, swept chan<- *host) error {
	type job struct {
		h *host
		i int
	}
	group, ctx := errgroup.WithContext(ctx)
	jobs := make(chan job)
	group.Go(func() error {
		defer close(jobs)
		for addr, n := first, 0; n < count && addr.IsValid(); addr, n = addr.Next(), n+1 {
			h := &host{addr: addr, ports: ports, states: make([]state, len(ports))}
			h.left.Store(int32(len(ports))) // #nosec G115 -- at most 65535
			for i := range ports {
				select {
				case jobs <- job{h, i}:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	})
	for range min(sweepers, count*len(ports)) {
		group.Go(func() error {
			for j := range jobs {
				if err := l.knock(ctx, j.h, j.i); err != nil {
					return err
				}
				if j.h.left.Add(-1) > 0 {
					continue
				}
				select {
				case swept <- j.h:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// knock tries one port. Its error is the end of the run.
func (l *look) knock(ctx context.Context, h *host, i int) error {
	if h.barred.Load() {
		h.states[i] = refused
		return nil
	}
	for attempt := 0; ; attempt++ {
		c, err := l.guard.DialContext(ctx, "tcp", netip.AddrPortFrom(h.addr, h.ports[i]).String())
		if err == nil {
			_ = c.Close()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		h.states[i] = stateOf(err)
		switch h.states[i] {
		case refused:
			h.barred.Store(true)
			l.notes.bar(h.addr, err)
		case unsaid:
			l.notes.silent.Add(1)
		case broken:
			if attempt < 3 { // descriptors and local ports come back
				if !sleep(ctx, 200*time.Millisecond<<attempt) {
					return ctx.Err()
				}
				continue
			}
			l.notes.problem(netip.AddrPortFrom(h.addr, h.ports[i]).String(), "this machine could not connect: "+err.Error())
		}
		return nil
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func stateOf(err error) state {
	var timeout net.Error
	switch {
	case err == nil:
		return opened
	case gyreCode(err) == gyre.Forbidden:
		return refused
	case errors.Is(err, syscall.ECONNREFUSED):
		return closed
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOBUFS),
		errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM):
		if errors.As(err, &timeout) && timeout.Timeout() {
			return unsaid // EAGAIN counts as a timeout when a deadline passed
		}
		return broken
	}
	return unsaid
}

// gyreCode is the code of an error that is Gyre's own, else "".
func gyreCode(err error) gyre.Code {
	if e, ok := errors.AsType[*gyre.Error](err); ok {
		return e.Code
	}
	return ""
}
