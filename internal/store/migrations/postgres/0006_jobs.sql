-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- Jobs. The queue itself is River's (tables river_*, migrated by River beside
-- these); here is what River does not know: whose a job is, what it is about and
-- how far it got. A worker is a process of the installation.

-- +goose Up
CREATE TABLE worker (
    id      BIGINT  NOT NULL PRIMARY KEY,
    host    TEXT COLLATE "C" NOT NULL,
    pid     BIGINT  NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    queues  TEXT COLLATE "C" NOT NULL,
    zones   TEXT COLLATE "C" NOT NULL,
    started BIGINT  NOT NULL,
    seen    BIGINT  NOT NULL,
    beat    BIGINT  NOT NULL
);

CREATE TABLE job (
    id        BIGINT  NOT NULL PRIMARY KEY,
    workspace BIGINT  NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    zone      TEXT COLLATE "C" NOT NULL,
    actor     TEXT COLLATE "C" NOT NULL,
    object    BIGINT  NOT NULL,
    created   BIGINT  NOT NULL,
    done      BIGINT  NOT NULL,
    total     BIGINT  NOT NULL,
    note      TEXT COLLATE "C" NOT NULL,
    result    TEXT COLLATE "C" NOT NULL
);
CREATE INDEX job_workspace ON job (workspace, id);
CREATE INDEX job_name ON job (workspace, kind, name, id);
CREATE INDEX job_object ON job (object);

CREATE TABLE schedule (
    id        BIGINT  NOT NULL PRIMARY KEY,
    workspace BIGINT  NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    next      BIGINT  NOT NULL,
    body      TEXT COLLATE "C" NOT NULL,
    UNIQUE (workspace, name)
);
CREATE INDEX schedule_next ON schedule (next);

-- Which process works a run or a cycle: it is interrupted when that one is gone.
ALTER TABLE run ADD COLUMN worker BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cycle ADD COLUMN worker BIGINT NOT NULL DEFAULT 0;
