// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gyre-ctem/gyre"
)

// ClaimUpload takes an upload over: from here on whoever had it cannot write for it.
func (db *DB) ClaimUpload(ctx context.Context, ws, id gyre.ID) (gyre.Upload, error) {
	var u uploadRow
	err := db.Write(ctx, ws, func(tx *Tx) error {
		var err error
		if u, err = tx.upload(ctx, id); err != nil {
			return err
		}
		switch {
		case u.State == gyre.UploadReceiving:
			return gyre.Errorf(gyre.Conflict, "import %s is still being received", id)
		case u.State.Ended():
			return nil
		case u.State == gyre.UploadWaiting:
			u.State = gyre.UploadChecking
		}
		u.Fence++
		_, err = tx.exec(ctx, "UPDATE upload SET fence = $3, state = $4, touched = $5 WHERE workspace = $1 AND id = $2",
			int64(ws), int64(id), u.Fence, string(u.State), micros(tx.now))
		return err
	})
	return u.Upload, err
}

// TouchUpload notes how far the reading of an upload is, and that its worker lives.
func (db *DB) TouchUpload(ctx context.Context, ws, id gyre.ID, fence, done int64) error {
	n, err := db.exec(ctx, "UPDATE upload SET done = $4, touched = $5 WHERE workspace = $1 AND id = $2 AND fence = $3 AND ended = 0",
		int64(ws), int64(id), fence, done, micros(db.now()))
	if err == nil && n == 0 {
		err = gyre.ErrUploadTaken
	}
	return db.full(err)
}

// CheckedUpload notes what the checking of an upload has shown.
func (db *DB) CheckedUpload(ctx context.Context, u gyre.Upload) error {
	n, err := db.exec(ctx, `UPDATE upload SET format = $4, parser = $5, looked = $6, batches = $7, touched = $8
		WHERE workspace = $1 AND id = $2 AND fence = $3 AND state = 'checking'`,
		int64(u.Workspace), int64(u.ID), u.Fence, u.Format, u.Parser, micros(u.Looked), u.Batches, micros(db.now()))
	if err == nil && n == 0 {
		err = gyre.ErrUploadTaken
	}
	return db.full(err)
}

// StepUpload moves an upload on with what the transaction did.
func (tx *Tx) StepUpload(ctx context.Context, s gyre.UploadStep) error {
	body, err := jsonText(uploadBody{Counts: s.Counts, Stage: s.Stage})
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `UPDATE upload SET state = $5, stored = $6, body = $7, touched = $8,
		run = CASE WHEN CAST($9 AS BIGINT) = 0 THEN run ELSE CAST($9 AS BIGINT) END, judged = CASE WHEN CAST($10 AS BIGINT) = 0 THEN judged ELSE CAST($10 AS BIGINT) END
		WHERE workspace = $1 AND id = $2 AND fence = $3 AND state = $4`,
		int64(tx.ws), int64(s.Upload), s.Fence, string(s.From), string(s.To), s.Stored, body, micros(tx.now), int64(s.Run), int64(s.Judged))
	if err != nil {
		return fmt.Errorf("step of upload: %w", err)
	}
	if n != 1 {
		return gyre.ErrUploadTaken
	}
	return nil
}

// EndUpload ends an upload; why is nil for one that is done. The content of one
// that is done is removed.
func (db *DB) EndUpload(ctx context.Context, ws, id gyre.ID, fence int64, to gyre.UploadState, why error) error {
	err := db.Write(ctx, ws, func(tx *Tx) error {
		u, err := tx.upload(ctx, id)
		if err != nil {
			return err
		}
		if u.Fence != fence || u.State.Ended() {
			return gyre.ErrUploadTaken
		}
		return tx.endUpload(ctx, u.Upload, to, why, u.Actor)
	})
	if err == nil && to == gyre.UploadDone {
		err = db.dropChunks(ctx, ws, id)
	}
	return err
}

func (tx *Tx) endUpload(ctx context.Context, u gyre.Upload, to gyre.UploadState, why error, actor string) error {
	setUploadError(&u, why)
	body, err := bodyOf(&u)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, "UPDATE upload SET state = $3, body = $4, touched = $5, ended = $5, fence = fence + 1 WHERE workspace = $1 AND id = $2",
		int64(tx.ws), int64(u.ID), string(to), body, micros(tx.now))
	if err != nil {
		return fmt.Errorf("end upload: %w", err)
	}
	tx.Append(gyre.Event{Object: "upload", ID: u.ID, Kind: "ended", From: string(u.State), To: string(to), Actor: actor, Run: u.Run, Reason: u.Error})
	return nil
}

