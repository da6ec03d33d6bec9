-- +goose Up
-- What the city is made of: settings, its divisions, unit grids, the catalogue
-- of kinds with the filing conditions that carry the handling limits.
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE divisions (
    code   TEXT PRIMARY KEY,
    name   TEXT NOT NULL,
    level  TEXT NOT NULL CHECK (level IN ('county', 'street', 'community')),
    parent TEXT NOT NULL
);
-- Every set of unit grids the city had, the newest with the highest version,
-- and what was proved of it, as JSON.
CREATE TABLE grid_sets (
    version     BIGINT PRIMARY KEY CHECK (version > 0),
    imported_at BIGINT NOT NULL,
    file        TEXT NOT NULL,
    grids       INTEGER NOT NULL CHECK (grids >= 0),
    added       INTEGER NOT NULL CHECK (added >= 0),
    changed     INTEGER NOT NULL CHECK (changed >= 0),
    retired     INTEGER NOT NULL CHECK (retired >= 0),
    area        REAL NOT NULL,
    sound       BOOLEAN NOT NULL,
    proof       TEXT NOT NULL
);
-- A row is a unit grid as it was from the set of version since on, until before
-- that of version until; NULL is still. A code that is in no set any more stays.
CREATE TABLE grid_history (
    code      TEXT NOT NULL CHECK (length(code) = 15),
    since     BIGINT NOT NULL REFERENCES grid_sets (version),
    until     BIGINT REFERENCES grid_sets (version),
    name      TEXT NOT NULL,
    community TEXT NOT NULL,
    area      REAL NOT NULL CHECK (area > 0),
    geometry  TEXT NOT NULL,
    PRIMARY KEY (code, since),
    CHECK (until > since),
    CHECK (community = substr(code, 1, 12))
);
CREATE UNIQUE INDEX grid_history_now ON grid_history (code) WHERE until IS NULL;
-- The set in force.
CREATE VIEW grids AS SELECT code, name, community, area, geometry FROM grid_history WHERE until IS NULL;
CREATE TABLE grid_version (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO grid_version (id, version) VALUES (1, 0);
-- Responsibility grids: whole unit grids given to a supervisor together, each to
-- one at most.
CREATE TABLE responsibility_grids (
    code TEXT PRIMARY KEY CHECK (length(code) BETWEEN 1 AND 30),
    name TEXT NOT NULL CHECK (name <> '')
);
CREATE TABLE responsibility_members (
    grid           TEXT PRIMARY KEY,
    responsibility TEXT NOT NULL REFERENCES responsibility_grids (code)
);
CREATE INDEX responsibility_members_by ON responsibility_members (responsibility);
-- The kinds of the versions the city is or was on, its own among them. A part
-- and an event of one version may carry the same code.
CREATE TABLE kinds (
    version    TEXT NOT NULL,
    sort       TEXT NOT NULL CHECK (sort IN ('part', 'event')),
    code       TEXT NOT NULL,
    class      TEXT NOT NULL,
    class_name TEXT NOT NULL DEFAULT '',
    name       TEXT NOT NULL,
    name_en    TEXT NOT NULL DEFAULT '',
    origin     TEXT NOT NULL DEFAULT 'national' CHECK (origin IN ('national', 'province', 'city')),
    confidence TEXT NOT NULL DEFAULT '' CHECK (confidence IN ('', 'verified', 'inferred', 'recalled')),
    PRIMARY KEY (version, sort, code)
);
-- A row is one wording of a condition (its line), in force from since to the day
-- before until; '' is an open end. Only until is ever set later.
CREATE TABLE conditions (
    code         TEXT PRIMARY KEY,
    line         TEXT NOT NULL,
    kind_version TEXT NOT NULL,
    kind_sort    TEXT NOT NULL,
    kind_code    TEXT NOT NULL,
    filing       TEXT NOT NULL,
    limit_value  INTEGER NOT NULL CHECK (limit_value > 0),
    limit_unit   TEXT NOT NULL CHECK (limit_unit IN ('urgent_hour', 'work_hour', 'work_day')),
    closing      TEXT NOT NULL DEFAULT '',
    area_class   TEXT NOT NULL DEFAULT 'all' CHECK (area_class IN ('all', 'A', 'B', 'C')),
    origin       TEXT NOT NULL DEFAULT 'national' CHECK (origin IN ('national', 'province', 'city')),
    source       TEXT NOT NULL,
    replaces     TEXT REFERENCES conditions (code),
    since        TEXT NOT NULL DEFAULT '',
    until        TEXT NOT NULL DEFAULT '',
    CHECK (until = '' OR until > since),
    FOREIGN KEY (kind_version, kind_sort, kind_code) REFERENCES kinds (version, sort, code)
);
CREATE INDEX conditions_kind ON conditions (kind_version, kind_sort, kind_code);
CREATE UNIQUE INDEX conditions_open ON conditions (line) WHERE until = '';
-- The revision rises with every change of the catalogue or the calendar, by
-- which a process knows that what it holds in memory is old.
CREATE TABLE catalogue_state (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision BIGINT NOT NULL,
    version  TEXT NOT NULL
);
INSERT INTO catalogue_state (id, revision, version) VALUES (1, 0, '');
-- The moves from one version to the next, by their first day.
CREATE TABLE catalogue_moves (
    day          TEXT PRIMARY KEY,
    from_version TEXT NOT NULL,
    to_version   TEXT NOT NULL CHECK (to_version <> from_version),
    at           BIGINT NOT NULL,
    account      BIGINT NOT NULL,
    conditions   INTEGER NOT NULL,
    decided      INTEGER NOT NULL,
    ended        INTEGER NOT NULL
);
-- The province's sets as received, the newest with the highest number. They are
-- kept whole, as JSON, because nothing refers to a part of one.
CREATE TABLE overlays (
    number     BIGINT PRIMARY KEY,
    edition    TEXT NOT NULL UNIQUE,
    version    TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    at         BIGINT NOT NULL,
    account    BIGINT NOT NULL,
    conditions TEXT NOT NULL
);
