// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gyre-ctem/gyre"
)

// hub tells subscribers that a workspace has events up to a number.
type hub struct {
	mu     sync.Mutex
	subs   map[gyre.ID]map[chan int64]struct{}
	closed bool
}

// Subscribe returns a channel on which the number of the workspace's newest
// event is sent after each commit that wrote any, by this process or, on
// PostgreSQL, another one. Numbers that nobody took are replaced by newer ones. Cancel closes
// the channel; so does Close.
func (db *DB) Subscribe(ws gyre.ID) (<-chan int64, func()) {
	ch := make(chan int64, 1)
	h := &db.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(ch)
		return ch, func() {}
	}
	if h.subs == nil {
		h.subs = map[gyre.ID]map[chan int64]struct{}{}
	}
	if h.subs[ws] == nil {
		h.subs[ws] = map[chan int64]struct{}{}
	}
	h.subs[ws][ch] = struct{}{}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if _, there := h.subs[ws][ch]; there {
			delete(h.subs[ws], ch)
			close(ch)
		}
	}
}

func (h *hub) notify(ws gyre.ID, seq int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.subs[ws] {
		select {
		case old := <-ch:
			seq = max(seq, old)
		default:
		}
		ch <- seq // never blocks: it is empty, and only we send
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, subs := range h.subs {
		for ch := range subs {
			delete(subs, ch)
			close(ch)
		}
	}
}

// notifyChannel is the PostgreSQL channel of event numbers, "WORKSPACE:SEQ".
const notifyChannel = "gyre_event"

// listen hears of other processes' commits until ctx ends. After a lost
// connection it tells every subscriber where its workspace stands, because
// notifications of the meantime are gone.
func (db *DB) listen(ctx context.Context) {
	for ctx.Err() == nil {
		if err := db.listenOnce(ctx); err != nil && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

func (db *DB) listenOnce(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, db.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+notifyChannel); err != nil {
		return err
	}
	db.catchUp(ctx)
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		ws, seq, ok := strings.Cut(n.Payload, ":")
		id, err1 := strconv.ParseInt(ws, 10, 64)
		num, err2 := strconv.ParseInt(seq, 10, 64)
		if ok && err1 == nil && err2 == nil {
			db.hub.notify(gyre.ID(id), num)
		}
	}
}

func (db *DB) catchUp(ctx context.Context) {
	db.hub.mu.Lock()
	var all []gyre.ID
	for ws, subs := range db.hub.subs {
		if len(subs) > 0 {
			all = append(all, ws)
		}
	}
	db.hub.mu.Unlock()
	for _, ws := range all {
		if seq, err := db.Seq(ctx, ws); err == nil {
			db.hub.notify(ws, seq)
		}
	}
}
