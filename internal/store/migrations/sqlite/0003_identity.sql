-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- Who is who: what sources claimed of assets, what persons ruled, what was made
-- one, and the journal from which that can be undone.

-- +goose Up
CREATE TABLE merge (
    id        INTEGER NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    object    TEXT   NOT NULL,
    from_id   BIGINT NOT NULL,
    into_id   BIGINT NOT NULL,
    from_name TEXT   NOT NULL,
    into_name TEXT   NOT NULL,
    reason    TEXT   NOT NULL,
    actor     TEXT   NOT NULL,
    run       BIGINT NOT NULL,
    undone    BIGINT NOT NULL,
    undone_by TEXT   NOT NULL
);
CREATE INDEX merge_workspace ON merge (workspace, id);
CREATE INDEX merge_from ON merge (from_id);
CREATE INDEX merge_into ON merge (into_id);

-- One row of another table that a merge removed, moved, changed or added.
CREATE TABLE merge_item (
    merge     BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    workspace BIGINT NOT NULL,
    kind      TEXT   NOT NULL,
    op        TEXT   NOT NULL,
    field     TEXT   NOT NULL,
    object_id BIGINT NOT NULL,
    other_id  BIGINT NOT NULL,
    body      TEXT   NOT NULL,
    PRIMARY KEY (merge, seq)
) WITHOUT ROWID;
CREATE INDEX merge_item_object ON merge_item (object_id, kind);

-- One claim of a source: these identifiers are of one asset, seen from then to then.
CREATE TABLE claim (
    id         INTEGER NOT NULL PRIMARY KEY,
    workspace  BIGINT  NOT NULL,
    family     TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    digest     TEXT    NOT NULL,
    asset      BIGINT  NOT NULL,
    first_seen BIGINT  NOT NULL,
    last_seen  BIGINT  NOT NULL,
    contested  BOOLEAN NOT NULL
);
CREATE INDEX claim_digest ON claim (workspace, source, digest);
CREATE INDEX claim_asset ON claim (asset);

CREATE TABLE claim_identifier (
    claim     BIGINT NOT NULL,
    type      TEXT   NOT NULL,
    value     TEXT   NOT NULL,
    zone      TEXT   NOT NULL,
    workspace BIGINT NOT NULL,
    family    TEXT   NOT NULL,
    PRIMARY KEY (claim, type, value, zone)
) WITHOUT ROWID;
CREATE INDEX claim_identifier_value ON claim_identifier (workspace, family, type, value);

-- A person's word: the claims of a rule are one asset, or those of its two sides are not.
CREATE TABLE identity_rule (
    id        INTEGER NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    kind      TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    actor     TEXT   NOT NULL,
    reason    TEXT   NOT NULL,
    merge     BIGINT NOT NULL,
    ended     BIGINT NOT NULL,
    ended_by  TEXT   NOT NULL
);
CREATE INDEX identity_rule_workspace ON identity_rule (workspace, id);
CREATE INDEX identity_rule_merge ON identity_rule (merge);

CREATE TABLE identity_rule_side (
    rule      BIGINT NOT NULL,
    claim     BIGINT NOT NULL,
    side      BIGINT NOT NULL,
    workspace BIGINT NOT NULL,
    PRIMARY KEY (rule, claim)
) WITHOUT ROWID;
CREATE INDEX identity_rule_side_claim ON identity_rule_side (claim);

-- A claim that could be of several assets, for a person to decide.
CREATE TABLE review (
    id         INTEGER NOT NULL PRIMARY KEY,
    workspace  BIGINT NOT NULL,
    claim      BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    updated    BIGINT NOT NULL,
    state      TEXT   NOT NULL,
    candidates TEXT   NOT NULL,
    suggestion BIGINT NOT NULL,
    why        TEXT   NOT NULL,
    answer     TEXT   NOT NULL,
    chosen     BIGINT NOT NULL,
    actor      TEXT   NOT NULL,
    rule       BIGINT NOT NULL,
    merge      BIGINT NOT NULL,
    UNIQUE (workspace, claim)
);
CREATE INDEX review_state ON review (workspace, state, id);

-- What is known already becomes one claim for each asset.
INSERT INTO claim (id, workspace, family, source, digest, asset, first_seen, last_seen, contested)
    SELECT a.id, a.workspace, MIN(i.family), 'earlier', CAST(a.id AS TEXT), a.id, a.first_seen, a.last_seen, FALSE
    FROM asset a JOIN identifier i ON i.asset = a.id GROUP BY a.id, a.workspace, a.first_seen, a.last_seen;
INSERT INTO claim_identifier (claim, type, value, zone, workspace, family)
    SELECT i.asset, i.type, i.value, i.zone, i.workspace, i.family FROM identifier i;
