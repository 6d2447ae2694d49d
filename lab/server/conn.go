// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package server holds the practice estate's network services: small, real
// servers that speak enough of their protocol for any client to see what is
// wrong with them, and that change while they run.
//
// Only lab packages may import it. Invariants: nothing is delivered, stored or
// executed for a client; every connection has a deadline and every message a
// bound; what a client sees depends on the Flaws asked at that moment; when
// stop returns, no goroutine of the server is left.
package server

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"time"
)

// Flaws says whether a planted weakness, HOST.WHAT, is there now.
type Flaws func(flaw string) bool

// Handler serves one connection; the caller closes it.
type Handler func(c net.Conn)

const (
	connTime  = 30 * time.Second
	connMax   = 256 // at once, for each listener
	lineBytes = 4096
)

// Serve hands the listener's connections to handle, each with a deadline. The
// returned function closes the listener and every connection and waits.
func Serve(ln net.Listener, handle Handler) (stop func()) {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		open   = map[net.Conn]struct{}{}
		closed bool
	)
	slots := make(chan struct{}, connMax)
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			if closed {
				mu.Unlock()
				_ = c.Close()
				return
			}
			open[c] = struct{}{}
			mu.Unlock()
			slots <- struct{}{}
			wg.Go(func() {
				defer func() {
					_ = c.Close()
					mu.Lock()
					delete(open, c)
					mu.Unlock()
					<-slots
				}()
				if c.SetDeadline(time.Now().Add(connTime)) == nil {
					handle(c)
				}
			})
		}
	})
	return func() {
		mu.Lock()
		closed = true
		_ = ln.Close()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	}
}

// lines reads text protocols: one bounded line at a time, without its end.
func lines(c net.Conn) func() (string, bool) {
	r := bufio.NewReaderSize(c, lineBytes)
	return func() (string, bool) {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return "", false
		}
		return strings.TrimRight(string(line), "\r\n"), true
	}
}

func write(c net.Conn, s string) bool {
	_, err := c.Write([]byte(s))
	return err == nil
}
