-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- Accounts and keys belong to a workspace. Sessions are sealed blobs that name
-- theirs; intelligence is about the world and belongs to nobody.

-- +goose Up
CREATE TABLE account (
    id            BIGINT  NOT NULL PRIMARY KEY,
    workspace     BIGINT  NOT NULL,
    name          TEXT COLLATE "C" NOT NULL UNIQUE,
    role          TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    must_change   BOOLEAN NOT NULL,
    disabled      BOOLEAN NOT NULL,
    failures      BIGINT  NOT NULL,
    locked_until  BIGINT  NOT NULL,
    last_sign_in  BIGINT  NOT NULL,
    created       BIGINT  NOT NULL,
    updated       BIGINT  NOT NULL
);

CREATE TABLE token (
    id        BIGINT NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    account   BIGINT NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    hash      TEXT COLLATE "C" NOT NULL UNIQUE,
    scopes    TEXT COLLATE "C" NOT NULL,
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    last_used BIGINT NOT NULL
);

CREATE TABLE session (
    token  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    data   BYTEA  NOT NULL,
    expiry BIGINT NOT NULL
);
CREATE INDEX session_expiry ON session (expiry);

CREATE TABLE audit (
    id        BIGINT NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    actor     TEXT COLLATE "C" NOT NULL,
    address   TEXT COLLATE "C" NOT NULL,
    action    TEXT COLLATE "C" NOT NULL,
    object    TEXT COLLATE "C" NOT NULL,
    outcome   TEXT COLLATE "C" NOT NULL,
    details   TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_workspace ON audit (workspace, id);

CREATE TABLE idempotency (
    workspace BIGINT NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    request   TEXT COLLATE "C" NOT NULL,
    status    BIGINT NOT NULL,
    body      BYTEA  NOT NULL,
    created   BIGINT NOT NULL,
    PRIMARY KEY (workspace, name)
);

CREATE TABLE feed (
    name      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    base      TEXT COLLATE "C" NOT NULL,
    tried     BIGINT NOT NULL,
    synced    BIGINT NOT NULL,
    error     TEXT COLLATE "C" NOT NULL,
    skipped   BIGINT NOT NULL,
    unchanged BOOLEAN NOT NULL,
    state     TEXT COLLATE "C" NOT NULL
);

CREATE TABLE advisory (
    id        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    modified  BIGINT NOT NULL,
    withdrawn BOOLEAN NOT NULL,
    data      BYTEA NOT NULL
);

CREATE TABLE advisory_package (
    ecosystem TEXT COLLATE "C" NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    advisory  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (ecosystem, name, advisory)
);
CREATE INDEX advisory_package_advisory ON advisory_package (advisory);

-- An advisory's own id and its aliases, each with the weakness keys that it stands for.
CREATE TABLE advisory_name (
    name     TEXT COLLATE "C" NOT NULL,
    advisory TEXT COLLATE "C" NOT NULL,
    key      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (name, advisory, key)
);
CREATE INDEX advisory_name_advisory ON advisory_name (advisory);

CREATE TABLE kev (
    cve        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    added      BIGINT  NOT NULL,
    due        BIGINT  NOT NULL,
    ransomware BOOLEAN NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    action     TEXT COLLATE "C" NOT NULL
);

CREATE TABLE epss (
    cve        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    score      DOUBLE PRECISION NOT NULL,
    percentile DOUBLE PRECISION NOT NULL,
    date       BIGINT           NOT NULL
);

CREATE TABLE exploit (
    cve      TEXT COLLATE "C" NOT NULL,
    source   TEXT COLLATE "C" NOT NULL,
    maturity TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (cve, source)
);
