-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- Times are microseconds since the epoch, 0 for never. JSON is text.
-- Both folders of migrations hold the same numbers; a test compares the schemas.

-- +goose Up
CREATE TABLE workspace (
    id      INTEGER NOT NULL PRIMARY KEY,
    name    TEXT   NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    seq     BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE setting (
    workspace BIGINT NOT NULL,
    name      TEXT   NOT NULL,
    value     TEXT   NOT NULL,
    PRIMARY KEY (workspace, name)
) WITHOUT ROWID;

CREATE TABLE scope (
    id        INTEGER NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    name      TEXT   NOT NULL,
    body      TEXT   NOT NULL,
    created   BIGINT NOT NULL,
    updated   BIGINT NOT NULL,
    UNIQUE (workspace, name)
);

CREATE TABLE cycle (
    id        INTEGER NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    number    BIGINT NOT NULL,
    state     TEXT   NOT NULL,
    started   BIGINT NOT NULL,
    ended     BIGINT NOT NULL,
    body      TEXT   NOT NULL,
    UNIQUE (workspace, number)
);
CREATE UNIQUE INDEX cycle_running ON cycle (workspace) WHERE state = 'running';

CREATE TABLE run (
    id        INTEGER NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    cycle     BIGINT NOT NULL,
    scope     BIGINT NOT NULL,
    source    TEXT   NOT NULL,
    target    TEXT   NOT NULL,
    status    TEXT   NOT NULL,
    started   BIGINT NOT NULL,
    ended     BIGINT NOT NULL,
    body      TEXT   NOT NULL
);
CREATE INDEX run_cycle ON run (workspace, cycle, id);
CREATE INDEX run_status ON run (status) WHERE status = 'running';

CREATE TABLE run_asset (
    run       BIGINT NOT NULL,
    asset     BIGINT NOT NULL,
    workspace BIGINT NOT NULL,
    PRIMARY KEY (run, asset)
) WITHOUT ROWID;

CREATE TABLE coverage (
    id           INTEGER  NOT NULL PRIMARY KEY,
    workspace    BIGINT  NOT NULL,
    run          BIGINT  NOT NULL,
    asset        BIGINT  NOT NULL,
    aspect       TEXT    NOT NULL,
    judged       BOOLEAN NOT NULL,
    credentialed BOOLEAN NOT NULL,
    body         TEXT    NOT NULL
);
CREATE INDEX coverage_run ON coverage (workspace, run, id);

CREATE TABLE asset (
    id          INTEGER NOT NULL PRIMARY KEY,
    workspace   BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    zone        TEXT   NOT NULL,
    criticality BIGINT NOT NULL,
    owner       TEXT   NOT NULL,
    tags        TEXT   NOT NULL,
    attributes  TEXT   NOT NULL,
    pinned      BIGINT NOT NULL,
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL
);
CREATE INDEX asset_workspace ON asset (workspace, id);

CREATE TABLE identifier (
    workspace BIGINT NOT NULL,
    family    TEXT   NOT NULL,
    type      TEXT   NOT NULL,
    value     TEXT   NOT NULL,
    zone      TEXT   NOT NULL,
    asset     BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (workspace, family, type, value, zone)
) WITHOUT ROWID;
CREATE INDEX identifier_asset ON identifier (asset);

CREATE TABLE relation (
    workspace  BIGINT NOT NULL,
    from_asset BIGINT NOT NULL,
    to_asset   BIGINT NOT NULL,
    type       TEXT   NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    PRIMARY KEY (from_asset, to_asset, type)
) WITHOUT ROWID;
CREATE INDEX relation_to ON relation (to_asset);

CREATE TABLE asset_scope (
    workspace BIGINT NOT NULL,
    asset     BIGINT NOT NULL,
    scope     BIGINT NOT NULL,
    PRIMARY KEY (workspace, scope, asset)
) WITHOUT ROWID;

CREATE TABLE component (
    id         INTEGER NOT NULL PRIMARY KEY,
    workspace  BIGINT NOT NULL,
    asset      BIGINT NOT NULL,
    source     TEXT   NOT NULL,
    location   TEXT   NOT NULL,
    purl       TEXT   NOT NULL,
    ecosystem  TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    version    TEXT   NOT NULL,
    package    TEXT   NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    UNIQUE (asset, source, location, purl)
);
CREATE INDEX component_package ON component (workspace, ecosystem, name);

CREATE TABLE fact (
    asset        BIGINT  NOT NULL,
    aspect       TEXT    NOT NULL,
    locus        TEXT    NOT NULL,
    source       TEXT    NOT NULL,
    workspace    BIGINT  NOT NULL,
    credentialed BOOLEAN NOT NULL,
    data         TEXT    NOT NULL,
    first_seen   BIGINT  NOT NULL,
    last_seen    BIGINT  NOT NULL,
    PRIMARY KEY (asset, aspect, locus, source)
);

CREATE TABLE weakness (
    id          INTEGER           NOT NULL PRIMARY KEY,
    workspace   BIGINT           NOT NULL,
    name        TEXT             NOT NULL,
    class       TEXT             NOT NULL,
    title       TEXT             NOT NULL,
    severity    BIGINT           NOT NULL,
    cvss        TEXT             NOT NULL,
    cvss_score  DOUBLE PRECISION NOT NULL,
    published   BIGINT           NOT NULL,
    body        TEXT             NOT NULL,
    UNIQUE (workspace, name)
);

CREATE TABLE weakness_alias (
    workspace BIGINT NOT NULL,
    alias     TEXT   NOT NULL,
    weakness  BIGINT NOT NULL,
    PRIMARY KEY (workspace, alias)
) WITHOUT ROWID;
CREATE INDEX weakness_alias_weakness ON weakness_alias (weakness);

CREATE TABLE exposure (
    id           INTEGER  NOT NULL PRIMARY KEY,
    workspace    BIGINT  NOT NULL,
    asset        BIGINT  NOT NULL,
    weakness     BIGINT  NOT NULL,
    locus        TEXT    NOT NULL,
    aspect       TEXT    NOT NULL,
    class        TEXT    NOT NULL,
    severity     BIGINT  NOT NULL,
    state        TEXT    NOT NULL,
    state_since  BIGINT  NOT NULL,
    credentialed BOOLEAN NOT NULL,
    remedy       TEXT    NOT NULL,
    first_seen   BIGINT  NOT NULL,
    last_seen    BIGINT  NOT NULL,
    fixed_at     BIGINT  NOT NULL,
    band         TEXT    NOT NULL,
    action       BIGINT  NOT NULL,
    UNIQUE (asset, weakness, locus)
);
CREATE INDEX exposure_workspace ON exposure (workspace, id);
CREATE INDEX exposure_action ON exposure (action) WHERE action <> 0;

CREATE TABLE observation (
    exposure  BIGINT  NOT NULL,
    source    TEXT    NOT NULL,
    id        BIGINT  NOT NULL,
    workspace BIGINT  NOT NULL,
    run       BIGINT  NOT NULL,
    seen      BOOLEAN NOT NULL,
    at        BIGINT  NOT NULL,
    evidence  TEXT    NOT NULL,
    PRIMARY KEY (exposure, source)
);

CREATE TABLE event (
    workspace  BIGINT NOT NULL,
    seq        BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    object     TEXT   NOT NULL,
    object_id  BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    from_value TEXT   NOT NULL,
    to_value   TEXT   NOT NULL,
    actor      TEXT   NOT NULL,
    run        BIGINT NOT NULL,
    reason     TEXT   NOT NULL,
    details    TEXT   NOT NULL,
    PRIMARY KEY (workspace, seq)
);
CREATE INDEX event_object ON event (object_id, seq);

CREATE TABLE verdict (
    id        INTEGER NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    exposure  BIGINT NOT NULL,
    run       BIGINT NOT NULL,
    method    TEXT   NOT NULL,
    outcome   TEXT   NOT NULL,
    evidence  TEXT   NOT NULL,
    actor     TEXT   NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX verdict_exposure ON verdict (exposure, id);

CREATE TABLE exception (
    id        INTEGER NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    exposure  BIGINT NOT NULL,
    state     TEXT   NOT NULL,
    reason    TEXT   NOT NULL,
    actor     TEXT   NOT NULL,
    created   BIGINT NOT NULL,
    ends      BIGINT NOT NULL,
    UNIQUE (exposure)
);
CREATE INDEX exception_ends ON exception (workspace, ends);

CREATE TABLE action (
    id           INTEGER           NOT NULL PRIMARY KEY,
    workspace    BIGINT           NOT NULL,
    name         TEXT             NOT NULL,
    title        TEXT             NOT NULL,
    state        TEXT             NOT NULL,
    owner        TEXT             NOT NULL,
    due          BIGINT           NOT NULL,
    steps        TEXT             NOT NULL,
    exposures    BIGINT           NOT NULL,
    assets       BIGINT           NOT NULL,
    risk_removed DOUBLE PRECISION NOT NULL,
    created      BIGINT           NOT NULL,
    updated      BIGINT           NOT NULL,
    UNIQUE (workspace, name)
);

CREATE TABLE change (
    id        INTEGER NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    actor     TEXT   NOT NULL,
    summary   TEXT   NOT NULL,
    undone    BIGINT NOT NULL
);

CREATE TABLE change_item (
    change     BIGINT NOT NULL,
    exposure   BIGINT NOT NULL,
    workspace  BIGINT NOT NULL,
    from_state TEXT   NOT NULL,
    to_state   TEXT   NOT NULL,
    exception  TEXT   NOT NULL,
    PRIMARY KEY (change, exposure)
) WITHOUT ROWID;

CREATE TABLE saved_filter (
    id        INTEGER NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    name      TEXT   NOT NULL,
    rows_of   TEXT   NOT NULL,
    filter    TEXT   NOT NULL,
    owner     BIGINT NOT NULL,
    created   BIGINT NOT NULL,
    UNIQUE (workspace, name)
);
