-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- Times are microseconds since the epoch, 0 for never. JSON is text.
-- Both folders of migrations hold the same numbers; a test compares the schemas.

-- +goose Up
CREATE TABLE workspace (
    id      BIGINT NOT NULL PRIMARY KEY,
    name    TEXT COLLATE "C" NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    seq     BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE setting (
    workspace BIGINT NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace, name)
);

CREATE TABLE scope (
    id        BIGINT NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    body      TEXT COLLATE "C" NOT NULL,
    created   BIGINT NOT NULL,
    updated   BIGINT NOT NULL,
    UNIQUE (workspace, name)
);

CREATE TABLE cycle (
    id        BIGINT NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    number    BIGINT NOT NULL,
    state     TEXT COLLATE "C" NOT NULL,
    started   BIGINT NOT NULL,
    ended     BIGINT NOT NULL,
    body      TEXT COLLATE "C" NOT NULL,
    UNIQUE (workspace, number)
);
CREATE UNIQUE INDEX cycle_running ON cycle (workspace) WHERE state = 'running';

CREATE TABLE run (
    id        BIGINT NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    cycle     BIGINT NOT NULL,
    scope     BIGINT NOT NULL,
    source    TEXT COLLATE "C" NOT NULL,
    target    TEXT COLLATE "C" NOT NULL,
    status    TEXT COLLATE "C" NOT NULL,
    started   BIGINT NOT NULL,
    ended     BIGINT NOT NULL,
    body      TEXT COLLATE "C" NOT NULL
);
CREATE INDEX run_cycle ON run (workspace, cycle, id);
CREATE INDEX run_status ON run (status) WHERE status = 'running';

CREATE TABLE run_asset (
    run       BIGINT NOT NULL,
    asset     BIGINT NOT NULL,
    workspace BIGINT NOT NULL,
    PRIMARY KEY (run, asset)
);

CREATE TABLE coverage (
    id           BIGINT  NOT NULL PRIMARY KEY,
    workspace    BIGINT  NOT NULL,
    run          BIGINT  NOT NULL,
    asset        BIGINT  NOT NULL,
    aspect       TEXT COLLATE "C" NOT NULL,
    judged       BOOLEAN NOT NULL,
    credentialed BOOLEAN NOT NULL,
    body         TEXT COLLATE "C" NOT NULL
);
CREATE INDEX coverage_run ON coverage (workspace, run, id);

CREATE TABLE asset (
    id          BIGINT NOT NULL PRIMARY KEY,
    workspace   BIGINT NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    zone        TEXT COLLATE "C" NOT NULL,
    criticality BIGINT NOT NULL,
    owner       TEXT COLLATE "C" NOT NULL,
    tags        TEXT COLLATE "C" NOT NULL,
    attributes  TEXT COLLATE "C" NOT NULL,
    pinned      BIGINT NOT NULL,
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL
);
CREATE INDEX asset_workspace ON asset (workspace, id);

CREATE TABLE identifier (
    workspace BIGINT NOT NULL,
    family    TEXT COLLATE "C" NOT NULL,
    type      TEXT COLLATE "C" NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    zone      TEXT COLLATE "C" NOT NULL,
    asset     BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (workspace, family, type, value, zone)
);
CREATE INDEX identifier_asset ON identifier (asset);

CREATE TABLE relation (
    workspace  BIGINT NOT NULL,
    from_asset BIGINT NOT NULL,
    to_asset   BIGINT NOT NULL,
    type       TEXT COLLATE "C" NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    PRIMARY KEY (from_asset, to_asset, type)
);
CREATE INDEX relation_to ON relation (to_asset);

CREATE TABLE asset_scope (
    workspace BIGINT NOT NULL,
    asset     BIGINT NOT NULL,
    scope     BIGINT NOT NULL,
    PRIMARY KEY (workspace, scope, asset)
);

CREATE TABLE component (
    id         BIGINT NOT NULL PRIMARY KEY,
    workspace  BIGINT NOT NULL,
    asset      BIGINT NOT NULL,
    source     TEXT COLLATE "C" NOT NULL,
    location   TEXT COLLATE "C" NOT NULL,
    purl       TEXT COLLATE "C" NOT NULL,
    ecosystem  TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    version    TEXT COLLATE "C" NOT NULL,
    package    TEXT COLLATE "C" NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    UNIQUE (asset, source, location, purl)
);
CREATE INDEX component_package ON component (workspace, ecosystem, name);

CREATE TABLE fact (
    asset        BIGINT  NOT NULL,
    aspect       TEXT COLLATE "C" NOT NULL,
    locus        TEXT COLLATE "C" NOT NULL,
    source       TEXT COLLATE "C" NOT NULL,
    workspace    BIGINT  NOT NULL,
    credentialed BOOLEAN NOT NULL,
    data         TEXT COLLATE "C" NOT NULL,
    first_seen   BIGINT  NOT NULL,
    last_seen    BIGINT  NOT NULL,
    PRIMARY KEY (asset, aspect, locus, source)
);

