-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- Uploads wait in the database and not in a folder, because any worker of any
-- machine must be able to import them.

-- +goose Up

-- Reports that were handed in. Their content is kept in pieces until it is
-- imported; the row stays as the record.
CREATE TABLE upload (
    id        BIGINT NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    size      BIGINT NOT NULL,
    digest    TEXT COLLATE "C" NOT NULL,
    request   TEXT COLLATE "C" NOT NULL,
    reply_key TEXT COLLATE "C" NOT NULL,
    format    TEXT COLLATE "C" NOT NULL,
    zone      TEXT COLLATE "C" NOT NULL,
    asset     TEXT COLLATE "C" NOT NULL,
    address   TEXT COLLATE "C" NOT NULL,
    looked    BIGINT NOT NULL,
    state     TEXT COLLATE "C" NOT NULL,
    parser    TEXT COLLATE "C" NOT NULL,
    fence     BIGINT NOT NULL,
    done      BIGINT NOT NULL,
    batches   BIGINT NOT NULL,
    stored    BIGINT NOT NULL,
    run       BIGINT NOT NULL,
    judged    BIGINT NOT NULL,
    body      TEXT COLLATE "C" NOT NULL,
    actor     TEXT COLLATE "C" NOT NULL,
    created   BIGINT NOT NULL,
    touched   BIGINT NOT NULL,
    ended     BIGINT NOT NULL
);
CREATE INDEX upload_list ON upload (workspace, id);
CREATE INDEX upload_request ON upload (workspace, request);
CREATE INDEX upload_open ON upload (workspace, state) WHERE ended = 0;
CREATE UNIQUE INDEX upload_reply ON upload (workspace, reply_key) WHERE reply_key <> '';

-- One piece of an upload's content: a mebibyte, compressed with zstd.
CREATE TABLE upload_chunk (
    upload    BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    workspace BIGINT NOT NULL,
    data      BYTEA NOT NULL,
    PRIMARY KEY (upload, seq)
);

-- The assets behind the refs of a run that can be taken up again.
CREATE TABLE run_ref (
    run       BIGINT NOT NULL,
    ref       TEXT COLLATE "C" NOT NULL,
    workspace BIGINT NOT NULL,
    asset     BIGINT NOT NULL,
    sighted   BOOLEAN NOT NULL,
    PRIMARY KEY (run, ref)
);

-- It is compressed already.
ALTER TABLE upload_chunk ALTER COLUMN data SET STORAGE EXTERNAL;
