-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- Who is who: what sources claimed of assets, what persons ruled, what was made
-- one, and the journal from which that can be undone.

-- +goose Up
CREATE TABLE merge (
    id        BIGINT NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    object    TEXT COLLATE "C" NOT NULL,
    from_id   BIGINT NOT NULL,
    into_id   BIGINT NOT NULL,
    from_name TEXT COLLATE "C" NOT NULL,
    into_name TEXT COLLATE "C" NOT NULL,
    reason    TEXT COLLATE "C" NOT NULL,
    actor     TEXT COLLATE "C" NOT NULL,
    run       BIGINT NOT NULL,
    undone    BIGINT NOT NULL,
    undone_by TEXT COLLATE "C" NOT NULL
);
CREATE INDEX merge_workspace ON merge (workspace, id);
CREATE INDEX merge_from ON merge (from_id);
CREATE INDEX merge_into ON merge (into_id);

-- One row of another table that a merge removed, moved, changed or added.
CREATE TABLE merge_item (
    merge     BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    workspace BIGINT NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    op        TEXT COLLATE "C" NOT NULL,
    field     TEXT COLLATE "C" NOT NULL,
    object_id BIGINT NOT NULL,
    other_id  BIGINT NOT NULL,
    body      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (merge, seq)
);
CREATE INDEX merge_item_object ON merge_item (object_id, kind);

-- One claim of a source: these identifiers are of one asset, seen from then to then.
CREATE TABLE claim (
    id         BIGINT NOT NULL PRIMARY KEY,
    workspace  BIGINT  NOT NULL,
    family     TEXT COLLATE "C" NOT NULL,
    source     TEXT COLLATE "C" NOT NULL,
    digest     TEXT COLLATE "C" NOT NULL,
    asset      BIGINT  NOT NULL,
    first_seen BIGINT  NOT NULL,
    last_seen  BIGINT  NOT NULL,
    contested  BOOLEAN NOT NULL
);
CREATE INDEX claim_digest ON claim (workspace, source, digest);
CREATE INDEX claim_asset ON claim (asset);

CREATE TABLE claim_identifier (
    claim     BIGINT NOT NULL,
    type      TEXT COLLATE "C" NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    zone      TEXT COLLATE "C" NOT NULL,
    workspace BIGINT NOT NULL,
    family    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (claim, type, value, zone)
);
CREATE INDEX claim_identifier_value ON claim_identifier (workspace, family, type, value);

-- A person's word: the claims of a rule are one asset, or those of its two sides are not.
CREATE TABLE identity_rule (
    id        BIGINT NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    at        BIGINT NOT NULL,
    actor     TEXT COLLATE "C" NOT NULL,
    reason    TEXT COLLATE "C" NOT NULL,
    merge     BIGINT NOT NULL,
    ended     BIGINT NOT NULL,
    ended_by  TEXT COLLATE "C" NOT NULL
);
CREATE INDEX identity_rule_workspace ON identity_rule (workspace, id);
CREATE INDEX identity_rule_merge ON identity_rule (merge);

CREATE TABLE identity_rule_side (
    rule      BIGINT NOT NULL,
    claim     BIGINT NOT NULL,
    side      BIGINT NOT NULL,
    workspace BIGINT NOT NULL,
    PRIMARY KEY (rule, claim)
);
CREATE INDEX identity_rule_side_claim ON identity_rule_side (claim);

-- A claim that could be of several assets, for a person to decide.
CREATE TABLE review (
    id         BIGINT NOT NULL PRIMARY KEY,
    workspace  BIGINT NOT NULL,
    claim      BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    updated    BIGINT NOT NULL,
    state      TEXT COLLATE "C" NOT NULL,
    candidates TEXT COLLATE "C" NOT NULL,
    suggestion BIGINT NOT NULL,
    why        TEXT COLLATE "C" NOT NULL,
    answer     TEXT COLLATE "C" NOT NULL,
    chosen     BIGINT NOT NULL,
    actor      TEXT COLLATE "C" NOT NULL,
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
