// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package scope

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

// excludedNamesTTL is how long the addresses of excluded names are believed.
const excludedNamesTTL = 5 * time.Minute

// notExcludedByName refuses the addresses that excluded names have now. When a
// name cannot be looked up, nobody can say which addresses to keep away from,
// and everything is refused; a name that does not exist excludes nothing.
func (g *Guard) notExcludedByName(ctx context.Context, a netip.Addr) error {
	if len(g.reach.noNames) == 0 {
		return nil
	}
	excluded, err := g.excludedNow(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(excluded, a) {
		return gyre.Errorf(gyre.Forbidden, "%s is the address of a name that scope %q excludes", a, g.scope.Name)
	}
	return nil
}

func (g *Guard) excludedNow(ctx context.Context) ([]netip.Addr, error) {
	select { // one look-up at a time; the others wait for it
	case g.waiting <- struct{}{}:
		defer func() { <-g.waiting }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	now := g.opt.Now()
	g.mu.Lock()
	excluded, fresh := g.excluded, !g.resolved.IsZero() && now.Sub(g.resolved).Abs() < excludedNamesTTL
	g.mu.Unlock()
	if fresh {
		return excluded, nil
	}
	excluded = nil
	for _, name := range g.reach.noNames {
		// What lies below a name cannot be listed: "*." keeps names away, not addresses.
		if strings.HasPrefix(name, "*.") {
			continue
		}
		addrs, err := g.opt.Resolver.LookupNetIP(ctx, "ip", name)
		if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
			continue
		}
		if err != nil {
			return nil, gyre.Errorf(gyre.Forbidden, "the excluded name %s cannot be resolved (%w), so it is not known what to keep away from; exclude its address instead", name, err)
		}
		for _, a := range addrs {
			excluded = append(excluded, a.Unmap())
		}
	}
	g.mu.Lock()
	g.excluded, g.resolved = excluded, now
	g.mu.Unlock()
	return excluded, nil
}