// StallUpload notes why an upload stands still; its worker will try again.
func (db *DB) StallUpload(ctx context.Context, ws, id gyre.ID, fence int64, why error) error {
	return db.Write(ctx, ws, func(tx *Tx) error {
		u, err := tx.upload(ctx, id)
		if err != nil {
			return err
		}
		if u.Fence != fence || u.State.Ended() {
			return gyre.ErrUploadTaken
		}
		setUploadError(&u.Upload, why)
		body, err := bodyOf(&u.Upload)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, "UPDATE upload SET body = $3, touched = $4 WHERE workspace = $1 AND id = $2", int64(ws), int64(id), body, micros(tx.now))
		return err
	})
}

func setUploadError(u *gyre.Upload, why error) {
	u.Error, u.Code, u.Field = "", "", ""
	if why == nil {
		return
	}
	u.Error, u.Code = why.Error(), gyre.ErrorCode(why)
	if e, ok := errors.AsType[*gyre.Error](why); ok && e.Field != "" {
		u.Error, u.Field = e.Message, e.Field
	}
}

// CancelUpload ends an upload that is not being stored yet. What is stored
// cannot be taken back in part, so from there on it is gyre.Conflict.
func (db *DB) CancelUpload(ctx context.Context, ws, id gyre.ID, actor string) (gyre.Upload, error) {
	var u uploadRow
	err := db.Write(ctx, ws, func(tx *Tx) error {
		var err error
		if u, err = tx.upload(ctx, id); err != nil {
			return err
		}
		switch u.State {
		case gyre.UploadReceiving, gyre.UploadWaiting, gyre.UploadChecking:
		case gyre.UploadStoring, gyre.UploadJudging, gyre.UploadPlanning:
			return gyre.Errorf(gyre.Conflict, "it is %s: %d of %d batches are in the estate, and it goes on to its end, because half a report would be worse than all of it", u.State, u.Stored, u.Batches)
		default:
			return gyre.Errorf(gyre.Conflict, "it is %s already", u.State)
		}
		if err := tx.endUpload(ctx, u.Upload, gyre.UploadCancelled, gyre.Errorf(gyre.Conflict, "cancelled by %s", actor), actor); err != nil {
			return err
		}
		u, err = tx.upload(ctx, id)
		return err
	})
	return u.Upload, err
}

// RetryUpload puts an upload that failed or was cancelled back to waiting, as
// long as its content is kept. It begins anew: nothing of it is stored, or storing it again changes nothing.
func (db *DB) RetryUpload(ctx context.Context, ws, id gyre.ID, actor string) (gyre.Upload, error) {
	var u uploadRow
	err := db.Write(ctx, ws, func(tx *Tx) error {
		var err error
		if u, err = tx.upload(ctx, id); err != nil {
			return err
		}
		switch u.State {
		case gyre.UploadFailed, gyre.UploadCancelled:
		case gyre.UploadDone:
			return gyre.Errorf(gyre.Conflict, "it is done; hand the report in again to import it once more")
		default:
			return nil // it is waiting or under way: the caller wakes its worker
		}
		var have int64
		row := tx.tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM upload_chunk WHERE upload = $1 AND workspace = $2", int64(id), int64(ws))
		if err := row.Scan(&have); err != nil {
			return fmt.Errorf("count pieces of upload: %w", err)
		}
		if u.Digest == "" || have == 0 {
			return gyre.Errorf(gyre.Conflict, "its content is not kept any more; hand the report in again")
		}
		body, err := bodyOf(&gyre.Upload{})
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `UPDATE upload SET state = 'waiting', done = 0, batches = 0, stored = 0, run = 0, judged = 0, parser = '', body = $3, touched = $4, ended = 0
			WHERE workspace = $1 AND id = $2`, int64(ws), int64(id), body, micros(tx.now))
		if err != nil {
			return fmt.Errorf("retry upload: %w", err)
		}
		tx.Append(gyre.Event{Object: "upload", ID: id, Kind: "retried", From: string(u.State), To: string(gyre.UploadWaiting), Actor: actor})
		u, err = tx.upload(ctx, id)
		return err
	})
	return u.Upload, err
}

