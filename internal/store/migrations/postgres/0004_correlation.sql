-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- Identity of exposures (docs/adr/0007). place is what makes an exposure one;
-- locus is where it lies today, for people. Observations keep the source's own words.

-- +goose Up
ALTER TABLE exposure RENAME COLUMN locus TO place;
ALTER TABLE exposure ADD COLUMN locus TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE exposure SET locus = place;
CREATE INDEX exposure_weakness ON exposure (weakness);

ALTER TABLE observation ADD COLUMN weakness TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE observation ADD COLUMN locus TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE observation ADD COLUMN severity BIGINT NOT NULL DEFAULT 0;
UPDATE observation SET
    weakness = COALESCE((SELECT w.name FROM exposure e JOIN weakness w ON w.id = e.weakness WHERE e.id = observation.exposure), ''),
    locus = COALESCE((SELECT e.locus FROM exposure e WHERE e.id = observation.exposure), ''),
    severity = COALESCE((SELECT e.severity FROM exposure e WHERE e.id = observation.exposure), 0);

-- A weakness that turned out to be another one, and is kept so that this can be undone.
ALTER TABLE weakness ADD COLUMN merged_into BIGINT NOT NULL DEFAULT 0;

-- What reports say of names: each pair in both directions.
CREATE TABLE weakness_tie (
    workspace BIGINT NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    other     TEXT COLLATE "C" NOT NULL,
    source    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace, name, other)
);

-- Names whose advisories changed since their weaknesses were last resolved.
CREATE TABLE weakness_pending (
    workspace BIGINT NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace, name)
);

CREATE INDEX advisory_name_key ON advisory_name (key);

CREATE TABLE correlation_rule (
    id        BIGINT NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    body      TEXT COLLATE "C" NOT NULL,
    actor     TEXT COLLATE "C" NOT NULL,
    reason    TEXT COLLATE "C" NOT NULL,
    created   BIGINT NOT NULL,
    UNIQUE (workspace, kind, body)
);
