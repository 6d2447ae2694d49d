// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"net/netip"
	"sync"
	"time"
)

// Back-off after wrong passwords.
const (
	freeFailures = 5
	firstWait    = 30 * time.Second
	longestWait  = 15 * time.Minute
	forgetAfter  = time.Hour
	maxThrottled = 10_000
)

// backOff is how long to wait after so many failures.
func backOff(failures int) time.Duration {
	if failures < freeFailures {
		return 0
	}
	shift := min(failures-freeFailures, 10)
	return min(firstWait<<shift, longestWait)
}

// throttle holds keys back that fail too often. It forgets a key that has not
// failed for an hour, and holds a bounded number of them.
type throttle struct {
	mu   sync.Mutex
	keys map[string]*failures
}

type failures struct {
	count int
	last  time.Time
	until time.Time
}

func newThrottle() *throttle { return &throttle{keys: map[string]*failures{}} }

func (t *throttle) wait(key string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.keys[key]; f != nil {
		return f.until.Sub(now)
	}
	return 0
}

func (t *throttle) failed(key string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.keys[key]
	if f == nil || now.Sub(f.last) > forgetAfter {
		t.makeRoom(now)
		f = &failures{}
		t.keys[key] = f
	}
	f.count++
	f.last, f.until = now, now.Add(backOff(f.count))
}

// makeRoom empties a tenth of a full table: what is old, and when that is not
// enough whatever comes first. Who fills the table with names gains no more than
// free failures for some of them.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.keys) < maxThrottled {
		return
	}
	for key, f := range t.keys {
		if now.Sub(f.last) > forgetAfter {
			delete(t.keys, key)
		}
	}
	for key := range t.keys {
		if len(t.keys) < maxThrottled-maxThrottled/10 {
			return
		}
		delete(t.keys, key)
	}
}

func (t *throttle) forget(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.keys, key)
}

// addressKey is what is held back for an address: itself, or for IPv6 its /64,
// which is what one customer has.
func addressKey(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return "address " + address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return "address " + p.String()
		}
	}
	return "address " + ip.String()
}
