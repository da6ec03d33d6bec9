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
CREATE TABLE grids (
    code      TEXT PRIMARY KEY,
    name      TEXT NOT NULL DEFAULT '',
    community TEXT NOT NULL,
    area      DOUBLE PRECISION NOT NULL,
    geometry  TEXT NOT NULL
);
CREATE INDEX grids_community ON grids (community);
CREATE TABLE grid_version (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO grid_version (id, version) VALUES (1, 0);
CREATE TABLE kinds (
    version TEXT NOT NULL,
    code    TEXT NOT NULL,
    sort    TEXT NOT NULL CHECK (sort IN ('part', 'event')),
    class   TEXT NOT NULL,
    name    TEXT NOT NULL,
    name_en TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (version, code)
);
CREATE TABLE conditions (
    code         TEXT PRIMARY KEY,
    kind_version TEXT NOT NULL,
    kind_code    TEXT NOT NULL,
    filing       TEXT NOT NULL,
    limit_value  INTEGER NOT NULL CHECK (limit_value > 0),
    limit_unit   TEXT NOT NULL CHECK (limit_unit IN ('urgent_hour', 'work_hour', 'work_day')),
    area_class   TEXT NOT NULL DEFAULT 'all',
    source       TEXT NOT NULL,
    FOREIGN KEY (kind_version, kind_code) REFERENCES kinds (version, code)
);
CREATE INDEX conditions_kind ON conditions (kind_version, kind_code);
