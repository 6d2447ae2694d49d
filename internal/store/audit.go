// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

// AppendAudit adds a line to the audit log. Lines are never changed or removed.
func (db *DB) AppendAudit(ctx context.Context, ws gyre.ID, e gyre.AuditEntry) error {
	if e.ID == 0 {
		e.ID = gyre.NewID()
	}
	if e.At.IsZero() {
		e.At = db.now()
	}
	_, err := db.exec(ctx, `INSERT INTO audit (id, workspace, at, actor, address, action, object, outcome, details)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)`,
		int64(e.ID), int64(ws), micros(e.At), e.Actor, e.Address, e.Action, e.Object, e.Outcome, e.Details)
	if err != nil {
		return fmt.Errorf("append to audit log: %w", err)
	}
	return nil
}

// Audit lists the audit log, newest first, before an ID (0: from the newest).
func (db *DB) Audit(ctx context.Context, ws, before gyre.ID, limit int) ([]gyre.AuditEntry, error) {
	if before == 0 {
		before = maxID
	}
	return collect(ctx, db.r, func(s scanner) (e gyre.AuditEntry, err error) {
		var at int64
		err = s.Scan((*int64)(&e.ID), &at, &e.Actor, &e.Address, &e.Action, &e.Object, &e.Outcome, &e.Details)
		e.At = timeOf(at)
		return e, err
	}, `SELECT id, at, actor, address, action, object, outcome, details FROM audit
		WHERE workspace = $1 AND id < $2 ORDER BY id DESC LIMIT $3`, int64(ws), int64(before), limit)
}
