// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	gyre "github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/lab/files"
	"github.com/gyre-ctem/gyre/lab/intel"
	"github.com/gyre-ctem/gyre/lab/server"
	"github.com/gyre-ctem/gyre/lab/truth"
)

// Row, Found and Result are the table's words; see lab/truth.
type (
	Row    = truth.Row
	Found  = truth.Found
	Result = truth.Result
)

// Score compares what was found with the table; see truth.Score.
func Score(rows []Row, found []Found) Result { return truth.Score(rows, found) }

// Options say how to start an estate.
type Options struct {
	// Dir is the estate's folder; it is made when it is not there.
	Dir string
	// Logf takes notes for people; nil: none.
	Logf func(format string, args ...any)
	// Runbook is the runbook line of the scopes; empty: DefaultRunbook.
	Runbook string
	// Mapped puts every host on 127.0.0.1, each service at a port of its own. It
	// is chosen by itself where other loopback addresses do not answer.
	Mapped bool
}

// DefaultRunbook is how changes are made in the estate.
const DefaultRunbook = "gyre lab fix {address} {locus} {weakness}"

// Estate is a running practice estate. Its methods are safe for concurrent use.
type Estate struct {
	dir, runbook string
	mapped       bool
	logf         func(string, ...any)
	started      time.Time
	hosts        []host
	authority    *server.Authority
	key          string // the planted private key
	planted      atomic.Pointer[map[string]bool]

	mu        sync.Mutex
	rows      []truth.Row
	listeners []*listener
	written   []files.File
	closed    bool

	control *control
	stop    sync.Once
	done    chan struct{}
}

// listener is one service at its address. It is open while stop is not nil.
type listener struct {
	host    host
	service service
	address string
	port    int
	stop    func()
}

// Start brings the estate up. It fails with gyre.Conflict when one is running
// in the folder already. Ending the context closes it.
func Start(ctx context.Context, o Options) (*Estate, error) {
	if o.Dir == "" {
		return nil, gyre.FieldErrorf(gyre.Invalid, "dir", "the practice estate needs a folder")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("find folder %q: %w", o.Dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, gyre.Errorf(gyre.Unavailable, "make the estate's folder: %w", err)
	}
	// Guards compare real paths, so the scopes must hold real paths.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("find folder %q: %w", o.Dir, err)
	}
	if c, err := Dial(dir); err == nil {
		return nil, gyre.Errorf(gyre.Conflict, "a practice estate is running in %s already (process %d)", dir, c.Info.PID)
	}
	e := &Estate{
		dir: dir, runbook: o.Runbook, mapped: o.Mapped || !answers(), logf: o.Logf,
		started: time.Now().UTC(), hosts: hosts(), rows: truth.Rows(), done: make(chan struct{}),
	}
	if e.logf == nil {
		e.logf = func(string, ...any) {}
	}
	if e.runbook == "" {
		e.runbook = DefaultRunbook
	}
	if e.mapped {
		e.logf("Only 127.0.0.1 answers here: every host of the estate is at a port of its own on it.")
	}
	if err := e.up(); err != nil {
		e.Close()
		return nil, err
	}
	context.AfterFunc(ctx, e.Close)
	return e, nil
}

// answers says whether loopback addresses beside 127.0.0.1 can be listened on.
func answers() bool {
	for _, n := range networks {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.%d.11:0", n))
		if err != nil {
			return false
		}
		_ = ln.Close()
	}
	return true
}

func (e *Estate) up() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	fixed, err := readState(e.dir)
	if err != nil {
		return err
	}
	addresses := map[string]string{}
	for _, h := range e.hosts {
		addresses[h.name] = e.address(h)
	}
	for i := range e.rows {
		r := &e.rows[i]
		r.Address, r.Fixed = addresses[r.Host], slices.Contains(fixed, r.ID)
		if e.mapped && r.Class == gyre.ShadowIT {
			r.Unavailable = "every host has the same address here, so none can be missing from the inventory"
		}
	}
	e.publish()
	if e.authority, err = server.NewAuthority(e.started); err != nil {
		return err
	}
	if e.key, err = files.NewPrivateKey(); err != nil {
		return err
	}
	for _, h := range e.hosts {
		for i, s := range h.services {
			if err := e.listen(h, i, s); err != nil {
				return err
			}
		}
	}
	for i := range e.rows {
		if r := &e.rows[i]; r.Service != "" {
			for _, l := range e.listeners {
				if l.host.name == r.Host && l.service.name == r.Service {
					r.Loci = []string{"tcp/" + strconv.Itoa(l.port)}
				}
			}
		}
	}
	if err := e.apply(); err != nil {
		return err
	}
	if err := intel.Write(e.FeedDir()); err != nil {
		return err
	}
	if err := e.writeScopes(); err != nil {
		return err
	}
	// Planted software in a real folder must not be found by an inventory of the
	// machine itself: the tag says that everything below can be made anew.
	if err := writeFile(filepath.Join(e.dir, "CACHEDIR.TAG"), []byte("Signature: 8a477f597d28d172789f06886806bc55\n# The practice estate of Gyre.\n")); err != nil {
		return err
	}
	e.control, err = startControl(e)
	return err
}

