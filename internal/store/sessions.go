// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Sessions keeps browser sessions; it has the methods that scs wants of a store.
type Sessions struct{ db *DB }

// Sessions returns the store of browser sessions.
func (db *DB) Sessions() *Sessions { return &Sessions{db} }

// Find returns the data of a session that has not expired.
func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit stores a session.
func (s *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete removes a session.
func (s *Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// FindCtx is Find with a context.
func (s *Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var data []byte
	err := s.db.r.QueryRowContext(ctx, "SELECT data FROM session WHERE token = $1 AND expiry > $2", token, micros(s.db.now())).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// CommitCtx is Commit with a context.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	_, err := s.db.w.ExecContext(ctx, `INSERT INTO session (token, data, expiry) VALUES ($1, $2, $3)
		ON CONFLICT (token) DO UPDATE SET data = excluded.data, expiry = excluded.expiry`, token, data, micros(expiry))
	return err
}

// DeleteCtx is Delete with a context.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.db.w.ExecContext(ctx, "DELETE FROM session WHERE token = $1", token)
	return err
}

// AllCtx returns every session that has not expired, so that those of one
// account can be ended.
func (s *Sessions) AllCtx(ctx context.Context) (map[string][]byte, error) {
	out := map[string][]byte{}
	err := each(ctx, s.db.r, "SELECT token, data FROM session WHERE expiry > $1", []any{micros(s.db.now())}, func(row scanner) error {
		var token string
		var data []byte
		err := row.Scan(&token, &data)
		out[token] = data
		return err
	})
	return out, err
}

// All is AllCtx without a context.
func (s *Sessions) All() (map[string][]byte, error) { return s.AllCtx(context.Background()) }

// TakeCtx finds and deletes in one step: of many callers one gets it.
func (s *Sessions) TakeCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.db.w.QueryRowContext(ctx, "DELETE FROM session WHERE token = $1 AND expiry > $2 RETURNING data", token, micros(s.db.now())).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// Sweep removes the sessions and idempotency keys whose time is over.
func (db *DB) Sweep(ctx context.Context) error {
	now := db.now()
	if _, err := db.w.ExecContext(ctx, "DELETE FROM session WHERE expiry <= $1", micros(now)); err != nil {
		return err
	}
	_, err := db.w.ExecContext(ctx, "DELETE FROM idempotency WHERE created <= $1", micros(now.Add(-replyLife)))
	return err
}
