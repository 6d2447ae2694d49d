-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- Accounts and keys belong to a workspace. Sessions are sealed blobs that name
-- theirs; intelligence is about the world and belongs to nobody.

-- +goose Up
CREATE TABLE account (
    id            INTEGER  NOT NULL PRIMARY KEY,
    workspace     BIGINT  NOT NULL,
    name          TEXT    NOT NULL UNIQUE,
    role          TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    must_change   BOOLEAN NOT NULL,
    disabled      BOOLEAN NOT NULL,
    failures      BIGINT  NOT NULL,
    locked_until  BIGINT  NOT NULL,
    last_sign_in  BIGINT  NOT NULL,
    created       BIGINT  NOT NULL,
    updated       BIGINT  NOT NULL
);

CREATE TABLE token (
    id        INTEGER NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    account   BIGINT NOT NULL,
    name      TEXT   NOT NULL,
    hash      TEXT   NOT NULL UNIQUE,
    scopes    TEXT   NOT NULL,
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    last_used BIGINT NOT NULL
);

CREATE TABLE session (
    token  TEXT   NOT NULL PRIMARY KEY,
    data   BLOB   NOT NULL,
    expiry BIGINT NOT NULL
);
CREATE INDEX session_expiry ON session (expiry);

CREATE TABLE audit (
    id        INTEGER NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    actor     TEXT   NOT NULL,
    address   TEXT   NOT NULL,
    action    TEXT   NOT NULL,
    object    TEXT   NOT NULL,
    outcome   TEXT   NOT NULL,
    details   TEXT   NOT NULL
);
CREATE INDEX audit_workspace ON audit (workspace, id);

CREATE TABLE idempotency (
    workspace BIGINT NOT NULL,
    name      TEXT   NOT NULL,
    request   TEXT   NOT NULL,
    status    BIGINT NOT NULL,
    body      BLOB   NOT NULL,
    created   BIGINT NOT NULL,
    PRIMARY KEY (workspace, name)
);

CREATE TABLE feed (
    name      TEXT NOT NULL PRIMARY KEY,
    base      TEXT NOT NULL,
    tried     BIGINT NOT NULL,
    synced    BIGINT NOT NULL,
    error     TEXT NOT NULL,
    skipped   BIGINT NOT NULL,
    unchanged BOOLEAN NOT NULL,
    state     TEXT NOT NULL
);

CREATE TABLE advisory (
    id        TEXT NOT NULL PRIMARY KEY,
    modified  BIGINT NOT NULL,
    withdrawn BOOLEAN NOT NULL,
    data      BLOB NOT NULL
);

CREATE TABLE advisory_package (
    ecosystem TEXT NOT NULL,
    name      TEXT NOT NULL,
    advisory  TEXT NOT NULL,
    PRIMARY KEY (ecosystem, name, advisory)
) WITHOUT ROWID;
CREATE INDEX advisory_package_advisory ON advisory_package (advisory);

-- An advisory's own id and its aliases, each with the weakness keys that it stands for.
CREATE TABLE advisory_name (
    name     TEXT NOT NULL,
    advisory TEXT NOT NULL,
    key      TEXT NOT NULL,
    PRIMARY KEY (name, advisory, key)
) WITHOUT ROWID;
CREATE INDEX advisory_name_advisory ON advisory_name (advisory);

CREATE TABLE kev (
    cve        TEXT    NOT NULL PRIMARY KEY,
    added      BIGINT  NOT NULL,
    due        BIGINT  NOT NULL,
    ransomware BOOLEAN NOT NULL,
    name       TEXT    NOT NULL,
    action     TEXT    NOT NULL
) WITHOUT ROWID;

CREATE TABLE epss (
    cve        TEXT             NOT NULL PRIMARY KEY,
    score      DOUBLE PRECISION NOT NULL,
    percentile DOUBLE PRECISION NOT NULL,
    date       BIGINT           NOT NULL
) WITHOUT ROWID;

CREATE TABLE exploit (
    cve      TEXT NOT NULL,
    source   TEXT NOT NULL,
    maturity TEXT NOT NULL,
    PRIMARY KEY (cve, source)
) WITHOUT ROWID;