// address is where a host is.
func (e *Estate) address(h host) string {
	if e.mapped {
		return "127.0.0.1"
	}
	return fmt.Sprintf("127.0.%d.%d", networks[h.zone], h.octet)
}

// listen finds a port for a service and opens it.
func (e *Estate) listen(h host, index int, s service) error {
	own := 20000 + (networks[h.zone]-10)*1000 + h.octet*10 + index
	ports := []int{s.port, own, 0}
	if e.mapped { // the usual ports would collide
		ports = []int{own, 0}
	}
	l := &listener{host: h, service: s, address: e.address(h)}
	var err error
	for _, l.port = range ports {
		if err = e.open(l); err == nil {
			if l.port != ports[0] {
				e.logf("%s: port %d of %s is taken, %s is at port %d", h.name, ports[0], l.address, s.name, l.port)
			}
			e.listeners = append(e.listeners, l)
			return nil
		}
	}
	return gyre.Errorf(gyre.Unavailable, "open %s on %s: %w", s.name, h.name, err)
}

func (e *Estate) open(l *listener) error {
	ln, err := net.Listen("tcp", net.JoinHostPort(l.address, strconv.Itoa(l.port)))
	if err != nil {
		return err
	}
	tcp, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		return errors.Join(fmt.Errorf("listen: %T is not a TCP address", ln.Addr()), ln.Close())
	}
	stop, err := l.service.start(e, place{host: l.host.name, name: truth.FQDN(l.host.name), address: l.address}, ln)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	l.port, l.stop = tcp.Port, stop
	return nil
}

// has is the switch that listeners ask.
func (e *Estate) has(flaw string) bool { return (*e.planted.Load())[flaw] }

// publish makes the rows' state visible to the listeners.
func (e *Estate) publish() {
	set := make(map[string]bool, len(e.rows))
	for i := range e.rows {
		set[e.rows[i].Flaw] = e.rows[i].Planted()
	}
	e.planted.Store(&set)
}

// apply makes listeners and files what the rows say, and records it.
func (e *Estate) apply() error {
	e.publish()
	for _, l := range e.listeners {
		want := l.service.gate == "" || e.has(l.service.gate)
		switch {
		case want && l.stop == nil:
			if err := e.open(l); err != nil {
				return gyre.Errorf(gyre.Unavailable, "open %s on %s again: %w", l.service.name, l.host.name, err)
			}
		case !want && l.stop != nil:
			l.stop()
			l.stop = nil
		}
	}
	var roots []string
	for _, h := range e.hosts {
		if h.root {
			roots = append(roots, h.name)
		}
	}
	after := files.Render(files.Estate{Rows: e.rows, Now: e.started, Made: time.Now(), PrivateKey: e.key, Hosts: roots})
	before := e.written
	if before == nil { // what an earlier run may have left behind
		before = files.Render(files.Estate{Rows: truth.Rows(), Now: e.started, Hosts: roots})
	}
	if err := files.Sync(e.dir, before, after); err != nil {
		return err
	}
	e.written = after
	return writeState(e.dir, e.rows)
}

// Close takes the estate down and waits until nothing of it is left running.
// The folder stays.
func (e *Estate) Close() {
	e.stop.Do(func() {
		defer close(e.done)
		if e.control != nil {
			e.control.close()
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.closed = true
		var wg sync.WaitGroup
		for _, l := range e.listeners {
			if l.stop != nil {
				wg.Go(l.stop)
				l.stop = nil
			}
		}
		wg.Wait()
	})
	<-e.done
}

// Done is closed when the estate is down.
func (e *Estate) Done() <-chan struct{} { return e.done }

// Dir is the estate's folder, as a real absolute path.
func (e *Estate) Dir() string { return e.dir }

// FeedDir is the folder with the intelligence snapshot: a base for the kev,
// epss and osv feeds (FeedDir/kev, FeedDir/epss, FeedDir/osv).
func (e *Estate) FeedDir() string { return filepath.Join(e.dir, "feeds") }

// Rows returns the table as it is now.
func (e *Estate) Rows() []Row {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.rows)
}

// Score compares what was found with the table as it is now.
func (e *Estate) Score(found []Found) Result { return truth.Score(e.Rows(), found) }
