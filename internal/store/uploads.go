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

const uploadColumns = `id, workspace, name, size, digest, request, reply_key, format, zone, asset, address, looked, state, parser, fence, done, batches, stored,
	run, judged, body, actor, created, touched, ended`

// uploadBody is the part of an upload that no query asks for.
type uploadBody struct {
	Counts gyre.RunCounts `json:"counts"`
	Stage  gyre.RunCounts `json:"stage"`
	Error  string         `json:"error,omitempty"`
	Code   gyre.Code      `json:"code,omitempty"`
	Field  string         `json:"field,omitempty"`
}

// uploadRow is an upload with what only the store needs of it.
type uploadRow struct {
	gyre.Upload
	request string
	touched time.Time
}

func scanUpload(s scanner) (u uploadRow, err error) {
	var looked, created, touched, ended, batches, stored int64
	var zone, state, text string
	var body uploadBody
	err = s.Scan((*int64)(&u.ID), (*int64)(&u.Workspace), &u.Name, &u.Size, &u.Digest, &u.request, &u.Key, &u.Format, &zone, &u.Asset, &u.Address,
		&looked, &state, &u.Parser, &u.Fence, &u.Done, &batches, &stored, (*int64)(&u.Run), (*int64)(&u.Judged), &text, &u.Actor, &created, &touched, &ended)
	if err != nil {
		return u, err
	}
	err = fromJSON(text, &body)
	u.Zone, u.State, u.Batches, u.Stored = gyre.Zone(zone), gyre.UploadState(state), int(batches), int(stored)
	u.Looked, u.Created, u.touched, u.Ended = timeOf(looked), timeOf(created), timeOf(touched), timeOf(ended)
	u.Counts, u.Stage, u.Error, u.Code, u.Field = body.Counts, body.Stage, body.Error, body.Code, body.Field
	switch u.State {
	case gyre.UploadReceiving, gyre.UploadWaiting, gyre.UploadChecking:
		u.Total = u.Size
	default:
		u.Done, u.Total = stored, batches
	}
	return u, err
}

func bodyOf(u *gyre.Upload) (string, error) {
	return jsonText(uploadBody{Counts: u.Counts, Stage: u.Stage, Error: u.Error, Code: u.Code, Field: u.Field})
}

// CreateUpload makes room for an upload whose content is about to arrive. Where
// its key was used before it returns that upload, with found. It is
// gyre.Unavailable when most uploads wait already.
func (db *DB) CreateUpload(ctx context.Context, ws gyre.ID, u gyre.Upload, most int) (_ gyre.Upload, found bool, err error) {
	err = db.Write(ctx, ws, func(tx *Tx) error {
		if u.Key != "" {
			old, err := tx.uploadByKey(ctx, u.Key)
			if err != nil || old != nil {
				found = old != nil
				if found {
					u = *old
				}
				return err
			}
		}
		var open int
		row := tx.tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM upload WHERE workspace = $1 AND ended = 0", int64(ws))
		if err := row.Scan(&open); err != nil {
			return fmt.Errorf("count uploads: %w", err)
		}
		if open >= most {
			return gyre.Errorf(gyre.Unavailable, "%d imports are waiting or under way, and no more are taken in until one has ended (setting upload-queue); try again later", open)
		}
		u.Workspace, u.State, u.Created = ws, gyre.UploadReceiving, tx.now
		return tx.insertUpload(ctx, &u)
	})
	return u, found, err
}

// uploadByKey finds the upload of an idempotency key. What broke off or came to
// nothing does not count: then the key is free again.
func (tx *Tx) uploadByKey(ctx context.Context, key string) (*gyre.Upload, error) {
	old, err := one(ctx, tx.tx, "upload", key, scanUpload, "SELECT "+uploadColumns+" FROM upload WHERE workspace = $1 AND reply_key = $2", int64(tx.ws), key)
	if gyre.ErrorCode(err) == gyre.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	switch {
	case old.State == gyre.UploadFailed || old.State == gyre.UploadCancelled:
	case old.State != gyre.UploadReceiving:
		return &old.Upload, nil
	case tx.now.Sub(old.touched) < brokenOff:
		return nil, gyre.Errorf(gyre.Conflict, "the first upload with this key is still arriving")
	}
	_, err = tx.exec(ctx, "UPDATE upload SET reply_key = '' WHERE workspace = $1 AND id = $2", int64(tx.ws), int64(old.ID))
	return nil, err
}

