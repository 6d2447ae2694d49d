// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBackOffGrowsAndEnds(t *testing.T) {
	last := time.Duration(-1)
	for n := range 200 {
		d := backOff(n)
		if d < last || d > longestWait || (n < freeFailures) != (d == 0) {
			t.Errorf("after %d failures: %s, before that %s", n, d, last)
		}
		last = d
	}
	if last != longestWait {
		t.Errorf("the wait ends at %s", last)
	}
}

// TestThrottle: a key waits exactly when it failed often enough within the
// time that is remembered, and what one key does never makes another wait.
func TestThrottle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		th, now := newThrottle(), time.Unix(1e9, 0)
		type model struct {
			count       int
			last, until time.Time
		}
		models := map[string]*model{"a": {}, "b": {}}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			key := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "key")
			m := models[key]
			now = now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(rt, "seconds")) * time.Second)
			if rapid.Bool().Draw(rt, "forget") && m.count > 10 {
				th.forget(key)
				*m = model{}
			} else {
				if now.Sub(m.last) > forgetAfter {
					m.count = 0
				}
				th.failed(key, now)
				m.count++
				m.last, m.until = now, now.Add(backOff(m.count))
			}
			for k, m := range models {
				if got, want := max(0, th.wait(k, now)), max(0, m.until.Sub(now)); got != want && m.count > 0 {
					rt.Fatalf("%s waits %s, want %s", k, got, want)
				}
			}
		}
	})
}

func TestThrottleIsBounded(t *testing.T) {
	th, now := newThrottle(), time.Unix(1e9, 0)
	for i := range 3 * maxThrottled {
		th.failed(fmt.Sprint(i), now)
	}
	if len(th.keys) > maxThrottled {
		t.Errorf("%d keys are held", len(th.keys))
	}
}

func TestAddressKey(t *testing.T) {
	for _, same := range [][2]string{
		{"192.0.2.1", "::ffff:192.0.2.1"}, {"2001:db8::1", "2001:db8::ffff"}, {"fe80::1%eth0", "fe80::2%eth1"},
	} {
		if a, b := addressKey(same[0]), addressKey(same[1]); a != b {
			t.Errorf("%s is %q, %s is %q", same[0], a, same[1], b)
		}
	}
	for _, other := range [][2]string{{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8:0:1::1"}} {
		if addressKey(other[0]) == addressKey(other[1]) {
			t.Errorf("%s and %s are one", other[0], other[1])
		}
	}
}
