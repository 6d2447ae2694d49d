// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// outbox gathers the batches of single hosts into larger ones, because each
// batch is one transaction.
type outbox struct {
	emit plugin.Emit

	mu     sync.Mutex
	batch  gyre.Batch
	weight int
}

const fullWeight = 4000

func (o *outbox) add(ctx context.Context, b *gyre.Batch) error {
	if b == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.batch.Assets = append(o.batch.Assets, b.Assets...)
	o.batch.Facts = append(o.batch.Facts, b.Facts...)
	o.batch.Coverage = append(o.batch.Coverage, b.Coverage...)
	o.weight += len(b.Assets) + 10*len(b.Facts)
	for _, c := range b.Coverage {
		o.weight += 1 + len(c.Loci)/8
	}
	if o.weight < fullWeight {
		return nil
	}
	return o.send(ctx)
}

func (o *outbox) flush(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.send(ctx)
}

func (o *outbox) send(ctx context.Context) error {
	if o.weight == 0 {
		return nil
	}
	b := o.batch
	o.batch, o.weight = gyre.Batch{}, 0
	return o.emit(ctx, &b)
}

// notes gathers what the run could not look at. Safe for concurrent use.
type notes struct {
	silent atomic.Int64 // ports that nobody answered for

	mu       sync.Mutex
	problems []gyre.Problem
	limits   []string
	dropped  int
	barred   int
	barredBy string
}

const maxNotes = 40

func (n *notes) problem(place, reason string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.problems) < maxNotes {
		n.problems = append(n.problems, gyre.Problem{Place: place, Reason: reason})
	}
}

func (n *notes) limit(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.limits) >= maxNotes {
		n.dropped++
		return
	}
	n.limits = append(n.limits, fmt.Sprintf(format, args...))
}

// bar notes an address that the guard refuses.
func (n *notes) bar(a netip.Addr, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.barred++
	if n.barredBy == "" {
		n.barredBy = strings.TrimSpace(fmt.Sprintf("%s: %v", a, err))
	}
}

func (n *notes) report() plugin.Report {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := plugin.Report{Problems: n.problems, Limits: n.limits}
	if n.dropped > 0 {
		r.Limits = append(r.Limits, fmt.Sprintf("and %d more limits like these", n.dropped))
	}
	if n.barred > 0 {
		r.Limits = append(r.Limits, fmt.Sprintf("the guard refused %d times, first %s", n.barred, n.barredBy))
	}
	if s := n.silent.Load(); s > 0 {
		r.Limits = append(r.Limits, fmt.Sprintf("%d ports gave no answer; nothing is concluded about them", s))
	}
	return r
}

// loci are the places of one port, made once for all hosts.
type loci struct{ at, below string }

func newLoci(port uint16) *loci {
	at := fmt.Sprintf("tcp/%d", port)
	return &loci{at: at, below: at + "/*"}
}