// brokenOff is how long nothing has arrived of an upload that nobody is sending any more.
const brokenOff = 5 * time.Minute

func (tx *Tx) insertUpload(ctx context.Context, u *gyre.Upload) error {
	body, err := bodyOf(u)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, "INSERT INTO upload ("+uploadColumns+") VALUES "+placeholders(1, 25),
		int64(u.ID), int64(tx.ws), u.Name, u.Size, u.Digest, "", u.Key, u.Format, string(u.Zone), u.Asset, u.Address, micros(u.Looked), string(u.State),
		u.Parser, u.Fence, u.Done, u.Batches, u.Stored, int64(u.Run), int64(u.Judged), body, u.Actor, micros(u.Created), micros(tx.now), micros(u.Ended))
	if err != nil {
		return fmt.Errorf("store upload: %w", err)
	}
	return nil
}

// AddChunk stores the next piece of an upload that is being received. It is a
// short transaction outside the workspace's turn, so that a long upload holds nobody up.
func (db *DB) AddChunk(ctx context.Context, ws, upload gyre.ID, seq int, data []byte, received int64) error {
	return db.full(db.addChunk(ctx, ws, upload, seq, data, received))
}

func (db *DB) addChunk(ctx context.Context, ws, upload gyre.ID, seq int, data []byte, received int64) error {
	tx, err := db.w.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	res, err := tx.ExecContext(ctx, "UPDATE upload SET size = $3, done = $3, touched = $4 WHERE workspace = $1 AND id = $2 AND state = 'receiving'",
		int64(ws), int64(upload), received, micros(db.now()))
	if err != nil {
		return fmt.Errorf("store piece %d of upload: %w", seq, err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(gyre.ErrUploadTaken, err)
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO upload_chunk (upload, seq, workspace, data) VALUES ($1, $2, $3, $4)", int64(upload), seq, int64(ws), data); err != nil {
		return fmt.Errorf("store piece %d of upload: %w", seq, err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store piece %d of upload: %w", seq, err)
	}
	db.back.committed()
	return nil
}

// Chunk reads one piece of an upload.
func (db *DB) Chunk(ctx context.Context, ws, upload gyre.ID, seq int) ([]byte, error) {
	return one(ctx, db.r, "piece of upload", upload, func(s scanner) (b []byte, err error) { return b, s.Scan(&b) },
		"SELECT data FROM upload_chunk WHERE upload = $1 AND seq = $2 AND workspace = $3", int64(upload), seq, int64(ws))
}

// FinishUpload ends the receiving of an upload. request is what makes two
// uploads the same. When the same is waiting, under way or, imported by one of parsers,
// done, that one is returned as a duplicate and the new one is dropped; unless again is set.
func (db *DB) FinishUpload(ctx context.Context, ws, id gyre.ID, size int64, digest, request string, parsers []string, again bool) (gyre.Upload, error) {
	var u uploadRow
	err := db.Write(ctx, ws, func(tx *Tx) error {
		var err error
		if u, err = tx.upload(ctx, id); err != nil {
			return err
		}
		if u.State != gyre.UploadReceiving {
			return gyre.ErrUploadTaken
		}
		if !again {
			twin, err := tx.twin(ctx, request, parsers)
			if err != nil {
				return err
			}
			if twin != nil {
				if _, err := tx.exec(ctx, "DELETE FROM upload WHERE workspace = $1 AND id = $2", int64(ws), int64(id)); err != nil {
					return fmt.Errorf("drop upload: %w", err)
				}
				if u.Key != "" && twin.Key == "" { // the key now means that one
					twin.Key = u.Key
					if _, err := tx.exec(ctx, "UPDATE upload SET reply_key = $3 WHERE workspace = $1 AND id = $2", int64(ws), int64(twin.ID), u.Key); err != nil {
						return err
					}
				}
				u = *twin
				u.Duplicate = true
				return nil
			}
		}
		u.Size, u.Done, u.Total, u.Digest, u.State = size, 0, size, digest, gyre.UploadWaiting
		_, err = tx.exec(ctx, "UPDATE upload SET size = $3, done = 0, digest = $4, request = $5, state = 'waiting', touched = $6 WHERE workspace = $1 AND id = $2",
			int64(ws), int64(id), size, digest, request, micros(tx.now))
		if err != nil {
			return fmt.Errorf("store upload: %w", err)
		}
		tx.Append(gyre.Event{Object: "upload", ID: id, Kind: "received", To: u.Name, Actor: u.Actor})
		return nil
	})
	if err == nil && u.ID != id {
		err = db.dropChunks(ctx, ws, id)
	}
	return u.Upload, err
}

// twin finds an upload of the same content with the same parameters that makes
// importing it once more idle.
func (tx *Tx) twin(ctx context.Context, request string, parsers []string) (*uploadRow, error) {
	all, err := collect(ctx, tx.tx, scanUpload, "SELECT "+uploadColumns+` FROM upload
		WHERE workspace = $1 AND request = $2 AND state NOT IN ('receiving', 'failed', 'cancelled') ORDER BY id DESC LIMIT 10`, int64(tx.ws), request)
	if err != nil {
		return nil, fmt.Errorf("find the same upload: %w", err)
	}
	for i := range all {
		if all[i].State != gyre.UploadDone {
			return &all[i], nil
		}
		for _, p := range parsers { // a newer importer may see more in it
			if p == all[i].Parser {
				return &all[i], nil
			}
		}
	}
	return nil, nil
}

func (tx *Tx) upload(ctx context.Context, id gyre.ID) (uploadRow, error) {
	return one(ctx, tx.tx, "import", id, scanUpload, "SELECT "+uploadColumns+" FROM upload WHERE workspace = $1 AND id = $2", int64(tx.ws), int64(id))
}

// Upload reads one upload.
func (db *DB) Upload(ctx context.Context, ws, id gyre.ID) (gyre.Upload, error) {
	u, err := one(ctx, db.r, "import", id, scanUpload, "SELECT "+uploadColumns+" FROM upload WHERE workspace = $1 AND id = $2", int64(ws), int64(id))
	return u.Upload, err
}

// Uploads lists the newest uploads, newest first.
func (db *DB) Uploads(ctx context.Context, ws, before gyre.ID, limit int) ([]gyre.Upload, error) {
	if before == 0 {
		before = maxID
	}
	return db.uploads(ctx, "SELECT "+uploadColumns+" FROM upload WHERE workspace = $1 AND id < $2 ORDER BY id DESC LIMIT $3", int64(ws), int64(before), limit)
}

// OpenUploads lists the uploads that wait for a worker, or whose worker has not
// been heard of for so long that it must be dead; oldest first.
func (db *DB) OpenUploads(ctx context.Context, ws gyre.ID, silent time.Duration) ([]gyre.Upload, error) {
	return db.uploads(ctx, "SELECT "+uploadColumns+` FROM upload WHERE workspace = $1 AND ended = 0 AND (state = 'waiting' OR (state <> 'receiving' AND touched <= $2)) ORDER BY id`,
		int64(ws), micros(db.now().Add(-silent)))
}

func (db *DB) uploads(ctx context.Context, query string, args ...any) ([]gyre.Upload, error) {
	return collect(ctx, db.r, func(s scanner) (gyre.Upload, error) {
		u, err := scanUpload(s)
		return u.Upload, err
	}, query, args...)
}

// CountUploadRows counts the pieces of content and the refs of runs that are kept.
func (db *DB) CountUploadRows(ctx context.Context, ws gyre.ID) (pieces, refs int, err error) {
	err = db.r.QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM upload_chunk WHERE workspace = $1), (SELECT COUNT(*) FROM run_ref WHERE workspace = $1)", int64(ws)).Scan(&pieces, &refs)
	return pieces, refs, err
}