CREATE TABLE weakness (
    id          BIGINT           NOT NULL PRIMARY KEY,
    workspace   BIGINT           NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    class       TEXT COLLATE "C" NOT NULL,
    title       TEXT COLLATE "C" NOT NULL,
    severity    BIGINT           NOT NULL,
    cvss        TEXT COLLATE "C" NOT NULL,
    cvss_score  DOUBLE PRECISION NOT NULL,
    published   BIGINT           NOT NULL,
    body        TEXT COLLATE "C" NOT NULL,
    UNIQUE (workspace, name)
);

CREATE TABLE weakness_alias (
    workspace BIGINT NOT NULL,
    alias     TEXT COLLATE "C" NOT NULL,
    weakness  BIGINT NOT NULL,
    PRIMARY KEY (workspace, alias)
);
CREATE INDEX weakness_alias_weakness ON weakness_alias (weakness);

CREATE TABLE exposure (
    id           BIGINT  NOT NULL PRIMARY KEY,
    workspace    BIGINT  NOT NULL,
    asset        BIGINT  NOT NULL,
    weakness     BIGINT  NOT NULL,
    locus        TEXT COLLATE "C" NOT NULL,
    aspect       TEXT COLLATE "C" NOT NULL,
    class        TEXT COLLATE "C" NOT NULL,
    severity     BIGINT  NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    state_since  BIGINT  NOT NULL,
    credentialed BOOLEAN NOT NULL,
    remedy       TEXT COLLATE "C" NOT NULL,
    first_seen   BIGINT  NOT NULL,
    last_seen    BIGINT  NOT NULL,
    fixed_at     BIGINT  NOT NULL,
    band         TEXT COLLATE "C" NOT NULL,
    action       BIGINT  NOT NULL,
    UNIQUE (asset, weakness, locus)
);
CREATE INDEX exposure_workspace ON exposure (workspace, id);
CREATE INDEX exposure_action ON exposure (action) WHERE action <> 0;

CREATE TABLE observation (
    exposure  BIGINT  NOT NULL,
    source    TEXT COLLATE "C" NOT NULL,
    id        BIGINT  NOT NULL,
    workspace BIGINT  NOT NULL,
    run       BIGINT  NOT NULL,
    seen      BOOLEAN NOT NULL,
    at        BIGINT  NOT NULL,
    evidence  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (exposure, source)
);

CREATE TABLE event (
    workspace  BIGINT NOT NULL,
    seq        BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    object     TEXT COLLATE "C" NOT NULL,
    object_id  BIGINT NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    from_value TEXT COLLATE "C" NOT NULL,
    to_value   TEXT COLLATE "C" NOT NULL,
    actor      TEXT COLLATE "C" NOT NULL,
    run        BIGINT NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL,
    details    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace, seq)
);
CREATE INDEX event_object ON event (object_id, seq);

CREATE TABLE verdict (
    id        BIGINT NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    exposure  BIGINT NOT NULL,
    run       BIGINT NOT NULL,
    method    TEXT COLLATE "C" NOT NULL,
    outcome   TEXT COLLATE "C" NOT NULL,
    evidence  TEXT COLLATE "C" NOT NULL,
    actor     TEXT COLLATE "C" NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX verdict_exposure ON verdict (exposure, id);

CREATE TABLE exception (
    id        BIGINT NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    exposure  BIGINT NOT NULL,
    state     TEXT COLLATE "C" NOT NULL,
    reason    TEXT COLLATE "C" NOT NULL,
    actor     TEXT COLLATE "C" NOT NULL,
    created   BIGINT NOT NULL,
    ends      BIGINT NOT NULL,
    UNIQUE (exposure)
);
CREATE INDEX exception_ends ON exception (workspace, ends);

CREATE TABLE action (
    id           BIGINT           NOT NULL PRIMARY KEY,
    workspace    BIGINT           NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    title        TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    owner        TEXT COLLATE "C" NOT NULL,
    due          BIGINT           NOT NULL,
    steps        TEXT COLLATE "C" NOT NULL,
    exposures    BIGINT           NOT NULL,
    assets       BIGINT           NOT NULL,
    risk_removed DOUBLE PRECISION NOT NULL,
    created      BIGINT           NOT NULL,
    updated      BIGINT           NOT NULL,
    UNIQUE (workspace, name)
);

CREATE TABLE change (
    id        BIGINT NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    actor     TEXT COLLATE "C" NOT NULL,
    summary   TEXT COLLATE "C" NOT NULL,
    undone    BIGINT NOT NULL
);

CREATE TABLE change_item (
    change     BIGINT NOT NULL,
    exposure   BIGINT NOT NULL,
    workspace  BIGINT NOT NULL,
    from_state TEXT COLLATE "C" NOT NULL,
    to_state   TEXT COLLATE "C" NOT NULL,
    exception  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (change, exposure)
);

CREATE TABLE saved_filter (
    id        BIGINT NOT NULL PRIMARY KEY,
    workspace BIGINT NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    rows_of   TEXT COLLATE "C" NOT NULL,
    filter    TEXT COLLATE "C" NOT NULL,
    owner     BIGINT NOT NULL,
    created   BIGINT NOT NULL,
    UNIQUE (workspace, name)
);