// DropUpload removes an upload with its content, as if it had never been.
func (db *DB) DropUpload(ctx context.Context, ws, id gyre.ID) error {
	if err := db.dropChunks(ctx, ws, id); err != nil {
		return err
	}
	if _, err := db.exec(ctx, "DELETE FROM upload WHERE workspace = $1 AND id = $2", int64(ws), int64(id)); err != nil {
		return fmt.Errorf("drop upload: %w", err)
	}
	return nil
}

// dropChunks removes the content of an upload, some pieces at a time, so that
// other writers get their turns.
func (db *DB) dropChunks(ctx context.Context, ws, id gyre.ID) error {
	const pieces = 64
	for {
		n, err := db.exec(ctx, `DELETE FROM upload_chunk WHERE upload = $1 AND workspace = $2 AND seq IN
			(SELECT seq FROM upload_chunk WHERE upload = $1 AND workspace = $2 ORDER BY seq LIMIT $3)`, int64(id), int64(ws), pieces)
		if err != nil {
			return fmt.Errorf("remove content of upload: %w", err)
		}
		if n < pieces {
			return nil
		}
	}
}

// SweepUploads removes what broke off while it was received, and the content
// of what ended without success longer ago than keep.
func (db *DB) SweepUploads(ctx context.Context, ws gyre.ID, keep time.Duration) error {
	now := db.now()
	if _, err := db.exec(ctx, "UPDATE upload SET reply_key = '' WHERE workspace = $1 AND reply_key <> '' AND created <= $2",
		int64(ws), micros(now.Add(-replyLife))); err != nil {
		return fmt.Errorf("forget keys of uploads: %w", err)
	}
	broken, err := db.uploads(ctx, "SELECT "+uploadColumns+" FROM upload WHERE workspace = $1 AND state = 'receiving' AND touched <= $2",
		int64(ws), micros(now.Add(-brokenOff)))
	if err != nil {
		return fmt.Errorf("find broken uploads: %w", err)
	}
	for _, u := range broken {
		if err := db.DropUpload(ctx, ws, u.ID); err != nil {
			return err
		}
	}
	// A process may have died between the end of an upload and the removal of its content.
	old, err := collect(ctx, db.r, func(s scanner) (id gyre.ID, err error) { return id, s.Scan((*int64)(&id)) },
		`SELECT DISTINCT c.upload FROM upload_chunk c LEFT JOIN upload u ON u.id = c.upload
			WHERE c.workspace = $1 AND c.seq = 0 AND (u.id IS NULL OR u.state = 'done' OR (u.ended > 0 AND u.ended <= $2))`, int64(ws), micros(now.Add(-keep)))
	if err != nil {
		return fmt.Errorf("find content of old uploads: %w", err)
	}
	for _, id := range old {
		if err := db.dropChunks(ctx, ws, id); err != nil {
			return err
		}
	}
	return nil
}

// SaveRefs keeps the assets behind refs of a run; asset 0 is a ref that was
// dropped, sighted says that the run has seen the asset itself.
func (tx *Tx) SaveRefs(ctx context.Context, run gyre.ID, refs []gyre.Ref, assets []gyre.ID, sighted []bool) error {
	err := insert(ctx, tx.tx, "INSERT INTO run_ref (run, ref, workspace, asset, sighted)",
		"ON CONFLICT (run, ref) DO UPDATE SET asset = excluded.asset, sighted = excluded.sighted", 5, len(refs), func(i int, a []any) []any {
			return append(a, int64(run), string(refs[i]), int64(tx.ws), int64(assets[i]), sighted[i])
		})
	if err != nil {
		return fmt.Errorf("keep refs of run: %w", err)
	}
	return nil
}

// EachRef calls fn for the refs that were kept of a run.
func (tx *Tx) EachRef(ctx context.Context, run gyre.ID, fn func(ref gyre.Ref, asset gyre.ID, sighted bool)) error {
	return each(ctx, tx.tx, "SELECT ref, asset, sighted FROM run_ref WHERE workspace = $1 AND run = $2", []any{int64(tx.ws), int64(run)}, func(s scanner) error {
		var ref string
		var asset gyre.ID
		var sighted bool
		if err := s.Scan(&ref, (*int64)(&asset), &sighted); err != nil {
			return err
		}
		fn(gyre.Ref(ref), asset, sighted)
		return nil
	})
}

// DropRefs forgets the refs of a run that has ended.
func (tx *Tx) DropRefs(ctx context.Context, run gyre.ID) error {
	_, err := tx.exec(ctx, "DELETE FROM run_ref WHERE workspace = $1 AND run = $2", int64(tx.ws), int64(run))
	return err
}
