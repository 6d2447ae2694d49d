-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- History: what each event changed, so that the estate can be shown as it was.

-- +goose Up

-- JSON of {field: [before, after]}, or empty.
ALTER TABLE event ADD COLUMN changes TEXT NOT NULL DEFAULT '';

-- at is when the newest event happened. Events up to the time since do not say
-- what they changed (0: every event does).
ALTER TABLE workspace ADD COLUMN at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workspace ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
UPDATE workspace SET at = COALESCE((SELECT MAX(event.at) FROM event WHERE event.workspace = workspace.id), 0);
UPDATE workspace SET since = at;

-- Sightings that change nothing have no event. body lists when each object
-- that a transaction saw had been seen before.
CREATE TABLE seen_before (
    id        INTEGER NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    object    TEXT NOT NULL,
    body      BLOB NOT NULL
);
CREATE INDEX seen_before_at ON seen_before (workspace, at);

-- What was known of a CVE before it changed, for those that some estate has;
-- empty is nothing. It held until ended.
CREATE TABLE intel_past (
    cve   TEXT NOT NULL,
    feed  TEXT NOT NULL,
    ended BIGINT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (cve, feed, ended)
) WITHOUT ROWID;
CREATE INDEX intel_past_ended ON intel_past (ended);
