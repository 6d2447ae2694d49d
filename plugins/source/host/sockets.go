// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
)

const (
	listening  = "0A" // TCP_LISTEN in proc_net_tcp
	maxSockets = 100_000
)

type socket struct {
	addr  netip.AddrPort
	uid   string
	inode string
}

// sockets emits one fact for each listening TCP port of this machine. only
// narrows the coverage to one locus.
func (r *run) sockets(ctx context.Context, only []string) error {
	var all []socket
	read := 0
	for _, name := range []string{"net/tcp", "net/tcp6"} {
		f, err := os.Open(filepath.Join(r.proc, name)) // #nosec G304 -- in /proc
		if err != nil {
			continue // no IPv6, or not Linux
		}
		list, err := parseSockets(f)
		_ = f.Close()
		if err != nil {
			r.limits.add("sockets could not be read", name+": "+err.Error())
			return nil
		}
		read++
		all = append(all, list...)
	}
	if read == 0 {
		r.limits.add("sockets could not be read", r.proc+"/net/tcp")
		return nil
	}
	owners, hidden := r.socketOwners(ctx)
	if hidden > 0 {
		r.report.Limits = append(r.report.Limits, fmt.Sprintf("the process of a listening socket is not named where it belongs to another account (%d processes)", hidden))
	}
	users := userNames(r.small(passwd))
	b := &gyre.Batch{Coverage: []gyre.Coverage{{Asset: r.asset, Aspect: gyre.AspectSocket, Loci: only, Credentialed: true}}}
	for _, s := range byPort(all) {
		data := map[string]any{
			"port": int64(s.addr.Port()), "address": s.addr.Addr().String(), "loopback": s.addr.Addr().IsLoopback(),
			"user": cmp.Or(users[s.uid], s.uid),
		}
		if p, ok := owners[s.inode]; ok {
			data["process"], data["pid"] = p.name, p.pid
		}
		b.Facts = append(b.Facts, gyre.Fact{
			Asset: r.asset, Aspect: gyre.AspectSocket, Locus: "tcp/" + strconv.Itoa(int(s.addr.Port())), Credentialed: true, Data: data,
		})
	}
	return r.emit(ctx, b)
}

// byPort keeps one socket of each port, in order: the one that most can reach.
func byPort(all []socket) []socket {
	rank := func(s socket) int {
		switch a := s.addr.Addr(); {
		case a.IsLoopback():
			return 2
		case a.IsUnspecified():
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b socket) int {
		return cmp.Or(cmp.Compare(a.addr.Port(), b.addr.Port()), cmp.Compare(rank(a), rank(b)))
	})
	return slices.CompactFunc(all, func(a, b socket) bool { return a.addr.Port() == b.addr.Port() })
}

// parseSockets reads the listening sockets of /proc/net/tcp or tcp6 (proc_net_tcp(5)).
func parseSockets(in io.Reader) ([]socket, error) {
	var list []socket
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 10 || f[3] != listening {
			continue
		}
		addr, err := parseAddr(f[1])
		if err != nil {
			return nil, err
		}
		if list = append(list, socket{addr: addr, uid: f[7], inode: f[9]}); len(list) > maxSockets {
			return nil, fmt.Errorf("more than %d sockets listen", maxSockets)
		}
	}
	return list, lines.Err()
}

// parseAddr reads "0100007F:1F90": each group of four bytes is in the
// machine's own order, which is little-endian wherever Gyre runs.
func parseAddr(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	if err != nil || len(b) != 4 && len(b) != 16 {
		return netip.AddrPort{}, fmt.Errorf("address %q cannot be read", s)
	}
	for i := 0; i < len(b); i += 4 {
		binary.BigEndian.PutUint32(b[i:], binary.LittleEndian.Uint32(b[i:]))
	}
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("address %q cannot be read", s)
	}
	addr, _ := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), nil
}

type process struct {
	pid  int64
	name string
}

// socketOwners maps socket inodes to the process with the lowest id that holds
// them. hidden counts the processes whose files this account may not see.
func (r *run) socketOwners(ctx context.Context) (owners map[string]process, hidden int) {
	owners = map[string]process{}
	entries, err := os.ReadDir(r.proc)
	if err != nil {
		return owners, 0
	}
	var pids []int64
	for _, e := range entries {
		if pid, err := strconv.ParseInt(e.Name(), 10, 64); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	for _, pid := range pids {
		if ctx.Err() != nil {
			return owners, hidden
		}
		dir := filepath.Join(r.proc, strconv.FormatInt(pid, 10))
		fds, err := os.ReadDir(filepath.Join(dir, "fd"))
		if os.IsPermission(err) {
			hidden++
		}
		name := ""
		for _, fd := range fds {
			link, err := os.Readlink(filepath.Join(dir, "fd", fd.Name()))
			inode, ok := strings.CutPrefix(link, "socket:[")
			if err != nil || !ok {
				continue
			}
			inode = strings.TrimSuffix(inode, "]")
			if _, have := owners[inode]; have {
				continue
			}
			if name == "" {
				comm, _ := os.ReadFile(filepath.Join(dir, "comm")) // #nosec G304 -- in /proc; it may have ended meanwhile
				name = strings.TrimSpace(string(comm))
			}
			owners[inode] = process{pid: pid, name: name}
		}
	}
	return owners, hidden
}

// userNames maps user ids to names (passwd(5)).
func userNames(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if f := strings.SplitN(line, ":", 4); len(f) == 4 && m[f[2]] == "" {
			m[f[2]] = f[0]
		}
	}
	return m
}
