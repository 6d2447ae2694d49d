// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"time"

	"github.com/gyre-ctem/gyre"
)

// replyLife is how long an idempotency key is remembered.
const replyLife = 24 * time.Hour

// ClaimReply claims an idempotency key for a request. It returns nil when the
// key is new and now belongs to the caller, who must end with SaveReply or DropReply;
// else what is stored: Status 0 means that the first request is still being served.
func (db *DB) ClaimReply(ctx context.Context, ws gyre.ID, key, request string) (*gyre.StoredReply, error) {
	now := db.now()
	if _, err := db.w.ExecContext(ctx, "DELETE FROM idempotency WHERE workspace = $1 AND name = $2 AND created <= $3",
		int64(ws), key, micros(now.Add(-replyLife))); err != nil {
		return nil, fmt.Errorf("claim idempotency key: %w", err)
	}
	res, err := db.w.ExecContext(ctx, `INSERT INTO idempotency (workspace, name, request, status, body, created) VALUES ($1, $2, $3, 0, $4, $5)
		ON CONFLICT (workspace, name) DO NOTHING`, int64(ws), key, request, []byte{}, micros(now))
	if err != nil {
		return nil, fmt.Errorf("claim idempotency key: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return nil, err
	}
	r, err := one(ctx, db.w, "idempotency key", key, func(s scanner) (r gyre.StoredReply, err error) {
		var status, created int64
		err = s.Scan(&r.Request, &status, &r.Body, &created)
		r.Status, r.Created = int(status), timeOf(created)
		return r, err
	}, "SELECT request, status, body, created FROM idempotency WHERE workspace = $1 AND name = $2", int64(ws), key)
	return &r, err
}

// SaveReply stores the answer to the request that claimed the key.
func (db *DB) SaveReply(ctx context.Context, ws gyre.ID, key string, status int, body []byte) error {
	if body == nil {
		body = []byte{}
	}
	_, err := db.w.ExecContext(ctx, "UPDATE idempotency SET status = $3, body = $4 WHERE workspace = $1 AND name = $2", int64(ws), key, int64(status), body)
	return err
}

// DropReply gives the key up, so that the request can be tried again.
func (db *DB) DropReply(ctx context.Context, ws gyre.ID, key string) error {
	_, err := db.w.ExecContext(ctx, "DELETE FROM idempotency WHERE workspace = $1 AND name = $2 AND status = 0", int64(ws), key)
	return err
}
